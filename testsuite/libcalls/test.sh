# Calls every library routine that generated code may call. The harness writes their names to `names`.
. "$SUITE/lib.sh"
tool llvm-nm
$CC -fPIC -O1 -Wall -c "$here/main.c"

# Routines of other targets.
case $TARGET in
x86_64) others='ElfTlsGetOffset|ElfGlobalOffsetTable' ;;
aarch64) others='ElfTlsGetAddr|ElfTlsGetOffset|ElfGlobalOffsetTable' ;;
s390x) others='ElfTlsGetAddr' ;;
esac
grep -vE "^(TlvBootstrap|$others) " names | cut -d' ' -f2 | sort >wanted

echo "$levels" | while read -r level; do
    clif "$level" "$here/libcalls.clif" --set enable_llvm_abi_extensions=true --set enable_probestack=true
    tools/llvm-nm --undefined-only --format=just-symbols libcalls.o | sort >used
    diff -u wanted used || fail "other routines are called"
    runs_everywhere main.o libcalls.o -lm
done

# Calls every library routine that generated code may call. The harness writes their names to `names`.
# Those of libatomic are left to filetests/atomic: they are called on x86_64 only, without cmpxchg16b.
. "$SUITE/lib.sh"
tool llvm-nm
$CC -fPIC -O1 -Wall -c "$here/main.c"

# Routines of other targets.
case $TARGET in
x86_64) others='ElfTlsGetOffset|ElfGlobalOffsetTable|[A-Z][a-z]*Long' ;;
aarch64)
    others='ElfTlsGetAddr|ElfTlsGetOffset|ElfGlobalOffsetTable'
    others="$others|(Sqrt|Fma|Ceil|Floor|Trunc|Nearest)F128"
    ;;
s390x) others='ElfTlsGetAddr|[A-Z][a-z]*Long|[A-Za-z0-9]*F128|[A-Za-z]*F128[IUF][0-9]*' ;;
esac
grep -vE "^(TlvBootstrap|Atomic[A-Za-z]*16|$others) " names | cut -d' ' -f2 | sort >wanted

echo "$levels" | while read -r level; do
    clif "$level" "$here/libcalls.clif" --set enable_llvm_abi_extensions=true --set enable_probestack=true
    tools/llvm-nm --undefined-only --format=just-symbols libcalls.o | sort >used
    diff -u wanted used || fail "other routines are called"
    runs_everywhere main.o libcalls.o -lm
done

# Definitions of the same names.
echo '2 70 512 70 -14 5' >wanted
for option in -pie -no-pie -static; do
    for linker in bfd lld; do
        clif "-O none" "$here/captured.clif" 2>errors
        [ ! -s errors ] || fail "$(cat errors)"
        link $linker $option -o prog captured.o -lm
        prints wanted run ./prog
    done
done
# said WORD FILE: compiling the file gives a warning with the word, or for no word, none.
said() {
    "$CLIFC" build --target "$TARGET" -o said.o "$2" 2>errors || fail "$(cat errors)"
    if [ -n "$1" ]; then
        grep -q "^$2:[0-9]*:1: warning: .$1. is a library routine that the code of .%user. calls" errors ||
            fail "no warning of $1: $(cat errors)"
    else
        [ ! -s errors ] || fail "$(cat errors)"
    fi
}
cat >user.clif <<'END'
function %user(i64) {
    fn0 = %f(i64 sarg(800))
block0(v0: i64):
    call fn0(v0)
    return
}
END
for definition in 'function %memcpy() { block0: return }' 'weak data %memcpy = i8 1' \
    'symbol %copy = "memcpy"'; do
    printf '%s\n' "$definition" | cat - user.clif >captured.clif
    case $definition in
    symbol*) said '' captured.clif ;;
    *) said memcpy captured.clif ;;
    esac
done
printf 'symbol %%memcpy = "memcpy"\nfunction %%memcpy() { block0: return }\n' | cat - user.clif >captured.clif
said '' captured.clif
printf '%s\n' 'function %__divti3(i128, i128) -> i128 {' \
    'block0(v0: i128, v1: i128): v2 = sdiv v0, v1 return v2 }' >own.clif
said '' own.clif

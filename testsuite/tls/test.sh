# Thread-local variables: all models, in executables and in a shared library, which is linked or loaded at run
# time.
. "$SUITE/lib.sh"
tool llvm-readobj
$CC -fPIC -O1 -Wall -pthread -c "$here/main.c" "$here/load.c"

# The relocations of each model.
case $TARGET in
x86_64)
    local_exec=R_X86_64_TPOFF32
    initial_exec=R_X86_64_GOTTPOFF
    general_dynamic=R_X86_64_TLSGD
    ;;
aarch64)
    local_exec='R_AARCH64_TLSLE_ADD_TPREL_HI12 R_AARCH64_TLSLE_ADD_TPREL_LO12_NC'
    initial_exec='R_AARCH64_TLSIE_ADR_GOTTPREL_PAGE21 R_AARCH64_TLSIE_LD64_GOTTPREL_LO12_NC'
    general_dynamic='R_AARCH64_TLSDESC_ADD_LO12 R_AARCH64_TLSDESC_ADR_PAGE21 R_AARCH64_TLSDESC_CALL
        R_AARCH64_TLSDESC_LD64_LO12'
    ;;
s390x)
    local_exec=R_390_TLS_LE64
    initial_exec=R_390_TLS_IEENT
    general_dynamic='R_390_TLS_GD64 R_390_TLS_GDCALL'
    ;;
esac

# shows_relocations KIND... : checks that tls.o has exactly these kinds of relocations for its variables.
shows_relocations() {
    printf '%s\n' "$@" >wanted
    tools/llvm-readobj --relocations tls.o |
        sed -nE 's/^ *0x[0-9A-F]+ (R_[A-Z0-9_]*(TLS|TPOFF)[A-Z0-9_]*) .*/\1/p' | LC_ALL=C sort -u >kinds
    diff -u wanted kinds || fail "other relocations than $*"
}

echo "$levels" | while read -r level; do
    clif "$level" "$here/tls.clif" --set tls_model=elf_le
    shows_relocations $local_exec
    runs_everywhere main.o tls.o

    clif "$level" "$here/tls.clif" --set tls_model=elf_ie
    shows_relocations $initial_exec
    runs_everywhere main.o tls.o
    for linker in bfd lld; do
        link $linker -shared -o libtls.so tls.o
        link $linker -o prog main.o ./libtls.so
        prints "$here/expected" run ./prog
    done

    clif "$level" "$here/tls.clif"
    shows_relocations $general_dynamic
    runs_everywhere main.o tls.o
    for linker in bfd lld; do
        link $linker -shared -o libtls.so tls.o
        link $linker -o prog main.o ./libtls.so
        prints "$here/expected" run ./prog
        link $linker -rdynamic -o prog load.o -ldl
        prints "$here/loaded" run ./prog
    done
done

if "$CLIFC" build --target "$TARGET" --set tls_model=none -o none.o "$here/tls.clif" 2>errors; then
    fail "there is a model of no model"
fi
grep -q 'tls_model=none' errors || fail "$(cat errors)"

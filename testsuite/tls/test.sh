# Variables of threads: all models, in executables and in a shared library, which is linked or loaded at run time.
. "$SUITE/lib.sh"
tool llvm-readobj
$CC -fPIC -O1 -Wall -pthread -c "$here/main.c" "$here/load.c"

# shows_relocations MODEL: tls.o has the relocations that the model is made of.
shows_relocations() {
    tools/llvm-readobj --relocations tls.o | sed -nE 's/^ *0x[0-9A-F]+ (R_[A-Z0-9_]*(TLS|TPOFF)[A-Z0-9_]*) .*/\1/p' |
        sort -u >"kinds.$1"
    grep -qxF "$2" "kinds.$1" && [ "$(wc -l <"kinds.$1")" = 1 ] || fail "$1 has $(cat "kinds.$1")"
}

echo "$levels" | while read -r level; do
    clif "$level" "$here/tls.clif" --set tls_model=elf_le
    shows_relocations elf_le R_X86_64_TPOFF32
    runs_everywhere main.o tls.o

    clif "$level" "$here/tls.clif" --set tls_model=elf_ie
    shows_relocations elf_ie R_X86_64_GOTTPOFF
    runs_everywhere main.o tls.o
    for linker in bfd lld; do
        link $linker -shared -o libtls.so tls.o
        link $linker -o prog main.o ./libtls.so
        prints "$here/expected" ./prog
    done

    clif "$level" "$here/tls.clif"
    shows_relocations elf_gd R_X86_64_TLSGD
    runs_everywhere main.o tls.o
    for linker in bfd lld; do
        link $linker -shared -o libtls.so tls.o
        link $linker -o prog main.o ./libtls.so
        prints "$here/expected" ./prog
        link $linker -rdynamic -o prog load.o -ldl
        prints "$here/loaded" ./prog
    done
done

if "$CLIFC" build --set tls_model=none -o none.o "$here/tls.clif" 2>errors; then
    fail "there is a model of no model"
fi
grep -q 'tls_model=none' errors || fail "$(cat errors)"

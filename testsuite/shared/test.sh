# A shared library: whichever linker links it, its text has no relocations, and programs can link or load it.
. "$SUITE/lib.sh"
tool llvm-readobj
$CC -fPIC -O1 -Wall -c "$here/main.c" -o linked.o
$CC -fPIC -O1 -Wall -DLOAD -c "$here/main.c" -o loading.o
echo "$levels" | while read -r level; do
    clif "$level" "$here/shared.clif"
    # Absolute addresses are only in data.
    tools/llvm-readobj --relocations shared.o | sed -n '/ \.rela\.text /,/^  }/p' >text_relocations
    grep -q ' interposed ' text_relocations || fail "no relocations: $(cat text_relocations)"
    ! grep -E ' R_(X86_64_64|X86_64_32S?|AARCH64_ABS64|390_64) ' text_relocations || fail "an address in code"
    for linker in bfd lld; do
        link $linker -shared -Wl,-z,text -o libshared.so shared.o
        tools/llvm-readobj --dynamic-table libshared.so >dynamic
        grep -q SYMTAB dynamic || fail "no dynamic table: $(cat dynamic)"
        ! grep TEXTREL dynamic || fail "text relocations by $linker"
        for kind in -pie -no-pie; do
            link $linker $kind -o prog linked.o ./libshared.so
            prints "$here/expected" run ./prog
            link $linker $kind -rdynamic -o prog loading.o -ldl
            prints "$here/expected" run ./prog
        done
    done
done

# Data items: how C sees them, and pointers in them.
. "$SUITE/lib.sh"
$CC -fPIC -O1 -Wall -c "$here/main.c"
echo "$levels" | while read -r level; do
    clif "$level" "$here/data.clif"
    runs_everywhere main.o data.o
    clif "$level" "$here/data.clif" --data-sections --function-sections
    runs_everywhere main.o data.o
    # The same in a shared library.
    for linker in bfd lld; do
        link $linker -shared -Wl,-z,text -o libdata.so data.o
        link $linker -o prog main.o ./libdata.so
        prints "$here/expected" run ./prog
    done
done

# A program written in CLIF, and the same as plain CLIF with module items in comments, from standard input.
. "$SUITE/lib.sh"
echo "$levels" | while read -r level; do
    clif "$level" "$here/hello.clif"
    runs_everywhere hello.o
    clif "$level --set is_pic=false" "$here/hello.clif"
    link bfd -no-pie -o prog hello.o
    prints "$here/expected" run ./prog
done
sed -e 's/^rodata/;! rodata/' "$here/hello.clif" | "$CLIFC" build --target "$TARGET" -o - - >plain.o
link bfd -o prog plain.o
prints "$here/expected" run ./prog
"$CLIFC" build --target "$TARGET" -j1 -o j1.o "$here/hello.clif"
"$CLIFC" build --target "$TARGET" -j2 -o j2.o "$here/hello.clif"
cmp j1.o j2.o

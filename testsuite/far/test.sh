# A function of more than a mebibyte, which branches reach over only in their long forms.
. "$SUITE/lib.sh"
tool llvm-size
awk -f "$here/far.awk" >far.clif
$CC -O1 -c "$here/main.c"
for algorithm in backtracking single_pass; do
    "$CLIFC" build --target "$TARGET" --set regalloc_algorithm=$algorithm far.clif || fail "clifc build failed"
    size=$(tools/llvm-size far.o | awk 'NR == 2 { print $1 }')
    [ "$size" -gt 1048576 ] || fail "the function has $size bytes only"
    link bfd -o prog main.o far.o
    prints "$here/expected" run ./prog
done

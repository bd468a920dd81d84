# Images run at the address that they are made for. They call functions of the program that maps them, by
# address, near and far, and know nothing else of it.
. "$SUITE/lib.sh"
$CC -O1 -Wall -Wextra -no-pie -static -o load "$here/load.c"
for name in noted noted_by_pointer; do
    echo "symbol %$name = 0x$(address load $name)"
done >symbols.clif
cat "$here/code.clif" symbols.clif >code.clif
echo "$levels" | while read -r level; do
    for more in "" "--function-sections --data-sections" "--set is_pic=false"; do
        for base in 0x20000000 0x7000000000; do
            "$CLIFC" build --target "$TARGET" $level $more --emit image --base $base -o code.bin code.clif ||
                fail "clifc build $level $more --base $base failed"
            prints "$here/expected" run ./load code.bin code.map
        done
    done
done

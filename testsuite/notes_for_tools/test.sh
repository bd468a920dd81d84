# What an object says to tools: its compiler, that its stack is not executable, and where data is in code.
. "$SUITE/lib.sh"
case $TARGET in
aarch64) marks="\$x \$d \$x" ;;
*) marks= ;;
esac
# has_marks WANTED: checks the mapping symbols of table.o, by address.
has_marks() {
    readelf -sW table.o >symbols
    found=$(awk '$8 ~ /^\$/ && $4 == "NOTYPE" && $5 == "LOCAL" { print $2, $8 }' symbols | sort |
        cut -d' ' -f2 | paste -sd ' ')
    [ "$found" = "$1" ] || fail "mapping symbols: $found"
}
echo "$levels" | while read -r level; do
    clif "$level" "$here/table.clif"
    readelf -p .comment table.o | grep -q ' clifc [0-9]' || fail "no name of the compiler"
    readelf -SW table.o >headers
    grep -Eq '\.comment +PROGBITS +0+ [0-9a-f]+ [0-9a-f]+ 01 +MS +0 +0 +1$' headers ||
        fail "flags of .comment"
    grep -Eq '\.note\.GNU-stack +PROGBITS +0+ [0-9a-f]+ 0+ 00 +0 +0 +1$' headers ||
        fail "no .note.GNU-stack"
    has_marks "$marks"
done

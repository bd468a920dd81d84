# Names can stand for addresses, near and far.
. "$SUITE/lib.sh"
$CC -fPIC -O2 -Wall -Wextra -c "$here/main.c"
echo "$levels" | while read -r level; do
    clif "$level" "$here/addresses.clif"
    runs_everywhere main.o addresses.o
done

# Mach-O has such symbols too.
for target in x86_64-apple-darwin aarch64-apple-darwin; do
    "$CLIFC" build "$here/addresses.clif" --target $target -o macho.o
    llvm-readobj --symbols macho.o >symbols
    grep -A5 'Name: _values' symbols | grep -q 'Type: Abs' || fail "$target: $(cat symbols)"
done

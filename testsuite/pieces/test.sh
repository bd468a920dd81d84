# A large file is compiled in pieces, and its object links like one of a small file.
. "$SUITE/lib.sh"
tool llvm-nm
expected=$here/../shards/expected
cp "$here/../shards/other.clif" .
$CC -fPIC -O1 -Wall -c "$here/../shards/main.c"

# large FILE.clif: adds a comment of 4.3 MB after each function, so that each is in a piece of its own.
yes '; Comments make the file large enough to be compiled in pieces.' | head -c 4300000 >comment
large() {
    while IFS= read -r line; do
        printf '%s\n' "$line"
        if [ "$line" = "}" ]; then
            cat comment
            echo
        fi
    done <"$1"
}
large "$here/../shards/module.clif" >module.clif
[ "$(wc -c <module.clif)" -ge 67108864 ] || fail "the file is not large"

"$CLIFC" build --target "$TARGET" other.clif
symbols() {
    tools/llvm-nm "$1" | sed 's/^[0-9a-f]* //; / \$[xd]$/d' | LC_ALL=C sort
}
for level in none speed; do
    "$CLIFC" build --target "$TARGET" -O $level -o small.o "$here/../shards/module.clif"
    "$CLIFC" build --target "$TARGET" -O $level -j 1 module.clif
    runs_everywhere main.o module.o other.o
    [ $level = speed ] || symbols small.o >wanted
    [ $level = speed ] || prints wanted symbols module.o
    mv module.o first.o
    for more in "-j 2" "-j 3 --cache=store" "-j 1 --cache=store"; do
        "$CLIFC" build --target "$TARGET" -O $level $more module.clif
        cmp first.o module.o || fail "another object with $more"
    done
    "$CLIFC" build --target "$TARGET" -O $level -o - module.clif | cmp - first.o ||
        fail "another object in a pipe"
done

# Errors are reported as in a small file, and leave nothing behind.
rm module.o
echo 'function %wrong() -> i32 { block0: return }' >>module.clif
line=$(wc -l <module.clif)
status=0
"$CLIFC" build --target "$TARGET" module.clif 2>errors || status=$?
[ $status = 1 ] || fail "an error is status $status"
grep -q "^module.clif:$line:36: error: " errors || fail "$(cat errors)"
[ ! -e module.o ] || fail "an error leaves an object"
[ -z "$(find . -name '*.tmp')" ] || fail "temporary files stay"
sed '$d' module.clif >twice.clif
echo 'function %named() { block0: return }' >>twice.clif
status=0
"$CLIFC" build --target "$TARGET" twice.clif 2>errors || status=$?
grep -q "^twice.clif:$line:.*: error: duplicate definition of .named" errors || fail "$(cat errors)"
[ $status = 1 ] && [ ! -e twice.o ] || fail "status $status for a duplicate definition"

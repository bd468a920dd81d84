# Debuggers print the variables of the front end's language by their names and types, as `source` lines say.
. "$SUITE/lib.sh"
. "$SUITE/stepping/steps.sh"
tool llvm-dwarfdump
cp "$here/shapes.clif" "$here/shapes.lang" .

# verified OBJECT: checks its debug information.
verified() {
    tools/llvm-dwarfdump --verify "$1" >verify.log 2>&1 || fail "$(cat verify.log)"
    if grep -v "failed to compute relocation: R_390_PC32" verify.log | grep -iE "error:|warning:"; then
        fail "llvm-dwarfdump: $(cat verify.log)"
    fi
}

echo "$levels" | while read -r level; do
    clif "$level" shapes.clif -g
    verified shapes.o
    link bfd -g -o prog shapes.o
    [ "$level" = "-O none" ] || continue
    session ./prog "$here/commands" >session
    diff -u "$here/expected" session || fail "the session with $level printed something else"
done

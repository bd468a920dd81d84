# Debuggers print the variables of the front end's language by their names and types, as `source` lines say.
. "$SUITE/lib.sh"
. "$SUITE/stepping/steps.sh"
tool llvm-dwarfdump
cp "$here/shapes.clif" "$here/shapes.lang" .

echo "$levels" | while read -r level; do
    clif "$level" shapes.clif -g
    verified shapes.o
    link bfd -g -o prog shapes.o
    [ "$level" = "-O none" ] || continue
    session ./prog "$here/commands" >session
    diff -u "$here/expected" session || fail "the session with $level printed something else"
done

# Mach-O: the same information.
case $TARGET in
x86_64 | aarch64)
    "$CLIFC" build --target "$TARGET-apple-darwin" -g -o shapes.o shapes.clif || fail "Mach-O"
    verified shapes.o
    for word in '"total"' '"corners"' DW_TAG_lexical_block; do
        tools/llvm-dwarfdump --debug-info shapes.o | grep -F "$word" >/dev/null || fail "no $word in Mach-O"
    done
    ;;
esac

# Each value of some programs as a variable: what gdb prints is what the interpreter has. Functions are not
# inlined, so that both enter the same.
: >results
for level in "-O none" "-O speed $extensions"; do
    for file in call/edges run/joined_blocks run/try_call_edges int/mixed float/select; do
        program "$file"
        clif "$level" "$name.clif" -g --pass inline=off
        tools/llvm-dwarfdump --debug-info "$name.o" 2>dump.log >dump
        awk -f "$here/source_items.awk" dump >>"$name.clif"
        clif "$level" "$name.clif" -g --pass inline=off
        verified "$name.o"
        valued "$file"
    done
done
compared 4000 15000

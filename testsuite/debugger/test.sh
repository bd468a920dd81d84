# gdb's back trace lists every function, wherever the program stops in a function.
. "$SUITE/lib.sh"
$CC -g -O1 -Wall -c "$here/main.c"
cat >commands <<'EOF'
set debuginfod enabled off
break stop_here
run
backtrace
EOF
# Print a back trace at each instruction of outer, from the first to its return.
cat >steps <<'EOF'
set debuginfod enabled off
break *outer
run
set $entry = $sp
while $sp <= $entry
    stepi
    echo step\n
    backtrace
end
EOF
echo "$levels" | while read -r level; do
    for frame_pointers in false true; do
        clif "$level" "$here/frames.clif" --set preserve_frame_pointers=$frame_pointers --pass inline=off
        link bfd -o prog main.o frames.o
        ./prog || fail "wrong result"
        gdb -nx -batch -x commands ./prog >gdb.log 2>&1 || fail "gdb: $(cat gdb.log)"
        sed -n 's/^\(#[0-9]*\)  *\(0x[0-9a-f]* in \)\{0,1\}\([a-z_]*\) .*/\1 \3/p' gdb.log >frames
        diff -u "$here/expected" frames || fail "$(cat gdb.log)"
        gdb -nx -batch -x steps ./prog >gdb.log 2>&1 || fail "gdb: $(cat gdb.log)"
        steps=$(grep -c '^step$' gdb.log)
        mains=$(grep -c '^#[0-9]* .*main ()' gdb.log)
        [ "$steps" -gt 15 ] || fail "only $steps steps: $(cat gdb.log)"
        [ "$mains" = "$steps" ] || fail "$mains of $steps back traces reach main: $(cat gdb.log)"
    done
done

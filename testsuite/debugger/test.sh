# gdb's back trace names every function of clifc's, wherever in a function the program stops.
. "$SUITE/lib.sh"
$CC -g -O1 -Wall -c "$here/main.c"
cat >commands <<'EOF'
set debuginfod enabled off
break stop_here
run
backtrace
EOF
echo "$levels" | while read -r level; do
    clif "$level" "$here/frames.clif"
    link bfd -o prog main.o frames.o
    ./prog || fail "wrong result"
    gdb -nx -batch -x commands ./prog >gdb.log 2>&1 || fail "gdb: $(cat gdb.log)"
    sed -n 's/^\(#[0-9]*\)  *\(0x[0-9a-f]* in \)\{0,1\}\([a-z_]*\) .*/\1 \3/p' gdb.log >frames
    diff -u "$here/expected" frames || fail "$(cat gdb.log)"
done

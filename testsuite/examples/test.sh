# The examples: exceptions, programs, a loop and memory that C calls, and a shared library; hello.clif in one
# too.
. "$SUITE/lib.sh"
examples=$here/../../examples
$CC -O1 -Wall -c "$here/main.c"
$CXX -O1 -Wall -c "$examples/throws.cc"
printf 'closed 6\n3\nclosed 7\n1007\n' >thrown
# memory.clif has a `main` of its own.
echo "$levels" | while read -r level; do
    for name in hello loop memory printf library threads exceptions; do
        clif "$level" "$examples/$name.clif" -Werror
    done
    link bfd -o prog hello.o
    [ "$(run ./prog)" = "Hello from CLIF!" ] || fail "hello says $(run ./prog)"
    link bfd -shared -Wl,-z,text -o libhello.so hello.o
    link bfd -o prog printf.o
    [ "$(run ./prog)" = "7 is 7 or seven" ] || fail "printf says $(run ./prog)"
    link bfd -o prog threads.o
    [ "$(run ./prog)" = "1000 and 2000 are 3000" ] || fail "threads says $(run ./prog)"
    link bfd -o prog exceptions.o throws.o -lstdc++
    prints "$PWD/thrown" run ./prog
    link bfd -o prog memory.o
    status=0
    run ./prog || status=$?
    [ "$status" = 42 ] || fail "memory exits with $status"
    sed 's/^function %main/local function %unused/' "$examples/memory.clif" >largest.clif
    clif "$level" largest.clif
    link bfd -shared -Wl,-z,text -o libcounter.so library.o
    link bfd -o prog main.o loop.o largest.o ./libcounter.so
    prints "$here/expected" run ./prog
    ! readelf --dyn-syms -W libcounter.so | grep -E ' (add|counter)$' || fail "the library exports too much"
done

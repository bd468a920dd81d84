# The example of a stack trace: a program says where and why it trapped, in which functions.
. "$SUITE/lib.sh"
example=$here/../../examples/stack_trace
[ "$(wc -l <"$example/trace.c")" -le 100 ] || fail "the example has more than 100 lines"
$CC -O1 -Wall -c "$example/trace.c"

# traced STATUS EXPECTED: runs the program, which must print this and exit with the status.
traced() {
    status=0
    run ./prog >out.log 2>&1 || status=$?
    diff -u "$here/$2" out.log || fail "the trace is different with $level"
    [ "$status" = "$1" ] || fail "the program exits with $status"
}

echo "$levels" | while read -r level; do
    for inline in off on; do
        case $inline$level in "on-O speed"*) expected=expected-inlined ;; *) expected=expected ;; esac
        for g in -g -gline-tables-only; do
            clif "$level" "$example/average.clif" $g --pass inline=$inline
            for kind in -pie -no-pie -static; do
                link bfd $kind -o prog average.o trace.o
                traced 1 $expected
            done
        done
    done
    # An address that is not there.
    sed 's/v2 = call fn1(v1)/v3 = load.i32 v0+8\n@5  v2 = call fn1(v1)/' "$example/average.clif" >wild.clif
    clif "$level" wild.clif -g --pass inline=off
    link bfd -o prog wild.o trace.o
    traced 1 expected-wild
done

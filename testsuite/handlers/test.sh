# A runtime without unwinder finds handlers, contexts and frames in the table of handlers.
. "$SUITE/lib.sh"
$CC -fPIC -O2 -Wall -Wextra -c "$here/main.c"
echo "$levels" | while read -r level; do
    for more in "" "--set preserve_frame_pointers=true"; do
        clif "$level" "$here/handlers.clif" $more
        runs_everywhere main.o handlers.o
    done
done

# A function that would go below the stack limit traps on entry, and unwinding goes through all frames from there.
. "$SUITE/lib.sh"
$CC -fPIC -O1 -fexceptions -Wall -c "$here/main.c"
echo "$levels" | while read -r level; do
    for frame_pointers in false true; do
        clif "$level" "$here/deep.clif" --set preserve_frame_pointers=$frame_pointers
        runs_everywhere main.o deep.o
    done
done

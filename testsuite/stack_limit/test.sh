# A function that would exceed the stack limit traps on entry, from where all frames can be unwound.
. "$SUITE/lib.sh"
$CC -fPIC -O1 -fexceptions -Wall -c "$here/main.c"
echo "$levels" | while read -r level; do
    for frame_pointers in false true; do
        clif "$level" "$here/deep.clif" --set preserve_frame_pointers=$frame_pointers
        runs_everywhere main.o deep.o
    done
done

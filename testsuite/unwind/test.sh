# C++ exceptions, and back traces, pass through frames of clifc's.
. "$SUITE/lib.sh"
$CXX -fPIC -O2 -Wall -c "$here/main.cc"
CC=$CXX
echo "$levels" | while read -r level; do
    for frame_pointers in false true; do
        clif "$level" "$here/through.clif" --set preserve_frame_pointers=$frame_pointers
        runs_everywhere main.o through.o
    done
done

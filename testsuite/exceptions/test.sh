# Code catches exceptions of C++ by type, cleans up, throws, and lets exceptions pass.
. "$SUITE/lib.sh"
$CXX -fPIC -O2 -Wall -c "$here/main.cc"
CC=$CXX
echo "$levels" | while read -r level; do
    for more in "" "--set preserve_frame_pointers=true" "--function-sections"; do
        clif "$level" "$here/exceptions.clif" $more
        runs_everywhere main.o exceptions.o
    done
done
# Linkers that remove unused sections keep the tables of functions that stay.
for linker in bfd lld; do
    link $linker -Wl,--gc-sections -o prog main.o exceptions.o
    prints "$here/expected" run ./prog
done

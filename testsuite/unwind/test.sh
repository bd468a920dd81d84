# C++ exceptions and back traces pass through frames of generated code.
. "$SUITE/lib.sh"
$CXX -fPIC -O2 -Wall -c "$here/main.cc"
CC=$CXX
# Targets without Windows' calling convention use another one instead.
case $TARGET in
x86_64) cp "$here/through.clif" . ;;
*) sed 's/windows_fastcall/fast/' "$here/through.clif" >through.clif ;;
esac
echo "$levels" | while read -r level; do
    for frame_pointers in false true; do
        # Frames are counted.
        clif "$level" through.clif --set preserve_frame_pointers=$frame_pointers --pass inline=off
        runs_everywhere main.o through.o
    done
done

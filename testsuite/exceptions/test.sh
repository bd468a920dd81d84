# Code catches exceptions of C++ by type, cleans up, throws, and lets exceptions pass. A personality in C
# finds everything in the tables.
. "$SUITE/lib.sh"
c=$CC
$c -fPIC -O2 -Wall -Wextra -funwind-tables -c "$here/own.c" -o own_main.o
$CXX -fPIC -O2 -Wall -c "$here/main.cc"
case $TARGET in
aarch64) signed="--set sign_return_address=true --set sign_return_address_with_bkey=true" ;;
*) signed="--set is_pic=false" ;;
esac
echo "$levels" | while read -r level; do
    for more in "" "--set preserve_frame_pointers=true" "--function-sections" "$signed"; do
        clif "$level" "$here/exceptions.clif" $more
        CC=$CXX
        case $more in
        *is_pic=false*)
            link bfd -no-pie -o prog main.o exceptions.o
            prints "$here/expected" run ./prog
            ;;
        *) runs_everywhere main.o exceptions.o ;;
        esac
        CC=$c
        clif "$level" "$here/own.clif" $more
        link lld -no-pie -o own own_main.o own.o
        prints "$here/own-expected" run ./own
    done
done
# The other side compiled by clang.
tool clang
clang="tools/clang --target=$TARGET-linux-gnu"
$clang --driver-mode=g++ -fPIC -O2 -Wall -c "$here/main.cc" -o clang_main.o
$clang -fPIC -O2 -Wall -Wextra -funwind-tables -c "$here/own.c" -o clang_own.o
for level in none speed; do
    clif "-O $level" "$here/exceptions.clif"
    CC=$CXX
    runs_everywhere clang_main.o exceptions.o
    CC=$c
    clif "-O $level" "$here/own.clif"
    for linker in bfd lld; do
        for kind in -pie -no-pie -static; do
            link $linker $kind -o own clang_own.o own.o
            prints "$here/own-expected" run ./own
        done
    done
done
# Linkers that remove unused sections keep the tables of functions that stay.
clif "" "$here/own.clif" --function-sections
for linker in bfd lld; do
    link $linker -Wl,--gc-sections -o own own_main.o own.o
    prints "$here/own-expected" run ./own
done

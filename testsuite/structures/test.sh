# Structures between C and CLIF, compiled by GCC and by clang. The harness generates structures.clif and
# structures.c.
. "$SUITE/lib.sh"
tool clang
case $TARGET in s390x) march=-march=z14 ;; *) march= ;; esac
echo "0 failures" >wanted
for compiler in "$CC" "tools/clang --target=$TARGET-linux-gnu"; do
    $compiler $march -fPIC -O1 -w -c structures.c -o c.o
    echo "$levels" | while read -r level; do
        clif "$level" structures.clif
        link bfd -o prog c.o structures.o
        prints wanted run ./prog
    done
done

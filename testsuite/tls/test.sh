# Variables of threads, in executables and in a shared library.
. "$SUITE/lib.sh"
$CC -fPIC -O1 -Wall -pthread -c "$here/main.c"
echo "$levels" | while read -r level; do
    clif "$level" "$here/tls.clif"
    runs_everywhere main.o tls.o
    for linker in bfd lld; do
        link $linker -shared -o libtls.so tls.o
        link $linker -o prog main.o ./libtls.so
        prints "$here/expected" run ./prog
    done
done

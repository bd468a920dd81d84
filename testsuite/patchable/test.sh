# A program finds the calls that can be patched, takes them out, and puts them back.
. "$SUITE/lib.sh"
$CC -fPIC -O2 -Wall -Wextra -c "$here/main.c"
echo "$levels" | while read -r level; do
    clif "$level" "$here/patchable.clif"
    runs_everywhere main.o patchable.o
done

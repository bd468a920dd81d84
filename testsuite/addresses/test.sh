# Names can stand for addresses, near and far.
. "$SUITE/lib.sh"
$CC -fPIC -O2 -Wall -Wextra -c "$here/main.c"
echo "$levels" | while read -r level; do
    clif "$level" "$here/addresses.clif"
    runs_everywhere main.o addresses.o
done

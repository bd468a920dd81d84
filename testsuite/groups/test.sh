# Groups of which linkers keep one, with their trap sites; aliases, distances, data without a name.
. "$SUITE/lib.sh"
$CC -O1 -Wall -Wextra -c "$here/main.c"
echo "$levels" | while read -r level; do
    for more in "" "--function-sections --data-sections" "-g"; do
        clif "$level" "$here/a.clif" $more
        clif "$level" "$here/b.clif" $more
        runs_everywhere main.o a.o b.o
        for linker in bfd lld; do
            link $linker -Wl,--gc-sections -o prog main.o a.o b.o
            prints "$here/expected" run ./prog
        done
        # Assembly makes the same groups.
        clif "$level" "$here/a.clif" $more -S
        mv a.o a.s
        $CC -c a.s -o a.o
        link bfd -o prog main.o b.o a.o
        prints "$here/expected" run ./prog
    done
done
readelf -gW a.o >groups
grep -q "COMDAT group section .* \[share\] contains [35] sections" groups || fail "$(cat groups)"

# The table of trap sites: a program that reads its own table, and its listing.
. "$SUITE/lib.sh"
$CC -fPIC -O1 -Wall -c "$here/main.c"
echo "$levels" | while read -r level; do
    clif "$level" "$here/traps.clif"
    runs_everywhere main.o traps.o
    clif "$level" "$here/traps.clif" --function-sections
    runs_everywhere main.o traps.o
    for file in traps.o prog; do
        "$CLIFC" disasm $file >listing
        for code in int_divz user7 bad_toint int_ovf heap_oob user42; do
            grep -q "; trap $code" listing || fail "no trap $code in the listing of $file"
        done
    done
done

# Code switches between stacks. Values of all kinds are live across the switches on both sides.
. "$SUITE/lib.sh"
$CC -fPIC -O2 -Wall -Wextra -c "$here/main.c"
echo "$levels" | while read -r level; do
    for more in "" "--set preserve_frame_pointers=true" "--set enable_pinned_reg=true"; do
        clif "$level" "$here/stacks.clif" $more
        runs_everywhere main.o stacks.o
    done
done
set -- --target "$TARGET" --set stack_switch_model=none
! "$CLIFC" build "$@" -o none.o "$here/stacks.clif" 2>errors || fail "stack_switch compiles without a model"
grep -q 'error: .*stack_switch_model=basic' errors || fail "$(cat errors)"

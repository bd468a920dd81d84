# gdb prints the values of the CLIF wherever a program stops, or says that they are not there: programs are
# stepped through, and each value is compared with what the interpreter computed.
. "$SUITE/lib.sh"
. "$SUITE/stepping/steps.sh"

# valued FILE: steps through a program with debug information and adds up the values that were compared.
valued() {
    "$CLIFC" run --trace --target "$TARGET" "$name.clif" >trace ||
        fail "the interpreter fails on $1: $(tail -3 trace)"
    link bfd -static -o prog "$name.o"
    functions prog "$name.o" >functions
    export TRACE="$PWD/trace"
    stepped "$here/values.py" ./prog >result
    if grep '^error' result >/dev/null; then fail "$1, $level: $(cat result)"; fi
    cat result >>results
}

# Programs whose values are compared.
values="call/every_register call/edges run/joined_blocks run/try_call_edges int/divide_by_power int/extensions
    int/joined int/mixed float/select vector/lanes"

: >results
for level in "-O none" "-O speed $extensions" "-O speed --set regalloc_algorithm=backtracking" \
    "-O none --set regalloc_algorithm=single_pass"; do
    for file in $values; do
        program "$file"
        # The interpreter enters every function, so none is inlined.
        clif "$level" "$name.clif" -g --pass inline=off
        valued "$file"
    done
done
awk '{ for (n = 1; n < NF; n += 2) sum[$n] += $(n + 1) }
    END { exit !(sum["steps"] > 4000 && sum["equal"] > 20000) }' results ||
    fail "too little was compared: $(cat results)"

# gdb prints the values of the CLIF wherever a program stops, or says that they are not there: programs are
# stepped through, and each value is compared with what the interpreter computed.
. "$SUITE/lib.sh"
. "$SUITE/stepping/steps.sh"

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
compared 4000 20000

# Debuggers find the true stack wherever a program stops: programs are stepped through, and what gdb unwinds
# is compared with the calls and returns that were seen.
. "$SUITE/lib.sh"
. "$SUITE/stepping/steps.sh"

# unwound NAME OBJECT...: steps through a program and adds up what was seen.
unwound() {
    name=$1
    shift
    link bfd -static -o prog "$@"
    functions prog "$1" >functions
    stepped "$here/unwind.py" ./prog >result
    if grep '^error' result >/dev/null; then fail "$name, $level: $(cat result)"; fi
    cat result >>results
}

: >results
for level in "-O none" "-O speed" "-O speed --set preserve_frame_pointers=true $extensions"; do
    clif "$level" "$here/landings.clif"
    objcopy=$(command -v "${CC%gcc}objcopy" || command -v objcopy)
    "$objcopy" --rename-section .clifc.exceptions=handlers,contents,alloc,load,readonly,data landings.o
    $CC -O1 -fno-omit-frame-pointer -c "$here/throw.c"
    unwound landings landings.o throw.o
    for file in call/tail_arguments call/frame call/stack_slots call/structures call/every_register \
        call/preserve_all call/try_call call/far_spills run/large_frames run/try_call_edges; do
        program "$file"
        clif "$level" "$name.clif"
        PINS=$(grep -q pinned "$name.clif" && echo true || echo false)
        export PINS
        unwound "$file" "$name.o"
    done
done
awk '{ for (n = 1; n < NF; n += 2) sum[$n] += $(n + 1) }
    END { exit !(sum["steps"] > 5000 && sum["calls"] > 150 && sum["tails"] > 20 && sum["landings"] > 15) }' \
    results || fail "too little was stepped through: $(cat results)"

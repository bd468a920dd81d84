# Debuggers find the true stack wherever a program stops: programs are stepped through, and what gdb unwinds is
# compared with the calls and returns that were seen.
. "$SUITE/lib.sh"
tests=$here/../../filetests

# functions PROGRAM OBJECT: a line `address size name` for each function of the object, as in the program.
functions() {
    readelf -sW "$2" | awk '$4 == "FUNC" && $7 != "UND" { print $8 }' | sort -u >names
    readelf -sW "$1" | awk 'BEGIN { while ((getline name <"names") > 0) mine[name] }
        $4 == "FUNC" && $7 != "UND" && $8 in mine { print $2, $3, $8 }' | sort -u
}

# stepped SCRIPT PROGRAM: what the script prints while gdb steps through the program.
stepped() {
    export FUNCTIONS="$PWD/functions" ARCH="$TARGET" START=run MOST_STEPS=150
    case $RUNNER in
    "") MOST_STEPS=400 gdb -nx -batch -x "$1" "$2" >step.log 2>&1 </dev/null || : ;;
    *)
        rm -f gdb.socket
        $RUNNER -g "$PWD/gdb.socket" "$2" >/dev/null 2>&1 &
        while [ ! -S gdb.socket ]; do sleep 0.1; done
        START=continue
        gdb-multiarch -nx -batch -ex "target remote $PWD/gdb.socket" -x "$1" "$2" >step.log 2>&1 \
            </dev/null || :
        wait
        ;;
    esac
    grep -E '^error: |^steps ' step.log || fail "gdb: $(cat step.log)"
}

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

# Emulated processors of which gdb knows all registers: it cannot ask qemu's stub how to strip signatures from
# addresses, which a processor without keys does not make.
case $RUNNER in
*" -cpu max"*) RUNNER=$(echo "$RUNNER" | sed -E 's/ -cpu [^ ]*//') ;;
esac
case $TARGET in
aarch64) export QEMU_CPU=cortex-a76 ;;
esac

: >results
for level in "-O none" "-O speed" "-O speed --set preserve_frame_pointers=true $extensions"; do
    clif "$level" "$here/landings.clif"
    objcopy=$(command -v "${CC%gcc}objcopy" || command -v objcopy)
    "$objcopy" --rename-section .clifc.exceptions=handlers,contents,alloc,load,readonly,data landings.o
    $CC -O1 -fno-omit-frame-pointer -c "$here/throw.c"
    unwound landings landings.o throw.o
    for file in call/tail_arguments call/frame call/stack_slots call/structures call/every_register \
        call/preserve_all call/try_call call/far_spills run/large_frames run/try_call_edges; do
        name=$(basename "$file")
        awk -v COUNT=count -f "$here/program.awk" "$tests/$file.clif" >"$name.clif"
        [ "$(cat count)" -gt 0 ] || fail "$file has no calls"
        clif "$level" "$name.clif"
        PINS=$(grep -q pinned "$name.clif" && echo true || echo false)
        export PINS
        unwound "$file" "$name.o"
    done
done
awk '{ for (n = 1; n < NF; n += 2) sum[$n] += $(n + 1) }
    END { exit !(sum["steps"] > 5000 && sum["calls"] > 150 && sum["tails"] > 20 && sum["landings"] > 15) }' \
    results || fail "too little was stepped through: $(cat results)"

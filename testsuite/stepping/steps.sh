# Functions of tests that step through programs with gdb: sourced after lib.sh.
tests=$SUITE/../filetests

# functions PROGRAM OBJECT: a line `address size name` for each function of the object, as in the program.
functions() {
    readelf -sW "$2" | awk '$4 == "FUNC" && $7 != "UND" { print $8 }' | sort -u >names
    readelf -sW "$1" | awk 'BEGIN { while ((getline name <"names") > 0) mine[name] }
        $4 == "FUNC" && $7 != "UND" && $8 in mine { print $2, $3, $8 }' | sort -u
}

# stepped SCRIPT PROGRAM: what the script prints while gdb steps through the program.
stepped() {
    export FUNCTIONS="$PWD/functions" ARCH="$TARGET" HERE="$SUITE/stepping" START=run
    export MOST_STEPS="${MOST_STEPS:-100}"
    case $RUNNER in
    "") gdb -nx -batch -x "$1" "$2" >step.log 2>&1 </dev/null || : ;;
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

# program NAME: makes NAME.clif of a file of run tests, whose `main` makes their calls.
program() {
    name=$(basename "$1")
    awk -v COUNT=count -f "$SUITE/stepping/program.awk" "$tests/$1.clif" >"$name.clif"
    [ "$(cat count)" -gt 0 ] || fail "$1 has no calls"
}

# valued FILE: steps through $name.o, compiled from FILE with debug information, compares the values that gdb
# prints with those of the interpreter, and adds the numbers of both to `results`.
valued() {
    "$CLIFC" run --trace --target "$TARGET" "$name.clif" >trace ||
        fail "the interpreter fails on $1: $(tail -3 trace)"
    link bfd -static -o prog "$name.o"
    functions prog "$name.o" >functions
    export TRACE="$PWD/trace"
    stepped "$SUITE/values/values.py" ./prog >result
    if grep '^error' result >/dev/null; then fail "$1, $level: $(cat result)"; fi
    cat result >>results
}

# compared STEPS VALUES: checks that there were more steps, and more equal values in them.
compared() {
    awk -v STEPS="$1" -v VALUES="$2" '{ for (n = 1; n < NF; n += 2) sum[$n] += $(n + 1) }
        END { exit !(sum["steps"] > STEPS && sum["equal"] > VALUES) }' results ||
        fail "too little was compared: $(cat results)"
}

# Emulated processors of which gdb knows all registers: it cannot ask qemu's stub how to strip signatures from
# addresses, which a processor without keys does not make.
case $RUNNER in
*" -cpu max"*) RUNNER=$(echo "$RUNNER" | sed -E 's/ -cpu [^ ]*//') ;;
esac
case $TARGET in
aarch64) export QEMU_CPU=cortex-a76 ;;
esac

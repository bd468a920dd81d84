# Trap sites, exception handlers, patchable calls and stack maps stay with their functions, whatever the
# linker removes.
. "$SUITE/lib.sh"
tool mold
ln -sf mold tools/ld.mold
# Newer systems have no gold.
gold=
[ "$($CC -print-prog-name=ld.gold)" = ld.gold ] || gold=gold

# Bytes of the lists of one function, and of both: traps, handlers, patchable calls, stack maps.
kept="24 32 24 80"
both="48 64 48 160"

# sizes FILE: the sizes of the lists.
sizes() {
    for name in clifc.traps clifc.exceptions clifc.patchable llvm_stackmaps; do
        readelf -SW "$1" | sed -n "s/^ *\[ *[0-9]*\] \.$name  *//p" | {
            sum=0
            while read -r _ _ _ size _; do sum=$((sum + 0x$size)); done
            echo "$sum"
        }
    done | paste -sd ' '
}

# has FILE SIZES: checks that the program runs and how large its lists are.
has() {
    run "./$1" || fail "$1, linked by $linker with $options, exits with $?"
    found=$(sizes "$1")
    [ "$found" = "$2" ] || fail "$linker with $options: lists of $found bytes instead of $2"
}

# try LINKER SIZES OPTION... : links and checks the lists.
try() {
    linker=$1 wanted=$2
    shift 2
    options=$*
    link "$linker" -o prog "$@"
    has prog "$wanted"
}

echo "$levels" | while read -r level; do
    clif "$level" "$here/lists.clif" --function-sections
    [ "$(sizes lists.o)" = "$both" ] || fail "lists of $(sizes lists.o) bytes in the object"
    for linker in bfd lld mold $gold; do
        try $linker "$both" lists.o
    done
    try bfd "$kept" lists.o -Wl,--gc-sections
    try lld "$kept" lists.o -Wl,--gc-sections
    try lld "$kept" lists.o -Wl,--gc-sections -Wl,--icf=all
    # mold keeps the lists of functions that it removes, with the address 0, but for stack maps.
    try mold "48 64 48 80" lists.o -Wl,--gc-sections
    try mold "48 64 48 80" lists.o -Wl,--gc-sections -Wl,--icf=all
    # gold refuses sections that refer to one that it removes, unless they have debug information.
    if [ -n "$gold" ]; then
        ! $CC -fuse-ld=gold -o prog lists.o -Wl,--gc-sections 2>link.log || fail "gold removes sections"
        grep -q "discarded section" link.log || fail "gold: $(cat link.log)"
        try gold "$both" lists.o -Wl,--icf=all
    fi
    # `ld -r` joins the lists of a file, which then stay as long as one of its functions does.
    link bfd -r -nostdlib -o joined.o lists.o
    try bfd "$both" joined.o -Wl,--gc-sections
    # lld's -r keeps them apart.
    link lld -r -nostdlib -o apart.o lists.o
    try bfd "$kept" apart.o -Wl,--gc-sections
    try lld "$kept" apart.o -Wl,--gc-sections
done

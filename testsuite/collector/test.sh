# A moving collector finds all references in frames by stack maps.
. "$SUITE/lib.sh"
tool llvm-readobj
$CC -fPIC -O2 -Wall -Wextra -funwind-tables -c "$here/main.c"
echo "$levels" | while read -r level; do
    for more in "" "--set preserve_frame_pointers=true" "--function-sections"; do
        clif "$level" "$here/collector.clif" $more
        runs_everywhere main.o collector.o
    done
done
for linker in bfd lld; do
    link $linker -Wl,--gc-sections -o prog main.o collector.o
    prints "$here/expected" run ./prog
done
# Modules in parts have several tables.
[ -z "${SHARDS:-}" ] || exit 0
# LLVM's reader understands the section of an object with one table.
clif "" "$here/collector.clif"
tools/llvm-readobj --stackmap collector.o >shown
[ "$(grep -c 'Record ID' shown)" = 8 ] || fail "stack maps: $(cat shown)"

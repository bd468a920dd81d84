# A section for each item, so that linkers remove unused ones; sections and alignment that the source asks
# for.
. "$SUITE/lib.sh"
tool llvm-nm
echo "$levels" | while read -r level; do
    clif "$level" "$here/sections.clif"
    runs_everywhere sections.o
    clif "$level" "$here/sections.clif" --function-sections --data-sections
    runs_everywhere sections.o
done
for section in .text.used .text.unused .text.hot .rodata.used_text .data.unused_data .bss.unused_zeros \
    .data.rel.ro.unused_pointers .init_array; do
    readelf -SW sections.o | grep -q "[[:space:]]${section}[[:space:]]" || fail "no section $section"
done
for linker in bfd lld; do
    link $linker -Wl,--gc-sections -o prog sections.o
    prints "$here/expected" run ./prog
    tools/llvm-nm prog >symbols
    grep -q ' T used$' symbols || fail "used was dropped by $linker"
    ! grep 'unused' symbols || fail "unused was kept by $linker"
done

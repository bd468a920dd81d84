# Calls with all kinds of signatures between C and CLIF. The harness generates calls.clif and calls.c.
. "$SUITE/lib.sh"
for compiler in "$CC" "clang --target=$TARGET-linux-gnu"; do
    command -v ${compiler%% *} >/dev/null || continue
    $compiler -fPIC -O1 -c calls.c -o c.o
    echo "$levels" | while read -r level; do
        clif "$level" calls.clif --set enable_llvm_abi_extensions=true
        link bfd -o prog c.o calls.o
        prints "$here/expected" run ./prog
    done
done
clif "-O speed" calls.clif --set enable_llvm_abi_extensions=true --set is_pic=false
link bfd -no-pie -o prog c.o calls.o
prints "$here/expected" run ./prog

# Nothing behind a structure is read.
$CC -fPIC -O1 -Wall -c -o page_end_c.o "$here/page_end.c"
echo '131028' >wanted
echo "$levels" | while read -r level; do
    clif "$level" "$here/page_end.clif"
    link bfd -o prog page_end_c.o page_end.o
    prints wanted run ./prog
done

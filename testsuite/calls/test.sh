# Calls with all kinds of signatures between C and CLIF. The harness generates calls.clif and calls.c.
. "$SUITE/lib.sh"
tool clang
for compiler in "$CC" "tools/clang --target=$TARGET-linux-gnu"; do
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

# Vectors.
case $TARGET in s390x) march=-march=z14 ;; *) march= ;; esac
$CC $march -fPIC -O1 -Wall -c -o vectors_c.o "$here/vectors.c"
printf '%s\n' '50263 50263' '402630 402630' '46300 46300' '263006 263006' >wanted
echo "$levels" | while read -r level; do
    clif "$level" "$here/vectors.clif"
    link bfd -o prog vectors_c.o vectors.o
    prints wanted run ./prog
done

$CC $march -fPIC -O1 -Wall -Wno-psabi -c -o small_vectors_c.o "$here/small_vectors.c"
echo '32640 32640 8 1' >wanted
echo "$levels" | while read -r level; do
    clif "$level" "$here/small_vectors.clif"
    link bfd -o prog small_vectors_c.o small_vectors.o
    prints wanted run ./prog
done

# Nothing behind a structure is read.
$CC -fPIC -O1 -Wall -c -o page_end_c.o "$here/page_end.c"
echo '131028' >wanted
echo "$levels" | while read -r level; do
    clif "$level" "$here/page_end.clif"
    link bfd -o prog page_end_c.o page_end.o
    prints wanted run ./prog
done

# Lists of arguments, from either side.
cat >wanted <<'END'
text -7 2.25 1099511627776 x 1.125
1 2 3 4 5 6 7 8 9 10
0.5 1.5 2.5 3.5 4.5 5.5 6.5 7.5 8.5 9.5 10.5
1008
1008
1008
END
for compiler in "$CC" "tools/clang --target=$TARGET-linux-gnu"; do
    $compiler -fPIC -O1 -fno-builtin -c -o lists_c.o "$here/lists.c"
    echo "$levels" | while read -r level; do
        clif "$level" "$here/lists.clif"
        link bfd -o prog lists_c.o lists.o
        prints wanted run ./prog
    done
done

# A function of more than a megabyte, with branches across it.
. "$SUITE/lib.sh"
tool llvm-size
$CC -O1 -Wall -c "$here/main.c"
awk -f "$here/large.awk" >large.clif
clif "-O none --set regalloc_algorithm=single_pass" large.clif
tools/llvm-size -A large.o | awk '$1 == ".text" { exit $2 < 1048576 }' || fail "the function is too small"
runs_everywhere main.o large.o

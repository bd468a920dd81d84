# Linkage: export, local, hidden, weak; linker names; the symbols that a shared library exports.
. "$SUITE/lib.sh"
tool llvm-nm
$CC -fPIC -O1 -Wall -c "$here/main.c"
echo "$levels" | while read -r level; do
    clif "$level" "$here/a.clif"
    clif "$level" "$here/b.clif"
    runs_everywhere main.o a.o b.o
done
link bfd -shared -o libsymbols.so main.o a.o b.o
tools/llvm-nm -D --defined-only libsymbols.so | cut -d' ' -f2- | grep -v main | LC_ALL=C sort >shown
prints "$here/shown" cat shown
# Duplicate definitions are errors.
printf 'function %%f() { block0: return }\nlocal data %%f = i8 1\n' >twice.clif
if "$CLIFC" build --target "$TARGET" -o twice.o twice.clif 2>errors; then
    fail "two definitions of one symbol went through"
fi
grep -q '^twice.clif:2:[0-9]*: error: .*duplicate definition' errors || fail "$(cat errors)"
[ ! -e twice.o ] || fail "an object was left behind"

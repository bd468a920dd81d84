# The example of a front end: its program, compiled for each target, and built by its makefile.
. "$SUITE/lib.sh"
toy=$here/../../examples/toy
python3 "$toy/toy.py" "$toy/primes.toy" >primes.clif
"$CLIFC" check --target "$TARGET" -Werror primes.clif
echo "$levels" | while read -r level; do
    clif "$level" primes.clif
    link bfd -o prog primes.o
    prints "$here/expected" run ./prog
done
cp -r "$toy" made
make -s -C made CLIFC="$CLIFC" CC="$CC" CLIFFLAGS="--target $TARGET"
prints "$here/expected" run made/primes
touch made/primes.toy
make -s -C made CLIFC="$CLIFC" CC="$CC" CLIFFLAGS="--target $TARGET" -q && fail "make ignores a change"
true
# The steps for CMake and ninja are for this machine.
if [ -z "$RUNNER" ]; then
    cp -r "$toy" with_ninja
    printf 'clifc = %s\ncc = %s\n' "$CLIFC" "$CC" >named
    sed -e '/^clifc = /d; /^cc = /d' "$toy/build.ninja" | cat named - >with_ninja/build.ninja
    ninja -C with_ninja >ninja.log || fail "$(cat ninja.log)"
    prints "$here/expected" run with_ninja/primes
    ninja -C with_ninja | grep -q 'no work to do' || fail "ninja builds again"
    # In a directory in which another tool left files of the same names.
    cmake -S with_ninja -B with_cmake -DCLIFC="$CLIFC" >cmake.log 2>&1 || fail "$(cat cmake.log)"
    cmake --build with_cmake >cmake.log 2>&1 || fail "$(cat cmake.log)"
    prints "$here/expected" run with_cmake/primes
fi

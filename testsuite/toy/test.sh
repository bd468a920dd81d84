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

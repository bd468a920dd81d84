# Structures between C and CLIF, compiled by GCC and by clang. The harness generates structures.clif and
# structures.c, and for macOS apple.clif and apple.c.
. "$SUITE/lib.sh"
tool clang
case $TARGET in s390x) march=-march=z14 ;; *) march= ;; esac
echo "no failures" >wanted
for compiler in "$CC" "tools/clang --target=$TARGET-linux-gnu"; do
    $compiler $march -fPIC -O1 -w -c structures.c -o c.o
    echo "$levels" | while read -r level; do
        clif "$level" structures.clif
        link bfd -o prog c.o structures.o
        prints wanted run ./prog
    done
done

# Apple's variant of the convention, in an executable for macOS that the loader of another test runs.
[ "$TARGET" = aarch64 ] || exit 0
tool ld64.lld
cat >libSystem.tbd <<END
--- !tapi-tbd
tbd-version: 4
targets: [ arm64-macos ]
install-name: '/usr/lib/libSystem.B.dylib'
exports:
  - targets: [ arm64-macos ]
    symbols: [ _puts, _putchar, _memcpy, _memset, _bzero, dyld_stub_binder ]
...
END
$CC -O1 -w -rdynamic -o load "$SUITE/macho/load.c" -ldl
tools/clang --target=arm64-apple-macos11 -O1 -w -fno-stack-protector -c apple.c -o c.o
for level in none speed; do
    "$CLIFC" build --target aarch64-apple-darwin -O "$level" -o apple.o apple.clif ||
        fail "clifc build failed"
    tools/ld64.lld -arch arm64 -platform_version macos 11.0 11.0 \
        -L. -lSystem -o prog c.o apple.o ||
        fail "linking failed"
    prints wanted run ./load prog
done

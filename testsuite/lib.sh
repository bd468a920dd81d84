# What the tests have in common. A test sources this, from an empty directory.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${CC:=cc}" "${CXX:=c++}"

fail() {
    echo "$*" >&2
    exit 1
}

# The compiler driver looks for `ld.lld` here; systems have it under names with a version, too.
mkdir -p tools
for lld in ld.lld ld.lld-21 ld.lld-20 ld.lld-19 ld.lld-18 ld.lld-17 ld.lld-16; do
    if command -v $lld >/dev/null; then
        ln -sf "$(command -v $lld)" tools/ld.lld
        break
    fi
done
[ -e tools/ld.lld ] || fail "ld.lld is not installed"

# Ways to compile that must not make a difference, a line each.
levels='-O none
-O speed
-O speed --cpu native
-O none --set regalloc_algorithm=single_pass'

# clif LEVEL FILE.clif [OPTION...]: compiles to FILE.o.
clif() {
    level=$1 file=$2
    shift 2
    "$CLIFC" build $level --set regalloc_checker=true "$@" -o "$(basename "$file" .clif).o" "$file" ||
        fail "clifc build $level $* $file failed"
}

# link LINKER OPTION... : links; a warning is an error.
link() {
    linker=$1
    shift
    $CC -Btools -fuse-ld="$linker" -Wl,--fatal-warnings -pthread "$@" 2>link.log ||
        fail "linking with $linker $*: $(cat link.log)"
    [ ! -s link.log ] || fail "linking with $linker $*: $(cat link.log)"
}

# prints FILE COMMAND...: the command succeeds and prints what the file has.
prints() {
    wanted=$1
    shift
    status=0
    "$@" >out.log 2>&1 || status=$?
    diff -u "$wanted" out.log || fail "$* printed something else"
    [ $status = 0 ] || fail "$* exited with $status"
}

# runs_everywhere OBJECT...: as each kind of executable, by each linker, it prints what `expected` has.
runs_everywhere() {
    for linker in bfd lld; do
        for kind in -pie -no-pie -static; do
            link $linker $kind -o prog "$@"
            prints "$here/expected" ./prog
        done
    done
}

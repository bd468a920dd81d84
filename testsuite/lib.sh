# What the tests have in common. A test sources this, from an empty directory.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${CC:=cc}" "${CXX:=c++}"

fail() {
    echo "$*" >&2
    exit 1
}

# tool NAME: makes tools/NAME a program that systems have under names with a version, too.
tool() {
    mkdir -p tools
    for version in "" -22 -21 -20 -19 -18 -17 -16; do
        if command -v "$1$version" >/dev/null; then
            ln -sf "$(command -v "$1$version")" "tools/$1"
            return
        fi
    done
    fail "$1 is not installed"
}

# The compiler driver looks for it there.
tool ld.lld

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

# Functions of all tests. A test sources this file in an empty directory. Variables: TARGET, the target's
# short name; CC, a compiler driver for it; RUNNER, a command that runs its programs (may be empty).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
case $CC in
cc) CXX=c++ ;;
*) CXX=${CC%cc}++ ;;
esac

fail() {
    echo "$TARGET: $*" >&2
    exit 1
}

# tool NAME: makes a program available as tools/NAME, whose name may have a version on this system.
tool() {
    mkdir -p tools
    for version in -22 -21 -20 -19 -18 -17 -16 ""; do
        if command -v "$1$version" >/dev/null; then
            ln -sf "$(command -v "$1$version")" "tools/$1"
            return
        fi
    done
    fail "$1 is not installed"
}

# The compiler driver finds the linker there.
tool ld.lld

# Options that must not change the behaviour of programs, one set on each line. $extensions are available
# here.
case $TARGET in
x86_64) extensions=$([ -n "$RUNNER" ] && echo "--cpu x86-64-v3" || echo "--cpu native") ;;
aarch64) extensions="--set has_lse=true --set sign_return_address=true --set use_bti=true" ;;
s390x) extensions="--cpu z15" ;;
esac
levels="-O none
-O speed
-O speed $extensions
-O none --set regalloc_algorithm=single_pass"
# Tests that are repeated with modules in parts are about linking.
[ -z "${SHARDS:-}" ] || levels="-O speed"

# clif LEVEL FILE.clif [OPTION...]: compiles to FILE.o. If SHARDS is set, compiles so many parts, which a
# linker joins.
clif() {
    level=$1 file=$2 name=$(basename "$2" .clif)
    shift 2
    if [ -z "${SHARDS:-}" ]; then
        compile "$name.o" "$@"
        return
    fi
    parts=
    for part in $(seq "$SHARDS"); do
        compile "$name.$part.o" --shard "$part/$SHARDS" "$@"
        parts="$parts $name.$part.o"
    done
    $CC -Btools -fuse-ld=lld -r -nostdlib -o "$name.o" $parts || fail "joining $parts"
}

# compile OUTPUT [OPTION...]: compiles $file at $level.
compile() {
    output=$1
    shift
    "$CLIFC" build --target "$TARGET" $level --set regalloc_checker=true "$@" -o "$output" "$file" ||
        fail "clifc build $level $* $file failed"
}

# link LINKER OPTION... : links; warnings are errors.
link() {
    linker=$1
    shift
    $CC -Btools -fuse-ld="$linker" -Wl,--fatal-warnings -pthread "$@" 2>link.log ||
        fail "linking with $linker $*: $(cat link.log)"
    [ ! -s link.log ] || fail "linking with $linker $*: $(cat link.log)"
}

# run PROGRAM [ARGUMENT...]: runs a program of the target.
run() {
    $RUNNER "$@"
}

# prints FILE COMMAND...: checks that the command succeeds and prints the contents of the file.
prints() {
    wanted=$1
    shift
    status=0
    "$@" >out.log 2>&1 || status=$?
    diff -u "$wanted" out.log || fail "$* printed something else"
    [ $status = 0 ] || fail "$* exited with $status"
}

# runs_everywhere OBJECT...: checks that each kind of executable by each linker prints the contents of
# `expected`, or the file that $expected names.
runs_everywhere() {
    for linker in bfd lld; do
        for kind in -pie -no-pie -static; do
            link $linker $kind -o prog "$@"
            prints "${expected:-$here/expected}" run ./prog
        done
    done
}

# session PROGRAM COMMANDS: what gdb prints, without addresses. The command `begin` starts the program.
session() {
    {
        printf 'set debuginfod enabled off\nset confirm off\nset width 0\nset style enabled off\n'
        case $RUNNER in
        "") sed 's/^begin$/run/' "$2" ;;
        *)
            # Breakpoints are set when the program is loaded, so that they are where the debugger says.
            printf 'target remote %s\n' "$PWD/gdb.socket"
            sed 's/^begin$/continue/' "$2"
            ;;
        esac
        echo kill
    } >gdb.commands
    case $RUNNER in
    "") gdb -nx -batch -x gdb.commands "$1" >gdb.log 2>&1 </dev/null || fail "gdb: $(cat gdb.log)" ;;
    *)
        rm -f gdb.socket
        $RUNNER -g "$PWD/gdb.socket" "$1" >/dev/null 2>&1 &
        while [ ! -S gdb.socket ]; do sleep 0.1; done
        gdb-multiarch -nx -batch -x gdb.commands "$1" >gdb.log 2>&1 </dev/null ||
            fail "gdb: $(cat gdb.log)"
        wait
        ;;
    esac
    sed -E '/^\[|^Using host|^warning:|^$|^Remote debugging|^0x.* in \?\?|^_start|^_dl_start|^Reading /d
        /^GDB will be unable|^and track expl|^Use the .info shared|^Do you need/d
        /^Run till exit|^Compilation dir|^Located in/d
        s/0x[0-9a-f]+ in //; s/at 0x[0-9a-f]+/at ADDRESS/' gdb.log
}

# verified OBJECT: checks its debug information by llvm-dwarfdump, which must be a tool.
verified() {
    tools/llvm-dwarfdump --verify "$1" >verify.log 2>&1 || fail "$(cat verify.log)"
    if grep -v "failed to compute relocation: R_390_PC32" verify.log | grep -iE "error:|warning:"; then
        fail "llvm-dwarfdump: $(cat verify.log)"
    fi
}

# address PROGRAM SYMBOL: the symbol's address in the file.
address() {
    readelf -sW "$1" | awk -v name="$2" '$8 == name { print $2; exit }'
}

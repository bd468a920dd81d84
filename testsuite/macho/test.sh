# Mach-O objects: checks their contents, and that linkers accept them without warnings. Since there is no
# macOS here to run the programs, load.c does as much as they need.
. "$SUITE/lib.sh"
tool ld64.lld
tool llvm-objdump
tool llvm-readobj
ziglang=$SUITE/../target/ziglang
[ -d "$ziglang/ziglang" ] || fail "ziglang is not in $ziglang; scripts/test puts it there"

case $TARGET in
x86_64)
    arch=x86_64
    relocations='UNSIGNED SIGNED SIGNED_1 SIGNED_2 SIGNED_4 BRANCH GOT_LOAD TLV'
    ;;
aarch64)
    arch=arm64
    relocations='UNSIGNED BRANCH26 PAGE21 PAGEOFF12 GOT_LOAD_PAGE21 GOT_LOAD_PAGEOFF12 TLVP_LOAD_PAGE21
        TLVP_LOAD_PAGEOFF12 ADDEND'
    ;;
esac

zig() {
    PYTHONPATH=$ziglang ZIG_GLOBAL_CACHE_DIR=$ziglang/cache ZIG_LOCAL_CACHE_DIR=$ziglang/cache \
        python3 -m ziglang cc -target "$TARGET-macos.11.0" "$@"
}

# silently COMMAND...: checks that the command succeeds and prints nothing.
silently() {
    "$@" >silence 2>&1 || fail "$*: $(cat silence)"
    [ ! -s silence ] || fail "$*: $(cat silence)"
}

# The part of the system's library that is used.
cat >libSystem.tbd <<END
--- !tapi-tbd
tbd-version: 4
targets: [ $arch-macos ]
install-name: '/usr/lib/libSystem.B.dylib'
exports:
  - targets: [ $arch-macos ]
    symbols: [ _puts, _ceil, _memcpy, __tlv_bootstrap, dyld_stub_binder ]
...
END

# lld OUTPUT OPTION...: links by LLVM's linker.
lld() {
    silently tools/ld64.lld -arch $arch -platform_version macos 11.0 11.0 -L. -lSystem -fatal_warnings \
        -U _absent -o "$@"
}

# object FILE.clif OPTION...: compiles to FILE.o.
object() {
    file=$1
    shift
    "$CLIFC" build --target "$TARGET-apple-darwin" --set regalloc_checker=true "$@" \
        -o "$(basename "$file" .clif).o" "$file" || fail "clifc build $* $file failed"
}

zig -O1 -fno-stack-protector -fno-sanitize=undefined -c -o main.o "$here/main.c"
$CC -O1 -Wall -Wno-unused-result -rdynamic -o load "$here/load.c" -Wl,--no-as-needed -lm -ldl

echo "$levels" | while read -r level; do
    object "$here/macho.clif" $level
    object "$here/other.clif" $level
    lld prog main.o macho.o other.o
    prints "$here/expected" run ./load prog
    lld prog -dead_strip main.o macho.o other.o
    prints "$here/expected" run ./load prog
    lld libmacho.dylib -dylib main.o macho.o other.o
done
# Compact unwind information: words for most functions, which LLVM's linker puts in its table.
object "$here/macho.clif"
tools/llvm-objdump --macho --unwind-info macho.o >shown
words=$(grep -c 'compact encoding: *0x' shown)
[ "$words" -gt 5 ] || fail "compact unwind information: $(cat shown)"
tools/llvm-objdump --macho --unwind-info prog >shown
[ "$(grep -c 'encoding\[[0-9]*\]: 0x0[24]' shown)" -gt 1 ] || fail "the table of words: $(cat shown)"
silently zig -Wl,-undefined,dynamic_lookup -o prog main.o macho.o other.o
prints "$here/expected" run ./load prog

# The same with the module in parts: what was local is private to the program.
parts=
for part in 1 2 3 4 5 6 7; do
    object "$here/macho.clif" --shard $part/7
    mv macho.o macho.$part.o
    parts="$parts macho.$part.o"
done
lld prog main.o $parts other.o
prints "$here/expected" run ./load prog
silently zig -Wl,-undefined,dynamic_lookup -o prog main.o $parts other.o
prints "$here/expected" run ./load prog
tools/llvm-objdump --macho --syms $parts >shown
if grep -F .clifc. shown | grep -v ' \.hidden \|\*UND\*\|^[0-9a-f]* l '; then
    fail "local names are exported"
fi
object "$here/macho.clif"

# Tables of handlers, with the unwind information that leads to them.
zig -O1 -fno-stack-protector -fno-sanitize=undefined -c -o handlers_main.o "$here/handlers.c"
object "$here/handlers.clif"
lld handlers handlers_main.o handlers.o
prints "$here/handlers-expected" run ./load handlers
tools/llvm-objdump --macho --unwind-info handlers >shown
[ "$(grep -c 'LSDA offset=' shown)" = 4 ] || fail "tables of handlers: $(cat shown)"
silently zig -o handlers handlers_main.o handlers.o
prints "$here/handlers-expected" run ./load handlers

# Unused functions are removed, together with everything that belongs to them.
lld all main.o macho.o other.o
lld needed -dead_strip main.o macho.o other.o
has() {
    echo "useless: $(tools/llvm-objdump --macho --syms "$1" | grep -c _useless)," \
        "traps: $("$CLIFC" disasm "$1" | grep -c 'trap int_divz')"
}
echo 'useless: 1, traps: 2' >wanted
prints wanted has all
echo 'useless: 0, traps: 1' >wanted
prints wanted has needed

# The contents of an object.
tools/llvm-objdump --macho --private-headers --reloc macho.o >shown
for wanted in 'SUBSECTIONS_VIA_SYMBOLS' 'cmd LC_BUILD_VERSION' 'type S_COALESCED' 'type S_ZEROFILL' \
    'type S_THREAD_LOCAL_VARIABLES' 'type S_THREAD_LOCAL_REGULAR' 'type S_THREAD_LOCAL_ZEROFILL' \
    'type S_MOD_INIT_FUNC_POINTERS' 'sectname __clifc_traps' 'sectname __clifc_except'; do
    grep -q "$wanted" shown || fail "the object lacks: $wanted"
done

# Constants and jump tables are listed as data: no instructions of the object are in them, nor of a program.
tools/llvm-objdump --macho --data-in-code macho.o >shown
grep -Eq '^0x[0-9a-f]+ +[0-9]+ +DATA' shown || fail "data in code: $(cat shown)"
tools/llvm-objdump --macho --data-in-code prog >shown
grep -Eq '^0x[0-9a-f]+ +[0-9]+ +DATA' shown || fail "data in code of the program: $(cat shown)"
tools/llvm-readobj --relocations macho.o | sed -nE 's/.*_RELOC_([A-Z0-9_]+) .*/\1/p' | sort -u >used
printf '%s\n' $relocations | sort >wanted
prints wanted cat used
tools/llvm-readobj --symbols macho.o >shown
for wanted in WeakDef WeakRef PrivateExtern; do
    grep -q "$wanted" shown || fail "no symbol is $wanted"
done

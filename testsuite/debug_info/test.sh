# Debuggers and tools see lines and functions: of the CLIF, or of what its `loc` items refer to.
. "$SUITE/lib.sh"
tool llvm-dwarfdump
tool dsymutil
# A relative path, as a build would have it.
cp "$here/program.clif" "$here/source.clif" "$here/source.lang" .
$CC -v >/dev/null 2>&1 || fail "$CC is not installed"

echo "$levels" | while read -r level; do
    clif "$level" program.clif -g
    verified program.o
    link bfd -g -o prog program.o
    prints /dev/null run ./prog
    # The optimiser removes instructions, and with them lines at which the sessions stop.
    case $level in "-O speed"*) continue ;; esac
    # qemu's stub does not say which bits of an address are its signature, which gdb has to know.
    case $level in *sign_return_address*) continue ;; esac
    session ./prog "$here/commands" >session
    diff -u "$here/expected" session || fail "the session with $level printed something else"
    if [ -z "$RUNNER" ] && [ "$level" = "-O none" ]; then
        session ./prog "$here/native-commands" >session
        diff -u "$here/native-expected" session || fail "the long session printed something else"
    fi
    # Every address of a function has a line of it.
    [ "$(addr2line -f -e prog "$(address prog sum)" | sed 's/.*\///')" = "sum
program.clif:9" ] || fail "addr2line: $(addr2line -f -e prog "$(address prog sum)")"

    clif "$level" source.clif -g
    verified source.o
    link bfd -g -o prog source.o
    session ./prog "$here/source-commands" >session
    diff -u "$here/source-expected" session || fail "the session with $level printed something else"
done

# Positions are no part of the code.
clif "-O none" program.clif
cp program.o plain.o
for g in -g -gline-tables-only; do
    clif "-O none" program.clif $g
    for object in plain program; do
        "$CLIFC" disasm $object.o | sed '/^$/d; /\.o:/d' >$object.text
    done
    diff -u plain.text program.text >/dev/null || fail "the code differs with $g"
done

. "$SUITE/stepping/steps.sh"
objcopy=$(command -v "${CC%gcc}objcopy" || command -v objcopy)
echo "$levels" | while read -r level; do
    for file in int/mixed call/edges call/structures run/try_call_edges float/select; do
        program "$file"
        clif "$level" "$name.clif"
        "$objcopy" -O binary --only-section=.text "$name.o" plain.text
        clif "$level" "$name.clif" -g
        "$objcopy" -O binary --only-section=.text "$name.o" debug.text
        cmp plain.text debug.text || fail "the code of $file differs with -g and $level"
        verified "$name.o"
    done
done

# Mach-O: the same information, which dsymutil accepts.
case $TARGET in
x86_64 | aarch64)
    tool ld64.lld
    arch=$(echo "$TARGET" | sed s/aarch64/arm64/)
    cat >libSystem.tbd <<END
--- !tapi-tbd
tbd-version: 4
targets: [ $arch-macos ]
install-name: '/usr/lib/libSystem.B.dylib'
exports:
  - targets: [ $arch-macos ]
    symbols: [ dyld_stub_binder ]
...
END
    cp "$SUITE/sessions/inlined.clif" "$SUITE/variables/shapes.clif" .
    for name in program inlined shapes; do
        "$CLIFC" build --target "$TARGET-apple-darwin" -g -O speed -o $name.o $name.clif || fail "Mach-O"
        verified $name.o
        tools/ld64.lld -arch "$arch" -platform_version macos 11.0 11.0 -L. -lSystem -U _touch \
            -o prog $name.o || fail "linking $name for macOS"
        rm -rf prog.dSYM
        tools/dsymutil prog >dsymutil.log 2>&1 || fail "dsymutil: $(cat dsymutil.log)"
        [ ! -s dsymutil.log ] || fail "dsymutil: $(cat dsymutil.log)"
        verified prog.dSYM
        tools/llvm-dwarfdump --debug-info prog.dSYM | grep DW_AT_type >/dev/null || fail "dsymutil lost types"
    done
    tools/llvm-dwarfdump --debug-line program.o | grep -q 'program.clif' || fail "no lines in Mach-O"
    ;;
esac

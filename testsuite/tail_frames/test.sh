# Debuggers show the frames that tail calls removed. And --debug-frame: the frames once more, for tools that
# do not load the program.
. "$SUITE/lib.sh"
tool llvm-dwarfdump
cp "$here/tails.clif" "$here/tails.lang" .
echo "$levels" | while read -r level; do
    # qemu's stub does not say which bits of an address are its signature, which gdb has to know.
    case $level in *sign_return_address*) continue ;; esac
    clif "$level" tails.clif -g --debug-frame --pass inline=off
    tools/llvm-dwarfdump --verify tails.o >verify.log 2>&1 || fail "$(cat verify.log)"
    sites=$(tools/llvm-dwarfdump --debug-info tails.o 2>/dev/null | grep -c DW_TAG_call_site)
    [ "$sites" = 4 ] || fail "there are $sites call sites with $level"
    tools/llvm-dwarfdump --debug-frame tails.o >frames 2>/dev/null
    [ "$(sed '/^.eh_frame/,$d' frames | grep -c ' FDE ')" = 5 ] || fail "frames: $(cat frames)"
    link bfd -g -o prog tails.o
    prints /dev/null run ./prog
    session ./prog "$here/commands" >session
    diff -u "$here/expected" session || fail "the session with $level printed something else"
done

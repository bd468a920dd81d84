# Sessions with gdb in a program of a front end's language, of unoptimised and optimised code: conditional
# breakpoints, next, finish, up, locals, watching a variable in a slot. Valgrind and addr2line name its lines.
# On the machine itself, a session with lldb, too.
# With inlining, a session in functions that have no frame of their own.
. "$SUITE/lib.sh"
tool llvm-dwarfdump
tool lldb

# lldb_session PROGRAM COMMANDS: where lldb stops, and the variables that it prints.
lldb_session() {
    tools/lldb --no-lldbinit --batch --one-line-before-file "settings set use-color false" \
        --source "$2" "$1" >lldb.log 2>&1 </dev/null || fail "lldb: $(cat lldb.log)"
    sed -nE '/^\(lldb\) (settings|target|command)/d
        s/^Return value: \(/(/; /^\([a-z]+\) [a-z$]/p
        s/^.*frame (#[0-9]+): 0x[0-9a-f]+ [a-z]+`([a-z]+)(\(.*\))? at (.*):[0-9]+$/\1 \2 at \4/p' lldb.log
}

cp "$here"/*.clif "$here"/*.lang .
$CC -O1 -Wall -c "$here/touch.c"
echo "$levels" | while read -r level; do
    # qemu's stub does not say which bits of an address are its signature, which gdb has to know.
    # The single-pass allocator stores the result of a call, which `finish` then stops before.
    case $level in *sign_return_address* | *single_pass*) continue ;; esac
    clif "$level" counter.clif -g
    link bfd -g -o prog counter.o touch.o
    prints /dev/null run ./prog
    session ./prog "$here/commands" >session
    diff -u "$here/expected" session || fail "the session with $level printed something else"
    [ "$(addr2line -sfe prog "$(address prog scaled)")" = "scaled
counter.lang:2" ] || fail "addr2line: $(addr2line -sfe prog "$(address prog scaled)")"
    if [ -z "$RUNNER" ]; then
        lldb_session ./prog "$here/lldb-commands" >session
        diff -u "$here/lldb-expected" session || fail "the session of lldb with $level printed something else"
    fi
    case $level in "-O speed"*)
        clif "$level" inlined.clif -g
        verified inlined.o
        link bfd -g -o prog inlined.o touch.o
        prints /dev/null run ./prog
        session ./prog "$here/inlined-commands" >session
        diff -u "$here/inlined-expected" session || fail "the session with $level printed something else"
        # Frames of inlined functions at the first addresses of main.
        start=$((0x$(address prog main)))
        seq $start $((start + 99)) | xargs printf '%x\n' | addr2line -ifse prog | tr '\n' ' ' >frames
        for line in 6 7; do
            grep "put inlined.lang:2 both inlined.lang:$line main inlined.lang:12" frames >/dev/null ||
                fail "addr2line -i with $level: $(cat frames)"
        done
        ;;
    esac
    if [ -z "$RUNNER" ] && [ "$level" = "-O speed" ]; then
        # An access of memory that is not there, in line 9.
        wild='@8  v13 = uextend.i64 v3\n@8  v6 = load.i32 v13+8'
        sed "s/^@8  v6 = load.i32 .*/$wild/" counter.clif >wild.clif
        clif "$level" wild.clif -g
        link bfd -g -o prog wild.o touch.o
        ! valgrind --error-exitcode=1 ./prog >valgrind.log 2>&1 || fail "valgrind found nothing"
        grep "main (counter.lang:9)" valgrind.log >/dev/null || fail "valgrind: $(cat valgrind.log)"
    fi
done

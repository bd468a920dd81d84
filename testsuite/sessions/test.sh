# Sessions with gdb in a program of a front end's language, of unoptimised and optimised code: conditional
# breakpoints, next, finish, up, locals, watching a variable in a slot. Valgrind and addr2line name its lines.
# With inlining, a session in functions that have no frame of their own.
. "$SUITE/lib.sh"
tool llvm-dwarfdump
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
    case $level in "-O speed"*)
        clif "$level" inlined.clif -g
        verified inlined.o
        link bfd -g -o prog inlined.o touch.o
        prints /dev/null run ./prog
        session ./prog "$here/inlined-commands" >session
        diff -u "$here/inlined-expected" session || fail "the session with $level printed something else"
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

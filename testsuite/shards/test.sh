# The objects of a module's parts link to what one object of it would be.
. "$SUITE/lib.sh"
tool llvm-dwarfdump
tool llvm-nm
cp "$here/module.clif" "$here/other.clif" .
$CC -fPIC -O1 -Wall -c "$here/main.c"

# parts N FILE.clif [OPTION...]: compiles N parts to FILE.K.o, the default names, and sets $objects.
parts() {
    count=$1 file=$2
    shift 2
    for part in $(seq "$count"); do
        "$CLIFC" build --target "$TARGET" --shard "$part/$count" "$@" "$file" ||
            fail "part $part/$count of $file"
        [ "$count" = 1 ] || objects="$objects $(basename "$file" .clif).$part.o"
    done
    [ "$count" != 1 ] || objects="$objects $(basename "$file" .clif).o"
}

for level in none speed; do
    # Of 40 parts, some have no functions.
    for count in 1 2 7 40; do
        for more in "-g" "--function-sections --data-sections" "-g --function-sections"; do
            objects=
            parts $count module.clif -O $level $more
            parts $count other.clif -O $level $more
            runs_everywhere main.o $objects
        done
    done
    link bfd -Wl,--gc-sections -o prog main.o $objects
    prints "$here/expected" run ./prog
done

# A part that is the whole is the same object as without parts. The bytes depend on nothing else.
"$CLIFC" build --target "$TARGET" -o whole.o module.clif
"$CLIFC" build --target "$TARGET" --shard 1/1 -o all.o module.clif
cmp whole.o all.o || fail "part 1 of 1 is another object"
for jobs in 1 2; do
    "$CLIFC" build --target "$TARGET" --shard 2/3 -j $jobs -o part.$jobs.o module.clif
    "$CLIFC" build --target "$TARGET" --shard 2/3 -j $jobs --cache=store -o cached.$jobs.o module.clif
    cmp part.1.o part.$jobs.o && cmp part.1.o cached.$jobs.o || fail "another object with -j$jobs"
done

# The parts define what the whole defines, but what was local is hidden. Sections are named as in the whole.
objects=
parts 3 module.clif --function-sections --data-sections
"$CLIFC" build --target "$TARGET" --function-sections --data-sections -o whole.o module.clif
defined() {
    tools/llvm-nm --defined-only --format=just-symbols "$@" | sed 's/\.clifc\.[0-9]*$//' |
        sed '/:$/d; /^$/d; /^\$[xd]/d' | LC_ALL=C sort
}
defined whole.o >wanted
prints wanted defined $objects
sections() {
    for object in "$@"; do readelf -SW "$object"; done |
        sed -nE 's/^ *\[ *[0-9]+\] (\.(text|data|rodata|tdata|init_array)\.[^ ]*).*/\1/p' | LC_ALL=C sort -u
}
sections whole.o >wanted
prints wanted sections $objects
readelf -sW $objects | awk '$8 ~ /\.clifc\./ && ($5 != "GLOBAL" || $6 != "HIDDEN")' >visible
prints /dev/null cat visible

# Debug information has the names of the source, and is as valid as that of the whole.
objects=
parts 7 module.clif -g
for object in $objects; do
    tools/llvm-dwarfdump --verify "$object" >verify.log 2>&1 || fail "$(cat verify.log)"
    tools/llvm-dwarfdump "$object"
done >dwarf
if grep -F .clifc. dwarf; then fail "debug information has names that are not the user's"; fi
grep -q 'DW_AT_name.*"last"' dwarf || fail "a local function has no debug information"

# Assembly of parts makes the same objects.
"$CLIFC" build --target "$TARGET" --shard 2/3 -S -o part.s module.clif
$CC -c -o assembled.o part.s
"$CLIFC" build --target "$TARGET" --shard 2/3 -o part.o module.clif
for object in part assembled; do
    readelf -sW $object.o | awk '$7 == "UND" || $5 == "GLOBAL" { print $4, $5, $6, $7 == "UND", $8 }' |
        LC_ALL=C sort >$object.symbols
done
diff -u part.symbols assembled.symbols || fail "assembly of a part has other symbols"

# Parts of different divisions don't link.
objects=
parts 2 module.clif
"$CLIFC" build --target "$TARGET" --shard 3/3 -o module.3.o module.clif
if $CC -o prog main.o module.1.o module.2.o module.3.o other.1.o other.2.o 2>link.log; then
    fail "parts of different divisions link"
fi

# All parts report a definition that another part has too.
printf 'function %%f() { block0: return }\nfunction %%g() { block0: return }\ndata %%f = i8 1\n' >twice.clif
for part in 1 2; do
    if "$CLIFC" build --target "$TARGET" --shard $part/2 -o twice.o twice.clif 2>errors; then
        fail "two definitions of one symbol went through"
    fi
    grep -q '^twice.clif:3:[0-9]*: error: duplicate definition of `f`' errors || fail "$(cat errors)"
done

# An alias is in the part that has what it stands for. Members of a group may be in several parts. A function
# may have the name by which CLIF calls a library routine.
cat >apart.clif <<'END'
function %one() -> i64 comdat { block0: v0 = iconst.i64 1 return v0 }
function %two() -> i64 comdat %one { block0: v0 = iconst.i64 2 return v0 }
alias %again = %two
alias %first = %one
function %FloorF64(f64) -> f64 system_v { block0(v0: f64): v1 = f64const 0x1.0p5 v2 = fadd v0, v1 return v2 }
function %thirty_four(f64) -> f64 system_v {
    fn0 = %FloorF64(f64) -> f64 system_v
    block0(v0: f64): v1 = call fn0(v0) return v1
}
END
cat >apart.c <<'END'
long one(void), two(void), again(void), first(void);
double thirty_four(double);
int main(void) { return one() + two() + again() + first() != 6 || thirty_four(2) != 34; }
END
for count in 1 2 7; do
    objects=
    parts $count apart.clif
    $CC -o apart apart.c $objects
    run ./apart || fail "$count parts with aliases, groups and routines"
done

# The examples. Those of make and ninja are for this machine.
examples=$here/../../examples
if [ -z "$RUNNER" ]; then
    for tool in make ninja slurm; do
        cp -r "$examples/shards" $tool
        cp "$examples/hello.clif" $tool/big.clif
    done
    make -s -C make CLIFC="$CLIFC" CC="$CC" >made 2>&1 || fail "$(cat made)"
    make -s -C make CLIFC="$CLIFC" CC="$CC" -q || fail "make builds again"
    printf 'clifc = %s\ncc = %s\n' "$CLIFC" "$CC" >named
    sed -e '/^clifc = /d; /^cc = /d' "$examples/shards/build.ninja" | cat named - >ninja/build.ninja
    ninja -C ninja >made || fail "$(cat made)"
    for task in 1 2; do
        (
            cd slurm
            ln -sf "$CLIFC" clifc
            PATH=$PWD:$PATH SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=2 sh slurm.sh
        )
    done
    $CC slurm/big.1.o slurm/big.2.o -o slurm/big
    echo "Hello from CLIF!" >wanted
    for tool in make ninja slurm; do
        prints wanted $tool/big
    done
    make -n -C make -B CLIFC=clifc CC="$CC" PARTS=3 HOSTS="one two" >made
    grep -q '^ssh two cd .* clifc build -O2 --shard 1/3 -o big.1.o big.clif$' made || fail "$(cat made)"
    grep -q '^ssh one cd .* --shard 2/3' made || fail "$(cat made)"
fi

# The other tests of linking, with modules in parts.
for test in calls:7 collector:2 data:7 debug_info:7 exceptions:2 handlers:7 libcalls:2 shared:7 symbols:7 \
    tls:7 traps:2 unwind:7; do
    name=${test%:*}
    mkdir "$name"
    (
        cd "$name"
        for generated in ../"$name".* ../names; do
            [ ! -e "$generated" ] || cp "$generated" .
        done
        SHARDS=${test#*:} sh "$SUITE/$name/test.sh"
    ) || fail "$name with modules in ${test#*:} parts"
done

# Panics of Rust pass through functions of CLIF, which clean up. Only this machine has Rust's library.
. "$SUITE/lib.sh"
# Optimised as a whole, the library has nothing that static programs lack.
rustc --edition 2024 --crate-type staticlib -C panic=unwind -C lto=fat -C opt-level=2 -o libmain.a \
    "$here/main.rs" 2>rustc.log || fail "rustc: $(cat rustc.log)"
echo "$levels" | while read -r level; do
    for more in "" "--set preserve_frame_pointers=true" "--function-sections"; do
        clif "$level" "$here/panics.clif" $more
        runs_everywhere panics.o libmain.a -lm
    done
done

//! Panics below functions of CLIF, and catches the panics above them.

use std::panic;

unsafe extern "C-unwind" {
    /// Calls `may_panic` and adds to what it returns.
    fn passes(n: i64) -> i64;
    /// The same, with a cleanup.
    fn cleans(n: i64) -> i64;
    /// Calls itself, at last `may_panic`, and cleans up in every frame.
    fn nests(n: i64, depth: i64) -> i64;
}

/// Says that it is dropped.
struct Dropped(&'static str);

impl Drop for Dropped {
    fn drop(&mut self) {
        println!("dropped {}", self.0);
    }
}

#[unsafe(no_mangle)]
extern "C-unwind" fn may_panic(n: i64) -> i64 {
    let _dropped = Dropped("below");
    if n < 0 {
        panic!("{n} is negative");
    }
    n + 1
}

#[unsafe(no_mangle)]
extern "C" fn note(n: i64) {
    println!("note {n}");
}

/// Calls a function, and says what it returns or panics with. Values stay in registers across the call.
fn attempt(name: &str, call: impl Fn(i64) -> i64) {
    for n in [1, -1] {
        let kept = [n + 1, n * 2, n + 3, n * 4, n + 5].map(std::hint::black_box);
        let result = panic::catch_unwind(panic::AssertUnwindSafe(|| {
            let _dropped = Dropped("above");
            call(n)
        }));
        match result {
            Ok(value) => println!("{name}: {value}"),
            Err(payload) => println!("{name}: {}", payload.downcast_ref::<String>().map_or("?", |text| text)),
        }
        assert_eq!(kept.iter().sum::<i64>(), 9 * n + 9);
    }
}

#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    panic::set_hook(Box::new(|_| {}));
    // SAFETY: the functions take numbers and have no other requirements.
    unsafe {
        attempt("passes", |n| passes(n));
        attempt("cleans", |n| cleans(n));
        attempt("nests", |n| nests(n, 3));
    }
    0
}

//! Reduces a file: makes it smaller while a check still succeeds on it, so that what is left shows a defect
//! and little else.
//!
//! The passes, from coarse to fine, are repeated until none makes progress: whole functions, items and
//! comments (`parts`); branches, instructions and their results in a function (`edits`); its lines, block
//! parameters, constants, flags and types (`lines`). Each pass has a list of changes and tries many at once,
//! then fewer: the number of checks grows with what stays, not with what goes.
//!
//! If the file has no errors, a candidate with errors is not even checked. A file with errors can be reduced
//! too: then its functions are only taken apart by lines.

mod edits;
mod lines;
mod parts;

use crate::check;
use crate::verify::Environment;

/// Whether a text is still interesting. It is called with candidates until it has been called too often.
pub type Check<'a> = &'a mut dyn FnMut(&[u8]) -> bool;

/// The result of a reduction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reduced {
    /// The smallest text on which the check succeeded.
    pub text: Vec<u8>,
    /// The number of candidates that were checked.
    pub checks: usize,
}

/// Reduces a text on which `check` succeeds.
pub fn reduce(text: &[u8], env: Environment, check: Check<'_>) -> Reduced {
    let valid = check::file(text, env).is_empty();
    let mut state = State { text: text.to_vec(), valid: valid.then_some(env), checks: 0, check };
    loop {
        let before = state.text.len();
        parts::remove(&mut state);
        if state.valid.is_some() {
            edits::simplify(&mut state);
        }
        lines::simplify(&mut state);
        if state.text.len() >= before {
            return Reduced { text: state.text, checks: state.checks };
        }
    }
}

/// The smallest interesting text so far.
struct State<'a> {
    text: Vec<u8>,
    /// The environment in which candidates must have no errors, if the file has none.
    valid: Option<Environment>,
    checks: usize,
    check: Check<'a>,
}

impl State<'_> {
    /// Takes a candidate if it is another text and still interesting.
    fn take(&mut self, candidate: Vec<u8>) -> bool {
        if candidate == self.text || self.valid.is_some_and(|env| !check::file(&candidate, env).is_empty()) {
            return false;
        }
        self.checks += 1;
        let taken = (self.check)(&candidate);
        if taken {
            self.text = candidate;
        }
        taken
    }
}

/// Tries changes, many at once and then fewer. `count` returns the number of changes that are left, and
/// `attempt` makes those of a range; when it succeeds, they are gone from the list.
fn in_chunks<S>(
    state: &mut S,
    count: impl Fn(&S) -> usize,
    mut attempt: impl FnMut(&mut S, std::ops::Range<usize>) -> bool,
) {
    let mut size = count(state);
    while size > 0 {
        let mut start = 0;
        while start < count(state) {
            let end = (start + size).min(count(state));
            if !attempt(state, start..end) {
                start = end;
            }
        }
        size /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduced(text: &str, wanted: &[&str]) -> (String, usize) {
        let mut check = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            wanted.iter().all(|word| text.contains(word))
        };
        let Reduced { text, checks } = reduce(text.as_bytes(), Environment::ANY, &mut check);
        (String::from_utf8(text).expect("text"), checks)
    }

    const LOOP: &str = "\
test run
; A comment.
data %table = i32 1, i32 2

function %other(i32) -> i32 {
block0(v0: i32):
    v1 = iadd_imm v0, 17
    return v1
}
; run: %other(1) == 18

function %sum(i64, i32) -> i32 system_v {
    ss0 = explicit_slot 8
    fn0 = %other(i32) -> i32

block0(v0: i64, v1: i32):
    v2 = iconst.i32 0
    jump block1(v2, v1)

block1(v3: i32, v4: i32):
    v5 = load.i32 notrap aligned v0+8
    v6 = imul v5, v4
    v7 = call fn0(v6)
    v8 = iadd v3, v7
    v9 = iadd_imm v4, -1
    brif v9, block1(v8, v9), block2(v8)

block2(v10: i32):
    return v10
}
";

    #[test]
    fn what_matters_stays() {
        let (text, checks) = reduced(LOOP, &["imul"]);
        assert!(text.lines().count() <= 6 && !text.contains("load") && !text.contains("jump"), "{text}");
        assert!(checks < 200, "{checks}");
        let (text, _) = reduced(LOOP, &["call fn0"]);
        assert!(text.contains("fn0 = %other") && !text.contains("function %other"), "{text}");
        let (text, _) = reduced(LOOP, &["brif", "load.i32"]);
        assert!(!text.contains("imul") && !text.contains("+8") && !text.contains("notrap"), "{text}");
    }

    #[test]
    fn parameters_and_types_go() {
        let (text, _) = reduced(LOOP, &["block1(", "brif"]);
        assert!(!text.contains("v10") && !text.contains("iadd"), "{text}");
        let wide = "function %f(i64, i64) -> i64 {\nblock0(v0: i64, v1: i64):\n    v2 = imul v0, v1\n    \
                    return v2\n}\n";
        let (text, _) = reduced(wide, &["imul"]);
        assert!(!text.contains("i64"), "{text}");
    }

    #[test]
    fn files_with_errors_are_reduced() {
        let wrong = LOOP.replace("imul v5", "imull v5");
        let (text, _) = reduced(&wrong, &["imull"]);
        assert!(text.lines().count() <= 3, "{text}");
    }

    #[test]
    fn a_file_that_cannot_be_smaller_stays() {
        let (text, _) = reduced("function %f() {\nblock0:\n    return\n}\n", &["function", "return"]);
        assert_eq!(text, "function %f() {\nblock0:\n    return\n}\n");
    }
}

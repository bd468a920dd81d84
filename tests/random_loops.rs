//! Runs random counted loops, which the optimiser widens, rotates and unrolls, and compares what they return
//! with what a simulation does.
//!
//! Counters start, step and end near the ends of their types as often as elsewhere, so that a transformation
//! that forgets an overflow shows. Only loops that end after few iterations are run. `CLIFC_LOOPS_SEED` and
//! `CLIFC_LOOPS` select others than the default ones, and their number.

use std::fmt::Write;
use std::process::Command;

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "catalogue/random.rs"]
mod random;
#[path = "scratch/mod.rs"]
mod scratch;

use random::Random;
use scratch::Scratch;

/// The conditions, each with the one of exchanged operands and the opposite.
const CONDITIONS: [[&str; 3]; 10] = [
    ["eq", "eq", "ne"],
    ["ne", "ne", "eq"],
    ["slt", "sgt", "sge"],
    ["sle", "sge", "sgt"],
    ["sgt", "slt", "sle"],
    ["sge", "sle", "slt"],
    ["ult", "ugt", "uge"],
    ["ule", "uge", "ugt"],
    ["ugt", "ult", "ule"],
    ["uge", "ule", "ult"],
];

/// Where a loop has its test, and its variables.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Style {
    /// At the top.
    Top,
    /// At the top, and variables are in stack slots.
    Slots,
    /// At the bottom.
    Bottom,
    /// At the bottom, and the same loop follows directly.
    Twice,
    /// At the top, of the counter before it counts (`while (n--)`).
    Before,
}

/// A loop over a counter that adds up the counter's values, each extended and with an offset.
#[derive(Clone, Copy, Debug)]
struct Loop {
    bits: u32,
    style: Style,
    condition: usize,
    step: i64,
    offset: i64,
    signed: bool,
    /// The first value and the limit, if they are constants.
    first: Option<i64>,
    limit: Option<i64>,
    /// Whether the test has its operands exchanged, or is the opposite one.
    swapped: bool,
    inverted: bool,
    /// Whether the counter is used after the loop, and that of the first loop in the second.
    escapes: bool,
}

fn signed(x: u64, bits: u32) -> i64 {
    (x << (64 - bits)) as i64 >> (64 - bits)
}

fn unsigned(x: i64, bits: u32) -> u64 {
    x as u64 & (u64::MAX >> (64 - bits))
}

/// A number that is likely to matter.
fn edge(random: &mut Random, bits: u32) -> i64 {
    let near = random.below(41) as i64 - 4;
    let least = i64::MIN >> (64 - bits);
    match random.below(6) {
        0 => least.wrapping_add(near),
        1 => least.wrapping_sub(near + 1),
        2 => -1 - near,
        _ => near,
    }
}

impl Loop {
    fn new(random: &mut Random) -> Self {
        let bits = [32, 32, 32, 64, 16][random.below(5)];
        let style = [Style::Top, Style::Slots, Style::Bottom, Style::Twice, Style::Before][random.below(5)];
        let step = [1, 1, 1, -1, -1, 2, -2, 3, 4, -7, 8][random.below(11)];
        let ascending = [2, 3, 6, 7, 1, 1];
        let descending = [4, 5, 8, 9, 1, 1];
        let condition = match random.below(7) {
            6 => random.below(10),
            n => {
                if step > 0 {
                    ascending[n]
                } else {
                    descending[n]
                }
            }
        };
        let mut known = |one_in| (random.below(one_in) == 0).then(|| edge(random, bits));
        let (first, limit) = (known(2), known(2));
        let (condition, limit) = if style == Style::Before { (1, Some(0)) } else { (condition, limit) };
        let offset = [0, 0, 1, -1, 2, 5][random.below(6)];
        let mut chance = || random.below(2) == 0;
        let (signed, swapped, inverted, escapes) = (chance(), chance(), chance(), chance());
        Loop { bits, style, condition, step, offset, signed, first, limit, swapped, inverted, escapes }
    }

    fn holds(&self, a: u64, b: u64) -> bool {
        let (x, y) = (signed(a, self.bits), signed(b, self.bits));
        [a == b, a != b, x < y, x <= y, x > y, x >= y, a < b, a <= b, a > b, a >= b][self.condition]
    }

    fn extended(&self, x: u64) -> u64 {
        if self.signed { signed(x, self.bits) as u64 } else { x }
    }

    /// What the function returns; `None` if it takes too many iterations.
    fn simulate(&self, first: i64, limit: i64) -> Option<i64> {
        let first = unsigned(self.first.unwrap_or(first), self.bits);
        let limit = unsigned(self.limit.unwrap_or(limit), self.bits);
        let (mut sum, mut at) = self.iterate(7, first, limit, 0)?;
        let escaping = |counter| if self.escapes { self.extended(counter) } else { 0 };
        if self.style == Style::Twice {
            (sum, at) = self.iterate(sum, first, limit, escaping(at))?;
        }
        Some(sum.wrapping_add(escaping(at)) as i64)
    }

    /// The sum and the counter after a loop that also adds `more` in each iteration.
    fn iterate(&self, mut sum: u64, mut at: u64, limit: u64, more: u64) -> Option<(u64, u64)> {
        let tests_at_bottom = matches!(self.style, Style::Bottom | Style::Twice);
        let step = |at: u64| unsigned((at as i64).wrapping_add(self.step), self.bits);
        for _ in 0..300 {
            if !tests_at_bottom {
                let old = at;
                at = if self.style == Style::Before { step(at) } else { at };
                if !self.holds(old, limit) {
                    return Some((sum, at));
                }
            }
            let term = self.extended(unsigned((at as i64).wrapping_add(self.offset), self.bits));
            sum = sum.wrapping_mul(31).wrapping_add(term).wrapping_add(more);
            at = if self.style == Style::Before { at } else { step(at) };
            if tests_at_bottom && !self.holds(at, limit) {
                return Some((sum, at));
            }
        }
        None
    }

    /// The text of the function.
    fn write(&self, number: usize, text: &mut String) -> std::fmt::Result {
        let ty = format!("i{}", self.bits);
        let extend = match (self.bits, self.signed) {
            (64, _) => "iadd_imm",
            (_, true) => "sextend.i64",
            (_, false) => "uextend.i64",
        };
        let zero = if self.bits == 64 { ", 0" } else { "" };
        writeln!(text, "function %loop{number}({ty}, {ty}) -> i64 {{")?;
        writeln!(text, "    ss0 = explicit_slot 8\n    ss1 = explicit_slot 8\nblock0(v0: {ty}, v1: {ty}):")?;
        for (value, param, known) in [(2, 0, self.first), (3, 1, self.limit)] {
            match known {
                Some(known) => {
                    let known = signed(unsigned(known, self.bits), self.bits);
                    writeln!(text, "    v{value} = iconst.{ty} {known}")?;
                }
                None => writeln!(text, "    v{value} = iadd_imm v{param}, 0")?,
            }
        }
        writeln!(text, "    v4 = iconst.i64 7")?;
        if self.style == Style::Slots {
            writeln!(text, "    v5 = stack_addr.i64 ss0\n    v6 = stack_addr.i64 ss1")?;
            writeln!(text, "    store v2, v5\n    store v4, v6\n    jump block1\nblock1:")?;
            writeln!(text, "    v10 = load.{ty} v5\n    v11 = load.i64 v6")?;
        } else {
            writeln!(text, "    jump block1(v2, v4)\nblock1(v10: {ty}, v11: i64):")?;
        }
        let body = |text: &mut String, counter: &str| {
            writeln!(text, "    v20 = iadd_imm {counter}, {}\n    v21 = {extend} v20{zero}", self.offset)?;
            writeln!(text, "    v22 = imul_imm v11, 31\n    v23 = iadd v22, v21")
        };
        let end = |text: &mut String, counter: &str, sum: &str| match self.escapes {
            true => {
                writeln!(
                    text,
                    "    v30 = {extend} {counter}{zero}\n    v31 = iadd {sum}, v30\n    return v31\n}}"
                )
            }
            false => writeln!(text, "    return {sum}\n}}"),
        };
        let step = format!("    v12 = iadd_imm v10, {}", self.step);
        match self.style {
            Style::Top | Style::Slots => {
                self.write_test(text, "v10", "block2", "block3")?;
                writeln!(text, "block2:")?;
                body(text, "v10")?;
                writeln!(text, "{step}")?;
                match self.style {
                    Style::Slots => writeln!(text, "    store v12, v5\n    store v23, v6\n    jump block1")?,
                    _ => writeln!(text, "    jump block1(v12, v23)")?,
                }
                writeln!(text, "block3:")?;
                end(text, "v10", "v11")
            }
            Style::Before => {
                writeln!(text, "{step}\n    brif v10, block2, block3\nblock2:")?;
                body(text, "v12")?;
                writeln!(text, "    jump block1(v12, v23)\nblock3:")?;
                end(text, "v12", "v11")
            }
            Style::Bottom => {
                body(text, "v10")?;
                writeln!(text, "{step}")?;
                self.write_test(text, "v12", "block1(v12, v23)", "block3")?;
                writeln!(text, "block3:")?;
                end(text, "v12", "v23")
            }
            Style::Twice => {
                body(text, "v10")?;
                writeln!(text, "{step}")?;
                self.write_test(text, "v12", "block1(v12, v23)", "block2(v2, v23)")?;
                writeln!(text, "block2(v50: {ty}, v51: i64):\n    v52 = iadd_imm v50, {}", self.offset)?;
                writeln!(text, "    v53 = {extend} v52{zero}\n    v54 = imul_imm v51, 31")?;
                writeln!(text, "    v55 = iadd v54, v53\n    v58 = iadd_imm v50, {}", self.step)?;
                match self.escapes {
                    true => writeln!(text, "    v56 = {extend} v12{zero}\n    v57 = iadd v55, v56")?,
                    false => writeln!(text, "    v57 = iadd_imm v55, 0")?,
                }
                self.write_test(text, "v58", "block2(v58, v57)", "block3")?;
                writeln!(text, "block3:")?;
                end(text, "v58", "v57")
            }
        }
    }

    /// Writes the branch that goes to `yes` as long as the loop goes on.
    fn write_test(&self, text: &mut String, counter: &str, yes: &str, no: &str) -> std::fmt::Result {
        let [_, _, opposite] = CONDITIONS[self.condition];
        let condition = if self.inverted { opposite } else { CONDITIONS[self.condition][0] };
        let (yes, no) = if self.inverted { (no, yes) } else { (yes, no) };
        let row = CONDITIONS.iter().find(|row| row[0] == condition).expect("a condition");
        let test = format!("{counter}0");
        match self.swapped {
            true => writeln!(text, "    {test} = icmp {} v3, {counter}", row[1])?,
            false => writeln!(text, "    {test} = icmp {condition} {counter}, v3")?,
        }
        writeln!(text, "    brif {test}, {yes}, {no}")
    }
}

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn loops_return_what_they_should() {
    let (seed, count) = (number("CLIFC_LOOPS_SEED", 1), number("CLIFC_LOOPS", 300));
    let mut random = Random::new(&format!("loops{seed}"));
    let mut text = "test run\nset opt_level=speed\ntarget x86_64\ntarget aarch64\ntarget s390x\n".to_string();
    let mut runs = 0;
    for n in 0..count {
        let this = Loop::new(&mut random);
        this.write(n, &mut text).expect("writing to a string");
        for _ in 0..10 {
            let first = edge(&mut random, this.bits);
            let limit = match random.below(2) {
                0 => edge(&mut random, this.bits),
                _ => first.wrapping_add(this.step * random.below(15) as i64),
            };
            let [first, limit] = [first, limit].map(|x| signed(unsigned(x, this.bits), this.bits));
            if let Some(result) = this.simulate(first, limit) {
                runs += 1;
                writeln!(text, "; run: %loop{n}({first}, {limit}) == {result}").expect("writing to a string");
            }
        }
    }
    assert!(runs > 5 * count, "only {runs} runs");
    let directory = Scratch::new("random_loops");
    let path = directory.join(format!("loops{seed}.clif"));
    std::fs::write(&path, text).expect("a file can be written");
    let output = Command::new(env!("CARGO_BIN_EXE_clifc")).arg("test").arg(&path).output();
    let output = output.expect("clifc runs");
    let out = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {out}", path.display());
    println!("{count} loops, {runs} runs on each target");
}

//! Rules as formulas of SMT-LIB over bit vectors.

use crate::case::Case;
use crate::compiler::expr::{Binary, Expr, Fact, Unary, mask};
use crate::compiler::infer::Node;
use crate::compiler::ir::Opcode;
use crate::compiler::syntax::Head;
use std::fmt::Write;

/// The commands that ask for operands that satisfy the conditions of a rule, and for which its result differs
/// from its pattern or is used where the pattern traps. `unsat` means that the rule is right.
pub fn query(case: &Case) -> String {
    let mut out = String::new();
    let (values, constants) = case.variables();
    for (name, ty) in values.iter().chain(&constants) {
        let _ = writeln!(out, "(declare-const {name} (_ BitVec {}))", ty.bits());
    }
    for name in case.known() {
        let _ = writeln!(out, "(declare-const zeros_{name} (_ BitVec 64))");
        let bits = values[&name].bits();
        // Of wider values, nothing is known.
        let possible = number(if bits > 64 { 0 } else { mask(bits) }, 64);
        let zero = number(0, 64);
        let _ = writeln!(out, "(assert (= (bvand zeros_{name} (bvnot {possible})) {zero}))");
        let _ = writeln!(out, "(assert (= (bvand {} zeros_{name}) {zero}))", resize(&name, bits, 64));
    }
    for condition in &case.rule.text.conditions {
        let _ = writeln!(out, "(assert {})", truth(case, condition));
    }
    let (pattern, result) = (term(case, &case.rule.pattern), term(case, &case.rule.result));
    let wrong = format!("(or {} (not (= {pattern} {result})))", traps(case, &case.rule.pattern));
    let choices = case.amounts();
    if choices.is_empty() {
        let _ = writeln!(out, "(assert {wrong})");
        return out;
    }
    // Shifts by known amounts are easy, those by others hard: all amounts are told apart.
    let each = choices.iter().map(|choice| {
        let lets: Vec<String> = choice
            .iter()
            .map(|(name, value)| format!("({name} {})", number(*value, constants[name].bits())))
            .collect();
        let same: Vec<String> = choice
            .iter()
            .map(|(name, value)| format!("(= {name} {})", number(*value, constants[name].bits())))
            .collect();
        format!("(and {} (let ({}) {wrong}))", same.join(" "), lets.join(" "))
    });
    let _ = writeln!(out, "(assert (or false {}))", each.collect::<Vec<_>>().join("\n"));
    out
}

/// Whether an instruction of the pattern traps whose replacement doesn't.
fn traps(case: &Case, node: &Node) -> String {
    let Node::Op { head, args, class, .. } = node else { return "false".into() };
    let inner: Vec<String> = args.iter().map(|arg| traps(case, arg)).collect();
    let own = match head {
        Head::Opcode(Opcode::Udiv | Opcode::Urem | Opcode::Srem) => {
            format!("(= {} {})", term(case, &args[1]), number(0, case.bits(*class)))
        }
        Head::Opcode(Opcode::Sdiv) => {
            let bits = case.bits(*class);
            let (x, y) = (term(case, &args[0]), term(case, &args[1]));
            let least = format!("(bvshl {} {})", number(1, bits), number(u64::from(bits) - 1, bits));
            format!(
                "(or (= {y} {}) (and (= (bvnot {y}) {}) (= {x} {least})))",
                number(0, bits),
                number(0, bits)
            )
        }
        Head::Opcode(_) | Head::Test | Head::NotTest => "false".into(),
    };
    format!("(or {own} {})", inner.join(" "))
}

/// A number as a bit vector of any width.
fn number(n: u64, bits: u32) -> String {
    match bits {
        65.. => format!("((_ zero_extend {}) (_ bv{n} 64))", bits - 64),
        _ => format!("(_ bv{} {bits})", n & mask(bits)),
    }
}

/// A vector cut off or zero-extended.
fn resize(term: &str, from: u32, to: u32) -> String {
    match from.cmp(&to) {
        std::cmp::Ordering::Less => format!("((_ zero_extend {}) {term})", to - from),
        std::cmp::Ordering::Equal => term.into(),
        std::cmp::Ordering::Greater => format!("((_ extract {} 0) {term})", to - 1),
    }
}

fn sign_extend(term: &str, from: u32, to: u32) -> String {
    match from.cmp(&to) {
        std::cmp::Ordering::Less => format!("((_ sign_extend {}) {term})", to - from),
        _ => resize(term, from, to),
    }
}

/// The value of a node.
fn term(case: &Case, node: &Node) -> String {
    match node {
        Node::Value { name, .. } => name.clone(),
        Node::Constant { expr: Expr::Constant(name), class } => {
            let (_, constants) = case.variables();
            resize(name, constants[name].bits(), case.bits(*class))
        }
        Node::Constant { expr, class } => sign_extend(&vector(case, expr), 64, case.bits(*class)),
        Node::Op { head, class, args, cc, .. } => {
            let terms: Vec<String> = args.iter().map(|arg| term(case, arg)).collect();
            let widths: Vec<u32> = args.iter().map(|arg| case.bits(arg.class())).collect();
            match head {
                Head::Test => format!("(not (= {} {}))", terms[0], number(0, widths[0])),
                Head::NotTest => format!("(= {} {})", terms[0], number(0, widths[0])),
                Head::Opcode(opcode) => match cc {
                    Some(cc) => {
                        let holds = compare(*opcode, case.condition(*opcode, cc), &terms, widths[0]);
                        format!("(ite {holds} {} {})", number(1, 8), number(0, 8))
                    }
                    None => operation(*opcode, &terms, &widths, case.bits(*class)),
                },
            }
        }
    }
}

/// Whether a comparison holds.
fn compare(opcode: Opcode, condition: &str, args: &[String], bits: u32) -> String {
    let (x, y) = (&args[0], &args[1]);
    if opcode != Opcode::Fcmp {
        return match condition {
            "eq" => format!("(= {x} {y})"),
            "ne" => format!("(not (= {x} {y}))"),
            signed => format!("(bv{signed} {x} {y})"),
        };
    }
    let exponent = [5, 8, 11, 15][(bits / 16).ilog2() as usize];
    let float = |x: &str| format!("((_ to_fp {exponent} {}) {x})", bits - exponent);
    let (x, y) = (float(x), float(y));
    let unordered = format!("(or (fp.isNaN {x}) (fp.isNaN {y}))");
    match condition {
        "ord" => format!("(not {unordered})"),
        "uno" => unordered,
        "eq" => format!("(fp.eq {x} {y})"),
        "ne" => format!("(not (fp.eq {x} {y}))"),
        "one" => format!("(or (fp.lt {x} {y}) (fp.gt {x} {y}))"),
        "ueq" => format!("(or {unordered} (fp.eq {x} {y}))"),
        "lt" | "gt" => format!("(fp.{condition} {x} {y})"),
        "le" => format!("(fp.leq {x} {y})"),
        "ge" => format!("(fp.geq {x} {y})"),
        "ult" => format!("(or {unordered} (fp.lt {x} {y}))"),
        "ule" => format!("(or {unordered} (fp.leq {x} {y}))"),
        "ugt" => format!("(or {unordered} (fp.gt {x} {y}))"),
        other => {
            assert_eq!(other, "uge", "a condition of floats");
            format!("(or {unordered} (fp.geq {x} {y}))")
        }
    }
}

/// The value of an instruction without a condition, `bits` wide.
fn operation(opcode: Opcode, args: &[String], widths: &[u32], bits: u32) -> String {
    use Opcode::*;
    let x = &args[0];
    let y = args.get(1).map_or("", String::as_str);
    let binary = |function: &str| format!("({function} {x} {y})");
    let zero = number(0, bits);
    let top = || format!("(bvshl {} {})", number(1, bits), number(u64::from(bits) - 1, bits));
    let amount = || format!("(bvand {} {})", resize(y, widths[1], bits), number(u64::from(bits) - 1, bits));
    let choose = |order: &str| format!("(ite (bv{order} {x} {y}) {x} {y})");
    let rotate = |one: &str, other: &str| {
        let rest = format!("(bvsub {} {})", number(bits.into(), bits), amount());
        format!("(bvor ({one} {x} {}) ({other} {x} {rest}))", amount())
    };
    match opcode {
        Iadd => binary("bvadd"),
        Isub => binary("bvsub"),
        Imul => binary("bvmul"),
        Udiv => binary("bvudiv"),
        Urem => binary("bvurem"),
        Sdiv => binary("bvsdiv"),
        Srem => binary("bvsrem"),
        Band => binary("bvand"),
        Bor => binary("bvor"),
        Bxor => binary("bvxor"),
        Bnot => format!("(bvnot {x})"),
        Ineg => format!("(bvneg {x})"),
        Iabs => format!("(ite (bvslt {x} {zero}) (bvneg {x}) {x})"),
        Smin => choose("slt"),
        Smax => choose("sgt"),
        Umin => choose("ult"),
        Umax => choose("ugt"),
        Ishl => format!("(bvshl {x} {})", amount()),
        Ushr => format!("(bvlshr {x} {})", amount()),
        Sshr => format!("(bvashr {x} {})", amount()),
        Rotl => rotate("bvshl", "bvlshr"),
        Rotr => rotate("bvlshr", "bvshl"),
        Uextend | Ireduce => resize(x, widths[0], bits),
        Sextend => sign_extend(x, widths[0], bits),
        Iconcat => format!("(concat {y} {x})"),
        Bitcast => x.clone(),
        Bmask => format!("(ite (= {x} {}) {zero} (bvnot {zero}))", number(0, widths[0])),
        Bswap => parts(x, bits, 8),
        Bitrev => parts(x, bits, 1),
        Fneg => format!("(bvxor {x} {})", top()),
        Fabs => format!("(bvand {x} (bvnot {}))", top()),
        Select => format!("(ite (= {x} {}) {} {y})", number(0, widths[0]), args[2]),
        other => panic!("`{}` has no formula: add it to tests/rules/smt.rs", other.name()),
    }
}

/// The parts of a vector in reverse order, each of `size` bits.
fn parts(x: &str, bits: u32, size: u32) -> String {
    let part = |n| format!("((_ extract {} {}) {x})", n + size - 1, n);
    let all: Vec<String> = (0..bits).step_by(size as usize).map(part).collect();
    format!("(concat {})", all.join(" "))
}

/// Whether an expression is not zero.
fn truth(case: &Case, expr: &Expr) -> String {
    match expr {
        Expr::Binary(function, x, y) if function.is_test() => {
            let (x, y) = (vector(case, x), vector(case, y));
            match function {
                Binary::Equal => format!("(= {x} {y})"),
                Binary::NotEqual => format!("(not (= {x} {y}))"),
                Binary::Less => format!("(bvult {x} {y})"),
                _ => format!("(bvule {x} {y})"),
            }
        }
        // These decide whether the rule pays, not whether it is right.
        Expr::Fact(Fact::Varies | Fact::Scalar, _) | Expr::Narrows(..) => "true".into(),
        other => format!("(not (= {} {}))", vector(case, other), number(0, 64)),
    }
}

/// The value of an expression, 64 bits wide.
fn vector(case: &Case, expr: &Expr) -> String {
    let bits_of = |name: &String| case.bits(case.rule.names[name]);
    let one_if = |holds: String| format!("(ite {holds} {} {})", number(1, 64), number(0, 64));
    match expr {
        Expr::Number(n) => number(*n, 64),
        Expr::Constant(name) => resize(name, bits_of(name), 64),
        Expr::Fact(Fact::Bits, name) => number(bits_of(name).into(), 64),
        Expr::Fact(Fact::Mask, name) => number(mask(bits_of(name)), 64),
        Expr::Fact(Fact::Zeros, name) => format!("zeros_{name}"),
        Expr::Fact(Fact::Flag, name) => match bits_of(name) {
            65.. => number(0, 64),
            bits => {
                let all = number(mask(bits), 64);
                one_if(format!("(= (bvand (bvor zeros_{name} {}) {all}) {all})", number(1, 64)))
            }
        },
        Expr::Fact(Fact::Varies | Fact::Scalar, _) | Expr::Narrows(..) => number(1, 64),
        Expr::SignExtend(x, ty) => {
            let bits = bits_of(ty).min(64);
            sign_extend(&format!("((_ extract {} 0) {})", bits - 1, vector(case, x)), bits, 64)
        }
        Expr::Unary(function, x) => {
            let x = vector(case, x);
            match function {
                Unary::Negate => format!("(bvneg {x})"),
                Unary::Complement => format!("(bvnot {x})"),
                Unary::IsPower => {
                    let below = format!("(bvand {x} (bvsub {x} {}))", number(1, 64));
                    let zero = number(0, 64);
                    one_if(format!("(and (not (= {x} {zero})) (= {below} {zero}))"))
                }
                Unary::Log2 => (0..64).rev().fold(number(64, 64), |above, n| {
                    format!("(ite (= ((_ extract {n} {n}) {x}) #b1) {} {above})", number(n, 64))
                }),
            }
        }
        Expr::Binary(function, x, y) => {
            let (a, b) = (vector(case, x), vector(case, y));
            let name = match function {
                Binary::Add => "bvadd",
                Binary::Sub => "bvsub",
                Binary::Mul => "bvmul",
                Binary::And => "bvand",
                Binary::Or => "bvor",
                Binary::Xor => "bvxor",
                Binary::Shl => "bvshl",
                Binary::Shr => "bvlshr",
                Binary::Min => return format!("(ite (bvult {a} {b}) {a} {b})"),
                Binary::Equal | Binary::NotEqual | Binary::Less | Binary::LessOrEqual => {
                    return one_if(truth(case, expr));
                }
            };
            format!("({name} {a} {b})")
        }
    }
}

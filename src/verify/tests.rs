//! Errors that text cannot contain, as in IR that a pass has broken; the others are tested in
//! `filetests/verifier`. And tests that the cost is linear in the size of the function.

use super::*;
use crate::analysis::Analysis;
use crate::analysis::tests::assert_near_linear;
use crate::ir::{BlockData, Format, Function, PackedDef, Results, Value, opcode};
use crate::parse::{self, ParseContext};
use std::fmt::Write;

fn parsed(text: &str) -> Stencil {
    let mut cx = ParseContext::new();
    let mut function = Function::default();
    if parse::function(text.as_bytes(), 0, &mut cx, &mut function).is_err() {
        panic!("{:?}", cx.diagnostics);
    }
    function.stencil
}

fn errors(stencil: &Stencil) -> Vec<String> {
    let mut analysis = Analysis::default();
    analysis.compute(stencil);
    let mut verifier = Verifier::default();
    verifier.verify(stencil, &analysis, Environment::ANY).iter().map(VerifierError::to_string).collect()
}

/// Checks that breaking a correct function gives exactly the expected error.
fn check_broken(expected: &str, break_it: impl FnOnce(&mut Stencil)) {
    let mut stencil = parsed(
        "function %f(i32, i32) -> i32 {
            fn0 = %g(i32) -> i32
         block0(v0: i32, v1: i32):
            v2 = iadd v0, v1
            v3 = call fn0(v2)
            brif v3, block1(v2), block2
         block1(v4: i32):
            v5, v6 = uadd_overflow v4, v0
            return v5
         block2:
            trap user1
         }",
    );
    assert_eq!(errors(&stencil), Vec::<String>::new());
    break_it(&mut stencil);
    let errors = errors(&stencil);
    assert!(matches!(&errors[..], [only] if only.contains(expected)), "{expected}: {errors:?}");
}

#[test]
fn controlling_types_are_checked() {
    check_broken("inst0: iadd has an invalid controlling type f32: it takes i8, i16", |stencil| {
        stencil.insts[Inst(0)].ty = types::F32;
    });
    check_broken("inst5: trap takes no type", |stencil| stencil.insts[Inst(5)].ty = types::I32);
}

#[test]
fn results_are_checked() {
    check_broken("inst3: expected result 1 (v6) to have type i8, found i64", |stencil| {
        stencil.value_types[Value(6)] = types::I64;
    });
    check_broken("inst1: expected result 0 (v3) to have type i32, found i8", |stencil| {
        stencil.value_types[Value(3)] = types::I8;
        stencil.insts[Inst(2)].ty = types::I8;
    });
    check_broken("inst3: expected 2 result values, found 1", |stencil| {
        stencil.results[Inst(3)] = Results::one(Value(5));
    });
    check_broken("inst3: result 1 (v6) is not defined by the instruction", |stencil| {
        stencil.value_defs[Value(6)] = PackedDef::result(Inst(0), 0);
    });
}

#[test]
fn definitions_are_checked() {
    check_broken("block1: parameter v4 is defined elsewhere", |stencil| {
        stencil.value_defs[Value(4)] = PackedDef::param(Block(1), 1);
    });
    check_broken("inst0: uses value v7, which is not defined", |stencil| {
        stencil.insts[Inst(0)].b = 7;
    });
    check_broken("inst4: uses value v5 from non-dominating inst3 in no block", |stencil| {
        stencil.blocks[Block(1)].start = 4;
    });
}

#[test]
fn structure_is_checked() {
    check_broken("inst1: invalid function reference fn7", |stencil| stencil.insts[Inst(1)].a = 7);
    check_broken("block2: block2 is out of place in the layout", |stencil| {
        stencil.blocks[Block(2)] = BlockData { start: 0, end: 1, defined: true, ..BlockData::default() };
    });
    check_broken("function: the function has no blocks", |stencil| stencil.layout.clear());
    check_broken("inst2: invalid block reference block2", |stencil| {
        stencil.blocks[Block(2)].defined = false;
        stencil.layout.pop();
    });
}

#[test]
fn rows_have_a_rule_for_each_operand() {
    for &opcode in opcode::ALL {
        let info = opcode.info();
        let data = crate::ir::InstData::new(opcode, types::INVALID);
        let callee = matches!(info.format, Format::CallIndirect | Format::TryCallIndirect);
        let expected = if callee { 1 } else { data.fixed_args() };
        assert_eq!(info.args.len(), expected, "{}", info.name);
    }
}

/// A function of about `count` instructions in one block.
fn straight_line(count: usize) -> String {
    let mut text = String::from("function %f(i64) -> i64 {\nblock0(v0: i64):\n");
    for n in 0..count {
        writeln!(text, "v{} = iadd v{n}, v{}", n + 1, n / 2).expect("writing to a string");
    }
    text + &format!("return v{count}\n}}")
}

/// The same in blocks that each may leave for one exit.
fn many_blocks(count: usize) -> String {
    let mut text = String::from("function %f(i64) -> i64 {\nblock1(v0: i64):\n");
    for n in 0..count / 2 {
        let next = n + 2;
        let (last, new) = (n, n + 1);
        writeln!(text, "v{new} = iadd v{last}, v{}\nbrif v{new}, block0(v{last}), block{next}", n / 2)
            .expect("writing to a string");
        writeln!(text, "block{next}:").expect("writing to a string");
    }
    let value = count + 1;
    text + &format!("jump block0(v0)\nblock0(v{value}: i64):\nreturn v{value}\n}}")
}

/// The same in calls.
fn many_calls(count: usize) -> String {
    let mut text = String::from(
        "function %f(i64) -> i64 {\nfn0 = %g(i64, i64, i64, i64) -> i64, i32\nblock0(v0: i64):\n",
    );
    for n in 0..count {
        writeln!(text, "v{}, v{} = call fn0(v{}, v0, v{}, v0)", 2 * n + 2, 2 * n + 1, 2 * n, n / 2 * 2)
            .expect("writing to a string");
    }
    text + &format!("return v{}\n}}", 2 * count)
}

#[test]
fn cost_grows_with_the_function() {
    for (name, shape) in [
        ("a line", straight_line as fn(usize) -> String),
        ("many blocks", many_blocks),
        ("many calls", many_calls),
    ] {
        let verify = |count: usize| {
            let stencil = parsed(&shape(count));
            let (mut analysis, mut verifier) = (Analysis::default(), Verifier::default());
            move || {
                analysis.compute(&stencil);
                analysis.compute_loops();
                assert_eq!(verifier.verify(&stencil, &analysis, Environment::ANY), []);
            }
        };
        assert_near_linear(name, verify(10_000), verify(160_000));
    }
}

//! The interpreter runs whole functions from text.

use clifc::check;
use clifc::eval::Value;
use clifc::interp::{Machine, Options, Program, Why};
use clifc::ir::types::{I32, I64};
use clifc::ir::{Endianness, Name, TrapCode};
use clifc::verify::Environment;

fn program(text: &str) -> Program {
    let checked = check::whole(text.as_bytes(), Environment::ANY).expect("right");
    Program::new(checked.functions, checked.module, &checked.offsets).expect("a program")
}

fn run_with(text: &str, options: &Options, args: &[Value]) -> Result<Vec<Value>, Why> {
    let program = program(text);
    let main = program.function_named(&Name::Text("f".into())).expect("%f");
    Machine::new(&program, options).call(main, args).map_err(|stop| stop.why)
}

fn run(text: &str, args: &[u64]) -> Result<Vec<u64>, Why> {
    let args: Vec<Value> = args.iter().map(|&arg| Value::scalar(I64, u128::from(arg))).collect();
    let results = run_with(text, &Options { steps: 1 << 23, ..Options::default() }, &args)?;
    Ok(results.iter().map(|value| value.bits() as u64).collect())
}

#[test]
fn data_functions_and_pointers_to_them() {
    let text = "\
rodata %table = %twice, %thrice+0, i32 5, i16 7
function %twice(i64) -> i64 {
block0(v0: i64):
    v1 = iadd v0, v0
    return v1
}
function %thrice(i64) -> i64 {
block0(v0: i64):
    v1 = imul_imm v0, 3
    return v1
}
function %f(i64, i64) -> i64, i32 {
    gv0 = symbol colocated %table
    sig0 = (i64) -> i64
block0(v0: i64, v1: i64):
    v2 = symbol_value.i64 gv0
    v3 = iadd v2, v0
    v4 = load.i64 v3
    v5 = call_indirect sig0, v4(v1)
    v6 = load.i32 v2+16
    return v5, v6
}";
    assert_eq!(run(text, &[0, 21]), Ok(vec![42, 5]));
    assert_eq!(run(text, &[8, 2]), Ok(vec![6, 5]));
    // The rest of the table, and what is behind it.
    assert!(matches!(run(text, &[12, 2]), Err(Why::Error(why)) if why.contains("no function begins at")));
    assert_eq!(run(text, &[16, 2]), Err(Why::Trap(TrapCode::HEAP_OUT_OF_BOUNDS)));
    let big = Options { order: Endianness::Big, ..Options::default() };
    let args = [8, 2].map(|bits| Value::scalar(I64, bits));
    let results = run_with(text, &big, &args).expect("results");
    assert_eq!(results, [Value::scalar(I64, 6), Value::scalar(I32, 5)]);
}

#[test]
fn recursion_ends_with_the_stack_and_tail_calls_go_on() {
    let text = |call: &str| {
        format!(
            "function %f(i64) -> i64 tail {{
    fn0 = colocated %f(i64) -> i64 tail
    ss0 = explicit_slot 8
block0(v0: i64):
    brif v0, block1, block2
block1:
    v1 = iadd_imm v0, -1
    {call}
block2:
    return v0
}}"
        )
    };
    let recursive = text("v2 = call fn0(v1)\n return v2");
    assert_eq!(run(&recursive, &[1000]), Ok(vec![0]));
    assert_eq!(run(&recursive, &[1 << 30]), Err(Why::Trap(TrapCode::STACK_OVERFLOW)));
    let tail = text("return_call fn0(v1)");
    assert_eq!(run(&tail, &[1 << 20]), Ok(vec![0]));
    assert_eq!(run(&tail, &[1 << 40]), Err(Why::TooLong));
}

#[test]
fn exceptions_reach_the_nearest_handler() {
    let text = "\
function %thrower(i32, i64) tail {
    fn0 = %__cranelift_throw(i64, i64, i64, i32, i64, i64)
block0(v0: i32, v1: i64):
    v2 = iconst.i64 0
    v3 = iadd_imm v1, 1
    call fn0(v2, v2, v2, v0, v1, v3)
    return
}
function %between(i32, i64) tail {
    sig0 = (i32, i64) tail
    fn0 = colocated %thrower(i32, i64) tail
block0(v0: i32, v1: i64):
    try_call fn0(v0, v1), sig0, block1, [tag1: block1]
block1:
    return
}
function %f(i64) -> i64, i64 tail {
    sig0 = (i32, i64) tail
    fn0 = colocated %between(i32, i64) tail
block0(v0: i64):
    v1 = iconst.i64 10
    v2 = ireduce.i32 v0
    try_call fn0(v2, v1), sig0, block1(v1, v0), [tag2: block1(exn0, exn1), tag3: block2]
block1(v3: i64, v4: i64):
    return v3, v4
block2:
    return v0, v0
}";
    assert_eq!(run(text, &[1]), Ok(vec![10, 1]));
    assert_eq!(run(text, &[2]), Ok(vec![10, 11]));
    assert_eq!(run(text, &[3]), Ok(vec![3, 3]));
    assert_eq!(run(text, &[4]), Err(Why::Thrown(4)));
}

#[test]
fn accesses_are_checked() {
    let access = |flags: &str, offset: i32| {
        let text = format!(
            "function %f(i64) -> i64 {{
    ss0 = explicit_slot 16
block0(v0: i64):
    v1 = stack_addr.i64 ss0
    v2 = iadd v1, v0
    store v0, v1+8
    v3 = load.i64 {flags} v2{offset:+}
    return v3
}}"
        );
        run(&text, &[0])
    };
    assert_eq!(access("", 8), Ok(vec![0]));
    assert_eq!(access("", 1 << 30), Err(Why::Trap(TrapCode::HEAP_OUT_OF_BOUNDS)));
    assert_eq!(access("", -1), Err(Why::Trap(TrapCode::HEAP_OUT_OF_BOUNDS)));
    assert_eq!(access("user7", -8), Err(Why::Trap(TrapCode(7))));
    assert!(matches!(access("notrap", -8), Err(Why::Error(why)) if why.contains("notrap")));
    assert!(matches!(access("aligned", 1), Err(Why::Error(why)) if why.contains("aligned")));
}

#[test]
fn imports_are_few() {
    let text = |name: &str| {
        format!(
            "rodata %text = \"hi\\0\"
function %f(i64) -> i64 {{
    gv0 = symbol colocated %text
    fn0 = %{name}(i64) -> i64
block0(v0: i64):
    v1 = symbol_value.i64 gv0
    v2 = call fn0(v1)
    return v2
}}"
        )
    };
    assert_eq!(run(&text("strlen"), &[0]), Ok(vec![2]));
    assert!(matches!(run(&text("getenv"), &[0]), Err(Why::Error(why)) if why.contains("`%getenv`")));
    assert!(matches!(run(&text("puts"), &[0]), Err(Why::Error(why)) if why.contains("signature")));
}

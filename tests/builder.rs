//! Functions made and changed by code: what is built prints, reads back, verifies and compiles; and so does
//! what is left after edits of any kind.

use std::fs;
use std::path::PathBuf;

use clifc::analysis::Analysis;
use clifc::diag::Source;
use clifc::driver::{self, BuildOptions, Observer};
use clifc::ir::types::{I8, I32, I64};
use clifc::ir::*;
use clifc::options::{Arch, Flags, Target};
use clifc::parse::{self, ParseContext};
use clifc::verify::{Environment, Verifier, VerifierError};

fn param(ty: Type) -> AbiParam {
    AbiParam { ty, purpose: Purpose::Normal, extension: Extension::None }
}

fn signature(params: &[Type], returns: &[Type]) -> Signature {
    let list = |types: &[Type]| types.iter().map(|&ty| param(ty)).collect();
    Signature {
        params: list(params),
        returns: list(returns),
        call_conv: CallConv::SystemV,
        ..Signature::default()
    }
}

fn read(text: &str) -> Function {
    let mut cx = ParseContext::new();
    let mut func = Function::default();
    let start = text.find("function").expect("a function");
    if parse::function(&text.as_bytes()[start..], start, &mut cx, &mut func).is_err() {
        panic!("{:?} in\n{text}", cx.diagnostics);
    }
    func
}

fn errors(func: &Function) -> Vec<String> {
    let mut analysis = Analysis::default();
    analysis.compute(&func.stencil);
    let mut verifier = Verifier::default();
    let errors = verifier.verify(&func.stencil, &analysis, Environment::ANY);
    errors.iter().map(VerifierError::to_string).collect()
}

/// Checks that a function is right, and that its text gives the same function again.
fn check(func: &Function) {
    let text = func.to_string();
    assert_eq!(errors(func), Vec::<String>::new(), "{text}");
    let again = read(&text);
    assert_eq!(again.to_string(), text);
    assert_eq!(func.params, again.params, "{text}");
}

/// Compiles a function for all targets.
fn compile(func: &Function) {
    let text = func.to_string();
    for arch in Arch::ALL {
        let target = Target::of(arch);
        let flags = Flags::new(&target);
        let options = BuildOptions::new(target, flags);
        let source = Source { name: "built.clif", text: text.as_bytes() };
        if let Err(diagnostics) = driver::build(&source, &options, &Observer::NONE) {
            panic!("{diagnostics:?} in\n{text}");
        }
    }
}

/// Changes a function, and gives the origins of its instructions.
fn edit(func: &mut Function, change: impl FnOnce(&mut Editor)) -> Origins {
    let (mut buffers, mut origins) = (EditBuffers::default(), Origins::default());
    let mut editor = Editor::new(func, &mut buffers);
    change(&mut editor);
    editor.finish(&mut origins);
    origins
}

/// The first instruction with an opcode.
fn find(func: &Function, opcode: Opcode) -> Inst {
    let mut insts = func.stencil.insts.iter();
    insts.find(|(_, data)| data.opcode == opcode).expect("an instruction with that opcode").0
}

/// Checks a function's blocks, as text without indentation.
fn assert_blocks(func: &Function, expected: &[&str]) {
    let text = func.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let start = lines.iter().position(|line| line.starts_with("block")).expect("a block");
    let code = |line: &&str| line.split("  ;").next().unwrap_or_default().to_string();
    let lines: Vec<String> = lines[start..].iter().filter(|line| !line.is_empty()).map(code).collect();
    let mut expected: Vec<&str> = expected.to_vec();
    expected.push("}");
    assert_eq!(lines, expected, "{text}");
}

/// Sums the `n` words at an address, by a call in the loop.
fn sum_loop() -> Function {
    let mut func = Function::default();
    let mut b = FunctionBuilder::new(&mut func);
    b.set_name(Name::Text("sum".into()));
    b.set_signature(signature(&[I64, I32], &[I32]));
    let sig = b.signature(signature(&[I32, I32], &[I32]));
    let add = b.function(Name::Text("add".into()), sig, true);
    let entry = b.open_entry();
    let (address, count) = (b.block_param(entry, 0), b.block_param(entry, 1));
    let header = b.new_block(&[I64, I32, I32]);
    let done = b.new_block(&[]);
    let zero = b.iconst(I32, 0);
    b.set_srcloc(Some(0x10));
    b.jump(header, &[address, count, zero]);
    b.open(header);
    let [at, left, sum] = [0, 1, 2].map(|n| b.block_param(header, n));
    let flags = MemFlags { trap: None, aligned: true, ..MemFlags::default() };
    b.set_srcloc(Some(0x12));
    let word = b.load(Opcode::Load, I32, flags, at, 0);
    let call = b.call(Opcode::Call, add, &[sum, word]);
    let sum = b.stencil().first_result(call);
    let four = b.iconst(I64, 4);
    let next = b.op(Opcode::Iadd, &[at, four]);
    let one = b.iconst(I32, -1);
    let left = b.op(Opcode::Iadd, &[left, one]);
    let (again, out) = (b.block_call(header, &[next, left, sum]), b.block_call(done, &[]));
    b.brif(left, again, out);
    b.set_srcloc(None);
    b.open(done);
    b.return_values(&[sum]);
    b.finish();
    func
}

/// The blocks of [`sum_loop`] as text, without source locations.
const SUM_LOOP: &[&str] = &[
    "block0(v0: i64, v1: i32):",
    "v5 = iconst.i32 0",
    "@0010                               jump block1(v0, v1, v5)",
    "block1(v2: i64, v3: i32, v4: i32):",
    "@0012                               v6 = load.i32 notrap aligned v2",
    "@0012                               v7 = call fn0(v4, v6)",
    "@0012                               v8 = iconst.i64 4",
    "@0012                               v9 = iadd v2, v8",
    "@0012                               v10 = iconst.i32 -1",
    "@0012                               v11 = iadd v3, v10",
    "@0012                               brif v11, block1(v9, v11, v7), block2",
    "block2:",
    "return v7",
];

#[test]
fn a_loop_is_built_by_code() {
    let func = sum_loop();
    assert_blocks(&func, SUM_LOOP);
    let text = func.to_string();
    assert_eq!(read(&text).to_string(), text);
    check(&func);
    compile(&func);
}

#[test]
fn every_shape_of_operands_is_built_by_code() {
    let mut func = Function::default();
    let mut b = FunctionBuilder::new(&mut func);
    b.set_name(Name::Text("all".into()));
    let mut own = signature(&[I64, I32, types::F64], &[I32]);
    own.call_conv = CallConv::Tail;
    b.set_signature(own.clone());
    let global = b.symbol(Name::Text("data".into()), 8, true, false);
    let thread = b.symbol(Name::Text("own".into()), 0, false, true);
    let (sig, tail) = (b.signature(signature(&[I32], &[I32])), b.signature(own));
    let callee = b.function(Name::User(0, 7), sig, false);
    let itself = b.function(Name::Text("all".into()), tail, true);
    let slot = b.stack_slot(16, 3);
    let vector = I32.vector(2).expect("a type");
    let bytes = I8.vector(4).expect("a type");
    let entry = b.open_entry();
    let [p, x, f] = [0, 1, 2].map(|n| b.block_param(entry, n));
    let usual = MemFlags::default();
    let big = MemFlags { endianness: Some(Endianness::Big), ..usual };

    let half = b.float_const(types::F16, 0x3c00);
    let wide = b.typed_op(Opcode::Fpromote, types::F64, &[half]);
    let _ = b.fcmp(FloatCc::LessThan, wide, f);
    let sum = b.op_inst(Opcode::UaddOverflow, None, &[x, x]);
    assert_eq!(b.stencil().inst_results(sum).len(), 2);
    b.uadd_overflow_trap(x, x, TrapCode(3));
    b.trap_if(Opcode::Trapz, x, TrapCode(1));
    let quad = b.constant(&[0; 16]);
    b.pool_const(types::F128, quad);
    let lanes = b.constant(&[1; 16]);
    let lanes = b.pool_const(vector, lanes);
    let lanes = b.lane_op(Opcode::Insertlane, &[lanes, x], 3);
    b.lane_op(Opcode::Extractlane, &[lanes], 0);
    let lanes = b.bitcast(bytes, big, lanes);
    b.shuffle(lanes, lanes, &[7; 16]);
    b.store(Opcode::Istore8, usual, x, p, -4);
    b.load(Opcode::Uload32, I64, big, p, 4);
    b.load(Opcode::AtomicLoad, I32, usual, p, 0);
    b.store(Opcode::AtomicStore, usual, x, p, 0);
    b.atomic_rmw(usual, AtomicRmwOp::Xor, p, x);
    b.atomic_cas(usual, p, x, x);
    b.op_inst(Opcode::Fence, None, &[]);
    let code = b.func_addr(I64, callee);
    b.symbol_value(Opcode::SymbolValue, I64, global);
    b.symbol_value(Opcode::TlsValue, I64, thread);
    b.stack_addr(I64, slot, 8);
    let less = b.icmp(IntCc::SignedLessThan, x, x);
    let called = b.call_indirect(Opcode::CallIndirect, sig, code, &[x]);
    b.set_stack_map(called, vec![StackMapEntry { ty: I32, slot, offset: 4 }]);
    b.set_debug_tags(called, vec![DebugTag::User(5)]);
    let got = b.stencil().first_result(called);
    let x = b.op(Opcode::Select, &[less, x, got]);

    let [trying, returned, chosen, thrown] = [I32, I32, I32, I64].map(|param| b.new_block(&[param]));
    let [cases, end] = [(); 2].map(|()| b.new_block(&[]));
    b.set_cold(thrown);
    let results = |b: &mut FunctionBuilder, block| b.block_call_with(block, [BlockArg::TryCallRet(0)]);
    let payload = |b: &mut FunctionBuilder| b.block_call_with(thrown, [BlockArg::TryCallExn(0)]);
    b.jump(trying, &[x]);
    b.open(trying);
    b.handler_addr(I64, trying, 0);
    let (normal, caught) = (results(&mut b, returned), payload(&mut b));
    let handlers = vec![Handler::Context(p), Handler::Tag(1, caught)];
    b.try_call(callee, &[b.block_param(trying, 0)], ExceptionTableData { signature: sig, normal, handlers });
    b.open(returned);
    let (normal, caught) = (results(&mut b, chosen), payload(&mut b));
    let table = ExceptionTableData { signature: sig, normal, handlers: vec![Handler::Default(caught)] };
    b.try_call_indirect(code, &[b.block_param(returned, 0)], table);
    b.open(chosen);
    let (to_cases, to_end) = (b.block_call(cases, &[]), b.block_call(end, &[]));
    b.br_table(b.block_param(chosen, 0), to_cases, &[to_end, to_cases]);
    b.open(thrown);
    b.trap(TrapCode(2));
    b.open(cases);
    b.call(Opcode::ReturnCall, itself, &[p, got, f]);
    b.open(end);
    b.call_indirect(Opcode::ReturnCallIndirect, tail, code, &[p, got, f]);
    b.finish();

    let text = func.to_string();
    assert_eq!(read(&text).to_string(), text);
    edit(&mut func, |editor| editor.declare(|_| ()));
    assert_eq!(func.to_string(), text);
    check(&func);
}

#[test]
fn instructions_are_inserted_replaced_and_removed() {
    let mut func = sum_loop();
    let [load, call, add] = [Opcode::Load, Opcode::Call, Opcode::Iadd].map(|opcode| find(&func, opcode));
    let origins = edit(&mut func, |edit| {
        let word = edit.stencil().first_result(load);
        // Twice the word is added, and the call is an addition in place.
        let double = edit.insert_before(call, |b| b.op(Opcode::Iadd, &[word, word]));
        edit.replace(call, |b| {
            let sum = b.block_param(Block(1), 2);
            b.op_inst(Opcode::Iadd, None, &[sum, double])
        });
        let four = Value(8);
        let stride = edit.insert_before(add, |b| b.iconst(I64, 8));
        edit.replace_value(four, stride);
        let old = edit.stencil().value_defs[four].get();
        assert!(matches!(old, ValueDef::Result(..)));
        if let ValueDef::Result(inst, _) = old {
            edit.remove(inst);
        }
    });
    assert_blocks(
        &func,
        &[
            "block0(v0: i64, v1: i32):",
            "v5 = iconst.i32 0",
            "@0010                               jump block1(v0, v1, v5)",
            "block1(v2: i64, v3: i32, v4: i32):",
            "@0012                               v6 = load.i32 notrap aligned v2",
            "@0012                               v12 = iadd v6, v6",
            "@0012                               v7 = iadd v4, v12",
            "@0012                               v14 = iconst.i64 8",
            "@0012                               v9 = iadd v2, v14",
            "@0012                               v10 = iconst.i32 -1",
            "@0012                               v11 = iadd v3, v10",
            "@0012                               brif v11, block1(v9, v11, v7), block2",
            "block2:",
            "return v7",
        ],
    );
    check(&func);
    compile(&func);
    let of: Vec<u32> = func.stencil.insts.keys().map(|inst| origins.of(inst).0).collect();
    assert_eq!(of, [0, 1, 2, 3, 3, 5, 5, 6, 7, 8, 9]);
}

#[test]
fn blocks_are_added_split_and_removed() {
    let mut func = sum_loop();
    let [call, branch, ret] = [Opcode::Call, Opcode::Brif, Opcode::Return].map(|opcode| find(&func, opcode));
    let (mut buffers, mut origins) = (EditBuffers::default(), Origins::default());
    let mut edit = Editor::new(&mut func, &mut buffers);
    // A word of zero is not added, and skipped by a block of its own.
    let (word, sum) = (Value(6), Value(7));
    let added = edit.split_before(call);
    let rest = edit.split_before(Inst(call.0 + 1));
    let skipped = edit.new_block(added, &[]);
    edit.append_to(Block(1), call, |b| {
        let (then, otherwise) = (b.block_call(added, &[]), b.block_call(skipped, &[]));
        b.brif(word, then, otherwise)
    });
    edit.append_to(added, call, |b| b.jump(rest, &[]));
    edit.append_to(skipped, call, |b| b.jump(rest, &[]));
    // What it adds, it adds to memory.
    let slot = edit.declare(|b| b.stack_slot(4, 2));
    let flags = MemFlags { trap: None, ..MemFlags::default() };
    edit.insert_before(call, |b| {
        let address = b.stack_addr(I64, slot, 0);
        b.store(Opcode::Store, flags, word, address, 0)
    });
    edit.replace(call, |b| {
        let address = b.stack_addr(I64, slot, 0);
        let loaded = b.load(Opcode::Load, I32, flags, address, 0);
        b.inst_of(loaded).expect("a load")
    });
    edit.insert_before(branch, |b| b.op_inst(Opcode::Nop, None, &[]));
    edit.insert_before(ret, |b| b.iconst(I8, -1));
    edit.replace_value(sum, word);
    assert_eq!(edit.resolve(sum), word);
    edit.finish(&mut origins);
    assert_blocks(
        &func,
        &[
            "block0(v0: i64, v1: i32):",
            "v5 = iconst.i32 0",
            "@0010                               jump block1(v0, v1, v5)",
            "block1(v2: i64, v3: i32, v4: i32):",
            "@0012                               v6 = load.i32 notrap aligned v2",
            "@0012                               brif v6, block3, block5",
            "block3:",
            "@0012                               v12 = stack_addr.i64 ss0",
            "@0012                               store.i32 notrap v6, v12",
            "@0012                               v13 = stack_addr.i64 ss0",
            "@0012                               v7 = load.i32 notrap v13",
            "@0012                               jump block4",
            "block5:",
            "@0012                               jump block4",
            "block4:",
            "@0012                               v8 = iconst.i64 4",
            "@0012                               v9 = iadd.i64 v2, v8",
            "@0012                               v10 = iconst.i32 -1",
            "@0012                               v11 = iadd.i32 v3, v10",
            "@0012                               nop",
            "@0012                               brif v11, block1(v9, v11, v6), block2",
            "block2:",
            "v15 = iconst.i8 -1",
            "return v6",
        ],
    );
    check(&func);
    compile(&func);
    assert_eq!(origins.of(find(&func, Opcode::Return)), ret);

    // A second time, with the same buffers: the loop is left after one round.
    let branch = func.stencil.terminator(Block(4)).expect("a branch");
    let mut edit = Editor::new(&mut func, &mut buffers);
    edit.remove(branch);
    edit.append_to(Block(4), branch, |b| b.jump(Block(2), &[]));
    edit.remove_block(Block(5));
    let all = edit.stencil().terminator(Block(1)).expect("a branch");
    edit.replace(all, |b| b.jump(Block(3), &[]));
    edit.finish(&mut origins);
    let text = func.to_string();
    assert!(!text.contains("block5") && text.contains("jump block2"), "{text}");
    check(&func);
    assert_eq!(origins.of(find(&func, Opcode::Return)), ret);
    assert_eq!(origins.of(func.stencil.terminator(Block(1)).expect("a jump")), call);
}

/// Random numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }
}

/// The functions of the filetests that can be read, as their text reads back.
fn samples() -> Vec<Function> {
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/filetests"))];
    let mut samples = Vec::new();
    let mut cx = ParseContext::new();
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read(&path).expect("a readable file");
            let split = parse::split(&text, &mut Vec::new());
            for item in split.functions {
                let mut func = Function::default();
                if parse::function(&text[item.text], 0, &mut cx, &mut func).is_ok() {
                    samples.push(read(&func.to_string()));
                }
            }
        }
    }
    assert!(samples.len() > 1000, "{} functions", samples.len());
    samples
}

#[test]
fn without_edits_a_function_stays_as_it_is() {
    for mut func in samples() {
        let before = func.clone();
        let origins = edit(&mut func, |editor| editor.declare(|_| ()));
        let text = before.to_string();
        assert_eq!(format!("{:?}", func.stencil), format!("{:?}", before.stencil), "{text}");
        assert_eq!(func.params, before.params, "{text}");
        assert!(func.stencil.insts.keys().all(|inst| origins.of(inst) == inst), "{text}");
    }
}

/// Makes edits that leave the meaning as it is, at random places.
fn edit_at_random(
    func: &mut Function,
    random: &mut Random,
    buffers: &mut EditBuffers,
    origins: &mut Origins,
) {
    let stencil = func.stencil.clone();
    let mut edit = Editor::new(func, buffers);
    for &block in &stencil.layout {
        let mut part = block;
        for inst in stencil.block_insts(block) {
            let data = stencil.insts[inst];
            match random.below(8) {
                0 => drop(edit.insert_before(inst, |b| b.op_inst(Opcode::Nop, None, &[]))),
                1 => {
                    let next = edit.split_before(inst);
                    let between = edit.new_block(part, &[]);
                    edit.append_to(part, inst, |b| b.jump(between, &[]));
                    edit.append_to(between, inst, |b| b.jump(next, &[]));
                    part = next;
                }
                2 if matches!(data.opcode, Opcode::Iadd | Opcode::Band | Opcode::Bxor) => {
                    let operands = [Value(data.b), Value(data.a)];
                    edit.replace(inst, |b| b.op_inst(data.opcode, None, &operands));
                }
                3 if data.opcode == Opcode::Iconst => {
                    let old = stencil.first_result(inst);
                    let new = edit.insert_before(inst, |b| b.iconst(data.ty, data.imm64() as i64));
                    edit.replace_value(old, new);
                    edit.remove(inst);
                }
                4 if data.opcode == Opcode::Nop => edit.remove(inst),
                5 if data.opcode == Opcode::Jump => {
                    // The arguments go through a block with parameters.
                    let call = stencil.block_calls[BlockCallRef(data.a)];
                    let args: Vec<Value> =
                        stencil.pool.get(call.args).iter().map(|&word| Value(word)).collect();
                    let types: Vec<Type> = args.iter().map(|&arg| stencil.value_types[arg]).collect();
                    let through = edit.new_block(part, &types);
                    edit.replace(inst, |b| b.jump(through, &args));
                    edit.append_to(through, inst, |b| {
                        let params: Vec<Value> =
                            (0..types.len()).map(|n| b.block_param(through, n)).collect();
                        b.jump(call.block, &params)
                    });
                }
                _ => {}
            }
        }
    }
    edit.finish(origins);
}

#[test]
fn random_edits_leave_right_functions() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut buffers, mut origins) = (EditBuffers::default(), Origins::default());
    let mut edited = 0;
    for mut func in samples() {
        // What is not reached has values that are used where they are not defined.
        if !errors(&func).is_empty() {
            continue;
        }
        let before = func.clone();
        origins.clear();
        for _ in 0..3 {
            edit_at_random(&mut func, &mut random, &mut buffers, &mut origins);
            let wrong = errors(&func);
            assert_eq!(wrong, Vec::<String>::new(), "{before}\nbecomes\n{func}");
        }
        let text = func.to_string();
        let again = read(&text);
        assert_eq!(again.to_string(), text, "{before}");
        let values = before.stencil.value_defs.len();
        for (value, def) in func.stencil.value_defs.iter().take(values) {
            let was = before.stencil.value_types[value];
            let is = func.stencil.value_types[value];
            assert!(def.get() == ValueDef::None || was == is, "{value} in {before}\nbecomes\n{func}");
        }
        let kept = func.stencil.insts.iter().filter(|(inst, data)| {
            let old = before.stencil.insts[origins.of(*inst)];
            data.opcode == old.opcode || matches!(data.opcode, Opcode::Nop | Opcode::Jump)
        });
        assert_eq!(kept.count(), func.stencil.insts.len(), "{before}\nbecomes\n{func}");
        edited += 1;
    }
    assert!(edited > 1000, "{edited} functions");
}

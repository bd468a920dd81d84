//! Expected values written by hand, and comparisons with what Rust computes natively.

use super::*;
use crate::ir::opcode::ALL;
use crate::ir::types::*;

fn ty(name: &str) -> Type {
    Type::parse(name.as_bytes()).expect("a type")
}

fn v(name: &str, lanes: &[i128]) -> Value {
    let ty = ty(name);
    Value::from_lanes(ty, |n| lanes[n as usize % lanes.len()] as u128)
}

fn f(name: &str, text: &str) -> Value {
    let ty = ty(name);
    let bits = crate::ir::FloatFormat::new(ty.bits()).parse(text.as_bytes()).expect("a float");
    Value::scalar(ty, bits)
}

fn run(op: Opcode, ctrl: &str, immediate: Immediate, args: &[Value]) -> Vec<Value> {
    pure(op, ty(ctrl), immediate, args).expect("no trap").as_slice().to_vec()
}

fn one(op: Opcode, ctrl: &str, args: &[Value]) -> Value {
    run(op, ctrl, Immediate::None, args).remove(0)
}

#[test]
fn only_pure_opcodes_mean_something_here() {
    for &opcode in ALL {
        let impure = [Opcode::Load, Opcode::Jump, Opcode::FuncAddr, Opcode::GetStackPointer, Opcode::Fence];
        if impure.contains(&opcode) {
            assert!(!is_pure(opcode));
            assert_eq!(pure(opcode, I64, Immediate::None, &[]), Err(Fault::Impure));
        }
        assert_eq!(MEANINGS[opcode as usize].is_some(), is_pure(opcode), "{opcode:?}");
    }
}

#[test]
fn values() {
    let wide = v("i64x4", &[1, -1, 3, 4]);
    assert_eq!(wide.lane(1), u128::from(u64::MAX));
    assert_eq!(Value::from_memory(wide.ty(), &wide.to_memory(Endianness::Big), Endianness::Big), wide);
    assert_eq!(v("i16x2", &[1, 2]).to_memory(Endianness::Big), [0, 1, 0, 2]);
    assert_eq!(v("i8x4xN", &[5]).lanes().count(), 4);
    assert_eq!(v("i8", &[-1]).to_string(), "-1");
    assert_eq!(v("i32x2", &[-1, 2]).to_string(), "[0xffffffff 0x2]");
    assert_eq!(f("f16", "0x1.8p1").to_string(), "0x1.800p1");
}

#[test]
fn integers() {
    use Opcode::*;
    let i8s = |x, y| [v("i8", &[x]), v("i8", &[y])];
    assert_eq!(one(Iadd, "i8", &i8s(127, 1)), v("i8", &[-128]));
    assert_eq!(one(Iabs, "i8", &i8s(-128, 0)), v("i8", &[-128]));
    assert_eq!(one(Umulhi, "i8", &i8s(-1, -1)), v("i8", &[-2]));
    assert_eq!(one(Smulhi, "i8", &i8s(-128, -128)), v("i8", &[64]));
    let big = [v("i128", &[-1]), v("i128", &[-2])];
    assert_eq!(one(Umulhi, "i128", &big), v("i128", &[-3]));
    assert_eq!(one(Smulhi, "i128", &big), v("i128", &[0]));
    assert_eq!(
        one(Smulhi, "i128", &[v("i128", &[1 << 100]), v("i128", &[-3 << 60])]),
        v("i128", &[-3 << 32])
    );
    assert_eq!(one(AvgRound, "i8x2", &[v("i8x2", &[-1, 1]), v("i8x2", &[-2, 2])]), v("i8x2", &[-1, 2]));
    assert_eq!(
        one(SaddSat, "i16x4", &[v("i16x4", &[32767, -32768]), v("i16x4", &[1, -1])]),
        v("i16x4", &[32767, -32768])
    );
    assert_eq!(one(UsubSat, "i16x4", &[v("i16x4", &[3]), v("i16x4", &[4])]), v("i16x4", &[0]));
    let lowest = [v("i16x8", &[-32768]), v("i16x8", &[-32768])];
    assert_eq!(one(SqmulRoundSat, "i16x8", &lowest), v("i16x8", &[32767]));
    assert_eq!(one(X86Pmulhrsw, "i16x8", &lowest), v("i16x8", &[-32768]));
    assert_eq!(one(Sdiv, "i8", &i8s(-7, 2)), v("i8", &[-3]));
    assert_eq!(one(Srem, "i8", &i8s(-7, 2)), v("i8", &[-1]));
    assert_eq!(one(Srem, "i8", &i8s(-128, -1)), v("i8", &[0]));
    let trap = |op, x, y| pure(op, I8, Immediate::None, &i8s(x, y));
    assert_eq!(trap(Sdiv, -128, -1), Err(Fault::Trap(TrapCode::INTEGER_OVERFLOW)));
    assert_eq!(trap(Urem, 1, 0), Err(Fault::Trap(TrapCode::INTEGER_DIVISION_BY_ZERO)));
}

#[test]
fn overflow() {
    use Opcode::*;
    let of = |op, x, y, carry| {
        let args = [v("i8", &[x]), v("i8", &[y]), v("i8", &[carry])];
        let results = run(op, "i8", Immediate::None, &args);
        (results[0].to_string().parse::<i32>().expect("a number"), results[1].bits())
    };
    assert_eq!(of(UaddOverflow, -1, 1, 0), (0, 1));
    assert_eq!(of(UaddOverflowCin, -1, 0, 7), (0, 1));
    assert_eq!(of(SaddOverflowCin, 127, 0, 1), (-128, 1));
    assert_eq!(of(SaddOverflowCin, -128, -1, 1), (-128, 0));
    assert_eq!(of(UsubOverflowBin, 0, 0, 1), (-1, 1));
    assert_eq!(of(SsubOverflow, -128, 1, 0), (127, 1));
    assert_eq!(of(SsubOverflowBin, 0, 127, 1), (-128, 0));
    assert_eq!(of(UmulOverflow, 16, 16, 0), (0, 1));
    assert_eq!(of(SmulOverflow, -128, -1, 0), (-128, 1));
    assert_eq!(of(SmulOverflow, -16, 8, 0), (-128, 0));
    let code = Immediate::Trap(TrapCode(9));
    let sum = pure(UaddOverflowTrap, I32, code, &[v("i32", &[-1]), v("i32", &[1])]);
    assert_eq!(sum, Err(Fault::Trap(TrapCode(9))));
}

#[test]
fn bits_and_choices() {
    use Opcode::*;
    assert_eq!(one(Rotl, "i128", &[v("i128", &[3]), v("i8", &[-128])]), v("i128", &[3]));
    assert_eq!(one(Rotr, "i8x8", &[v("i8x8", &[3]), v("i64", &[9])]), v("i8x8", &[-127]));
    assert_eq!(one(Sshr, "i16", &[v("i16", &[-4]), v("i128", &[17])]), v("i16", &[-2]));
    assert_eq!(one(Cls, "i32", &[v("i32", &[-1])]), v("i32", &[31]));
    assert_eq!(one(Clz, "i8", &[v("i8", &[1])]), v("i8", &[7]));
    assert_eq!(one(Ctz, "i64", &[v("i64", &[0])]), v("i64", &[64]));
    assert_eq!(one(Bitrev, "i8", &[v("i8", &[2])]), v("i8", &[64]));
    assert_eq!(one(Bswap, "i32", &[v("i32", &[0x0102_0304])]), v("i32", &[0x0403_0201]));
    assert_eq!(one(Popcnt, "i8x4", &[v("i8x4", &[-1, 5])]), v("i8x4", &[8, 2]));
    let blend = [v("i8x2", &[-128, 127]), v("i8x2", &[1]), v("i8x2", &[2])];
    assert_eq!(one(Blendv, "i8x2", &blend), v("i8x2", &[1, 2]));
    assert_eq!(
        one(Bitselect, "i8", &[v("i8", &[0xf0]), v("i8", &[0x55]), v("i8", &[0x33])]),
        v("i8", &[0x53])
    );
    let chosen = one(Select, "i64x8", &[v("i8", &[2]), v("i64x8", &[1]), v("i64x8", &[2])]);
    assert_eq!(chosen, v("i64x8", &[1]));
}

#[test]
fn vectors() {
    use Opcode::*;
    let narrow = |op| one(op, "i16x4", &[v("i16x4", &[300, -300, 5, -5]), v("i16x4", &[-1])]);
    assert_eq!(narrow(Snarrow), v("i8x8", &[127, -128, 5, -5, -1, -1, -1, -1]));
    assert_eq!(narrow(Unarrow), v("i8x8", &[255, 0, 5, 0, 0, 0, 0, 0]));
    assert_eq!(narrow(Uunarrow), v("i8x8", &[255, 255, 5, 255, 255, 255, 255, 255]));
    let ramp = v("i8x16", &[0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1]);
    assert_eq!(
        one(SwidenHigh, "i8x16", std::slice::from_ref(&ramp)),
        v("i16x8", &[-8, -7, -6, -5, -4, -3, -2, -1])
    );
    assert_eq!(one(UwidenHigh, "i8x16", std::slice::from_ref(&ramp)).lane(0), 248);
    let by = v("i8x16", &[15, 16, 128, 31, 0, -1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    let first =
        |op| (0..6).map(|n| one(op, "i8x16", &[ramp.clone(), by.clone()]).lane(n)).collect::<Vec<_>>();
    assert_eq!(first(Swizzle), [255, 0, 0, 0, 0, 0]);
    assert_eq!(first(X86Pshufb), [255, 0, 0, 255, 0, 0]);
    let mask = [0, 31, 16, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let shuffled = run(Shuffle, "i8x16", Immediate::Bytes(&mask), &[ramp.clone(), by]).remove(0);
    assert_eq!((0..4).map(|n| shuffled.lane(n)).collect::<Vec<_>>(), [0, 11, 15, 255]);
    assert_eq!(
        one(IaddPairwise, "i8x4", &[v("i8x4", &[1, 2, 3, 4]), v("i8x4", &[5, 6, 7, 8])]),
        v("i8x4", &[3, 7, 11, 15])
    );
    assert_eq!(one(VhighBits, "i16", std::slice::from_ref(&ramp)), v("i16", &[0xff00]));
    assert_eq!(one(VallTrue, "i8x16", &[ramp]), v("i8", &[0]));
    assert_eq!(one(VanyTrue, "i8x16", &[v("i8x16", &[0, 1])]), v("i8", &[1]));
    let sums = one(X86Pmaddubsw, "i8x16", &[v("i8x16", &[-128, 127]), v("i8x16", &[-1, -1, -1, 0])]);
    assert_eq!(sums, v("i16x8", &[-255, -32640]));
    assert_eq!(one(X86Pmaddubsw, "i8x16", &[v("i8x16", &[127]), v("i8x16", &[-1])]), v("i16x8", &[32767]));
    assert_eq!(
        run(Insertlane, "i8x2", Immediate::Lane(1), &[v("i8x2", &[1]), v("i8", &[9])]),
        [v("i8x2", &[1, 9])]
    );
    assert_eq!(run(Extractlane, "i64x4", Immediate::Lane(3), &[v("i64x4", &[1, 2, 3, 4])]), [v("i64", &[4])]);
    let compared = run(
        Icmp,
        "i16x2",
        Immediate::IntCc(IntCc::SignedLessThan),
        &[v("i16x2", &[-1, 1]), v("i16x2", &[0])],
    );
    assert_eq!(compared, [v("i16x2", &[-1, 0])]);
}

#[test]
fn bitcasts() {
    let cast = |to, order, of| run(Opcode::Bitcast, to, Immediate::Order(order), &[of]).remove(0);
    let pair = v("i32x2", &[0x0102_0304, 0x0506_0708]);
    assert_eq!(cast("i64", Some(Endianness::Little), pair.clone()), v("i64", &[0x0506_0708_0102_0304]));
    assert_eq!(cast("i64", Some(Endianness::Big), pair.clone()), v("i64", &[0x0102_0304_0506_0708]));
    assert_eq!(cast("i16x4", Some(Endianness::Big), pair), v("i16x4", &[0x0102, 0x0304, 0x0506, 0x0708]));
    assert_eq!(cast("f32", None, v("i32", &[0x3f80_0000])), f("f32", "0x1.0"));
}

#[test]
fn floats() {
    use Opcode::*;
    for name in ["f16", "f32", "f64", "f128"] {
        let is = |op, args: &[&str], wanted: &str| {
            let args: Vec<Value> = args.iter().map(|text| f(name, text)).collect();
            assert_eq!(one(op, name, &args), f(name, wanted), "{op:?} {args:?}");
        };
        is(Fadd, &["0x1.0", "0x1.8"], "0x1.4p1");
        is(Fsub, &["Inf", "Inf"], "NaN");
        is(Fmul, &["-NaN:0x1", "0x1.0"], "NaN");
        is(Fdiv, &["-0x1.0", "0.0"], "-Inf");
        is(Fma, &["0x1.8", "0x1.8", "-0x1.2p1"], "0.0");
        is(Fmin, &["0.0", "-0.0"], "-0.0");
        is(Fmax, &["sNaN:0x1", "0x1.0"], "NaN");
        is(Fneg, &["sNaN:0x1"], "-sNaN:0x1");
        is(Fcopysign, &["NaN:0x1", "-0.0"], "-NaN:0x1");
        is(Ceil, &["-0x1.0p-1"], "-0.0");
        is(Nearest, &["0x1.4p1"], "0x1.0p1");
        is(Nearest, &["0x1.cp1"], "0x1.0p2");
        is(Trunc, &["-0x1.cp1"], "-0x1.8p1");
        is(Sqrt, &["0x1.2p3"], "0x1.8p1");
        is(Sqrt, &["-0x1.0"], "NaN");
        is(Sqrt, &["-0.0"], "-0.0");
    }
    // The greatest numbers, and roots that are rounded up and of subnormal numbers.
    assert_eq!(one(Fadd, "f16", &[f("f16", "0x1.ffcp15"), f("f16", "0x1.0p4")]), f("f16", "Inf"));
    assert_eq!(one(Sqrt, "f16", &[f("f16", "0x0.004p-14")]), f("f16", "0x1.0p-12"));
    assert_eq!(one(Sqrt, "f16", &[f("f16", "0x1.0p1")]), f("f16", "0x1.6a0p0"));
    let root_of_two = f("f128", "0x1.6a09e667f3bcc908b2fb1366ea95p0");
    assert_eq!(one(Sqrt, "f128", &[f("f128", "0x1.0p1")]), root_of_two);
    assert_eq!(one(Fpromote, "f64", &[f("f16", "0x0.004p-14")]), f("f64", "0x1.0p-24"));
    assert_eq!(one(Fdemote, "f16", &[f("f128", "0x1.ffep15")]), f("f16", "Inf"));
    assert_eq!(one(Fdemote, "f32", &[f("f64", "0x1.000001p0")]), f("f32", "0x1.0p0"));
}

#[test]
fn floats_and_integers() {
    use Opcode::*;
    let trap = |op, ty, text| pure(op, ty, Immediate::None, &[f("f32", text)]);
    assert_eq!(trap(FcvtToSint, I8, "NaN"), Err(Fault::Trap(TrapCode::BAD_CONVERSION_TO_INTEGER)));
    assert_eq!(trap(FcvtToSint, I8, "0x1.0p7"), Err(Fault::Trap(TrapCode::INTEGER_OVERFLOW)));
    assert_eq!(trap(FcvtToUint, I8, "-0x1.0"), Err(Fault::Trap(TrapCode::INTEGER_OVERFLOW)));
    assert_eq!(one(FcvtToUint, "i8", &[f("f32", "-0x1.8p-1")]), v("i8", &[0]));
    assert_eq!(one(FcvtToSint, "i8", &[f("f32", "-0x1.01p7")]), v("i8", &[-128]));
    assert_eq!(one(FcvtToSintSat, "i128", &[f("f64", "-Inf")]), v("i128", &[i128::MIN]));
    assert_eq!(one(FcvtToUintSat, "i32", &[f("f64", "0x1.0p32")]), v("i32", &[-1]));
    assert_eq!(one(FcvtToUintSat, "i32", &[f("f64", "-NaN")]), v("i32", &[0]));
    assert_eq!(
        one(
            X86Cvtt2dq,
            "i32x2",
            &[Value::from_lanes(ty("f32x2"), |n| [0x7fc0_0000, 0xbfc0_0000][n as usize])]
        ),
        v("i32x2", &[i128::from(i32::MIN), -1])
    );
    assert_eq!(one(FcvtFromUint, "f16", &[v("i32", &[65520])]), f("f16", "Inf"));
    assert_eq!(one(FcvtFromUint, "f16", &[v("i32", &[65519])]), f("f16", "0x1.ffcp15"));
    assert_eq!(one(FcvtFromSint, "f32", &[v("i128", &[i128::MIN])]), f("f32", "-0x1.0p127"));
    assert_eq!(one(FcvtFromUint, "f128", &[v("i128", &[-1])]), f("f128", "0x1.0p128"));
}

/// Bits with what floats have at their edges more often than chance would have it.
fn random_floats() -> impl Iterator<Item = u64> {
    let mut state = 0x1234_5678_9abc_def1u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match state & 7 {
            0 => state & 0x8000_0000_0000_000f,
            1 => 0x3ff0_0000_0000_0000 | state & 0xff,
            2 => 0x4330_0000_0000_0000 ^ state >> 3,
            _ => state,
        }
    })
}

#[test]
fn arithmetic_agrees_with_the_processor() {
    use Opcode::*;
    let canonical = |x: f64| if x.is_nan() { 0x7ff8_0000_0000_0000 } else { x.to_bits() };
    let canonical32 = |x: f32| if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() };
    type Native<F> = fn(F, F, F) -> F;
    let ops: [(Opcode, usize, Native<f64>, Native<f32>); 8] = [
        (Fadd, 2, |x, y, _| x + y, |x, y, _| x + y),
        (Fsub, 2, |x, y, _| x - y, |x, y, _| x - y),
        (Fmul, 2, |x, y, _| x * y, |x, y, _| x * y),
        (Fdiv, 2, |x, y, _| x / y, |x, y, _| x / y),
        (Sqrt, 1, |x, _, _| x.sqrt(), |x, _, _| x.sqrt()),
        (Fma, 3, |x, y, z| x.mul_add(y, z), |x, y, z| x.mul_add(y, z)),
        (Floor, 1, |x, _, _| x.floor(), |x, _, _| x.floor()),
        (Nearest, 1, |x, _, _| x.round_ties_even(), |x, _, _| x.round_ties_even()),
    ];
    let mut random = random_floats();
    for _ in 0..2_000 {
        let [x, y, z] = [(); 3].map(|()| random.next().expect("endless"));
        for (op, count, native, native32) in ops {
            let args = [x, y, z].map(|bits| Value::scalar(F64, u128::from(bits)));
            let wanted = canonical(native(f64::from_bits(x), f64::from_bits(y), f64::from_bits(z)));
            assert_eq!(one(op, "f64", &args[..count]).bits(), u128::from(wanted), "{op:?} {args:?}");
            let [x, y, z] = [x, y, z].map(|bits| (bits >> 32) as u32);
            let args = [x, y, z].map(|bits| Value::scalar(F32, u128::from(bits)));
            let wanted = canonical32(native32(f32::from_bits(x), f32::from_bits(y), f32::from_bits(z)));
            assert_eq!(one(op, "f32", &args[..count]).bits(), u128::from(wanted), "{op:?} {args:?}");
        }
        let demoted = one(Fdemote, "f32", &[Value::scalar(F64, u128::from(x))]);
        assert_eq!(demoted.bits(), u128::from(canonical32(f64::from_bits(x) as f32)));
        let integer = one(FcvtToSintSat, "i64", &[Value::scalar(F64, u128::from(x))]);
        assert_eq!(integer.bits() as i64, f64::from_bits(x) as i64);
        let float = one(FcvtFromUint, "f32", &[Value::scalar(I64, u128::from(x))]);
        assert_eq!(float.bits(), u128::from((x as f32).to_bits()));
    }
}

#[test]
fn square_roots_of_all_halves_are_right() {
    for bits in 0..=u16::MAX {
        let half = Value::scalar(F16, u128::from(bits));
        // f64 holds more than twice the bits of f16: rounding its root once more does no harm.
        let double = one(Opcode::Fpromote, "f64", std::slice::from_ref(&half)).bits() as u64;
        let root = Value::scalar(F64, u128::from(f64::from_bits(double).sqrt().to_bits()));
        let wanted = one(Opcode::Fdemote, "f16", &[root]);
        assert_eq!(one(Opcode::Sqrt, "f16", &[half]), wanted, "{bits:#x}");
    }
}

/// Every type there is.
fn all_types() -> Vec<Type> {
    let lanes = [I8, I16, I32, I64, I128, F16, F32, F64, F128];
    let fixed = lanes.into_iter().flat_map(|lane| (0..=8).filter_map(move |log2| lane.vector(log2)));
    let dynamic =
        lanes.into_iter().flat_map(|lane| (1..=7).filter_map(move |log2| lane.dynamic_vector(log2)));
    fixed.chain(dynamic).collect()
}

/// The choices of operand types for an opcode whose controlling type is `ctrl`, of each rule at most a few.
fn signatures(opcode: Opcode, ctrl: Type, types: &[Type]) -> Vec<Vec<Type>> {
    use Opcode::*;
    let fits = |ty: &Type| match opcode {
        Bitcast => ty.bits() == ctrl.bits(),
        FcvtToUintSat | FcvtToSintSat | X86Cvtt2dq | FcvtFromUint | FcvtFromSint => {
            (ty.lanes(), ty.is_dynamic()) == (ctrl.lanes(), ctrl.is_dynamic())
        }
        _ => true,
    };
    let mut all = vec![Vec::new()];
    for rule in opcode.info().args {
        let choices: Vec<Type> =
            types.iter().copied().filter(|&ty| rule.allows(ctrl, ty) && fits(&ty)).collect();
        let every = choices.len().div_ceil(6).max(1);
        let some: Vec<Type> = choices.into_iter().step_by(every).collect();
        all = all.iter().flat_map(|start| some.iter().map(|&ty| [&start[..], &[ty]].concat())).collect();
    }
    all
}

fn immediate(opcode: Opcode) -> Immediate<'static> {
    static BYTES: [u8; 4096] = [31; 4096];
    match opcode.format() {
        Format::Imm | Format::ImmF16 | Format::ImmF32 | Format::ImmF64 => Immediate::Bits(u64::MAX),
        Format::Const | Format::Shuffle => Immediate::Bytes(&BYTES),
        Format::BinaryImm8 | Format::TernaryImm8 => Immediate::Lane(0),
        Format::IntCompare => Immediate::IntCc(IntCc::SignedLessThan),
        Format::FloatCompare => Immediate::FloatCc(FloatCc::UnorderedOrEqual),
        Format::CondTrap | Format::AddTrap => Immediate::Trap(TrapCode(1)),
        Format::LoadNoOffset => Immediate::Order(Some(Endianness::Big)),
        _ => Immediate::None,
    }
}

#[test]
fn every_opcode_computes_on_every_type() {
    let types = all_types();
    let mut random = random_floats();
    let mut pairs = 0;
    for &opcode in ALL.iter().filter(|&&opcode| is_pure(opcode)) {
        let info = opcode.info();
        let ctrls: Vec<Type> = match info.ctrl {
            crate::ir::CtrlFrom::None => vec![INVALID],
            _ => types.iter().copied().filter(|&ty| info.ctrl_set.contains(ty)).collect(),
        };
        // A few opcodes have no result on the smallest or largest vectors, which the parser refuses.
        let has_results = |ctrl: &Type| info.results.iter().all(|rule| rule.resolve(*ctrl).is_some());
        for ctrl in ctrls.into_iter().filter(has_results) {
            pairs += 1;
            for signature in signatures(opcode, ctrl, &types) {
                let mut lane = || u128::from(random.next().expect("endless")) * 0x1_0000_0000_0000_0001;
                let args: Vec<Value> =
                    signature.iter().map(|&ty| Value::from_lanes(ty, |_| lane())).collect();
                let Ok(results) = pure(opcode, ctrl, immediate(opcode), &args) else { continue };
                let got = results.as_slice().iter().map(Value::ty);
                assert!(
                    got.eq(info.results.iter().filter_map(|rule| rule.resolve(ctrl))),
                    "{opcode:?}.{ctrl}"
                );
            }
        }
    }
    assert!(pairs > 5_000, "{pairs}");
}

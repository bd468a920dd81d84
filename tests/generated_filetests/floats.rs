//! Floats of 32 and 64 bits: operands in registers, constants and memory, comparisons in every use,
//! conversions. Whether a result is a NaN is a function of its own, since which NaN it is is open.

use crate::writer::File;
use clifc::ir::FloatCc;

const AVX: &str = "test run\ntarget x86_64\ntarget x86_64 has_avx\ntarget aarch64\ntarget s390x";
const ROUNDING: &str = "\
test run
target x86_64
target x86_64 has_sse41
target x86_64 has_avx has_sse41
target aarch64
target s390x";
const FUSED: &str = "\
test run
target x86_64
target x86_64 has_fma
target x86_64 has_avx has_fma
target aarch64
target s390x";

/// Float types, and the integers of their size.
const TYPES: [(&str, &str); 2] = [("f32", "i32"), ("f64", "i64")];

/// Constants: a number, a tie when it is rounded, zero and its negative.
const CONSTANTS: [&str; 4] = ["0x1.8p1", "-0x1.4p1", "0.0", "-0.0"];

pub fn add(files: &mut Vec<File>) {
    files.extend([arithmetic(), fma(), min_max(), round(), sign(), bits()]);
    files.extend([compare(), branch(), select(), select_extreme()]);
    files.extend([from_int(), to_int(), precision()]);
}

fn arithmetic() -> File {
    let about = "Arithmetic, with operands in registers, constants and memory.";
    let mut file = File::new("float/arithmetic.clif", about, AVX);
    for (ty, _) in TYPES {
        let two = format!("{ty}, {ty}");
        for op in ["fadd", "fsub", "fmul", "fdiv"] {
            let mut add = |suffix: &str, params: &str, result: &str, body: &str, calls| {
                let name = format!("{op}_{ty}{suffix}");
                file.add(&name, &format!("{params} -> {result}"), body, calls);
            };
            add("", &two, ty, &format!("v2 = {op} v0, v1; return v2"), 24);
            add("_nan", &two, "i8", &format!("v2 = {op} v0, v1; v3 = fcmp uno v2, v2; return v3"), 12);
            add("_twice", ty, ty, &format!("v2 = {op} v0, v0; return v2"), 4);
            for (n, constant) in CONSTANTS.iter().enumerate() {
                let constant = format!("v1 = {ty}const {constant};");
                add(&format!("_constant_{n}"), ty, ty, &format!("{constant} v2 = {op} v0, v1; return v2"), 4);
                add(
                    &format!("_of_constant_{n}"),
                    ty,
                    ty,
                    &format!("{constant} v2 = {op} v1, v0; return v2"),
                    3,
                );
            }
            let loaded = |n| {
                format!("ss0 = explicit_slot 8; v2 = stack_addr.i64 ss0; store v{n}, v2; v3 = load.{ty} v2;")
            };
            add("_loaded", &two, ty, &format!("{} v4 = {op} v0, v3; return v4", loaded(1)), 4);
            add("_of_loaded", &two, ty, &format!("{} v4 = {op} v3, v1; return v4", loaded(0)), 4);
            let live = format!("v2 = {op} v0, v1; v3 = {op} v2, v0; v4 = {op} v3, v1; return v4");
            add("_both_live", &two, ty, &live, 4);
        }
        let mut add = |name: &str, result: &str, body: &str| {
            file.add(&format!("{name}_{ty}"), &format!("{ty} -> {result}"), body, 10);
        };
        add("sqrt", ty, "v1 = sqrt v0; return v1");
        add("sqrt_sum", ty, "v1 = sqrt v0; v2 = fadd v1, v0; return v2");
        add("sqrt_nan", "i8", "v1 = sqrt v0; v2 = fcmp uno v1, v1; return v2");
    }
    file
}

fn fma() -> File {
    let about = "Fused multiplication and addition: one rounding, and negated operands.";
    let mut file = File::new("float/fma.clif", about, FUSED);
    for (ty, _) in TYPES {
        let signature = format!("{ty}, {ty}, {ty} -> {ty}");
        for negated in ["", "0", "1", "2", "01", "02", "12", "012"] {
            let name = |n: u32| match negated.contains(&n.to_string()) {
                true => format!("v{}", 3 + n),
                false => format!("v{n}"),
            };
            let negate: String =
                negated.chars().map(|n| format!("v{} = fneg v{n}; ", 3 + n as u32 - 48)).collect();
            let body = format!("{negate} v9 = fma {}, {}, {}; return v9", name(0), name(1), name(2));
            file.add(&format!("fma_{ty}_negated_{negated}"), &signature, &body, 5);
        }
        for n in 0..3 {
            let operand = |m| if n == m { "v4".into() } else { format!("v{m}") };
            let body = format!(
                "ss0 = explicit_slot 8; v3 = stack_addr.i64 ss0; store v{n}, v3; v4 = load.{ty} v3; \
                 v5 = fma {}, {}, {}; \
                 return v5",
                operand(0),
                operand(1),
                operand(2)
            );
            file.add(&format!("fma_{ty}_loaded_{n}"), &signature, &body, 3);
            let body = format!("v3 = fma v0, v1, v2; v4 = fsub v3, v{n}; return v4");
            file.add(&format!("fma_{ty}_live_{n}"), &signature, &body, 3);
        }
        let horner = format!(
            "v1 = {ty}const 0x1.8p0; v2 = {ty}const -0x1.0p-3; v3 = fma v0, v1, v2; v4 = {ty}const 0x1.4p2; \
             v5 = fma v3, v0, v4; return v5"
        );
        file.add(&format!("fma_{ty}_horner"), &format!("{ty} -> {ty}"), &horner, 6);
        let body = "v3 = fma v0, v1, v2; v4 = fcmp uno v3, v3; return v4";
        file.add(&format!("fma_{ty}_nan"), &format!("{ty}, {ty}, {ty} -> i8"), body, 8);
    }
    file
}

fn min_max() -> File {
    let about = "fmin and fmax: -0 is less than +0, and a NaN gives a quiet NaN.";
    let mut file = File::new("float/min_max.clif", about, AVX);
    for (ty, int) in TYPES {
        // The bits that every quiet NaN has.
        let quiet = if ty == "f32" { "0x7fc0_0000" } else { "0x7ff8_0000_0000_0000" };
        for op in ["fmin", "fmax"] {
            let signature = |result: &str| format!("{ty}, {ty} -> {result}");
            file.add(&format!("{op}_{ty}"), &signature(ty), &format!("v2 = {op} v0, v1; return v2"), 32);
            let body = format!(
                "v2 = {op} v0, v1; v3 = bitcast.{int} v2; v4 = iconst.{int} {quiet}; v5 = band v3, v4; \
                 v6 = icmp eq v5, v4; return v6"
            );
            file.add(&format!("{op}_{ty}_quiet"), &signature("i8"), &body, 12);
            for (n, constant) in CONSTANTS.iter().enumerate() {
                let body = format!("v1 = {ty}const {constant}; v2 = {op} v0, v1; return v2");
                file.add(&format!("{op}_{ty}_constant_{n}"), &format!("{ty} -> {ty}"), &body, 4);
            }
        }
    }
    file
}

fn round() -> File {
    let about = "Rounding to integers: ties to even, and the sign of zero is kept.";
    let mut file = File::new("float/round.clif", about, ROUNDING);
    for (ty, _) in TYPES {
        for op in ["ceil", "floor", "trunc", "nearest"] {
            file.add(
                &format!("{op}_{ty}"),
                &format!("{ty} -> {ty}"),
                &format!("v1 = {op} v0; return v1"),
                24,
            );
            let body = format!("v1 = {op} v0; v2 = fcmp uno v1, v1; return v2");
            file.add(&format!("{op}_{ty}_nan"), &format!("{ty} -> i8"), &body, 4);
        }
        let body = "v1 = floor v0; v2 = fsub v0, v1; return v2";
        file.add(&format!("fraction_{ty}"), &format!("{ty} -> {ty}"), body, 8);
    }
    file
}

fn sign() -> File {
    let about = "Operations on the sign bit, also of NaNs and zeros.";
    let mut file = File::new("float/sign.clif", about, AVX);
    for (ty, int) in TYPES {
        let mut add = |name: &str, params: usize, code: &str| {
            let cast: String = (0..params).map(|n| format!("v{} = bitcast.{ty} v{n}; ", 10 + n)).collect();
            let signature = format!("{} -> {int}", vec![int; params].join(", "));
            let body = format!("{cast} {code}; v30 = bitcast.{int} v20; return v30");
            file.add(&format!("{name}_{ty}"), &signature, &body, 6);
        };
        add("fneg", 1, "v20 = fneg v10");
        add("fabs", 1, "v20 = fabs v10");
        add("fneg_fabs", 1, "v11 = fabs v10; v20 = fneg v11");
        add("fcopysign", 2, "v20 = fcopysign v10, v11");
        for (n, constant) in CONSTANTS.iter().enumerate() {
            let constant = format!("v12 = {ty}const {constant};");
            add(&format!("fcopysign_constant_{n}"), 1, &format!("{constant} v20 = fcopysign v10, v12"));
            add(&format!("fcopysign_of_constant_{n}"), 1, &format!("{constant} v20 = fcopysign v12, v10"));
        }
    }
    file
}

fn bits() -> File {
    let about = "Bitwise operations on floats, bitselect, and bitcasts through registers and memory.";
    let mut file = File::new("float/bits.clif", about, AVX);
    for (ty, int) in TYPES {
        let two = format!("{int}, {int} -> {int}");
        for op in ["band", "bor", "bxor"] {
            let body = format!(
                "v2 = bitcast.{ty} v0; v3 = bitcast.{ty} v1; v4 = {op} v2, v3; v5 = bitcast.{int} v4; \
                 return v5"
            );
            file.add(&format!("{op}_{ty}"), &two, &body, 6);
            let body = format!(
                "v1 = bitcast.{ty} v0; v2 = {ty}const -0x1.8p0; v3 = {op} v2, v1; v4 = bitcast.{int} v3; \
                 return v4"
            );
            file.add(&format!("{op}_{ty}_constant"), &format!("{int} -> {int}"), &body, 4);
        }
        let body = format!("v1 = bitcast.{ty} v0; v2 = bnot v1; v3 = bitcast.{int} v2; return v3");
        file.add(&format!("bnot_{ty}"), &format!("{int} -> {int}"), &body, 4);
        let body = format!(
            "v3 = bitcast.{ty} v0; v4 = bitcast.{ty} v1; v5 = bitcast.{ty} v2; v6 = bitselect v3, v4, v5; \
             v7 = bitcast.{int} v6; return v7"
        );
        file.add(&format!("bitselect_{ty}"), &format!("{int}, {int}, {int} -> {int}"), &body, 6);
        let slot = "ss0 = explicit_slot 8; v1 = stack_addr.i64 ss0;";
        for (from, to) in [(ty, int), (int, ty)] {
            let signature = format!("{from} -> {to}");
            let loaded = format!("{slot} store v0, v1; v2 = load.{from} v1; v3 = bitcast.{to} v2; return v3");
            file.add(&format!("load_{from}_as_{to}"), &signature, &loaded, 4);
            let stored = format!("{slot} v2 = bitcast.{to} v0; store v2, v1; v3 = load.{to} v1; return v3");
            file.add(&format!("store_{from}_as_{to}"), &signature, &stored, 4);
            for order in ["little", "big"] {
                let body = format!("{slot} store {order} v0, v1; v3 = load.{to} {order} v1; return v3");
                file.add(&format!("{order}_{from}_as_{to}"), &signature, &body, 4);
            }
        }
        for (n, constant) in CONSTANTS.iter().enumerate() {
            let body =
                format!("{slot} v2 = {ty}const {constant}; store v2, v1; v3 = load.{int} v1; return v3");
            file.add(&format!("store_constant_{n}_{ty}"), &format!(" -> {int}"), &body, 1);
        }
    }
    file
}

fn compare() -> File {
    let about = "All comparisons as values, of equal, different and unordered operands.";
    let mut file = File::new("float/compare.clif", about, AVX);
    for (ty, _) in TYPES {
        for cc in FloatCc::ALL {
            let compare = format!("v2 = fcmp {cc} v0, v1;");
            let two = format!("{ty}, {ty}");
            file.add(&format!("{cc}_{ty}"), &format!("{two} -> i8"), &format!("{compare} return v2"), 10);
            let body = format!("{compare} v3 = uextend.i64 v2; return v3");
            file.add(&format!("{cc}_{ty}_extended"), &format!("{two} -> i64"), &body, 2);
            file.add(
                &format!("{cc}_{ty}_self"),
                &format!("{ty} -> i8"),
                &format!("v2 = fcmp {cc} v0, v0; return v2"),
                3,
            );
        }
    }
    file
}

fn branch() -> File {
    let about = "Branches and integer selections on comparisons, including those that need two flags.";
    let mut file = File::new("float/branch.clif", about, "test run");
    for (ty, _) in TYPES {
        for cc in FloatCc::ALL {
            let body = format!(
                "v2 = fcmp {cc} v0, v1; brif v2, block1, block2; block1:; v3 = iconst.i32 1; return v3; \
                 block2:; \
                 v4 = iconst.i32 2; return v4"
            );
            file.add(&format!("branch_{cc}_{ty}"), &format!("{ty}, {ty} -> i32"), &body, 8);
            let body = format!("v4 = fcmp {cc} v0, v1; v5 = select v4, v2, v3; return v5");
            file.add(&format!("select_{cc}_{ty}"), &format!("{ty}, {ty}, i64, i64 -> i64"), &body, 6);
        }
        for cc in ["lt", "uge", "eq", "ne"] {
            let loaded = format!(
                "ss0 = explicit_slot 8; v2 = stack_addr.i64 ss0; store v1, v2; v3 = load.{ty} v2; \
                 v4 = fcmp {cc} v0, v3; \
                 return v4"
            );
            file.add(&format!("{cc}_{ty}_loaded"), &format!("{ty}, {ty} -> i8"), &loaded, 4);
            let body = format!("v1 = {ty}const 0x1.0p1; v2 = fcmp {cc} v0, v1; return v2");
            file.add(&format!("{cc}_{ty}_constant"), &format!("{ty} -> i8"), &body, 4);
        }
    }
    file
}

fn select() -> File {
    let about = "Selection of floats: by float comparisons, by integers, of constants and zeros.";
    let mut file = File::new("float/select.clif", about, AVX);
    for (ty, _) in TYPES {
        for cc in FloatCc::ALL {
            let body = format!("v4 = fcmp {cc} v0, v1; v5 = select v4, v2, v3; return v5");
            file.add(&format!("select_{cc}_{ty}"), &format!("{ty}, {ty}, {ty}, {ty} -> {ty}"), &body, 8);
        }
        let mut add = |name: &str, params: &str, body: &str| {
            file.add(&format!("{name}_{ty}"), &format!("{params} -> {ty}"), body, 5);
        };
        for cc in ["lt", "ne"] {
            let three = format!("{ty}, {ty}, {ty}");
            let zero = format!("v3 = {ty}const 0.0; v4 = fcmp {cc} v0, v1;");
            add(&format!("{cc}_or_zero"), &three, &format!("{zero} v5 = select v4, v2, v3; return v5"));
            add(&format!("{cc}_zero_or"), &three, &format!("{zero} v5 = select v4, v3, v2; return v5"));
        }
        add("by_int", &format!("i32, {ty}, {ty}"), "v3 = select v0, v1, v2; return v3");
        let by_icmp = "v4 = icmp slt v0, v1; v5 = select v4, v2, v3; return v5";
        add("by_icmp", &format!("i64, i64, {ty}, {ty}"), by_icmp);
        let constants = format!("v2 = {ty}const 0x1.8p1; v3 = {ty}const -0x1.0p-1;");
        add("constants", "i32", &format!("{constants} v4 = select v0, v2, v3; return v4"));
        let by_fcmp = format!("{constants} v4 = fcmp gt v0, v1; v5 = select v4, v2, v3; return v5");
        add("constants_fcmp", &format!("{ty}, {ty}"), &by_fcmp);
    }
    file
}

fn select_extreme() -> File {
    let about = "Selections that minimum and maximum instructions compute, and similar ones that they don't.";
    let mut file = File::new("float/select_extreme.clif", about, AVX);
    for (ty, int) in TYPES {
        for cc in ["lt", "gt", "le", "ge", "ult", "ugt", "ule", "uge"] {
            for chosen in ["v0, v1", "v1, v0"] {
                let body = format!(
                    "v2 = fcmp {cc} v0, v1; v3 = select v2, {chosen}; v4 = bitcast.{int} v3; return v4"
                );
                let name = format!("{cc}_{ty}_{}", chosen.replace(", ", "_"));
                file.add(&name, &format!("{ty}, {ty} -> {int}"), &body, 10);
            }
        }
    }
    file
}

const INTS: [&str; 5] = ["i8", "i16", "i32", "i64", "i128"];

fn from_int() -> File {
    let about = "Conversion of integers to floats, with the ties and limits of each width.";
    let mut file = File::new("float/from_int.clif", about, AVX);
    for (ty, _) in TYPES {
        for int in INTS {
            for sign in ["sint", "uint"] {
                let signature = format!("{int} -> {ty}");
                let body = format!("v1 = fcvt_from_{sign}.{ty} v0; return v1");
                file.add(&format!("from_{sign}_{int}_{ty}"), &signature, &body, 12);
                if int == "i32" || int == "i64" {
                    let body = format!(
                        "ss0 = explicit_slot 8; v1 = stack_addr.i64 ss0; store v0, v1; v2 = load.{int} v1; \
                         v3 = fcvt_from_{sign}.{ty} v2; return v3"
                    );
                    file.add(&format!("from_loaded_{sign}_{int}_{ty}"), &signature, &body, 3);
                }
            }
        }
        let body = format!("v1 = uextend.i64 v0; v2 = fcvt_from_uint.{ty} v1; return v2");
        file.add(&format!("from_extended_{ty}"), &format!("i32 -> {ty}"), &body, 4);
    }
    file
}

fn to_int() -> File {
    let about =
        "Conversion of floats to integers, up to the limits of the range, and with saturation beyond them.";
    let mut file = File::new("float/to_int.clif", about, AVX);
    for (ty, _) in TYPES {
        for int in INTS {
            for op in ["fcvt_to_sint", "fcvt_to_uint", "fcvt_to_sint_sat", "fcvt_to_uint_sat"] {
                let body = format!("v1 = {op}.{int} v0; return v1");
                file.add(&format!("{op}_{int}_{ty}"), &format!("{ty} -> {int}"), &body, 12);
            }
            limits(&mut file, ty, int);
        }
    }
    file
}

/// Conversions of numbers next to the limits of an integer type, a constant and what comes after it either
/// way.
fn limits(file: &mut File, ty: &str, int: &str) {
    let bits: u32 = int[1..].parse().expect("a width");
    for (sign, power) in [("sint", bits - 1), ("uint", bits)] {
        for (n, minus) in ["", "-"].into_iter().enumerate() {
            if format!("0x1.0p{power}") == "0x1.0p128" && ty == "f32" {
                continue;
            }
            // The limit's bits plus -1, 0 or 1 are its neighbours.
            let size = if ty == "f32" { "i32" } else { "i64" };
            let body = format!(
                "v1 = {ty}const {minus}0x1.0p{power}; v2 = bitcast.{size} v1; v3 = iconst.i8 1; \
                 v4 = band v0, v3; \
                 v5 = uextend.{size} v4; v6 = isub v2, v5; v7 = bitcast.{ty} v6; \
                 v8 = fcvt_to_{sign}_sat.{int} v7; \
                 return v8"
            );
            file.add(&format!("limit_{sign}_{int}_{ty}_{n}"), &format!("i8 -> {int}"), &body, 3);
        }
    }
}

fn precision() -> File {
    let mut file = File::new("float/precision.clif", "Between f32 and f64.", AVX);
    file.add("promote", "f32 -> f64", "v1 = fpromote.f64 v0; return v1", 12);
    file.add("demote", "f64 -> f32", "v1 = fdemote.f32 v0; return v1", 24);
    file.add("promote_nan", "f32 -> i8", "v1 = fpromote.f64 v0; v2 = fcmp uno v1, v1; return v2", 4);
    file.add("demote_nan", "f64 -> i8", "v1 = fdemote.f32 v0; v2 = fcmp uno v1, v1; return v2", 4);
    let loaded = "ss0 = explicit_slot 8; v1 = stack_addr.i64 ss0; store v0, v1; v2 = load.f32 v1; \
    v3 = fpromote.f64 v2; \
                  return v3";
    file.add("promote_loaded", "f32 -> f64", loaded, 4);
    let tie = "v1 = bitcast.i64 v0; v2 = iconst.i64 0x1000_0000; v3 = iconst.i64 -0x2000_0000; \
    v4 = band v1, v3; \
               v5 = bor v4, v2; v6 = bitcast.f64 v5; v7 = fdemote.f32 v6; return v7";
    file.add("demote_tie", "f64 -> f32", tie, 8);
    file.add("there_and_back", "f32 -> f32", "v1 = fpromote.f64 v0; v2 = fdemote.f32 v1; return v2", 6);
    file
}

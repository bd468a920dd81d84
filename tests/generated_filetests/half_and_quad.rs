//! Floats of 16 and 128 bits: arithmetic, comparisons in every use, conversions up to the limits of each
//! integer type. `opcodes.rs` has few operands for each opcode; here are more, for what takes several steps.

use crate::writer::File;
use clifc::ir::FloatCc;

/// A type, and what its files need to know.
struct Tested {
    directory: &'static str,
    ty: &'static str,
    /// The integer of its size.
    bits: &'static str,
    /// The bits that every quiet NaN has.
    quiet: &'static str,
    /// The largest exponent of a power of two.
    most: u32,
    /// Other float types that it is converted from and to, and whether they are wider.
    others: &'static [(&'static str, bool)],
    header: &'static str,
}

const QUAD: Tested = Tested {
    directory: "quad",
    ty: "f128",
    bits: "i128",
    quiet: "0x7fff_8000_0000_0000",
    most: 16383,
    others: &[("f32", false), ("f64", false)],
    header: "\
test interpret
test run
set enable_llvm_abi_extensions=true
target x86_64
target x86_64 has_ssse3 has_sse41 has_avx
target aarch64
target s390x",
};

const HALF: Tested = Tested {
    directory: "half",
    ty: "f16",
    bits: "i16",
    quiet: "0x7e00",
    most: 15,
    others: &[("f32", true), ("f64", true), ("f128", true)],
    header: "\
test interpret
test run
set enable_llvm_abi_extensions=true
target x86_64
target x86_64 has_sse41 has_avx has_f16c
target aarch64
target aarch64 has_fp16
target s390x",
};

const INTS: [&str; 5] = ["i8", "i16", "i32", "i64", "i128"];

pub fn add(files: &mut Vec<File>) {
    for tested in [HALF, QUAD] {
        files.extend([arithmetic(&tested), compare(&tested), from_int(&tested), to_int(&tested)]);
        files.extend([width(&tested)]);
    }
}

impl Tested {
    fn file(&self, name: &str, about: &str) -> File {
        File::new(&format!("{}/{name}.clif", self.directory), about, self.header)
    }

    /// The code that makes `v40` 1 if the value has the bits of a quiet NaN.
    fn is_quiet(&self, value: &str) -> String {
        let quiet = self.quiet;
        match self.ty {
            "f128" => format!(
                "v30 = bitcast.i128 {value}; v31, v32 = isplit v30; v33 = iconst.i64 {quiet}; \
                 v34 = band v32, v33; v40 = icmp eq v34, v33;"
            ),
            _ => format!(
                "v30 = bitcast.i16 {value}; v33 = iconst.i16 {quiet}; v34 = band v30, v33; \
                 v40 = icmp eq v34, v33;"
            ),
        }
    }
}

fn arithmetic(tested: &Tested) -> File {
    let mut file = tested.file("arithmetic", "Arithmetic, minima, rounding and operations on signs.");
    let Tested { ty, bits, .. } = tested;
    for (op, operands, calls) in [
        ("fadd", 2, 24),
        ("fsub", 2, 24),
        ("fmul", 2, 24),
        ("fdiv", 2, 24),
        ("fma", 3, 40),
        ("fmin", 2, 30),
        ("fmax", 2, 30),
        ("sqrt", 1, 12),
        ("ceil", 1, 20),
        ("floor", 1, 20),
        ("trunc", 1, 20),
        ("nearest", 1, 20),
    ] {
        let params = vec![*ty; operands].join(", ");
        let args: Vec<String> = (0..operands).map(|n| format!("v{n}")).collect();
        let code = format!("v20 = {op} {};", args.join(", "));
        file.add(op, &format!("{params} -> {ty}"), &format!("{code} return v20"), calls);
        let body = format!("{code} v21 = fcmp uno v20, v20; return v21");
        file.add(&format!("{op}_nan"), &format!("{params} -> i8"), &body, 10);
        let cast: String = (0..operands).map(|n| format!("v1{n} = bitcast.{ty} v{n};")).collect();
        let args: Vec<String> = (0..operands).map(|n| format!("v1{n}")).collect();
        // A NaN, if there is one, is quiet.
        let body = format!(
            "{cast} v20 = {op} {}; v21 = fcmp uno v20, v20; {} v41 = band v21, v40; v42 = icmp eq v41, v21; \
             return v42",
            args.join(", "),
            tested.is_quiet("v20"),
        );
        file.add(&format!("{op}_quiet"), &format!("{} -> i8", vec![*bits; operands].join(", ")), &body, 10);
    }
    for (op, operands) in [("fneg", 1), ("fabs", 1), ("fcopysign", 2)] {
        let cast: String = (0..operands).map(|n| format!("v1{n} = bitcast.{ty} v{n};")).collect();
        let args: Vec<String> = (0..operands).map(|n| format!("v1{n}")).collect();
        let body = format!("{cast} v20 = {op} {}; v30 = bitcast.{bits} v20; return v30", args.join(", "));
        file.add(op, &format!("{} -> {bits}", vec![*bits; operands].join(", ")), &body, 8);
    }
    // The values live on, in registers that calls preserve or in the frame.
    let chain = "v3 = fadd v0, v1; v4 = fmul v3, v2; v5 = fsub v4, v0; v6 = fdiv v5, v1; v7 = fmul v6, v3; \
                 v8 = fadd v7, v4; return v8";
    file.add("chain", &format!("{ty}, {ty}, {ty} -> {ty}"), chain, 12);
    let constant = format!(
        "v1 = {ty}const 0x1.8p1; v2 = fmul v0, v1; v3 = {ty}const -0x1.0p-1; \
                            v4 = fadd v3, v2; return v4"
    );
    file.add("with_constants", &format!("{ty} -> {ty}"), &constant, 10);
    file
}

fn compare(tested: &Tested) -> File {
    let mut file = tested.file("compare", "All comparisons, in every use of their results.");
    let ty = tested.ty;
    for cc in FloatCc::ALL {
        let compare = format!("v10 = fcmp {cc} v0, v1;");
        let mut add = |name: &str, params: &str, result: &str, code: &str, calls| {
            let signature = format!("{ty}, {ty}{params} -> {result}");
            file.add(&format!("{name}{cc}"), &signature, &format!("{compare} {code}"), calls);
        };
        add("", "", "i8", "return v10", 12);
        add("extended_", "", "i64", "v11 = uextend.i64 v10; return v11", 3);
        let branch = "brif v10, block1, block2; block1:; v11 = iconst.i32 1; return v11; block2:; \
                      v12 = iconst.i32 2; return v12";
        add("branch_", "", "i32", branch, 8);
        add("select_int_", ", i64, i64", "i64", "v11 = select v10, v2, v3; return v11", 5);
        add("select_wide_", ", i128, i128", "i128", "v11 = select v10, v2, v3; return v11", 3);
        let select = "v11 = select v10, v0, v1; return v11";
        add("select_operand_", "", ty, select, 6);
        add("select_double_", ", f64, f64", "f64", "v11 = select v10, v2, v3; return v11", 3);
        let both = "v11 = select v10, v0, v1; v12 = fcmp lt v11, v2; v13 = iadd v10, v12; return v13";
        add("used_twice_", &format!(", {ty}"), "i8", both, 4);
        let negated = "v11 = iconst.i8 0; v12 = icmp eq v10, v11; brif v12, block1, block2; block1:; \
                       v13 = iconst.i8 7; return v13; block2:; return v10";
        add("negated_", "", "i8", negated, 4);
        let joined = "v11 = fcmp lt v2, v0; v12 = band v10, v11; brif v12, block1, block2; block1:; \
                      v13 = iconst.i8 7; return v13; block2:; v14 = iconst.i8 9; return v14";
        add("joined_", &format!(", {ty}"), "i8", joined, 5);
        add("mask_", "", "i64", "v11 = bmask.i64 v10; return v11", 2);
    }
    file
}

fn from_int(tested: &Tested) -> File {
    let mut file = tested.file("from_int", "Conversion of integers, with the ties and limits of each width.");
    let ty = tested.ty;
    for int in INTS {
        for sign in ["sint", "uint"] {
            let body = format!("v1 = fcvt_from_{sign}.{ty} v0; return v1");
            file.add(&format!("from_{sign}_{int}"), &format!("{int} -> {ty}"), &body, 16);
        }
    }
    file
}

fn to_int(tested: &Tested) -> File {
    let about = "Conversion to integers, up to the limits of the range, and with saturation beyond them.";
    let mut file = tested.file("to_int", about);
    let Tested { ty, bits: size, most, .. } = tested;
    for int in INTS {
        for op in ["fcvt_to_sint", "fcvt_to_uint", "fcvt_to_sint_sat", "fcvt_to_uint_sat"] {
            let body = format!("v1 = {op}.{int} v0; return v1");
            file.add(&format!("{op}_{int}"), &format!("{ty} -> {int}"), &body, 16);
        }
        let bits: u32 = int[1..].parse().expect("a width");
        for (sign, power) in [("sint", bits - 1), ("uint", bits), ("sint", 0), ("uint", 0)] {
            if power > *most {
                continue;
            }
            for (n, minus) in ["", "-"].into_iter().enumerate() {
                // The limit's bits less 0 to 3, and numbers at whole distances from it.
                let body = format!(
                    "v1 = {ty}const {minus}0x1.0p{power}; v2 = bitcast.{size} v1; v3 = iconst.i8 3; \
                     v4 = band v0, v3; v5 = uextend.{size} v4; v6 = isub v2, v5; v7 = bitcast.{ty} v6; \
                     v8 = fcvt_to_{sign}_sat.{int} v7; return v8"
                );
                file.add(&format!("limit_{sign}_{int}_{power}_{n}"), &format!("i8 -> {int}"), &body, 4);
                let body = format!(
                    "v1 = {ty}const {minus}0x1.0p{power}; v2 = fcvt_from_sint.{ty} v0; v3 = fadd v1, v2; \
                     v8 = fcvt_to_{sign}_sat.{int} v3; return v8"
                );
                file.add(&format!("near_{sign}_{int}_{power}_{n}"), &format!("i8 -> {int}"), &body, 3);
            }
        }
    }
    file
}

fn width(tested: &Tested) -> File {
    let mut file = tested.file("width", "Conversion from and to other floats.");
    let ty = tested.ty;
    for (other, is_wider) in tested.others {
        let (narrow, wide) = if *is_wider { (ty, *other) } else { (*other, ty) };
        let signature = format!("{narrow} -> {wide}");
        let promote = format!("v1 = fpromote.{wide} v0;");
        file.add(&format!("promote_{narrow}_{wide}"), &signature, &format!("{promote} return v1"), 16);
        let body = format!("{promote} v2 = fcmp uno v1, v1; return v2");
        file.add(&format!("promote_{narrow}_{wide}_nan"), &format!("{narrow} -> i8"), &body, 6);
        let demote = format!("v1 = fdemote.{narrow} v0;");
        file.add(
            &format!("demote_{wide}_{narrow}"),
            &format!("{wide} -> {narrow}"),
            &format!("{demote} return v1"),
            40,
        );
        let body = format!("{demote} v2 = fcmp uno v1, v1; return v2");
        file.add(&format!("demote_{wide}_{narrow}_nan"), &format!("{wide} -> i8"), &body, 6);
        // A number halfway between two of the narrow type, or almost.
        let body = format!(
            "v10 = fpromote.{wide} v0; v11 = fpromote.{wide} v1; v2 = {wide}const 0x1.0p-1; \
             v3 = fadd v10, v11; v4 = fmul v3, v2; v5 = fdemote.{narrow} v4; return v5"
        );
        file.add(&format!("between_{wide}_{narrow}"), &format!("{narrow}, {narrow} -> {narrow}"), &body, 16);
    }
    file
}

//! Integers of every width: narrow ones with garbage above them, constants on either side, one operand
//! taken twice, and comparisons and overflow as values, in branches and in selections.

use crate::catalogue::random::Random;
use crate::writer::File;
use clifc::ir::IntCc;

/// Targets, with results in registers that the usual conventions lack.
pub const HEADER: &str = "\
test run
set enable_llvm_abi_extensions=true
set enable_multi_ret_implicit_sret=true
target x86_64
target x86_64 has_lzcnt has_bmi1 has_bmi2 has_popcnt
target aarch64
target s390x";

const OPS: [&str; 16] = [
    "iadd", "isub", "imul", "band", "bor", "bxor", "umulhi", "smulhi", "udiv", "sdiv", "urem", "srem",
    "smin", "smax", "umin", "umax",
];

const WIDTHS: [u32; 5] = [8, 16, 32, 64, 128];

/// A type and how a function takes operands of it: those below 64 bits come in the low bits of an i64.
#[derive(Clone, Copy)]
pub struct Width(pub u32);

impl Width {
    pub fn all() -> [Width; 5] {
        WIDTHS.map(Width)
    }

    pub fn ty(self) -> String {
        format!("i{}", self.0)
    }

    /// The type of its parameters.
    pub fn param(self) -> String {
        format!("i{}", self.0.max(64))
    }

    pub fn params(self, count: usize) -> String {
        vec![self.param(); count].join(", ")
    }

    /// Instructions that take operands `from` parameters on, and their names.
    pub fn take(self, count: usize) -> (String, Vec<String>) {
        let named = |n: usize| if self.0 < 64 { format!("v{}", 10 + n) } else { format!("v{n}") };
        let ty = self.ty();
        let reduce = |n: usize| format!("v{} = ireduce.{ty} v{n};", 10 + n);
        let code = if self.0 < 64 { (0..count).map(reduce).collect() } else { String::new() };
        (code, (0..count).map(named).collect())
    }

    /// Instructions that make a constant in `v15`.
    fn constant(self, random: &mut Random) -> String {
        if self.0 < 128 {
            return format!("v15 = iconst.i{} {};", self.0, signed(random.integer(self.0), self.0));
        }
        match random.below(3) {
            0 => format!("v16 = iconst.i64 {}; v15 = uextend.i128 v16;", signed(random.integer(64), 64)),
            1 => format!("v16 = iconst.i64 {}; v15 = sextend.i128 v16;", signed(random.integer(64), 64)),
            _ => {
                let [low, high] = [(); 2].map(|()| signed(random.integer(64), 64));
                format!("v16 = iconst.i64 {low}; v17 = iconst.i64 {high}; v15 = iconcat v16, v17;")
            }
        }
    }
}

pub fn signed(bits: u128, width: u32) -> i128 {
    (bits << (128 - width)) as i128 >> (128 - width)
}

/// What follows a flag in `v20` or so: a branch to one of two constants.
fn branch(flag: &str, ty: &str) -> String {
    format!(
        "brif {flag}, block1, block2; block1:; v30 = iconst.{ty} 7; return v30; block2:; \
         v31 = iconst.{ty} 9; \
         return v31"
    )
}

pub fn add(files: &mut Vec<File>) {
    files.extend([arithmetic(), constants(), compare(), overflow(), shifts(), unary()]);
}

fn arithmetic() -> File {
    let about = "Two-operand arithmetic of every width on values with garbage above narrow types.";
    let mut file = File::new("int/arithmetic.clif", about, HEADER);
    for width in Width::all() {
        let (ty, params) = (width.ty(), width.params(2));
        let (take, names) = width.take(2);
        let (x, y) = (&names[0], &names[1]);
        for op in OPS {
            let mut add = |name: &str, result: &str| {
                let body = format!("{take} v20 = {op} {x}, {y}; {result}");
                file.add(&format!("{op}_{ty}{name}"), &format!("{params} -> {ty}"), &body, 3);
            };
            add("", "return v20");
            if width.0 < 32 {
                continue;
            }
            add("_live", &format!("v21 = bxor v20, {x}; v22 = iadd v21, {y}; return v22"));
            let twice = format!("{} v20 = {op} {x}, {x}; return v20", width.take(1).0);
            file.add(&format!("{op}_{ty}_twice"), &format!("{} -> {ty}", width.param()), &twice, 2);
        }
    }
    file
}

fn constants() -> File {
    let about = "Arithmetic with constants, mainly division by constants.";
    let mut file = File::new("int/constants.clif", about, HEADER);
    for width in Width::all() {
        let ty = width.ty();
        let (take, names) = width.take(1);
        let signature = format!("{} -> {ty}", width.param());
        for op in OPS {
            let divides = op.contains("div") || op.contains("rem");
            for n in 0..if divides { 3 } else { 1 } {
                let name = format!("{op}_{ty}_{n}");
                // A divisor of zero has no results to compare.
                let mut random = Random::new(&name);
                let constant = std::iter::repeat_with(|| width.constant(&mut random));
                let constant = constant.into_iter().find(|code| !divides || !code.contains(" 0;"));
                let constant = constant.expect("endless");
                let body = format!("{take} {constant} v20 = {op} {}, v15; return v20", names[0]);
                file.add(&name, &signature, &body, 3);
            }
            let name = format!("{op}_{ty}_left");
            let constant = width.constant(&mut Random::new(&name));
            let body = format!("{take} {constant} v20 = {op} v15, {}; return v20", names[0]);
            file.add(&name, &signature, &body, 2);
        }
    }
    file
}

fn compare() -> File {
    let about = "Comparisons as values, in selects and in branches, with registers and constants.";
    let mut file = File::new("int/compare.clif", about, HEADER);
    for width in Width::all() {
        let ty = width.ty();
        let (take, names) = width.take(2);
        let (x, y) = (&names[0], &names[1]);
        for cc in IntCc::ALL {
            let two = width.params(2);
            let compare = format!("{take} v20 = icmp {cc} {x}, {y};");
            file.add(&format!("{cc}_{ty}"), &format!("{two} -> i8"), &format!("{compare} return v20"), 3);
            let select = format!("{compare} v21 = select v20, {x}, {y}; return v21");
            file.add(&format!("{cc}_{ty}_select"), &format!("{two} -> {ty}"), &select, 2);
            let branch = format!("{compare} {}", branch("v20", "i8"));
            file.add(&format!("{cc}_{ty}_branch"), &format!("{two} -> i8"), &branch, 2);
            let name = format!("{cc}_{ty}_constant");
            let constant = width.constant(&mut Random::new(&name));
            let body = format!("{} {constant} v20 = icmp {cc} {x}, v15; return v20", width.take(1).0);
            file.add(&name, &format!("{} -> i8", width.param()), &body, 3);
        }
    }
    file
}

fn overflow() -> File {
    let about =
        "Arithmetic with overflow and carry: both results, only one, and the flag in branches and selects.";
    let mut file = File::new("int/overflow.clif", about, HEADER);
    for width in Width::all() {
        let ty = width.ty();
        let (take, names) = width.take(2);
        let (x, y, two) = (&names[0], &names[1], width.params(2));
        for op in ["uadd", "sadd", "usub", "ssub", "umul", "smul"] {
            if op.ends_with("mul") && width.0 == 128 {
                continue;
            }
            let op = format!("{op}_overflow");
            let compute = format!("{take} v20, v21 = {op} {x}, {y};");
            let mut add = |suffix: &str, results: &str, rest: &str| {
                let signature = format!("{two} -> {results}");
                file.add(&format!("{op}_{ty}{suffix}"), &signature, &format!("{compute} {rest}"), 2);
            };
            add("", &format!("{ty}, i8"), "return v20, v21");
            add("_flag", "i8", "return v21");
            add("_branch", "i8", &branch("v21", "i8"));
            add("_select", &ty, &format!("v22 = select v21, {x}, v20; return v22"));
            let name = format!("{op}_{ty}_constant");
            let constant = width.constant(&mut Random::new(&name));
            let take = width.take(1).0;
            let body = format!("{take} {constant} v20, v21 = {op} {x}, v15; return v20, v21");
            file.add(&name, &format!("{} -> {ty}, i8", width.param()), &body, 2);
        }
        for op in ["uadd_overflow_cin", "sadd_overflow_cin", "usub_overflow_bin", "ssub_overflow_bin"] {
            let body = format!("{take} v20, v21 = {op} {x}, {y}, v2; return v20, v21");
            file.add(&format!("{op}_{ty}"), &format!("{two}, i8 -> {ty}, i8"), &body, 4);
        }
    }
    file
}

fn shifts() -> File {
    let about = "Shifts and rotations by amounts of every type, also beyond the width, and by constants.";
    let mut file = File::new("int/shifts.clif", about, HEADER);
    for width in Width::all() {
        let ty = width.ty();
        let (take, names) = width.take(1);
        for op in ["ishl", "ushr", "sshr", "rotl", "rotr"] {
            for amount in Width::all() {
                let signature = format!("{}, {} -> {ty}", width.param(), amount.ty());
                let body = format!("{take} v20 = {op} {}, v1; return v20", names[0]);
                file.add(&format!("{op}_{ty}_by_{}", amount.ty()), &signature, &body, 2);
            }
            for n in 0..2 {
                let name = format!("{op}_{ty}_constant_{n}");
                let amount = Random::new(&name).below(width.0 as usize + 2);
                let body =
                    format!("{take} v15 = iconst.i32 {amount}; v20 = {op} {}, v15; return v20", names[0]);
                file.add(&name, &format!("{} -> {ty}", width.param()), &body, 3);
            }
        }
    }
    file
}

fn unary() -> File {
    let about = "Bit counting, reversing, extensions, bmask, bitselect, isplit, iconcat.";
    let mut file = File::new("int/unary.clif", about, HEADER);
    for width in Width::all() {
        let (ty, param) = (width.ty(), width.param());
        let (take, names) = width.take(1);
        let x = &names[0];
        for op in ["ineg", "bnot", "iabs", "clz", "ctz", "cls", "popcnt", "bitrev", "bswap"] {
            if op == "bswap" && width.0 == 8 {
                continue;
            }
            let body = format!("{take} v20 = {op} {x}; return v20");
            file.add(&format!("{op}_{ty}"), &format!("{param} -> {ty}"), &body, 4);
        }
        for other in Width::all() {
            let to = other.ty();
            let ops: &[&str] = match other.0.cmp(&width.0) {
                std::cmp::Ordering::Greater => &["bmask", "uextend", "sextend"],
                std::cmp::Ordering::Equal => &["bmask"],
                std::cmp::Ordering::Less => &["bmask", "ireduce"],
            };
            for op in ops {
                let body = format!("{take} v20 = {op}.{to} {x}; return v20");
                file.add(&format!("{op}_{ty}_{to}"), &format!("{param} -> {to}"), &body, 3);
            }
        }
        let (take, names) = width.take(3);
        let body = format!("{take} v20 = bitselect {}; return v20", names.join(", "));
        file.add(&format!("bitselect_{ty}"), &format!("{} -> {ty}", width.params(3)), &body, 3);
        if width.0 > 8 {
            let half = Width(width.0 / 2).ty();
            let body = format!("{} v20, v21 = isplit {x}; return v20, v21", width.take(1).0);
            file.add(&format!("isplit_{ty}"), &format!("{param} -> {half}, {half}"), &body, 3);
        }
        if width.0 < 128 {
            let (take, names) = width.take(2);
            let body = format!("{take} v20 = iconcat {}; return v20", names.join(", "));
            let signature = format!("{} -> {}", width.params(2), Width(width.0 * 2).ty());
            file.add(&format!("iconcat_{ty}"), &signature, &body, 3);
        }
    }
    file
}

//! Every pure opcode on every type: a function for each choice of types, with operands as parameters.

use crate::catalogue::random::Random;
use crate::catalogue::{Case, NAN_MAKERS, pure_cases};
use crate::writer::File;
use clifc::ir::types::F16;
use clifc::ir::{Opcode, Type};

/// What decides where an opcode's functions go: the most demanding of its types.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    Int,
    Float,
    Quad,
    Half,
    Vector,
    HalfVector,
    SmallVector,
    MixedLanes,
    LargeVector,
}

impl Shape {
    const ALL: [Shape; 9] = [
        Shape::Int,
        Shape::Float,
        Shape::Quad,
        Shape::Half,
        Shape::Vector,
        Shape::HalfVector,
        Shape::SmallVector,
        Shape::MixedLanes,
        Shape::LargeVector,
    ];

    fn of(ty: Type) -> Shape {
        match (ty.is_vector(), ty.bits()) {
            (true, 128) if ty.lane() == F16 => Shape::HalfVector,
            (true, 128) => Shape::Vector,
            (true, ..128) => Shape::SmallVector,
            (true, _) => Shape::LargeVector,
            (false, 32 | 64) if ty.is_float() => Shape::Float,
            (false, 128) if ty.is_float() => Shape::Quad,
            (false, _) if ty.is_float() => Shape::Half,
            (false, _) => Shape::Int,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Shape::Int => "opcodes/int.clif",
            Shape::Float => "opcodes/float.clif",
            Shape::Quad => "opcodes/quad.clif",
            Shape::Half => "opcodes/half.clif",
            Shape::Vector => "opcodes/vector.clif",
            Shape::HalfVector => "opcodes/half_vector.clif",
            Shape::SmallVector => "opcodes/small_vector.clif",
            Shape::MixedLanes => "opcodes/mixed_lanes.clif",
            Shape::LargeVector => "opcodes/large_vector.clif",
        }
    }

    fn header(self) -> &'static str {
        match self {
            Shape::Int | Shape::Float => {
                "test interpret\ntest run\nset enable_llvm_abi_extensions=true\nset \
                 enable_multi_ret_implicit_sret=true"
            }
            Shape::Half | Shape::HalfVector | Shape::MixedLanes => {
                "test interpret\ntest run\nset enable_llvm_abi_extensions=true\nset \
                 enable_multi_ret_implicit_sret=true\ntarget x86_64\ntarget x86_64 has_ssse3 \
                 has_sse41\ntarget x86_64 has_avx\ntarget x86_64 has_avx has_f16c\ntarget aarch64\ntarget \
                 aarch64 has_fp16\ntarget s390x"
            }
            Shape::LargeVector => {
                "test interpret\ntest run\nset enable_llvm_abi_extensions=true\nset \
                 enable_multi_ret_implicit_sret=true\ntarget x86_64\ntarget x86_64 has_avx has_avx2 \
                 has_fma\ntarget aarch64\ntarget s390x"
            }
            Shape::Quad => {
                "test interpret\ntest run\nset enable_llvm_abi_extensions=true\nset \
                 enable_multi_ret_implicit_sret=true\ntarget x86_64\ntarget x86_64 has_ssse3 \
                 has_sse41\ntarget x86_64 has_avx\ntarget aarch64\ntarget s390x"
            }
            Shape::Vector | Shape::SmallVector => {
                "test interpret\ntest run\nset enable_llvm_abi_extensions=true\nset \
                 enable_multi_ret_implicit_sret=true\ntarget x86_64\ntarget x86_64 has_ssse3\ntarget x86_64 \
                 has_ssse3 has_sse41\ntarget x86_64 has_ssse3 has_sse41 has_sse42\ntarget x86_64 \
                 has_avx\ntarget x86_64 has_avx has_avx2 has_fma\ntarget aarch64\ntarget s390x\ntarget s390x \
                 has_vxrs_ext2"
            }
        }
    }
}

pub fn add(files: &mut Vec<File>) {
    let about = "Every pure opcode on every type of this shape.";
    let mut made: Vec<File> = Shape::ALL.map(|shape| File::new(shape.path(), about, shape.header())).into();
    for case in pure_cases() {
        add_functions(&mut made, &case);
    }
    files.extend(made);
}

/// Whether an opcode converts between integers and floats in lanes of different widths.
fn converts_mixed_lanes(case: &Case) -> bool {
    use Opcode::*;
    let converts =
        matches!(case.opcode, FcvtFromSint | FcvtFromUint | FcvtToSintSat | FcvtToUintSat | X86Cvtt2dq);
    converts && case.args[0].lane_bits() != case.ctrl.lane_bits()
}

fn list(types: &[Type]) -> String {
    types.iter().map(Type::to_string).collect::<Vec<_>>().join(", ")
}

/// Adds a function for each variant of an opcode on these types.
fn add_functions(files: &mut [File], case: &Case) {
    let Case { opcode, ctrl, args, results } = case;
    let shape = match case.types().map(Shape::of).max().expect("a type") {
        Shape::SmallVector if converts_mixed_lanes(case) => Shape::MixedLanes,
        Shape::SmallVector if case.types().any(|ty| ty.lane() == F16) => Shape::HalfVector,
        shape => shape,
    };
    let file = &mut files[shape as usize];
    let distinct: Vec<String> = args.iter().filter(|&ty| ty != ctrl).map(Type::to_string).collect();
    let name = [vec![case.mnemonic().replace('.', "_")], distinct].concat().join("_");
    let mut random = Random::new(&name);
    let defined = ["v10", "v11"][..results.len()].join(", ");
    for (variant, operands) in case.operands(&mut random) {
        let code = format!("{defined} = {} {operands};", case.mnemonic());
        let name = format!("{name}{variant}");
        let signature = |results: &str| format!("{} -> {results}", list(args));
        file.add(&name, &signature(&list(results)), &format!("{code} return {defined}"), 2);
        if NAN_MAKERS.contains(&opcode.name()) && !results[0].is_vector() {
            let body = format!("{code} v12 = fcmp uno v10, v10; return v12");
            file.add(&format!("{name}_nan"), &signature("i8"), &body, 2);
        }
    }
}

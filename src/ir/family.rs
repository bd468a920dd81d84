//! Families of opcodes and shapes of types, which together choose the code that lowers an instruction.

use super::types::{self, Type};

macro_rules! families {
    ($($family:ident $doc:literal,)*) => {
        /// Opcodes that are lowered alike. The row of an opcode names its family.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Family { $(#[doc = $doc] $family),* }

        impl Family {
            /// All families, in order.
            pub const ALL: &[Family] = &[$(Family::$family),*];

            /// What the opcodes of the family do, as a phrase.
            pub const fn doc(self) -> &'static str {
                match self { $(Family::$family => $doc),* }
            }
        }
    };
}

families! {
    Constant "Integer, f32 and f64 constants.",
    ConstantHalf "f16 constants.",
    ConstantQuad "f128 constants.",
    ConstantVector "Vector constants.",
    Address "Addresses of slots, functions and symbols.",
    Load "Loads, including extending ones.",
    LoadWidening "Loads that widen each lane.",
    Store "Stores, including truncating ones.",
    Add "Integer addition and subtraction.",
    Logic "Bitwise operations with two operands.",
    Complement "Bitwise complement.",
    Negate "Integer negation.",
    Absolute "Integer absolute value.",
    Multiply "Integer multiplication.",
    MultiplyHigh "High halves of integer products.",
    Divide "Integer quotients and remainders.",
    Extend "Integer extension.",
    Reduce "Integer truncation.",
    Shift "Shifts and rotations.",
    MinMax "Integer minima and maxima.",
    Bits "Counting, reversing and swapping bits.",
    Overflow "Arithmetic with carry and overflow.",
    Saturate "Saturating addition and subtraction.",
    Average "Rounding averages.",
    FixedPoint "Fixed-point multiplication.",
    Pairwise "Sums of neighbouring lanes.",
    Compare "Comparisons.",
    Select "Choosing one of two values.",
    BitSelect "Choosing between two values bit by bit.",
    LaneSelect "Choosing between two vectors lane by lane.",
    Mask "All ones or all zeros, depending on a value.",
    SplitConcat "Splitting integers into halves and joining them.",
    FloatArithmetic "Floating-point arithmetic and rounding.",
    Bitcast "Reinterpreting bits as another type.",
    FloatWidth "Conversion between float types.",
    FromInt "Conversion from integers to floats.",
    ToInt "Conversion from floats to integers, trapping out of range.",
    ToIntSaturated "Conversion from floats to integers with saturation.",
    ToIntX86 "Conversion from floats to integers with the semantics of x86.",
    Lane "Setting and reading lanes.",
    Permute "Permutations of bytes.",
    LaneTest "Tests of all lanes, with a scalar result.",
    Narrow "Narrowing lanes with saturation.",
    Widen "Widening lanes.",
    Atomic "Atomic accesses and fences.",
    ArgumentList "Lists of a variadic function's arguments.",
    Call "Calls of declared functions.",
    CallIndirect "Indirect calls.",
    Special "Special registers, thread-local addresses, breakpoints.",
    Marker "Opcodes that emit no code.",
    TrapIf "Conditional traps.",
    Dynamic "Slots and parts of dynamic vectors.",
    StackSwitch "Switching stacks.",
    Jump "Jumps.",
    Branch "Conditional branches.",
    Table "Jumps through tables.",
    Trap "Unconditional traps.",
    Return "Returns.",
    TryCall "Calls with exception handlers.",
    TailCall "Tail calls of declared functions.",
    TailCallIndirect "Indirect tail calls.",
}

macro_rules! shapes {
    ($($shape:ident $name:literal $doc:literal,)*) => {
        /// Types that are held in the same kind of register and computed on by the same instructions.
        ///
        /// If the types of an instruction differ in shape, the shape that comes last here decides.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum Shape { $(#[doc = $doc] $shape),* }

        impl Shape {
            /// All shapes, in order.
            pub const ALL: &[Shape] = &[$(Shape::$shape),*];

            /// The short name that tables show.
            pub const fn name(self) -> &'static str {
                match self { $(Shape::$shape => $name),* }
            }
        }
    };
}

shapes! {
    None "none" "No type.",
    Int "int" "Integers of 8 to 64 bits.",
    Wide "i128" "i128.",
    Float "float" "f32 and f64.",
    Half "f16" "f16.",
    Quad "f128" "f128.",
    Vector "v128" "Vectors of 128 bits, without f16 lanes.",
    HalfVector "f16x8" "f16x8, on whose lanes other instructions compute.",
    SmallVector "v<128" "Vectors of fewer than 128 bits, without f16 lanes.",
    SmallHalfVector "f16 v<128" "Vectors of fewer than 128 bits with f16 lanes.",
    LargeVector "v>128" "Vectors of more than 128 bits.",
    Dynamic "dynamic" "Vectors whose lane count depends on the target.",
}

impl Shape {
    /// The shape of a type.
    #[inline]
    pub const fn of(ty: Type) -> Shape {
        SHAPES[ty.0 as usize]
    }
}

/// The shape of each type, indexed by its byte.
const SHAPES: [Shape; 256] = {
    let mut shapes = [Shape::None; 256];
    let mut byte = 0;
    while byte < shapes.len() {
        shapes[byte] = shape_of(Type(byte as u8));
        byte += 1;
    }
    shapes
};

const fn shape_of(ty: Type) -> Shape {
    if ty.0 & 15 == 0 || ty.0 & 15 > types::F128.0 {
        return Shape::None;
    }
    if ty.is_dynamic() {
        return Shape::Dynamic;
    }
    match (ty.is_vector(), ty.is_int(), ty.bits()) {
        (true, _, 0..=127) if ty.lane().0 == types::F16.0 => Shape::SmallHalfVector,
        (true, _, 0..=127) => Shape::SmallVector,
        (true, _, 128) if ty.lane().0 == types::F16.0 => Shape::HalfVector,
        (true, _, 128) => Shape::Vector,
        (true, _, _) => Shape::LargeVector,
        (false, true, 128) => Shape::Wide,
        (false, true, _) => Shape::Int,
        (false, false, 16) => Shape::Half,
        (false, false, 128) => Shape::Quad,
        (false, false, _) => Shape::Float,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_shape() {
        assert_eq!(Shape::of(types::INVALID), Shape::None);
        assert_eq!([types::I8, types::I64].map(Shape::of), [Shape::Int; 2]);
        assert_eq!([types::F32, types::F64].map(Shape::of), [Shape::Float; 2]);
        assert_eq!([types::I8X16, types::I16X8, types::F64X2].map(Shape::of), [Shape::Vector; 3]);
        assert_eq!(types::F16.vector(3).map(Shape::of), Some(Shape::HalfVector));
        let others = [types::I128, types::F16, types::F128].map(Shape::of);
        assert_eq!(others, [Shape::Wide, Shape::Half, Shape::Quad]);
        assert_eq!(types::I32.vector(1).map(Shape::of), Some(Shape::SmallVector));
        assert_eq!(types::F16.vector(1).map(Shape::of), Some(Shape::SmallHalfVector));
        assert_eq!(types::I32.vector(3).map(Shape::of), Some(Shape::LargeVector));
        assert_eq!(types::I32.dynamic_vector(2).map(Shape::of), Some(Shape::Dynamic));
    }
}

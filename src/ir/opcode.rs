//! The opcode table: one row is all that the parser, printer, verifier, interpreter and
//! `clifc explain` know of an opcode. What it computes is in `eval/`, how a target computes it in `arch/`.
//!
//! A row reads: `Variant "text" Format ctrl=(how the controlling type is found, set)
//! (argument rules) -> (result rules) [effects] Family "doc"`.

use super::family::Family;
pub use super::shapes::Format;
use super::types::{self, Type, TypeSet};
use zerocopy::{Immutable, IntoBytes};

/// Where an opcode's controlling type comes from when the text does not give it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CtrlFrom {
    /// There is none, and none may be given.
    None,
    /// The type of the n-th value operand (counting value operands only).
    Arg(u8),
    /// It must be given: `opcode.type`.
    Given,
}

/// What type an argument or a result must have, given the controlling type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// The controlling type.
    Ctrl,
    /// The controlling type's lane.
    Lane,
    /// What comparing such values gives: see [`Type::truthy`].
    Truthy,
    /// Lanes half as wide.
    Half,
    /// Lanes twice as wide.
    Double,
    /// Twice the lanes, half as wide.
    SplitLanes,
    /// Half the lanes, twice as wide.
    MergeLanes,
    /// The fixed vector of a dynamic one.
    DynamicToFixed,
    /// This type.
    Is(Type),
    /// Any type of this set.
    In(TypeSet),
    /// An integer with narrower lanes and as many of them.
    NarrowerInt,
    /// An integer with wider lanes and as many of them.
    WiderInt,
    /// A float narrower than the controlling type.
    NarrowerFloat,
    /// A float wider than the controlling type.
    WiderFloat,
}

impl Rule {
    /// The one type the rule allows for `ctrl`; `None` where it allows several or there is none.
    pub fn resolve(self, ctrl: Type) -> Option<Type> {
        match self {
            Rule::Ctrl => Some(ctrl),
            Rule::Lane => Some(ctrl.lane()),
            Rule::Truthy => Some(ctrl.truthy()),
            Rule::Half => ctrl.half_width(),
            Rule::Double => ctrl.double_width(),
            Rule::SplitLanes => ctrl.split_lanes(),
            Rule::MergeLanes => ctrl.merge_lanes(),
            Rule::DynamicToFixed => ctrl.dynamic_to_fixed(),
            Rule::Is(ty) => Some(ty),
            Rule::In(_) | Rule::NarrowerInt | Rule::WiderInt | Rule::NarrowerFloat | Rule::WiderFloat => None,
        }
    }

    /// Whether a value of type `ty` satisfies the rule for `ctrl`.
    #[inline]
    pub fn allows(self, ctrl: Type, ty: Type) -> bool {
        let same_lanes = ctrl.0 >> 4 == ty.0 >> 4;
        match self {
            Rule::Ctrl => ctrl == ty,
            Rule::In(set) => set.contains(ty),
            Rule::NarrowerInt => same_lanes && ty.lane().is_int() && ty.lane_bits() < ctrl.lane_bits(),
            Rule::WiderInt => same_lanes && ty.lane().is_int() && ty.lane_bits() > ctrl.lane_bits(),
            Rule::NarrowerFloat => same_lanes && ty.lane().is_float() && ty.lane_bits() < ctrl.lane_bits(),
            Rule::WiderFloat => same_lanes && ty.lane().is_float() && ty.lane_bits() > ctrl.lane_bits(),
            _ => self.resolve(ctrl) == Some(ty),
        }
    }
}

/// What an instruction does besides computing its results: a set of bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effects(pub u16);

impl Effects {
    /// None: may be removed, repeated and moved.
    pub const PURE: Effects = Effects(0);
    /// Reads memory.
    pub const LOAD: Effects = Effects(1);
    /// Writes memory.
    pub const STORE: Effects = Effects(2);
    /// May trap (loads and stores: unless `notrap`).
    pub const TRAP: Effects = Effects(4);
    /// Calls.
    pub const CALL: Effects = Effects(8);
    /// Ends a block.
    pub const TERMINATOR: Effects = Effects(16);
    /// Has successor blocks.
    pub const BRANCH: Effects = Effects(32);
    /// Leaves the function.
    pub const RETURN: Effects = Effects(64);
    /// Something else that must neither vanish nor move: fences, atomics, special registers.
    pub const OTHER: Effects = Effects(128);

    /// Whether all of `other` is in the set.
    #[inline]
    pub const fn has(self, other: Effects) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is in the set.
    #[inline]
    pub const fn any(self, other: Effects) -> bool {
        self.0 & other.0 != 0
    }

    /// The union.
    pub const fn or(self, other: Effects) -> Effects {
        Effects(self.0 | other.0)
    }
}

/// One row of the table.
#[derive(Debug)]
pub struct OpInfo {
    /// The opcode's text.
    pub name: &'static str,
    /// Operand shape.
    pub format: Format,
    /// Where the controlling type comes from.
    pub ctrl: CtrlFrom,
    /// The types the controlling type may be.
    pub ctrl_set: TypeSet,
    /// A rule per fixed value operand.
    pub args: &'static [Rule],
    /// A rule per result. Calls have their signature's instead.
    pub results: &'static [Rule],
    /// Side effects.
    pub effects: Effects,
    /// The opcodes that are computed alike.
    pub family: Family,
    /// One or two sentences for `clifc explain`.
    pub doc: &'static str,
}

/// The type sets the rows use.
pub mod sets {
    use super::TypeSet;
    const INTS: u16 = 0b11_1110;
    const FLOATS: u16 = 0b11_1100_0000;
    const SCALAR: u16 = 1;
    const FIXED: u16 = 0b1_1111_1110;
    const DYNAMIC: u16 = 0b1111_1110 << 8;
    const fn set(lanes: u16, counts: u16) -> TypeSet {
        TypeSet { lanes, counts }
    }
    const fn ints(from: u32, to: u32) -> u16 {
        let mut bits = 0;
        let mut code = 1;
        while code <= 5 {
            let width = 4 << code;
            if width >= from && width <= to {
                bits |= 1 << code;
            }
            code += 1;
        }
        bits
    }
    /// No type.
    pub const NONE: TypeSet = set(0, 0);
    /// Scalar or vector integer, dynamic vectors too.
    pub const INT: TypeSet = set(INTS, SCALAR | FIXED | DYNAMIC);
    /// Scalar or fixed vector integer.
    pub const INT_FIXED: TypeSet = set(INTS, SCALAR | FIXED);
    /// Scalar integer.
    pub const INT_SCALAR: TypeSet = set(INTS, SCALAR);
    /// Scalar integer up to 64 bits.
    pub const INT_TO_64: TypeSet = set(ints(8, 64), SCALAR);
    /// Scalar integer of at least 16 bits.
    pub const INT_FROM_16: TypeSet = set(ints(16, 128), SCALAR);
    /// i16, i32 or i64.
    pub const INT_16_64: TypeSet = set(ints(16, 64), SCALAR);
    /// i32 or i64: also the types of addresses.
    pub const INT_32_64: TypeSet = set(ints(32, 64), SCALAR);
    /// i64.
    pub const INT_64: TypeSet = set(ints(64, 64), SCALAR);
    /// Integer vector.
    pub const INT_VECTOR: TypeSet = set(INTS, FIXED | DYNAMIC);
    /// Scalar or vector float.
    pub const FLOAT: TypeSet = set(FLOATS, SCALAR | FIXED | DYNAMIC);
    /// Scalar float.
    pub const FLOAT_SCALAR: TypeSet = set(FLOATS, SCALAR);
    /// Fixed or dynamic vector.
    pub const VECTOR: TypeSet = set(INTS | FLOATS, FIXED | DYNAMIC);
    /// Dynamic vector.
    pub const DYNAMIC_VECTOR: TypeSet = set(INTS | FLOATS, DYNAMIC);
    /// Any type.
    pub const ANY: TypeSet = set(INTS | FLOATS, SCALAR | FIXED | DYNAMIC);
    /// Lanes of 16 or 32 bits, 4 or 8 of them.
    pub const I16_32_X: TypeSet = set(ints(16, 32), 0b1100);
    /// Lanes of 16 to 64 bits that can be narrowed.
    pub const NARROWABLE: TypeSet = set(ints(16, 64), 0b1110 | DYNAMIC);
    /// Lanes of 8 to 32 bits that can be widened.
    pub const WIDENABLE: TypeSet = set(ints(8, 32), 0b1_1110 | DYNAMIC);
}

macro_rules! opcodes {
    ($(
        $variant:ident $name:literal $format:ident ($ctrl:expr, $set:ident)
        ($($arg:expr),*) -> ($($result:expr),*) [$($effect:ident)*] $family:ident $doc:literal;
    )*) => {
        /// A CLIF opcode.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, IntoBytes, Immutable, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum Opcode { $(#[doc = $doc] $variant),* }

        /// All opcodes, in table order.
        pub const ALL: &[Opcode] = &[$(Opcode::$variant),*];

        static TABLE: [OpInfo; ALL.len()] = {
            #[allow(unused_imports, reason = "each row uses some")]
            use {Rule::*, CtrlFrom::{Arg, Given, None as NoCtrl}, types::*, sets::*};
            [$(OpInfo {
                name: $name,
                format: Format::$format,
                ctrl: $ctrl,
                ctrl_set: sets::$set,
                args: &[$($arg),*],
                results: &[$($result),*],
                effects: Effects(0)$(.or(Effects::$effect))*,
                family: Family::$family,
                doc: $doc,
            }),*]
        };
    };
}

impl Opcode {
    /// The opcode's row.
    #[inline]
    pub const fn info(self) -> &'static OpInfo {
        &TABLE[self as usize]
    }

    /// The opcode's text.
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// The opcode's operand shape.
    #[inline]
    pub fn format(self) -> Format {
        self.info().format
    }

    /// The type of the first result of an opcode whose rules leave no choice, given the controlling type.
    pub fn result_type(self, ctrl: Type) -> Type {
        let rule = self.info().results.first().and_then(|rule| rule.resolve(ctrl));
        rule.expect("the opcode has a result of one type")
    }

    /// The opcode's family.
    #[inline]
    pub fn family(self) -> Family {
        self.info().family
    }

    /// The opcode's side effects.
    #[inline]
    pub fn effects(self) -> Effects {
        self.info().effects
    }
}

opcodes! {
    Jump "jump" Jump (NoCtrl, NONE) () -> () [TERMINATOR BRANCH] Jump "Goes to a block, passing it arguments.";
    Brif "brif" Brif (Arg(0), INT_SCALAR) (Ctrl) -> () [TERMINATOR BRANCH] Branch "Goes to the first block if the value is not zero, to the second otherwise.";
    BrTable "br_table" BrTable (NoCtrl, NONE) (Is(I32)) -> () [TERMINATOR BRANCH] Table "Goes to the table's block at the unsigned index, or to the default block when it is out of range.";
    Debugtrap "debugtrap" Nullary (NoCtrl, NONE) () -> () [OTHER LOAD STORE] Special "Stops in a debugger; execution may go on after it.";
    Trap "trap" Trap (NoCtrl, NONE) () -> () [TERMINATOR TRAP] Trap "Ends execution with a trap code.";
    Trapz "trapz" CondTrap (Arg(0), INT_SCALAR) (Ctrl) -> () [TRAP] TrapIf "Traps if the value is zero.";
    Trapnz "trapnz" CondTrap (Arg(0), INT_SCALAR) (Ctrl) -> () [TRAP] TrapIf "Traps if the value is not zero.";
    Return "return" Multiary (NoCtrl, NONE) () -> () [TERMINATOR RETURN] Return "Returns from the function with the given values.";
    Call "call" Call (NoCtrl, NONE) () -> () [CALL LOAD STORE OTHER] Call "Calls a declared function.";
    CallIndirect "call_indirect" CallIndirect (Arg(0), INT_32_64) (Ctrl) -> () [CALL LOAD STORE OTHER] CallIndirect "Calls the function at an address, with a declared signature.";
    ReturnCall "return_call" Call (NoCtrl, NONE) () -> () [TERMINATOR CALL RETURN LOAD STORE OTHER] TailCall "Calls a declared function in place of the current one, whose frame is gone by then.";
    ReturnCallIndirect "return_call_indirect" CallIndirect (Arg(0), INT_32_64) (Ctrl) -> () [TERMINATOR CALL RETURN LOAD STORE OTHER] TailCallIndirect "Calls the function at an address in place of the current one.";
    FuncAddr "func_addr" FuncAddr (Given, INT_32_64) () -> (Ctrl) [] Address "The address of a declared function.";
    TryCall "try_call" TryCall (NoCtrl, NONE) () -> () [TERMINATOR BRANCH CALL LOAD STORE OTHER] TryCall "Calls a declared function and goes to the normal-return block, or, when it throws, to the handler its tag selects.";
    TryCallIndirect "try_call_indirect" TryCallIndirect (Arg(0), INT_32_64) (Ctrl) -> () [TERMINATOR BRANCH CALL LOAD STORE OTHER] TryCall "As try_call, with the function at an address.";
    Splat "splat" Unary (Given, VECTOR) (Lane) -> (Ctrl) [] Lane "A vector with all lanes equal to the scalar.";
    Swizzle "swizzle" Binary (NoCtrl, NONE) (Is(I8X16), Is(I8X16)) -> (Is(I8X16)) [] Permute "Selects bytes of the first vector by the indices in the second; an index over 15 gives 0.";
    X86Pshufb "x86_pshufb" Binary (NoCtrl, NONE) (Is(I8X16), Is(I8X16)) -> (Is(I8X16)) [] Permute "Selects bytes as x86's PSHUFB does: an index with its top bit set gives 0, others count modulo 16.";
    Insertlane "insertlane" TernaryImm8 (Arg(0), VECTOR) (Ctrl, Lane) -> (Ctrl) [] Lane "The vector with one lane replaced.";
    Extractlane "extractlane" BinaryImm8 (Arg(0), VECTOR) (Ctrl) -> (Lane) [] Lane "One lane of the vector.";
    Smin "smin" Binary (Arg(0), INT_FIXED) (Ctrl, Ctrl) -> (Ctrl) [] MinMax "The signed minimum.";
    Umin "umin" Binary (Arg(0), INT_FIXED) (Ctrl, Ctrl) -> (Ctrl) [] MinMax "The unsigned minimum.";
    Smax "smax" Binary (Arg(0), INT_FIXED) (Ctrl, Ctrl) -> (Ctrl) [] MinMax "The signed maximum.";
    Umax "umax" Binary (Arg(0), INT_FIXED) (Ctrl, Ctrl) -> (Ctrl) [] MinMax "The unsigned maximum.";
    AvgRound "avg_round" Binary (Arg(0), INT_VECTOR) (Ctrl, Ctrl) -> (Ctrl) [] Average "The unsigned average of each lane, rounded up.";
    UaddSat "uadd_sat" Binary (Arg(0), INT_VECTOR) (Ctrl, Ctrl) -> (Ctrl) [] Saturate "Unsigned addition that stops at the largest value.";
    SaddSat "sadd_sat" Binary (Arg(0), INT_VECTOR) (Ctrl, Ctrl) -> (Ctrl) [] Saturate "Signed addition that stops at the extremes.";
    UsubSat "usub_sat" Binary (Arg(0), INT_VECTOR) (Ctrl, Ctrl) -> (Ctrl) [] Saturate "Unsigned subtraction that stops at 0.";
    SsubSat "ssub_sat" Binary (Arg(0), INT_VECTOR) (Ctrl, Ctrl) -> (Ctrl) [] Saturate "Signed subtraction that stops at the extremes.";
    Load "load" Load (Given, ANY) (In(INT_32_64)) -> (Ctrl) [LOAD TRAP] Load "The value at an address plus an offset.";
    Store "store" Store (Arg(0), ANY) (Ctrl, In(INT_32_64)) -> () [STORE TRAP] Store "Stores the value at an address plus an offset.";
    Uload8 "uload8" Load (Given, INT_16_64) (In(INT_32_64)) -> (Ctrl) [LOAD TRAP] Load "Loads 8 bits, zero-extended.";
    Sload8 "sload8" Load (Given, INT_16_64) (In(INT_32_64)) -> (Ctrl) [LOAD TRAP] Load "Loads 8 bits, sign-extended.";
    Istore8 "istore8" Store (Arg(0), INT_16_64) (Ctrl, In(INT_32_64)) -> () [STORE TRAP] Store "Stores the low 8 bits.";
    Uload16 "uload16" Load (Given, INT_32_64) (In(INT_32_64)) -> (Ctrl) [LOAD TRAP] Load "Loads 16 bits, zero-extended.";
    Sload16 "sload16" Load (Given, INT_32_64) (In(INT_32_64)) -> (Ctrl) [LOAD TRAP] Load "Loads 16 bits, sign-extended.";
    Istore16 "istore16" Store (Arg(0), INT_32_64) (Ctrl, In(INT_32_64)) -> () [STORE TRAP] Store "Stores the low 16 bits.";
    Uload32 "uload32" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I64)) [LOAD TRAP] Load "Loads 32 bits, zero-extended to 64.";
    Sload32 "sload32" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I64)) [LOAD TRAP] Load "Loads 32 bits, sign-extended to 64.";
    Istore32 "istore32" Store (Arg(0), INT_64) (Ctrl, In(INT_32_64)) -> () [STORE TRAP] Store "Stores the low 32 bits.";
    StackSwitch "stack_switch" Ternary (Arg(1), INT_32_64) (Ctrl, Ctrl, Ctrl) -> (Ctrl) [CALL LOAD STORE OTHER] StackSwitch "Saves the current control context, goes to another one with a payload, and gives the payload of whoever switches back.";
    Uload8x8 "uload8x8" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I16X8)) [LOAD TRAP] LoadWidening "Loads 8 bytes, each zero-extended to a 16-bit lane.";
    Sload8x8 "sload8x8" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I16X8)) [LOAD TRAP] LoadWidening "Loads 8 bytes, each sign-extended to a 16-bit lane.";
    Uload16x4 "uload16x4" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I32X4)) [LOAD TRAP] LoadWidening "Loads four 16-bit values, each zero-extended to a 32-bit lane.";
    Sload16x4 "sload16x4" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I32X4)) [LOAD TRAP] LoadWidening "Loads four 16-bit values, each sign-extended to a 32-bit lane.";
    Uload32x2 "uload32x2" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I64X2)) [LOAD TRAP] LoadWidening "Loads two 32-bit values, each zero-extended to a 64-bit lane.";
    Sload32x2 "sload32x2" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I64X2)) [LOAD TRAP] LoadWidening "Loads two 32-bit values, each sign-extended to a 64-bit lane.";
    StackAddr "stack_addr" StackAddr (Given, INT_32_64) () -> (Ctrl) [] Address "The address of a stack slot plus an offset.";
    DynamicStackAddr "dynamic_stack_addr" DynamicStackAddr (Given, INT_32_64) () -> (Ctrl) [] Dynamic "The address of a dynamic stack slot.";
    SymbolValue "symbol_value" GlobalValue (Given, INT_32_64) () -> (Ctrl) [] Address "The address of a symbol.";
    TlsValue "tls_value" GlobalValue (Given, INT_32_64) () -> (Ctrl) [] Special "The address of the running thread's instance of a thread-local symbol.";
    GetPinnedReg "get_pinned_reg" Nullary (Given, INT_32_64) () -> (Ctrl) [OTHER] Special "The pinned register's value.";
    SetPinnedReg "set_pinned_reg" Unary (Arg(0), INT_32_64) (Ctrl) -> () [OTHER] Special "Sets the pinned register.";
    GetFramePointer "get_frame_pointer" Nullary (Given, INT_32_64) () -> (Ctrl) [] Special "The frame pointer's value.";
    GetStackPointer "get_stack_pointer" Nullary (Given, INT_32_64) () -> (Ctrl) [] Special "The stack pointer's value.";
    GetReturnAddress "get_return_address" Nullary (Given, INT_32_64) () -> (Ctrl) [] Special "The address this function returns to.";
    GetExceptionHandlerAddress "get_exception_handler_address" HandlerAddr (Given, INT_32_64) () -> (Ctrl) [] Special "The code address of a handler of the try_call that ends a block, by its place in the exception table.";
    Iconst "iconst" Imm (Given, INT_TO_64) () -> (Ctrl) [] Constant "An integer constant.";
    F16const "f16const" ImmF16 (NoCtrl, NONE) () -> (Is(F16)) [] ConstantHalf "A 16-bit float constant.";
    F32const "f32const" ImmF32 (NoCtrl, NONE) () -> (Is(F32)) [] Constant "A 32-bit float constant.";
    F64const "f64const" ImmF64 (NoCtrl, NONE) () -> (Is(F64)) [] Constant "A 64-bit float constant.";
    F128const "f128const" Const (NoCtrl, NONE) () -> (Is(F128)) [] ConstantQuad "A 128-bit float constant.";
    Vconst "vconst" Const (Given, VECTOR) () -> (Ctrl) [] ConstantVector "A vector constant.";
    Shuffle "shuffle" Shuffle (NoCtrl, NONE) (Is(I8X16), Is(I8X16)) -> (Is(I8X16)) [] Permute "Selects bytes of two vectors by constant indices into their concatenation.";
    Nop "nop" Nullary (NoCtrl, NONE) () -> () [] Marker "Does nothing.";
    Select "select" Ternary (Arg(1), ANY) (In(INT_SCALAR), Ctrl, Ctrl) -> (Ctrl) [] Select "The second operand if the first is not zero, else the third.";
    SelectSpectreGuard "select_spectre_guard" Ternary (Arg(1), ANY) (In(INT_SCALAR), Ctrl, Ctrl) -> (Ctrl) [] Select "As select, never lowered to a branch, so that it holds under speculation too.";
    Bitselect "bitselect" Ternary (Arg(1), ANY) (Ctrl, Ctrl, Ctrl) -> (Ctrl) [] BitSelect "Bits of the second operand where the first has ones, of the third elsewhere.";
    Blendv "blendv" Ternary (Arg(1), VECTOR) (Ctrl, Ctrl, Ctrl) -> (Ctrl) [] LaneSelect "Lanes of the second operand where the top bit of the mask's lane is one, of the third elsewhere.";
    VanyTrue "vany_true" Unary (Arg(0), VECTOR) (Ctrl) -> (Is(I8)) [] LaneTest "1 if any lane is not zero.";
    VallTrue "vall_true" Unary (Arg(0), VECTOR) (Ctrl) -> (Is(I8)) [] LaneTest "1 if no lane is zero.";
    VhighBits "vhigh_bits" Unary (Given, INT_SCALAR) (In(VECTOR)) -> (Ctrl) [] LaneTest "The top bit of each lane, lane 0 in bit 0.";
    Icmp "icmp" IntCompare (Arg(0), INT) (Ctrl, Ctrl) -> (Truthy) [] Compare "Compares integers: 1 or 0 for scalars, all ones or zeros in each lane for vectors.";
    Iadd "iadd" Binary (Arg(0), INT) (Ctrl, Ctrl) -> (Ctrl) [] Add "Wrapping addition.";
    Isub "isub" Binary (Arg(0), INT) (Ctrl, Ctrl) -> (Ctrl) [] Add "Wrapping subtraction.";
    Ineg "ineg" Unary (Arg(0), INT) (Ctrl) -> (Ctrl) [] Negate "Wrapping negation.";
    Iabs "iabs" Unary (Arg(0), INT) (Ctrl) -> (Ctrl) [] Absolute "Wrapping absolute value.";
    Imul "imul" Binary (Arg(0), INT) (Ctrl, Ctrl) -> (Ctrl) [] Multiply "Wrapping multiplication.";
    Umulhi "umulhi" Binary (Arg(0), INT) (Ctrl, Ctrl) -> (Ctrl) [] MultiplyHigh "The high half of the unsigned product.";
    Smulhi "smulhi" Binary (Arg(0), INT) (Ctrl, Ctrl) -> (Ctrl) [] MultiplyHigh "The high half of the signed product.";
    SqmulRoundSat "sqmul_round_sat" Binary (Arg(0), I16_32_X) (Ctrl, Ctrl) -> (Ctrl) [] FixedPoint "Multiplication of signed fixed-point lanes whose point is behind the sign bit, rounded to nearest and saturated.";
    X86Pmulhrsw "x86_pmulhrsw" Binary (Arg(0), I16_32_X) (Ctrl, Ctrl) -> (Ctrl) [] FixedPoint "As sqmul_round_sat, but the product of two lowest numbers wraps, as in x86's PMULHRSW.";
    Udiv "udiv" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl) [TRAP] Divide "Unsigned division, rounding towards zero; traps when dividing by zero.";
    Sdiv "sdiv" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl) [TRAP] Divide "Signed division, rounding towards zero; traps when dividing by zero and on overflow.";
    Urem "urem" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl) [TRAP] Divide "The remainder of unsigned division; traps when dividing by zero.";
    Srem "srem" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl) [TRAP] Divide "The remainder of signed division, with the dividend's sign, 0 where the quotient overflows; traps when dividing by zero.";
    SaddOverflowCin "sadd_overflow_cin" Ternary (Arg(1), INT_SCALAR) (Ctrl, Ctrl, Is(I8)) -> (Ctrl, Is(I8)) [] Overflow "Addition with carry in, which any number but 0 is, and whether it overflowed as a signed one.";
    UaddOverflowCin "uadd_overflow_cin" Ternary (Arg(1), INT_SCALAR) (Ctrl, Ctrl, Is(I8)) -> (Ctrl, Is(I8)) [] Overflow "Addition with carry in, which any number but 0 is, and carry out.";
    UaddOverflow "uadd_overflow" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow "Addition, and whether it overflowed as an unsigned one.";
    SaddOverflow "sadd_overflow" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow "Addition, and whether it overflowed as a signed one.";
    UsubOverflow "usub_overflow" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow "Subtraction, and whether it borrowed.";
    SsubOverflow "ssub_overflow" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow "Subtraction, and whether it overflowed as a signed one.";
    UmulOverflow "umul_overflow" Binary (Arg(0), INT_TO_64) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow "Multiplication, and whether it overflowed as an unsigned one.";
    SmulOverflow "smul_overflow" Binary (Arg(0), INT_TO_64) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow "Multiplication, and whether it overflowed as a signed one.";
    UaddOverflowTrap "uadd_overflow_trap" AddTrap (Arg(0), INT_32_64) (Ctrl, Ctrl) -> (Ctrl) [TRAP] Overflow "Addition that traps when it overflows as an unsigned one.";
    SsubOverflowBin "ssub_overflow_bin" Ternary (Arg(1), INT_SCALAR) (Ctrl, Ctrl, Is(I8)) -> (Ctrl, Is(I8)) [] Overflow "Subtraction with borrow in, which any number but 0 is, and whether it overflowed as a signed one.";
    UsubOverflowBin "usub_overflow_bin" Ternary (Arg(1), INT_SCALAR) (Ctrl, Ctrl, Is(I8)) -> (Ctrl, Is(I8)) [] Overflow "Subtraction with borrow in, which any number but 0 is, and borrow out.";
    Band "band" Binary (Arg(0), ANY) (Ctrl, Ctrl) -> (Ctrl) [] Logic "Bitwise and.";
    Bor "bor" Binary (Arg(0), ANY) (Ctrl, Ctrl) -> (Ctrl) [] Logic "Bitwise or.";
    Bxor "bxor" Binary (Arg(0), ANY) (Ctrl, Ctrl) -> (Ctrl) [] Logic "Bitwise exclusive or.";
    Bnot "bnot" Unary (Arg(0), ANY) (Ctrl) -> (Ctrl) [] Complement "Bitwise complement.";
    Rotl "rotl" Binary (Arg(0), INT) (Ctrl, In(INT_SCALAR)) -> (Ctrl) [] Shift "Rotates left by the amount modulo the lane width.";
    Rotr "rotr" Binary (Arg(0), INT) (Ctrl, In(INT_SCALAR)) -> (Ctrl) [] Shift "Rotates right by the amount modulo the lane width.";
    Ishl "ishl" Binary (Arg(0), INT) (Ctrl, In(INT_SCALAR)) -> (Ctrl) [] Shift "Shifts left by the amount modulo the lane width.";
    Ushr "ushr" Binary (Arg(0), INT) (Ctrl, In(INT_SCALAR)) -> (Ctrl) [] Shift "Shifts right, bringing in zeros, by the amount modulo the lane width.";
    Sshr "sshr" Binary (Arg(0), INT) (Ctrl, In(INT_SCALAR)) -> (Ctrl) [] Shift "Shifts right, bringing in the sign, by the amount modulo the lane width.";
    Bitrev "bitrev" Unary (Arg(0), INT_SCALAR) (Ctrl) -> (Ctrl) [] Bits "The bits in reverse order.";
    Clz "clz" Unary (Arg(0), INT_SCALAR) (Ctrl) -> (Ctrl) [] Bits "The number of zeros above the highest one; the width for zero.";
    Cls "cls" Unary (Arg(0), INT_SCALAR) (Ctrl) -> (Ctrl) [] Bits "The number of bits below the sign bit that equal it, without a gap.";
    Ctz "ctz" Unary (Arg(0), INT_SCALAR) (Ctrl) -> (Ctrl) [] Bits "The number of zeros below the lowest one; the width for zero.";
    Bswap "bswap" Unary (Arg(0), INT_FROM_16) (Ctrl) -> (Ctrl) [] Bits "The bytes in reverse order.";
    Popcnt "popcnt" Unary (Arg(0), INT_FIXED) (Ctrl) -> (Ctrl) [] Bits "The number of ones, in each lane.";
    Fcmp "fcmp" FloatCompare (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Truthy) [] Compare "Compares floats: 1 or 0 for scalars, all ones or zeros in each lane for vectors.";
    Fadd "fadd" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic "Floating-point addition.";
    Fsub "fsub" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic "Floating-point subtraction.";
    Fmul "fmul" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic "Floating-point multiplication.";
    Fdiv "fdiv" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic "Floating-point division.";
    Sqrt "sqrt" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic "Square root.";
    Fma "fma" Ternary (Arg(1), FLOAT) (Ctrl, Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic "First times second plus third, rounded once.";
    Fneg "fneg" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic "The sign bit inverted, of a NaN too.";
    Fabs "fabs" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic "The sign bit cleared, of a NaN too.";
    Fcopysign "fcopysign" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic "The first operand with the second's sign bit.";
    Fmin "fmin" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic "The minimum; NaN if either is NaN, and -0 is less than 0.";
    Fmax "fmax" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic "The maximum; NaN if either is NaN, and -0 is less than 0.";
    Ceil "ceil" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic "Rounds up to an integral value.";
    Floor "floor" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic "Rounds down to an integral value.";
    Trunc "trunc" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic "Rounds towards zero to an integral value.";
    Nearest "nearest" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic "Rounds to the nearest integral value, ties to even.";
    Bitcast "bitcast" LoadNoOffset (Given, ANY) (In(ANY)) -> (Ctrl) [] Bitcast "The same bits as another type of the same size; lanes as memory of the given byte order would have them.";
    ScalarToVector "scalar_to_vector" Unary (Given, VECTOR) (Lane) -> (Ctrl) [] Lane "A vector with the scalar in lane 0 and zeros elsewhere.";
    Bmask "bmask" Unary (Given, INT_SCALAR) (In(INT_SCALAR)) -> (Ctrl) [] Mask "All ones if the operand is not zero, else zero.";
    Ireduce "ireduce" Unary (Given, INT_SCALAR) (WiderInt) -> (Ctrl) [] Reduce "The low bits of a wider integer.";
    Snarrow "snarrow" Binary (Arg(0), NARROWABLE) (Ctrl, Ctrl) -> (SplitLanes) [] Narrow "Both vectors' signed lanes, saturated to signed lanes half as wide.";
    Unarrow "unarrow" Binary (Arg(0), NARROWABLE) (Ctrl, Ctrl) -> (SplitLanes) [] Narrow "Both vectors' signed lanes, saturated to unsigned lanes half as wide.";
    Uunarrow "uunarrow" Binary (Arg(0), NARROWABLE) (Ctrl, Ctrl) -> (SplitLanes) [] Narrow "Both vectors' unsigned lanes, saturated to unsigned lanes half as wide.";
    SwidenLow "swiden_low" Unary (Arg(0), WIDENABLE) (Ctrl) -> (MergeLanes) [] Widen "The low half's lanes, sign-extended.";
    SwidenHigh "swiden_high" Unary (Arg(0), WIDENABLE) (Ctrl) -> (MergeLanes) [] Widen "The high half's lanes, sign-extended.";
    UwidenLow "uwiden_low" Unary (Arg(0), WIDENABLE) (Ctrl) -> (MergeLanes) [] Widen "The low half's lanes, zero-extended.";
    UwidenHigh "uwiden_high" Unary (Arg(0), WIDENABLE) (Ctrl) -> (MergeLanes) [] Widen "The high half's lanes, zero-extended.";
    IaddPairwise "iadd_pairwise" Binary (Arg(0), WIDENABLE) (Ctrl, Ctrl) -> (Ctrl) [] Pairwise "Sums of neighbouring lanes of both vectors, the first's in the low half.";
    X86Pmaddubsw "x86_pmaddubsw" Binary (NoCtrl, NONE) (Is(I8X16), Is(I8X16)) -> (Is(I16X8)) [] Pairwise "Products of the first operand's signed and the second's unsigned bytes, neighbours added with signed saturation, as x86's PMADDUBSW does with its operands exchanged.";
    Uextend "uextend" Unary (Given, INT_SCALAR) (NarrowerInt) -> (Ctrl) [] Extend "Zero-extends a narrower integer.";
    Sextend "sextend" Unary (Given, INT_SCALAR) (NarrowerInt) -> (Ctrl) [] Extend "Sign-extends a narrower integer.";
    Fpromote "fpromote" Unary (Given, FLOAT_SCALAR) (NarrowerFloat) -> (Ctrl) [] FloatWidth "Converts to a wider float: exact.";
    Fdemote "fdemote" Unary (Given, FLOAT_SCALAR) (WiderFloat) -> (Ctrl) [] FloatWidth "Converts to a narrower float, rounding to nearest.";
    Fvdemote "fvdemote" Unary (NoCtrl, NONE) (Is(F64X2)) -> (Is(F32X4)) [] FloatWidth "Two f64 lanes to f32 in the low half, zeros above.";
    FvpromoteLow "fvpromote_low" Unary (NoCtrl, NONE) (Is(F32X4)) -> (Is(F64X2)) [] FloatWidth "The two low f32 lanes to f64.";
    FcvtToUint "fcvt_to_uint" Unary (Given, INT_SCALAR) (In(FLOAT_SCALAR)) -> (Ctrl) [TRAP] ToInt "Converts to an unsigned integer, rounding towards zero; traps on NaN and out of range.";
    FcvtToSint "fcvt_to_sint" Unary (Given, INT_SCALAR) (In(FLOAT_SCALAR)) -> (Ctrl) [TRAP] ToInt "Converts to a signed integer, rounding towards zero; traps on NaN and out of range.";
    FcvtToUintSat "fcvt_to_uint_sat" Unary (Given, INT) (In(FLOAT)) -> (Ctrl) [] ToIntSaturated "Converts to an unsigned integer, rounding towards zero, saturating; NaN gives 0.";
    FcvtToSintSat "fcvt_to_sint_sat" Unary (Given, INT) (In(FLOAT)) -> (Ctrl) [] ToIntSaturated "Converts to a signed integer, rounding towards zero, saturating; NaN gives 0.";
    X86Cvtt2dq "x86_cvtt2dq" Unary (Given, INT) (In(FLOAT)) -> (Ctrl) [] ToIntX86 "Converts lanes to signed integers as x86's CVTTPS2DQ does: the lowest integer for a NaN and when out of range.";
    FcvtFromUint "fcvt_from_uint" Unary (Given, FLOAT) (In(INT)) -> (Ctrl) [] FromInt "Converts an unsigned integer to a float, rounding to nearest.";
    FcvtFromSint "fcvt_from_sint" Unary (Given, FLOAT) (In(INT)) -> (Ctrl) [] FromInt "Converts a signed integer to a float, rounding to nearest.";
    Isplit "isplit" Unary (Arg(0), INT_FROM_16) (Ctrl) -> (Half, Half) [] SplitConcat "The low and the high half.";
    Iconcat "iconcat" Binary (Arg(0), INT_TO_64) (Ctrl, Ctrl) -> (Double) [] SplitConcat "An integer from its low and high half.";
    AtomicRmw "atomic_rmw" AtomicRmw (Given, INT_SCALAR) (In(INT_32_64), Ctrl) -> (Ctrl) [LOAD STORE TRAP OTHER] Atomic "Replaces the value at an address by its combination with the operand, atomically; gives the old value.";
    AtomicCas "atomic_cas" AtomicCas (Arg(2), INT_SCALAR) (In(INT_32_64), Ctrl, Ctrl) -> (Ctrl) [LOAD STORE TRAP OTHER] Atomic "Stores the new value if the value at the address equals the expected one, atomically; gives the old value.";
    AtomicLoad "atomic_load" LoadNoOffset (Given, INT_SCALAR) (In(INT_32_64)) -> (Ctrl) [LOAD TRAP OTHER] Atomic "Loads atomically, sequentially consistent.";
    AtomicStore "atomic_store" StoreNoOffset (Arg(0), INT_SCALAR) (Ctrl, In(INT_32_64)) -> () [STORE TRAP OTHER] Atomic "Stores atomically, sequentially consistent.";
    Fence "fence" Nullary (NoCtrl, NONE) () -> () [OTHER LOAD STORE] Atomic "Orders all memory accesses before it before all after it.";
    ExtractVector "extract_vector" BinaryImm8 (Arg(0), DYNAMIC_VECTOR) (Ctrl) -> (DynamicToFixed) [] Dynamic "A fixed part of a dynamic vector.";
    SequencePoint "sequence_point" Nullary (NoCtrl, NONE) () -> () [OTHER] Marker "Holds debug tags; no code moves across it.";
}

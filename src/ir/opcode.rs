//! The opcode table: one row for each opcode, which holds all that the parser, printer, verifier,
//! interpreter and `clifc explain` know about it. `eval/` defines what an opcode computes, `arch/` how a
//! target computes it.
//!
//! A row reads `Variant "text" Format (source of the controlling type, its type set) (operand rules) ->
//! (result rules) [effects] Family "doc"`. `clifc explain` shows the doc: its first sentence says what the
//! opcode does, the others what happens on overflow, on a NaN, out of range, and when it traps.

use super::family::Family;
pub use super::formats::Format;
use super::types::{self, Type, TypeSet};
use zerocopy::{Immutable, IntoBytes};

/// Where an opcode's controlling type comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CtrlFrom {
    /// The opcode has none; the text must not give one.
    None,
    /// The type of the n-th value operand, unless the text gives one.
    Arg(u8),
    /// The text, which must give it: `opcode.type`.
    Given,
}

/// The types that an operand or a result may have, given the controlling type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// The controlling type.
    Ctrl,
    /// The lane type of the controlling type.
    Lane,
    /// The type of a comparison of such values: `Type::truthy`.
    Truthy,
    /// The controlling type with lanes half as wide.
    Half,
    /// The controlling type with lanes twice as wide.
    Double,
    /// The controlling type with twice as many lanes, half as wide.
    SplitLanes,
    /// The controlling type with half as many lanes, twice as wide.
    MergeLanes,
    /// The fixed vector type with the minimum lane count of a dynamic one.
    DynamicToFixed,
    /// This type.
    Is(Type),
    /// Any type in this set.
    In(TypeSet),
    /// An integer type with narrower lanes, and as many.
    NarrowerInt,
    /// An integer type with wider lanes, and as many.
    WiderInt,
    /// A float type with narrower lanes, and as many.
    NarrowerFloat,
    /// A float type with wider lanes, and as many.
    WiderFloat,
}

impl Rule {
    /// The only type that the rule allows for `ctrl`; `None` if it allows none or several.
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
    /// No effects: the instruction may be removed, repeated and moved.
    pub const PURE: Effects = Effects(0);
    /// Reads memory.
    pub const LOAD: Effects = Effects(1);
    /// Writes memory.
    pub const STORE: Effects = Effects(2);
    /// May trap; loads and stores only without the flag `notrap`.
    pub const TRAP: Effects = Effects(4);
    /// Calls a function.
    pub const CALL: Effects = Effects(8);
    /// Ends a block.
    pub const TERMINATOR: Effects = Effects(16);
    /// Has successor blocks.
    pub const BRANCH: Effects = Effects(32);
    /// Leaves the function.
    pub const RETURN: Effects = Effects(64);
    /// Has another effect for which it must be neither removed nor moved: fences, atomics, special registers.
    pub const OTHER: Effects = Effects(128);

    /// Whether the set contains all of `other`.
    #[inline]
    pub const fn has(self, other: Effects) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set contains any of `other`.
    #[inline]
    pub const fn any(self, other: Effects) -> bool {
        self.0 & other.0 != 0
    }

    /// The union of both sets.
    pub const fn or(self, other: Effects) -> Effects {
        Effects(self.0 | other.0)
    }
}

/// A row of the opcode table.
#[derive(Debug)]
pub struct OpInfo {
    /// The opcode as CLIF spells it.
    pub name: &'static str,
    /// How the operands are written and stored.
    pub format: Format,
    /// Where the controlling type comes from.
    pub ctrl: CtrlFrom,
    /// The types that the controlling type can be.
    pub ctrl_set: TypeSet,
    /// A type rule for each fixed value operand.
    pub args: &'static [Rule],
    /// A type rule for each result; none for calls, whose signature decides.
    pub results: &'static [Rule],
    /// The side effects.
    pub effects: Effects,
    /// The family: opcodes that are lowered alike.
    pub family: Family,
    /// What the opcode does, for `clifc explain`; the first sentence stands alone.
    pub doc: &'static str,
}

impl OpInfo {
    /// The first sentence of the doc, without its period.
    pub fn summary(&self) -> &'static str {
        let first = self.doc.split_once(". ").map_or(self.doc, |(first, _)| first);
        first.trim_end_matches('.')
    }
}

/// The type sets that rows use.
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
    /// Integer: scalar, fixed or dynamic vector.
    pub const INT: TypeSet = set(INTS, SCALAR | FIXED | DYNAMIC);
    /// Integer: scalar or fixed vector.
    pub const INT_FIXED: TypeSet = set(INTS, SCALAR | FIXED);
    /// Any scalar integer.
    pub const INT_SCALAR: TypeSet = set(INTS, SCALAR);
    /// Scalar integer of up to 64 bits.
    pub const INT_TO_64: TypeSet = set(ints(8, 64), SCALAR);
    /// Scalar integer of at least 16 bits.
    pub const INT_FROM_16: TypeSet = set(ints(16, 128), SCALAR);
    /// i16, i32 or i64.
    pub const INT_16_64: TypeSet = set(ints(16, 64), SCALAR);
    /// i32 or i64, which are also the address types.
    pub const INT_32_64: TypeSet = set(ints(32, 64), SCALAR);
    /// i64.
    pub const INT_64: TypeSet = set(ints(64, 64), SCALAR);
    /// i32, i64, i128, f64 or f128: what C passes for `...`.
    pub const PROMOTED: TypeSet = set(ints(32, 128) | 0b11_0000_0000, SCALAR);
    /// Integer: fixed or dynamic vector.
    pub const INT_VECTOR: TypeSet = set(INTS, FIXED | DYNAMIC);
    /// Float: scalar, fixed or dynamic vector.
    pub const FLOAT: TypeSet = set(FLOATS, SCALAR | FIXED | DYNAMIC);
    /// Any scalar float.
    pub const FLOAT_SCALAR: TypeSet = set(FLOATS, SCALAR);
    /// Any fixed or dynamic vector.
    pub const VECTOR: TypeSet = set(INTS | FLOATS, FIXED | DYNAMIC);
    /// Any dynamic vector.
    pub const DYNAMIC_VECTOR: TypeSet = set(INTS | FLOATS, DYNAMIC);
    /// Any type.
    pub const ANY: TypeSet = set(INTS | FLOATS, SCALAR | FIXED | DYNAMIC);
    /// Integer vector of 4 or 8 lanes of 16 or 32 bits.
    pub const I16_32_X: TypeSet = set(ints(16, 32), 0b1100);
    /// Integer vector with lanes of 16 to 64 bits, which can be narrowed.
    pub const NARROWABLE: TypeSet = set(ints(16, 64), 0b1110 | DYNAMIC);
    /// Integer vector with lanes of 8 to 32 bits, which can be widened.
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

    /// The opcode as CLIF spells it.
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// The shape of the opcode's operands.
    #[inline]
    pub fn format(self) -> Format {
        self.info().format
    }

    /// The type of the first result, given the controlling type. The opcode's rules must leave no choice.
    pub(crate) fn result_type(self, ctrl: Type) -> Type {
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

/// Algebraic properties.
impl Opcode {
    /// Whether the result stays the same when the two operands are exchanged.
    #[inline]
    pub(crate) fn is_commutative(self) -> bool {
        use Opcode::*;
        matches!(
            self,
            Iadd | Imul
                | Umulhi
                | Smulhi
                | Band
                | Bor
                | Bxor
                | Smin
                | Smax
                | Umin
                | Umax
                | Fadd
                | Fmul
                | UaddOverflow
                | SaddOverflow
                | UmulOverflow
                | SmulOverflow
        )
    }
}

/// Properties of opcodes that can overflow.
impl Opcode {
    /// Whether the second result says if the first overflowed.
    pub fn gives_overflow(self) -> bool {
        use Opcode::*;
        matches!(
            self,
            UaddOverflow
                | SaddOverflow
                | UsubOverflow
                | SsubOverflow
                | UmulOverflow
                | SmulOverflow
                | UaddOverflowCin
                | SaddOverflowCin
                | UsubOverflowBin
                | SsubOverflowBin
        )
    }

    /// Whether the opcode subtracts, rather than adds or multiplies.
    pub fn overflow_subtracts(self) -> bool {
        use Opcode::*;
        matches!(self, UsubOverflow | SsubOverflow | UsubOverflowBin | SsubOverflowBin)
    }

    /// Whether the operands are signed.
    pub fn overflow_is_signed(self) -> bool {
        use Opcode::*;
        matches!(self, SaddOverflow | SsubOverflow | SmulOverflow | SaddOverflowCin | SsubOverflowBin)
    }

    /// Whether the third operand is a carry or borrow.
    pub fn takes_carry(self) -> bool {
        use Opcode::*;
        matches!(self, UaddOverflowCin | SaddOverflowCin | UsubOverflowBin | SsubOverflowBin)
    }
}

opcodes! {
    Jump "jump" Jump (NoCtrl, NONE) () -> () [TERMINATOR BRANCH] Jump
        "Jumps to a block, passing the arguments to its parameters.";
    Brif "brif" Brif (Arg(0), INT_SCALAR) (Ctrl) -> () [TERMINATOR BRANCH] Branch
        "Branches to the first block if the value is not zero, to the second if it is.";
    BrTable "br_table" BrTable (NoCtrl, NONE) (Is(I32)) -> () [TERMINATOR BRANCH] Table
        "Branches to the block that a table has at an index. The index is unsigned; from the table's length \
         on, it selects the default block.";
    Debugtrap "debugtrap" Nullary (NoCtrl, NONE) () -> () [OTHER LOAD STORE] Special
        "Stops in a debugger, which can resume execution after it.";
    Trap "trap" Trap (NoCtrl, NONE) () -> () [TERMINATOR TRAP] Trap
        "Traps unconditionally with the given code.";
    Trapz "trapz" CondTrap (Arg(0), INT_SCALAR) (Ctrl) -> () [TRAP] TrapIf
        "Traps with the given code if the value is zero.";
    Trapnz "trapnz" CondTrap (Arg(0), INT_SCALAR) (Ctrl) -> () [TRAP] TrapIf
        "Traps with the given code if the value is not zero.";
    Return "return" Multiary (NoCtrl, NONE) () -> () [TERMINATOR RETURN] Return
        "Returns from the function with the given values, one for each result of its signature.";
    Call "call" Call (NoCtrl, NONE) () -> () [CALL LOAD STORE OTHER] Call
        "Calls a declared function.";
    CallIndirect "call_indirect" CallIndirect (Arg(0), INT_32_64) (Ctrl) -> ()
        [CALL LOAD STORE OTHER] CallIndirect
        "Calls the function at an address. It must have the given signature.";
    ReturnCall "return_call" Call (NoCtrl, NONE) () -> () [TERMINATOR CALL RETURN LOAD STORE OTHER] TailCall
        "Tail-calls a declared function. The caller's frame is removed first, and the callee returns to the \
         caller's caller. Both must have the same results and the same calling convention, one that supports \
         tail calls.";
    ReturnCallIndirect "return_call_indirect" CallIndirect (Arg(0), INT_32_64) (Ctrl) -> ()
        [TERMINATOR CALL RETURN LOAD STORE OTHER] TailCallIndirect
        "Tail-calls the function at an address, as return_call does a declared one. It must have the given \
         signature.";
    FuncAddr "func_addr" FuncAddr (Given, INT_32_64) () -> (Ctrl) [] Address
        "Computes the address of a declared function.";
    TryCall "try_call" TryCall (NoCtrl, NONE) () -> () [TERMINATOR BRANCH CALL LOAD STORE OTHER] TryCall
        "Calls a declared function that may throw. A normal return goes to the first block of the table, \
         which gets result N as `retN`. An exception goes to the first handler whose tag matches, which gets \
         word N of the payload as `exnN`; one that no handler matches propagates to the caller.";
    TryCallIndirect "try_call_indirect" TryCallIndirect (Arg(0), INT_32_64) (Ctrl) -> ()
        [TERMINATOR BRANCH CALL LOAD STORE OTHER] TryCall
        "Calls the function at an address that may throw, as try_call does a declared one.";
    Splat "splat" Unary (Given, VECTOR) (Lane) -> (Ctrl) [] Lane
        "Makes a vector with the scalar in all lanes.";
    Swizzle "swizzle" Binary (NoCtrl, NONE) (Is(I8X16), Is(I8X16)) -> (Is(I8X16)) [] Permute
        "Selects a byte of the first vector for each index in the second. An index above 15 gives 0.";
    X86Pshufb "x86_pshufb" Binary (NoCtrl, NONE) (Is(I8X16), Is(I8X16)) -> (Is(I8X16)) [] Permute
        "Selects a byte of the first vector for each index in the second, as x86's PSHUFB does. An index \
         with its top bit set gives 0; any other is taken modulo 16.";
    Insertlane "insertlane" TernaryImm8 (Arg(0), VECTOR) (Ctrl, Lane) -> (Ctrl) [] Lane
        "Replaces the lane of the given number by the scalar.";
    Extractlane "extractlane" BinaryImm8 (Arg(0), VECTOR) (Ctrl) -> (Lane) [] Lane
        "Takes the lane of the given number out of a vector.";
    Smin "smin" Binary (Arg(0), INT_FIXED) (Ctrl, Ctrl) -> (Ctrl) [] MinMax
        "Takes the smaller of two signed integers.";
    Umin "umin" Binary (Arg(0), INT_FIXED) (Ctrl, Ctrl) -> (Ctrl) [] MinMax
        "Takes the smaller of two unsigned integers.";
    Smax "smax" Binary (Arg(0), INT_FIXED) (Ctrl, Ctrl) -> (Ctrl) [] MinMax
        "Takes the larger of two signed integers.";
    Umax "umax" Binary (Arg(0), INT_FIXED) (Ctrl, Ctrl) -> (Ctrl) [] MinMax
        "Takes the larger of two unsigned integers.";
    AvgRound "avg_round" Binary (Arg(0), INT_VECTOR) (Ctrl, Ctrl) -> (Ctrl) [] Average
        "Averages unsigned integers, rounding up. (x + y + 1) / 2 is computed without overflow.";
    UaddSat "uadd_sat" Binary (Arg(0), INT_VECTOR) (Ctrl, Ctrl) -> (Ctrl) [] Saturate
        "Adds unsigned integers with saturation. A sum out of range becomes the largest value.";
    SaddSat "sadd_sat" Binary (Arg(0), INT_VECTOR) (Ctrl, Ctrl) -> (Ctrl) [] Saturate
        "Adds signed integers with saturation. A sum out of range becomes the smallest or the largest value.";
    UsubSat "usub_sat" Binary (Arg(0), INT_VECTOR) (Ctrl, Ctrl) -> (Ctrl) [] Saturate
        "Subtracts unsigned integers with saturation. A negative difference becomes 0.";
    SsubSat "ssub_sat" Binary (Arg(0), INT_VECTOR) (Ctrl, Ctrl) -> (Ctrl) [] Saturate
        "Subtracts signed integers with saturation. A difference out of range becomes the smallest or the \
         largest value.";
    Load "load" Load (Given, ANY) (In(INT_32_64)) -> (Ctrl) [LOAD TRAP] Load
        "Loads a value from an address plus a constant offset. The byte order is the target's unless the \
         flags say `little` or `big`. An access to invalid memory traps with the code in the flags, \
         `heap_oob` if they have none; `notrap` promises that none happens.";
    Store "store" Store (Arg(0), ANY) (Ctrl, In(INT_32_64)) -> () [STORE TRAP] Store
        "Stores a value at an address plus a constant offset. The byte order is the target's unless the \
         flags say `little` or `big`. An access to invalid memory traps with the code in the flags, \
         `heap_oob` if they have none; `notrap` promises that none happens.";
    Uload8 "uload8" Load (Given, INT_16_64) (In(INT_32_64)) -> (Ctrl) [LOAD TRAP] Load
        "Loads 8 bits and zero-extends them. Byte order and traps are those of load.";
    Sload8 "sload8" Load (Given, INT_16_64) (In(INT_32_64)) -> (Ctrl) [LOAD TRAP] Load
        "Loads 8 bits and sign-extends them. Byte order and traps are those of load.";
    Istore8 "istore8" Store (Arg(0), INT_16_64) (Ctrl, In(INT_32_64)) -> () [STORE TRAP] Store
        "Stores the low 8 bits of an integer. Byte order and traps are those of store.";
    Uload16 "uload16" Load (Given, INT_32_64) (In(INT_32_64)) -> (Ctrl) [LOAD TRAP] Load
        "Loads 16 bits and zero-extends them. Byte order and traps are those of load.";
    Sload16 "sload16" Load (Given, INT_32_64) (In(INT_32_64)) -> (Ctrl) [LOAD TRAP] Load
        "Loads 16 bits and sign-extends them. Byte order and traps are those of load.";
    Istore16 "istore16" Store (Arg(0), INT_32_64) (Ctrl, In(INT_32_64)) -> () [STORE TRAP] Store
        "Stores the low 16 bits of an integer. Byte order and traps are those of store.";
    Uload32 "uload32" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I64)) [LOAD TRAP] Load
        "Loads 32 bits and zero-extends them to 64. Byte order and traps are those of load.";
    Sload32 "sload32" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I64)) [LOAD TRAP] Load
        "Loads 32 bits and sign-extends them to 64. Byte order and traps are those of load.";
    Istore32 "istore32" Store (Arg(0), INT_64) (Ctrl, In(INT_32_64)) -> () [STORE TRAP] Store
        "Stores the low 32 bits of an integer. Byte order and traps are those of store.";
    StackSwitch "stack_switch" Ternary (Arg(1), INT_32_64) (Ctrl, Ctrl, Ctrl) -> (Ctrl)
        [CALL LOAD STORE OTHER] StackSwitch
        "Suspends the running stack and resumes another. Stores the running context at the first address, \
         loads the one at the second, and passes it the third operand. The result is what is passed back \
         when this stack is resumed. A context can be resumed once; its layout is the platform's.";
    Uload8x8 "uload8x8" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I16X8)) [LOAD TRAP] LoadWidening
        "Loads eight 8-bit integers and zero-extends each to a 16-bit lane. Byte order and traps are those \
         of load.";
    Sload8x8 "sload8x8" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I16X8)) [LOAD TRAP] LoadWidening
        "Loads eight 8-bit integers and sign-extends each to a 16-bit lane. Byte order and traps are those \
         of load.";
    Uload16x4 "uload16x4" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I32X4)) [LOAD TRAP] LoadWidening
        "Loads four 16-bit integers and zero-extends each to a 32-bit lane. Byte order and traps are those \
         of load.";
    Sload16x4 "sload16x4" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I32X4)) [LOAD TRAP] LoadWidening
        "Loads four 16-bit integers and sign-extends each to a 32-bit lane. Byte order and traps are those \
         of load.";
    Uload32x2 "uload32x2" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I64X2)) [LOAD TRAP] LoadWidening
        "Loads two 32-bit integers and zero-extends each to a 64-bit lane. Byte order and traps are those of \
         load.";
    Sload32x2 "sload32x2" Load (NoCtrl, NONE) (In(INT_32_64)) -> (Is(I64X2)) [LOAD TRAP] LoadWidening
        "Loads two 32-bit integers and sign-extends each to a 64-bit lane. Byte order and traps are those of \
         load.";
    StackAddr "stack_addr" StackAddr (Given, INT_32_64) () -> (Ctrl) [] Address
        "Computes the address of a stack slot plus a constant offset.";
    DynamicStackAddr "dynamic_stack_addr" DynamicStackAddr (Given, INT_32_64) () -> (Ctrl) [] Dynamic
        "Computes the address of a dynamic stack slot.";
    SymbolValue "symbol_value" GlobalValue (Given, INT_32_64) () -> (Ctrl) [] Address
        "Computes the address of a symbol plus the offset in its declaration.";
    TlsValue "tls_value" GlobalValue (Given, INT_32_64) () -> (Ctrl) [] Special
        "Computes the address of the running thread's instance of a thread-local symbol, plus the offset in \
         its declaration.";
    GetPinnedReg "get_pinned_reg" Nullary (Given, INT_32_64) () -> (Ctrl) [OTHER] Special
        "Reads the pinned register. Needs the setting `enable_pinned_reg`.";
    SetPinnedReg "set_pinned_reg" Unary (Arg(0), INT_32_64) (Ctrl) -> () [OTHER] Special
        "Writes the pinned register. Needs the setting `enable_pinned_reg`.";
    GetFramePointer "get_frame_pointer" Nullary (Given, INT_32_64) () -> (Ctrl) [] Special
        "Reads the frame pointer. Needs the setting `preserve_frame_pointers`.";
    GetStackPointer "get_stack_pointer" Nullary (Given, INT_32_64) () -> (Ctrl) [] Special
        "Reads the stack pointer.";
    GetReturnAddress "get_return_address" Nullary (Given, INT_32_64) () -> (Ctrl) [] Special
        "Reads the address that the function returns to. Needs the setting `preserve_frame_pointers`.";
    GetExceptionHandlerAddress "get_exception_handler_address" HandlerAddr (Given, INT_32_64) () -> (Ctrl)
        [] Special
        "Computes the code address of an exception handler: of the try_call that ends the block, the one at \
         the given index in its table.";
    Iconst "iconst" Imm (Given, INT_TO_64) () -> (Ctrl) [] Constant
        "Makes an integer constant. The literal must be in the range of the type, read as signed or as \
         unsigned.";
    F16const "f16const" ImmF16 (NoCtrl, NONE) () -> (Is(F16)) [] ConstantHalf
        "Makes an f16 constant.";
    F32const "f32const" ImmF32 (NoCtrl, NONE) () -> (Is(F32)) [] Constant
        "Makes an f32 constant.";
    F64const "f64const" ImmF64 (NoCtrl, NONE) () -> (Is(F64)) [] Constant
        "Makes an f64 constant.";
    F128const "f128const" Const (NoCtrl, NONE) () -> (Is(F128)) [] ConstantQuad
        "Makes an f128 constant, given as a literal or by its entry in the constant pool.";
    Vconst "vconst" Const (Given, VECTOR) () -> (Ctrl) [] ConstantVector
        "Makes a vector constant, given by its lanes or by its entry in the constant pool.";
    Shuffle "shuffle" Shuffle (NoCtrl, NONE) (Is(I8X16), Is(I8X16)) -> (Is(I8X16)) [] Permute
        "Selects bytes of two vectors by 16 constant indices. 0 to 15 select from the first vector, 16 to 31 \
         from the second; larger ones are invalid.";
    Nop "nop" Nullary (NoCtrl, NONE) () -> () [] Marker
        "Does nothing and emits no code.";
    Select "select" Ternary (Arg(1), ANY) (In(INT_SCALAR), Ctrl, Ctrl) -> (Ctrl) [] Select
        "Selects the second operand if the first is not zero, the third if it is.";
    SelectSpectreGuard "select_spectre_guard" Ternary (Arg(1), ANY) (In(INT_SCALAR), Ctrl, Ctrl) -> (Ctrl)
        [] Select
        "Selects as select does, under speculation too. It is never lowered to a branch, whose misprediction \
         could choose the wrong operand.";
    Bitselect "bitselect" Ternary (Arg(1), ANY) (Ctrl, Ctrl, Ctrl) -> (Ctrl) [] BitSelect
        "Selects bit by bit: from the second operand where the first has a one, from the third where it has \
         a zero.";
    Blendv "blendv" Ternary (Arg(1), VECTOR) (Ctrl, Ctrl, Ctrl) -> (Ctrl) [] LaneSelect
        "Selects lane by lane: from the second operand where the top bit of the first one's lane is set, \
         from the third where it is clear.";
    VanyTrue "vany_true" Unary (Arg(0), VECTOR) (Ctrl) -> (Is(I8)) [] LaneTest
        "Tests whether any lane has a bit set. 1 if so, 0 if not.";
    VallTrue "vall_true" Unary (Arg(0), VECTOR) (Ctrl) -> (Is(I8)) [] LaneTest
        "Tests whether every lane has a bit set. 1 if so, 0 if not.";
    VhighBits "vhigh_bits" Unary (Given, INT_SCALAR) (In(VECTOR)) -> (Ctrl) [] LaneTest
        "Collects the top bit of each lane, that of lane 0 in bit 0. Bits without a lane are 0; lanes \
         without a bit are left out.";
    Icmp "icmp" IntCompare (Arg(0), INT) (Ctrl, Ctrl) -> (Truthy) [] Compare
        "Compares integers. Scalars give 1 if the condition holds, 0 if not; vectors give all ones or all \
         zeros in each lane.";
    Iadd "iadd" Binary (Arg(0), INT) (Ctrl, Ctrl) -> (Ctrl) [] Add
        "Adds integers, wrapping around on overflow.";
    Isub "isub" Binary (Arg(0), INT) (Ctrl, Ctrl) -> (Ctrl) [] Add
        "Subtracts integers, wrapping around on overflow.";
    Ineg "ineg" Unary (Arg(0), INT) (Ctrl) -> (Ctrl) [] Negate
        "Negates an integer, wrapping around on overflow. The smallest signed value stays as it is.";
    Iabs "iabs" Unary (Arg(0), INT) (Ctrl) -> (Ctrl) [] Absolute
        "Takes the absolute value of a signed integer. The smallest value, whose absolute value does not \
         fit, stays as it is.";
    Imul "imul" Binary (Arg(0), INT) (Ctrl, Ctrl) -> (Ctrl) [] Multiply
        "Multiplies integers, wrapping around on overflow.";
    Umulhi "umulhi" Binary (Arg(0), INT) (Ctrl, Ctrl) -> (Ctrl) [] MultiplyHigh
        "Multiplies unsigned integers and gives the high half of the product.";
    Smulhi "smulhi" Binary (Arg(0), INT) (Ctrl, Ctrl) -> (Ctrl) [] MultiplyHigh
        "Multiplies signed integers and gives the high half of the product.";
    SqmulRoundSat "sqmul_round_sat" Binary (Arg(0), I16_32_X) (Ctrl, Ctrl) -> (Ctrl) [] FixedPoint
        "Multiplies signed fixed-point numbers that have all bits but the sign behind the point. The product \
         is rounded to nearest, ties up. The square of the smallest value, which does not fit, becomes the \
         largest value.";
    X86Pmulhrsw "x86_pmulhrsw" Binary (Arg(0), I16_32_X) (Ctrl, Ctrl) -> (Ctrl) [] FixedPoint
        "Multiplies as sqmul_round_sat does, but the square of the smallest value wraps around to the \
         smallest value. x86's PMULHRSW does that.";
    Udiv "udiv" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl) [TRAP] Divide
        "Divides unsigned integers, rounding down. Traps with `int_divz` if the divisor is zero.";
    Sdiv "sdiv" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl) [TRAP] Divide
        "Divides signed integers, rounding towards zero. Traps with `int_divz` if the divisor is zero, and \
         with `int_ovf` if the smallest value is divided by -1.";
    Urem "urem" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl) [TRAP] Divide
        "Gives the remainder of udiv. Traps with `int_divz` if the divisor is zero.";
    Srem "srem" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl) [TRAP] Divide
        "Gives the remainder of signed division, which has the dividend's sign. The smallest value modulo -1 \
         is 0. Traps with `int_divz` if the divisor is zero.";
    SaddOverflowCin "sadd_overflow_cin" Ternary (Arg(1), INT_SCALAR) (Ctrl, Ctrl, Is(I8)) -> (Ctrl, Is(I8))
        [] Overflow
        "Adds signed integers and a carry. The first result is the sum, wrapped around; the second is 1 if \
         it overflowed, 0 if not. Any carry but 0 counts as 1.";
    UaddOverflowCin "uadd_overflow_cin" Ternary (Arg(1), INT_SCALAR) (Ctrl, Ctrl, Is(I8)) -> (Ctrl, Is(I8))
        [] Overflow
        "Adds unsigned integers and a carry. The first result is the sum, wrapped around; the second is the \
         carry out, 1 if it overflowed, 0 if not. Any carry but 0 counts as 1.";
    UaddOverflow "uadd_overflow" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow
        "Adds unsigned integers. The first result is the sum, wrapped around; the second is 1 if it \
         overflowed, 0 if not.";
    SaddOverflow "sadd_overflow" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow
        "Adds signed integers. The first result is the sum, wrapped around; the second is 1 if it \
         overflowed, 0 if not.";
    UsubOverflow "usub_overflow" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow
        "Subtracts unsigned integers. The first result is the difference, wrapped around; the second is 1 if \
         it is negative, 0 if not.";
    SsubOverflow "ssub_overflow" Binary (Arg(0), INT_SCALAR) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow
        "Subtracts signed integers. The first result is the difference, wrapped around; the second is 1 if \
         it overflowed, 0 if not.";
    UmulOverflow "umul_overflow" Binary (Arg(0), INT_TO_64) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow
        "Multiplies unsigned integers. The first result is the product, wrapped around; the second is 1 if \
         it overflowed, 0 if not.";
    SmulOverflow "smul_overflow" Binary (Arg(0), INT_TO_64) (Ctrl, Ctrl) -> (Ctrl, Is(I8)) [] Overflow
        "Multiplies signed integers. The first result is the product, wrapped around; the second is 1 if it \
         overflowed, 0 if not.";
    UaddOverflowTrap "uadd_overflow_trap" AddTrap (Arg(0), INT_32_64) (Ctrl, Ctrl) -> (Ctrl) [TRAP] Overflow
        "Adds unsigned integers. Traps with the given code if the sum overflows.";
    SsubOverflowBin "ssub_overflow_bin" Ternary (Arg(1), INT_SCALAR) (Ctrl, Ctrl, Is(I8)) -> (Ctrl, Is(I8))
        [] Overflow
        "Subtracts signed integers and a borrow. The first result is the difference, wrapped around; the \
         second is 1 if it overflowed, 0 if not. Any borrow but 0 counts as 1.";
    UsubOverflowBin "usub_overflow_bin" Ternary (Arg(1), INT_SCALAR) (Ctrl, Ctrl, Is(I8)) -> (Ctrl, Is(I8))
        [] Overflow
        "Subtracts unsigned integers and a borrow. The first result is the difference, wrapped around; the \
         second is the borrow out, 1 if it is negative, 0 if not. Any borrow but 0 counts as 1.";
    Band "band" Binary (Arg(0), ANY) (Ctrl, Ctrl) -> (Ctrl) [] Logic
        "Computes bitwise and.";
    Bor "bor" Binary (Arg(0), ANY) (Ctrl, Ctrl) -> (Ctrl) [] Logic
        "Computes bitwise or.";
    Bxor "bxor" Binary (Arg(0), ANY) (Ctrl, Ctrl) -> (Ctrl) [] Logic
        "Computes bitwise exclusive or.";
    Bnot "bnot" Unary (Arg(0), ANY) (Ctrl) -> (Ctrl) [] Complement
        "Inverts all bits.";
    Rotl "rotl" Binary (Arg(0), INT) (Ctrl, In(INT_SCALAR)) -> (Ctrl) [] Shift
        "Rotates left. The amount is taken modulo the lane width.";
    Rotr "rotr" Binary (Arg(0), INT) (Ctrl, In(INT_SCALAR)) -> (Ctrl) [] Shift
        "Rotates right. The amount is taken modulo the lane width.";
    Ishl "ishl" Binary (Arg(0), INT) (Ctrl, In(INT_SCALAR)) -> (Ctrl) [] Shift
        "Shifts left, bringing in zeros. The amount is taken modulo the lane width.";
    Ushr "ushr" Binary (Arg(0), INT) (Ctrl, In(INT_SCALAR)) -> (Ctrl) [] Shift
        "Shifts right, bringing in zeros. The amount is taken modulo the lane width.";
    Sshr "sshr" Binary (Arg(0), INT) (Ctrl, In(INT_SCALAR)) -> (Ctrl) [] Shift
        "Shifts right, bringing in copies of the sign bit. The amount is taken modulo the lane width.";
    Bitrev "bitrev" Unary (Arg(0), INT_SCALAR) (Ctrl) -> (Ctrl) [] Bits
        "Reverses the order of the bits.";
    Clz "clz" Unary (Arg(0), INT_SCALAR) (Ctrl) -> (Ctrl) [] Bits
        "Counts the zeros above the highest one. Of zero, gives the width of the type.";
    Cls "cls" Unary (Arg(0), INT_SCALAR) (Ctrl) -> (Ctrl) [] Bits
        "Counts the bits directly below the sign bit that are equal to it. Of 0 and -1, gives the width of \
         the type less 1.";
    Ctz "ctz" Unary (Arg(0), INT_SCALAR) (Ctrl) -> (Ctrl) [] Bits
        "Counts the zeros below the lowest one. Of zero, gives the width of the type.";
    Bswap "bswap" Unary (Arg(0), INT_FROM_16) (Ctrl) -> (Ctrl) [] Bits
        "Reverses the order of the bytes.";
    Popcnt "popcnt" Unary (Arg(0), INT_FIXED) (Ctrl) -> (Ctrl) [] Bits
        "Counts the ones, in each lane.";
    Fcmp "fcmp" FloatCompare (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Truthy) [] Compare
        "Compares floats. Two floats are unordered if either is a NaN; zeros are equal whatever their signs. \
         Scalars give 1 if the condition holds, 0 if not; vectors give all ones or all zeros in each lane.";
    Fadd "fadd" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic
        "Adds floats, rounding to nearest, ties to even. A sum out of range is infinite. A NaN operand, or \
         infinities of opposite signs, give a NaN.";
    Fsub "fsub" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic
        "Subtracts floats, rounding to nearest, ties to even. A difference out of range is infinite. A NaN \
         operand, or infinities of the same sign, give a NaN.";
    Fmul "fmul" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic
        "Multiplies floats, rounding to nearest, ties to even. A product out of range is infinite. A NaN \
         operand, or zero times infinity, gives a NaN.";
    Fdiv "fdiv" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic
        "Divides floats, rounding to nearest, ties to even. Never traps: a quotient out of range, or by \
         zero, is infinite. A NaN operand, zero by zero, or infinity by infinity, gives a NaN.";
    Sqrt "sqrt" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic
        "Takes the square root, rounding to nearest, ties to even. -0 stays; a NaN, or a number below zero, \
         gives a NaN.";
    Fma "fma" Ternary (Arg(1), FLOAT) (Ctrl, Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic
        "Multiplies the first two operands and adds the third, rounding once: to nearest, ties to even. NaNs \
         and infinities are as in fmul and fadd.";
    Fneg "fneg" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic
        "Inverts the sign bit, of a NaN too. No other bit changes.";
    Fabs "fabs" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic
        "Clears the sign bit, of a NaN too. No other bit changes.";
    Fcopysign "fcopysign" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic
        "Gives the first operand the sign bit of the second, also if either is a NaN. No other bit changes.";
    Fmin "fmin" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic
        "Takes the smaller of two floats, where -0 is smaller than +0. A NaN operand gives a quiet NaN.";
    Fmax "fmax" Binary (Arg(0), FLOAT) (Ctrl, Ctrl) -> (Ctrl) [] FloatArithmetic
        "Takes the larger of two floats, where -0 is smaller than +0. A NaN operand gives a quiet NaN.";
    Ceil "ceil" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic
        "Rounds up to an integral float. A zero result has the operand's sign; infinities stay; a NaN gives \
         a quiet NaN.";
    Floor "floor" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic
        "Rounds down to an integral float. A zero result has the operand's sign; infinities stay; a NaN \
         gives a quiet NaN.";
    Trunc "trunc" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic
        "Rounds towards zero to an integral float. A zero result has the operand's sign; infinities stay; a \
         NaN gives a quiet NaN.";
    Nearest "nearest" Unary (Arg(0), FLOAT) (Ctrl) -> (Ctrl) [] FloatArithmetic
        "Rounds to the nearest integral float, ties to even. A zero result has the operand's sign; \
         infinities stay; a NaN gives a quiet NaN.";
    Bitcast "bitcast" LoadNoOffset (Given, ANY) (In(ANY)) -> (Ctrl) [] Bitcast
        "Reinterprets the bits as another type of the same size. If the number of lanes changes, the flags \
         must give a byte order: the result is what storing the operand and loading the result in that order \
         would give.";
    ScalarToVector "scalar_to_vector" Unary (Given, VECTOR) (Lane) -> (Ctrl) [] Lane
        "Makes a vector with the scalar in lane 0 and zeros in the other lanes.";
    Bmask "bmask" Unary (Given, INT_SCALAR) (In(INT_SCALAR)) -> (Ctrl) [] Mask
        "Makes a mask: all ones if the operand is not zero, all zeros if it is.";
    Ireduce "ireduce" Unary (Given, INT_SCALAR) (WiderInt) -> (Ctrl) [] Reduce
        "Truncates an integer to its low bits.";
    Snarrow "snarrow" Binary (Arg(0), NARROWABLE) (Ctrl, Ctrl) -> (SplitLanes) [] Narrow
        "Narrows signed lanes of two vectors to signed lanes of half the width, with saturation. The first \
         vector's lanes are the low ones of the result.";
    Unarrow "unarrow" Binary (Arg(0), NARROWABLE) (Ctrl, Ctrl) -> (SplitLanes) [] Narrow
        "Narrows signed lanes of two vectors to unsigned lanes of half the width, with saturation. Negative \
         values become 0. The first vector's lanes are the low ones of the result.";
    Uunarrow "uunarrow" Binary (Arg(0), NARROWABLE) (Ctrl, Ctrl) -> (SplitLanes) [] Narrow
        "Narrows unsigned lanes of two vectors to unsigned lanes of half the width, with saturation. The \
         first vector's lanes are the low ones of the result.";
    SwidenLow "swiden_low" Unary (Arg(0), WIDENABLE) (Ctrl) -> (MergeLanes) [] Widen
        "Sign-extends the low half of the lanes to twice their width.";
    SwidenHigh "swiden_high" Unary (Arg(0), WIDENABLE) (Ctrl) -> (MergeLanes) [] Widen
        "Sign-extends the high half of the lanes to twice their width.";
    UwidenLow "uwiden_low" Unary (Arg(0), WIDENABLE) (Ctrl) -> (MergeLanes) [] Widen
        "Zero-extends the low half of the lanes to twice their width.";
    UwidenHigh "uwiden_high" Unary (Arg(0), WIDENABLE) (Ctrl) -> (MergeLanes) [] Widen
        "Zero-extends the high half of the lanes to twice their width.";
    IaddPairwise "iadd_pairwise" Binary (Arg(0), WIDENABLE) (Ctrl, Ctrl) -> (Ctrl) [] Pairwise
        "Adds neighbouring lanes of each vector, wrapping around on overflow. The first vector's sums are \
         the low lanes of the result.";
    X86Pmaddubsw "x86_pmaddubsw" Binary (NoCtrl, NONE) (Is(I8X16), Is(I8X16)) -> (Is(I16X8)) [] Pairwise
        "Multiplies signed bytes by unsigned ones and adds neighbouring products, with signed saturation. \
         The first operand is the signed one: x86's PMADDUBSW has its operands the other way round.";
    Uextend "uextend" Unary (Given, INT_SCALAR) (NarrowerInt) -> (Ctrl) [] Extend
        "Zero-extends a narrower integer.";
    Sextend "sextend" Unary (Given, INT_SCALAR) (NarrowerInt) -> (Ctrl) [] Extend
        "Sign-extends a narrower integer.";
    Fpromote "fpromote" Unary (Given, FLOAT_SCALAR) (NarrowerFloat) -> (Ctrl) [] FloatWidth
        "Converts to a wider float, exactly. A NaN gives a NaN.";
    Fdemote "fdemote" Unary (Given, FLOAT_SCALAR) (WiderFloat) -> (Ctrl) [] FloatWidth
        "Converts to a narrower float, rounding to nearest, ties to even. Numbers out of range become \
         infinite; a NaN gives a NaN.";
    Fvdemote "fvdemote" Unary (NoCtrl, NONE) (Is(F64X2)) -> (Is(F32X4)) [] FloatWidth
        "Converts two f64 lanes to f32, as fdemote does. They are the low lanes of the result; the high ones \
         are 0.";
    FvpromoteLow "fvpromote_low" Unary (NoCtrl, NONE) (Is(F32X4)) -> (Is(F64X2)) [] FloatWidth
        "Converts the two low f32 lanes to f64, as fpromote does.";
    FcvtToUint "fcvt_to_uint" Unary (Given, INT_SCALAR) (In(FLOAT_SCALAR)) -> (Ctrl) [TRAP] ToInt
        "Converts to an unsigned integer, rounding towards zero. Traps with `bad_toint` on a NaN, and with \
         `int_ovf` if the result is out of range.";
    FcvtToSint "fcvt_to_sint" Unary (Given, INT_SCALAR) (In(FLOAT_SCALAR)) -> (Ctrl) [TRAP] ToInt
        "Converts to a signed integer, rounding towards zero. Traps with `bad_toint` on a NaN, and with \
         `int_ovf` if the result is out of range.";
    FcvtToUintSat "fcvt_to_uint_sat" Unary (Given, INT) (In(FLOAT)) -> (Ctrl) [] ToIntSaturated
        "Converts to an unsigned integer, rounding towards zero, with saturation. Never traps: a NaN gives \
         0.";
    FcvtToSintSat "fcvt_to_sint_sat" Unary (Given, INT) (In(FLOAT)) -> (Ctrl) [] ToIntSaturated
        "Converts to a signed integer, rounding towards zero, with saturation. Never traps: a NaN gives 0.";
    X86Cvtt2dq "x86_cvtt2dq" Unary (Given, INT) (In(FLOAT)) -> (Ctrl) [] ToIntX86
        "Converts to signed integers as x86's CVTTPS2DQ does, rounding towards zero. A NaN, or a number out \
         of range, gives the smallest value.";
    FcvtFromUint "fcvt_from_uint" Unary (Given, FLOAT) (In(INT)) -> (Ctrl) [] FromInt
        "Converts an unsigned integer to a float, rounding to nearest, ties to even. Numbers out of range \
         become infinite.";
    FcvtFromSint "fcvt_from_sint" Unary (Given, FLOAT) (In(INT)) -> (Ctrl) [] FromInt
        "Converts a signed integer to a float, rounding to nearest, ties to even. Numbers out of range \
         become infinite.";
    Isplit "isplit" Unary (Arg(0), INT_FROM_16) (Ctrl) -> (Half, Half) [] SplitConcat
        "Splits an integer into its low half, the first result, and its high half.";
    Iconcat "iconcat" Binary (Arg(0), INT_TO_64) (Ctrl, Ctrl) -> (Double) [] SplitConcat
        "Joins two integers to one of twice the width. The first operand is the low half.";
    AtomicRmw "atomic_rmw" AtomicRmw (Given, INT_SCALAR) (In(INT_32_64), Ctrl) -> (Ctrl)
        [LOAD STORE TRAP OTHER] Atomic
        "Replaces the value at an address by its combination with the operand, atomically. The result is the \
         old value. The access is sequentially consistent; byte order and traps are those of load.";
    AtomicCas "atomic_cas" AtomicCas (Arg(2), INT_SCALAR) (In(INT_32_64), Ctrl, Ctrl) -> (Ctrl)
        [LOAD STORE TRAP OTHER] Atomic
        "Stores the third operand at an address if the value there equals the second, atomically. The result \
         is the old value in either case. The access is sequentially consistent; byte order and traps are \
         those of load.";
    AtomicLoad "atomic_load" LoadNoOffset (Given, INT_SCALAR) (In(INT_32_64)) -> (Ctrl)
        [LOAD TRAP OTHER] Atomic
        "Loads atomically, with sequential consistency. Byte order and traps are those of load.";
    AtomicStore "atomic_store" StoreNoOffset (Arg(0), INT_SCALAR) (Ctrl, In(INT_32_64)) -> ()
        [STORE TRAP OTHER] Atomic
        "Stores atomically, with sequential consistency. Byte order and traps are those of store.";
    Fence "fence" Nullary (NoCtrl, NONE) () -> () [OTHER LOAD STORE] Atomic
        "Keeps memory accesses from moving across it in either direction, with sequential consistency.";
    ExtractVector "extract_vector" BinaryImm8 (Arg(0), DYNAMIC_VECTOR) (Ctrl) -> (DynamicToFixed) [] Dynamic
        "Takes the fixed vector of the given number out of a dynamic one.";
    SequencePoint "sequence_point" Nullary (NoCtrl, NONE) () -> () [OTHER] Marker
        "Marks a point in the program for debug tags. Emits no code, and no code moves across it.";
    VaStart "va_start" Unary (NoCtrl, NONE) (Is(I64)) -> () [STORE OTHER] ArgumentList
        "Starts a list of the arguments behind the function's parameters, in the `va_list` at the address. The \
         function must be variadic.";
    VaArg "va_arg" Unary (Given, PROMOTED) (Is(I64)) -> (Ctrl) [LOAD STORE OTHER] ArgumentList
        "Takes the next argument from the `va_list` at the address. It must have been passed with this type.";
    VaArgStruct "va_arg_struct" TakeStructure (NoCtrl, NONE) (Is(I64)) -> (Is(I64))
        [LOAD STORE OTHER] ArgumentList
        "Takes the next argument, a structure of the type, from the `va_list` at the address. The result is \
         the address of the structure.";
    VaCopy "va_copy" Binary (NoCtrl, NONE) (Is(I64), Is(I64)) -> () [LOAD STORE OTHER] ArgumentList
        "Makes the `va_list` at the first address a copy of the one at the second.";
    VaEnd "va_end" Unary (NoCtrl, NONE) (Is(I64)) -> () [OTHER] ArgumentList
        "Ends the use of the `va_list` at the address. It emits no code.";
}

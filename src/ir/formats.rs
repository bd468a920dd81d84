//! Formats: how the operands of an instruction are written, and which words of
//! [`InstData`](super::InstData) store them.
//!
//! A row lists the pieces of the text in order: a comma as it is, any other piece by its kind and the words
//! that store it. Pieces that hold values or branch destinations are in parentheses, so that a visitor can
//! have a rule for each kind; all others are in braces.
//!
//! | piece | text |
//! |---|---|
//! | `(value a)` | `v1` |
//! | `(list values a)` | `v1, v2`: any number of values |
//! | `(list arguments b)` | `(v1, v2)` |
//! | `(list callee_arguments b)` | `v0(v1, v2)`: the callee is first in the list |
//! | `(call a)` | `block1(v2, v3)` |
//! | `(jump_table b)` | `block1, [block2, block3(v1)]`: the default destination, then the table |
//! | `(exception_table c)` | `sig0, block1(ret0), [ tag1: block2(exn0), default: block3, context v1 ]` |
//! | `{integer a b}` | an integer of the controlling type; zero-extended, the low word in `a` |
//! | `{f16 a}`, `{f32 a}`, `{f64 a b}` | a float; its bits are stored, the low word in `a` |
//! | `{constant a}` | `const0`, or a literal |
//! | `{mask c}` | 16 bytes, as a literal; stored in the constant pool |
//! | `{global a}`, `{function a}`, `{slot a}`, `{dynamic_slot a}` | `gv0`, `fn0`, `ss0`, `dss0` |
//! | `{callee a}` | `fn0`: the called function |
//! | `{signature a}` | `sig0`: the signature of the callee |
//! | `{handler a b}` | `block1, 2`: a block, and the index of a handler of its try_call |
//! | `{structure b}` | `:name`: a structure |
//! | `{lane aux}` | a lane number below 256 |
//! | `{int_cc aux}`, `{float_cc aux}` | a condition |
//! | `{rmw c}` | the operation of an `atomic_rmw` |
//! | `{trap aux}` | a trap code |
//! | `{flags aux}` | any number of memory flags |
//! | `{offset b}` | `+8`; zero is omitted |
//!
//! The parser, the printer, the verifier and the visitors each have a macro with one rule for each kind of
//! piece. [`with_formats!`] passes the table to such a macro, which expands to a `match` with an arm for each
//! row: as fast as one written by hand.

/// Passes all rows, `Name [pieces]`, to another macro.
macro_rules! with_formats {
    ($use:ident) => {
        $use! {
            Nullary []
            Unary [(value a)]
            Imm [{integer a b}]
            ImmF16 [{f16 a}]
            ImmF32 [{f32 a}]
            ImmF64 [{f64 a b}]
            Const [{constant a}]
            GlobalValue [{global a}]
            Binary [(value a), (value b)]
            BinaryImm8 [(value a), {lane aux}]
            Ternary [(value a), (value b), (value c)]
            TernaryImm8 [(value a), (value b), {lane aux}]
            Multiary [(list values a)]
            Shuffle [(value a), (value b), {mask c}]
            IntCompare [{int_cc aux} (value a), (value b)]
            FloatCompare [{float_cc aux} (value a), (value b)]
            Jump [(call a)]
            Brif [(value a), (call b), (call c)]
            BrTable [(value a), (jump_table b)]
            Call [{callee a} (list arguments b)]
            CallIndirect [{signature a}, (list callee_arguments b)]
            TryCall [{callee a} (list arguments b), (exception_table c)]
            TryCallIndirect [(list callee_arguments b), (exception_table c)]
            CondTrap [(value a), {trap aux}]
            Trap [{trap aux}]
            AddTrap [(value a), (value b), {trap aux}]
            FuncAddr [{function a}]
            AtomicRmw [{flags aux} {rmw c} (value a), (value b)]
            AtomicCas [{flags aux} (value a), (value b), (value c)]
            Load [{flags aux} (value a) {offset b}]
            LoadNoOffset [{flags aux} (value a)]
            Store [{flags aux} (value a), (value b) {offset c}]
            StoreNoOffset [{flags aux} (value a), (value b)]
            StackAddr [{slot a} {offset b}]
            DynamicStackAddr [{dynamic_slot a}]
            HandlerAddr [{handler a b}]
            TakeStructure [(value a), {structure b}]
        }
    };
}
pub(crate) use with_formats;

macro_rules! define_format {
    ($($name:ident [$($piece:tt)*])*) => {
        /// How the operands of an opcode are written and stored.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum Format {
            $(#[doc = concat!("`", stringify!($($piece)*), "`")] $name,)*
        }
    };
}
with_formats!(define_format);

impl Format {
    /// Whether an instruction of this format makes a constant, which it holds.
    pub(crate) fn is_constant(self) -> bool {
        matches!(self, Format::Imm | Format::ImmF16 | Format::ImmF32 | Format::ImmF64 | Format::Const)
    }
}

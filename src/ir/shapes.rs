//! The shapes of operands: what an instruction's text looks like behind its opcode, and which words of
//! [`InstData`](super::InstData) hold it.
//!
//! A row spells the text piece by piece: commas as they are, other pieces by their kind and the words they
//! are stored in. Pieces that hold values or branch to blocks are in parentheses, for visitors to have a rule
//! for each kind of them; all others are in braces.
//!
//! | piece | text |
//! |---|---|
//! | `(value a)` | `v1` |
//! | `(list values a)` | `v1, v2`, any number |
//! | `(list arguments b)` | `(v1, v2)` |
//! | `(list callee_arguments b)` | `v0(v1, v2)`, all in one list |
//! | `(call a)` | `block1(v2, v3)` |
//! | `(jump_table b)` | `block1, [block2, block3(v1)]`, the default first |
//! | `(exception_table c)` | `sig0, block1(ret0), [ tag1: block2(exn0), default: block3, context v1 ]` |
//! | `{integer a b}` | an integer in the controlling type, the low half in `a`, extended by zeros |
//! | `{f16 a}`, `{f32 a}`, `{f64 a b}` | a float, as its bits, the low half in `a` |
//! | `{constant a}` | `const0`, or the constant itself |
//! | `{mask c}` | a constant of 16 bytes, written in its place |
//! | `{global a}`, `{function a}`, `{slot a}`, `{dynamic_slot a}` | `gv0`, `fn0`, `ss0`, `dss0` |
//! | `{callee a}` | `fn0`, which is called |
//! | `{signature a}` | `sig0`, of the callee |
//! | `{handler a b}` | `block1, 2`: a block and the index of one of its handlers |
//! | `{lane aux}` | a lane's number, below 256 |
//! | `{int_cc aux}`, `{float_cc aux}` | a condition |
//! | `{rmw c}` | what an atomic operation does to memory |
//! | `{trap aux}` | a trap code |
//! | `{flags aux}` | memory flags, none or several |
//! | `{offset b}` | `+8`, nothing for zero |
//!
//! Parser, printer, verifier and visitors each have a macro with one rule for each kind of piece, and
//! [`with_shapes!`] hands it the table. That makes a `match` with an arm for each row, which is as fast as
//! one written out.

/// Hands all rows, `Name [pieces]`, to another macro.
macro_rules! with_shapes {
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
        }
    };
}
pub(crate) use with_shapes;

macro_rules! define_format {
    ($($name:ident [$($piece:tt)*])*) => {
        /// The shape of an opcode's operands.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum Format {
            $(#[doc = concat!("`", stringify!($($piece)*), "`")] $name,)*
        }
    };
}
with_shapes!(define_format);

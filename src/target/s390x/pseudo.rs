//! What expands pseudo-instructions: one function for each `expand = name` of the rows.

use super::encode::Branches;
use crate::mach::buffer::CodeBuffer;
use crate::mach::ends;
use crate::mach::isa::EmitContext;
use crate::mach::view::InstView;

macro_rules! comparing_branches {
    ($($name:ident $opcode:literal $immediate:literal,)*) => {
        $(
            #[doc = concat!("Ends a block with `", stringify!($name), "`.")]
            pub fn $name(view: &InstView, cx: &EmitContext, buffer: &mut CodeBuffer) {
                compare_and_branch($opcode, $immediate, view, cx, buffer);
            }
        )*
    };
}

// The last byte of the instruction, and whether it has an immediate.
comparing_branches! {
    branch_crj 0x76 false, branch_cgrj 0x64 false, branch_clrj 0x77 false, branch_clgrj 0x65 false,
    branch_cij 0x7E true, branch_cgij 0x7C true, branch_clij 0x7F true, branch_clgij 0x7D true,
}

fn compare_and_branch(
    opcode: u8,
    immediate: bool,
    view: &InstView,
    cx: &EmitContext,
    buffer: &mut CodeBuffer,
) {
    let (second, labels) = match immediate {
        true => (view.words[0] as u8, 1),
        false => (view.register(1), 0),
    };
    let condition = Branches::comparing(opcode, view.register(0), second, immediate, view.small);
    ends::branch::<Branches>(condition, (view.label(labels), view.label(labels + 1)), cx, buffer);
}

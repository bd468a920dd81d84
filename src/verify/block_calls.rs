//! Branch targets and the arguments passed to them.

use super::body::Body;
use super::{Location, advice};
use crate::ir::types::Type;
use crate::ir::{Block, BlockArg, BlockCallRef, Signature, Value};

/// The kind of an edge, which decides which arguments it may have.
#[derive(Clone, Copy)]
pub(super) enum Edge<'a> {
    /// A branch: its arguments are values.
    Plain,
    /// The normal return of a `try_call` with this signature: `retN` is allowed.
    Return(&'a Signature),
    /// A handler of a `try_call` with this signature: `exnN` is allowed.
    Handler(&'a Signature),
}

/// Checks a block call of the current instruction.
pub(super) fn check(body: &mut Body<'_>, call: BlockCallRef, edge: Edge<'_>) {
    let stencil = body.check.stencil;
    let call = &stencil.block_calls[call];
    let args = stencil.pool.get(call.args);
    let params = match target(body, call.block) {
        true => stencil.block_params(call.block),
        false => return,
    };
    // If the number of arguments is wrong, it is unclear which parameter each was meant for.
    let fits = args.len() == params.len();
    for (i, &word) in args.iter().enumerate() {
        let arg = BlockArg::unpack(word);
        if let Some(ty) = arg_type(body, arg, edge)
            && fits
            && ty != body.type_of(Value(params[i]))
        {
            let (text, expected) = (arg_text(arg), body.type_of(Value(params[i])));
            body.report(format!("arg {text} has type {ty}, expected {expected}"));
            let (block, convert) = (call.block, advice::conversion(ty, expected));
            let message =
                format!("{text} has type {ty}, but parameter {i} of {block} has {expected}{convert}");
            let operand = match arg {
                BlockArg::Value(value) => Some(value),
                BlockArg::TryCallRet(_) | BlockArg::TryCallExn(_) => None,
            };
            body.say_with(operand, message, Some((Location::Block(block), "the block")));
        }
    }
    if !fits {
        let text: Vec<String> = args.iter().map(|&word| arg_text(BlockArg::unpack(word))).collect();
        let text = format!("{}({})", call.block, text.join(", "));
        let (got, expected) = (args.len(), params.len());
        body.report(format!("mismatched argument count for `{text}`: got {got}, expected {expected}"));
        let (passes, has) = (advice::count(got, "argument"), advice::count(expected, "parameter"));
        let message = format!("this passes {passes} to {}, which has {has}", call.block);
        body.say_with(None, message, Some((Location::Block(call.block), "the block")));
    }
}

/// Checks that a block may be a branch target.
pub(super) fn target(body: &mut Body<'_>, block: Block) -> bool {
    let stencil = body.check.stencil;
    if !stencil.blocks.get(block).is_some_and(|data| data.defined) {
        body.report(format!("invalid block reference {block}"));
        return false;
    }
    if block == stencil.layout[0] {
        body.report(format!("invalid reference to entry block {block}"));
        let message =
            format!("{block} is the first block, which nothing can jump to: jump from it to a loop");
        body.say(None, message);
        return false;
    }
    true
}

/// The type of an argument; `None` after an error, or if it depends on the target and that is unknown.
#[inline]
fn arg_type(body: &mut Body<'_>, arg: BlockArg, edge: Edge<'_>) -> Option<Type> {
    match arg {
        BlockArg::Value(value) => body.use_value(value).then(|| body.type_of(value)),
        BlockArg::TryCallRet(n) => result_type(body, n, edge),
        BlockArg::TryCallExn(n) => payload_type(body, n, edge),
    }
}

fn result_type(body: &mut Body<'_>, n: u32, edge: Edge<'_>) -> Option<Type> {
    match edge {
        Edge::Return(sig) => {
            let ty = sig.returns.get(n as usize).map(|param| param.ty);
            if ty.is_none() {
                let count = sig.returns.len();
                body.report(format!("out-of-bounds `retN` block argument: ret{n} of {count} results"));
            }
            return ty;
        }
        Edge::Handler(_) => {
            body.report("`retN` block argument used outside normal-return target of `try_call`");
        }
        Edge::Plain => body.report("`retN` block argument in block-call not on `try_call` instruction"),
    }
    None
}

fn payload_type(body: &mut Body<'_>, n: u32, edge: Edge<'_>) -> Option<Type> {
    match edge {
        Edge::Handler(sig) => {
            let count = sig.call_conv.exception_payloads();
            if n < count {
                return body.check.env.pointer;
            }
            let conv = sig.call_conv;
            body.report(format!(
                "out-of-bounds `exnN` block argument: exn{n}, but `{conv}` has {count} payload words"
            ));
        }
        // The phrase is Cranelift's; it means a handler.
        Edge::Return(_) => {
            body.report("`exnN` block argument used outside normal-return target of `try_call`")
        }
        Edge::Plain => body.report("`exnN` block argument in block-call not on `try_call` instruction"),
    }
    None
}

fn arg_text(arg: BlockArg) -> String {
    match arg {
        BlockArg::Value(value) => value.to_string(),
        BlockArg::TryCallRet(n) => format!("ret{n}"),
        BlockArg::TryCallExn(n) => format!("exn{n}"),
    }
}

//! Checks calls and returns against signatures.

use super::advice;
use super::block_calls::{self, Edge};
use super::body::Body;
use super::preamble::{declared, signature_of};
use crate::ir::opcode::sets;
use crate::ir::{
    AbiParam, ExceptionTable, ExtFunc, Format, FuncRef, Handler, InstData, Opcode, Purpose, SigRef,
    Signature, Type, Value, types,
};

/// Checks a call of any kind. If it has a callee address, that has been checked.
pub(super) fn call(body: &mut Body<'_>, data: &InstData) {
    let stencil = body.check.stencil;
    let args = stencil.pool.get(InstData::list(data).expect("calls have an argument list"));
    let (sig_ref, args) = match data.opcode.format() {
        Format::Call => match callee(body, data) {
            Some(func) => (func.signature, args),
            None => return,
        },
        Format::CallIndirect => (SigRef(data.a), args.get(1..).unwrap_or(&[])),
        Format::TryCall => {
            callee(body, data);
            (stencil.exception_tables[ExceptionTable(data.c)].signature, args)
        }
        _ => (stencil.exception_tables[ExceptionTable(data.c)].signature, args.get(1..).unwrap_or(&[])),
    };
    let Some(sig) = signature_of(&body.check, sig_ref) else {
        return body.report(format!("invalid signature reference {sig_ref}"));
    };
    arguments(body, data, sig, args);
    let returns: &[AbiParam] = match data.opcode {
        Opcode::Call | Opcode::CallIndirect => &sig.returns,
        Opcode::ReturnCall | Opcode::ReturnCallIndirect => {
            tail_call(body, sig);
            &[]
        }
        _ => {
            try_call(body, data, sig_ref, sig);
            &[]
        }
    };
    results(body, returns);
}

/// Returns the declared function that a call refers to, after checking the reference.
fn callee(body: &mut Body<'_>, data: &InstData) -> Option<ExtFunc> {
    let func_ref = FuncRef(data.a);
    let Some(&func) = declared(&body.check.stencil.functions, func_ref) else {
        body.report(format!("invalid function reference {func_ref}"));
        return None;
    };
    if func.patchable {
        patchable(body, data, func);
    }
    Some(func)
}

/// Checks that nothing depends on a call that may be patched out.
fn patchable(body: &mut Body<'_>, data: &InstData, func: ExtFunc) {
    if data.opcode == Opcode::ReturnCall {
        body.report("patchable funcref cannot be used in a return_call");
    }
    if !func.colocated {
        body.report("patchable call to non-colocated function");
    }
    if signature_of(&body.check, func.signature).is_some_and(|sig| !sig.returns.is_empty()) {
        body.report("patchable call cannot occur to a function with return values");
    }
}

fn arguments(body: &mut Body<'_>, data: &InstData, sig: &Signature, args: &[u32]) {
    for (i, &arg) in args.iter().enumerate() {
        let value = Value(arg);
        if !body.use_value(value) {
            continue;
        }
        let ty = body.type_of(value);
        if let Some(param) = sig.params.get(i).filter(|param| param.ty != ty) {
            let expected = param.ty;
            body.report(format!("arg {i} ({value}) has type {ty}, expected {expected}"));
            let convert = advice::conversion(ty, expected);
            let message = format!("argument {i} has type {ty}, but the parameter has {expected}{convert}");
            body.say(Some(value), message);
        }
    }
    let (got, expected) = (args.len(), sig.params.len());
    if got < expected || got > expected && !sig.variadic {
        let text = call_text(data, args);
        let at_least = if sig.variadic { "at least " } else { "" };
        body.report(format!(
            "mismatched argument count for `{text}`: got {got}, expected {at_least}{expected}"
        ));
        let (passes, takes) = (advice::count(got, "argument"), advice::count(expected, "parameter"));
        let variadic = match got > expected {
            true => "; if the function is variadic, its signature has `...` at the end of the parameters",
            false => "",
        };
        body.say(None, format!("the call passes {passes}, but the function has {at_least}{takes}{variadic}"));
    }
    for (i, &arg) in args.iter().enumerate().skip(expected) {
        variadic_argument(body, i, Value(arg));
    }
}

/// Checks that an argument behind the parameters is not narrower than what C passes there: only the front end
/// knows how to widen it.
fn variadic_argument(body: &mut Body<'_>, i: usize, value: Value) {
    let ty = body.type_of(value);
    if sets::PROMOTED.contains(ty) || ty == types::INVALID {
        return;
    }
    let wider = match ty {
        types::I8 | types::I16 => ": extend it to i32",
        types::F32 => ": promote it to f64",
        _ => "",
    };
    body.report(format!("arg {i} ({value}) has type {ty}, which C does not pass for `...`{wider}"));
}

/// A call as it is spelled in the text, up to its arguments.
fn call_text(data: &InstData, args: &[u32]) -> String {
    let callee = match data.opcode.format() {
        Format::Call | Format::TryCall => format!(" {}", FuncRef(data.a)),
        Format::CallIndirect => format!(" {}, ..", SigRef(data.a)),
        _ => " ..".to_string(),
    };
    format!("{}{callee}({})", data.opcode.name(), values(args))
}

/// The names of values, separated by commas.
pub(super) fn values(words: &[u32]) -> String {
    words.iter().map(|&word| Value(word).to_string()).collect::<Vec<_>>().join(", ")
}

fn results(body: &mut Body<'_>, expected: &[AbiParam]) {
    let results = body.check.stencil.inst_results(body.at);
    if results.len() != expected.len() {
        return body.wrong_count(results.len(), expected.len());
    }
    for (n, (&result, expected)) in results.iter().zip(expected).enumerate() {
        let value = Value(result);
        if body.defined_here(value, n) && body.type_of(value) != expected.ty {
            body.wrong_result(n, value, &expected.ty.to_string());
        }
    }
}

/// Checks the values of a `return`.
pub(super) fn ret(body: &mut Body<'_>, data: &InstData) {
    let stencil = body.check.stencil;
    let expected = &stencil.signature.returns;
    let args = stencil.pool.get(InstData::list(data).expect("returns have an argument list"));
    for (i, &arg) in args.iter().enumerate() {
        let value = Value(arg);
        if body.use_value(value)
            && let Some(expected) = expected.get(i)
        {
            return_type(body, i, Some(value), body.type_of(value), expected);
        }
    }
    if args.len() != expected.len() {
        let (got, expected) = (args.len(), expected.len());
        body.report(format!(
            "arguments of return must match function signature: got {got}, expected {expected}"
        ));
        let (has, wants) = (advice::count(got, "value"), advice::count(expected, "result"));
        body.say(None, format!("this returns {has}, but the function has {wants}"));
    }
}

fn return_type(body: &mut Body<'_>, i: usize, value: Option<Value>, ty: Type, expected: &AbiParam) {
    if ty != expected.ty {
        let expected = expected.ty;
        body.report(format!("result {i} has type {ty}, must match function signature of {expected}"));
        let convert = advice::conversion(ty, expected);
        body.say(
            value,
            format!("result {i} has type {ty}, but that of the function has {expected}{convert}"),
        );
    }
}

/// Checks that the callee of a tail call can return in place of the current function.
fn tail_call(body: &mut Body<'_>, sig: &Signature) {
    let own = &body.check.stencil.signature;
    if !sig.call_conv.supports_tail_calls() {
        let message = format!("calling convention `{}` does not support tail calls", sig.call_conv);
        body.report(message.clone());
        body.say(None, format!("{message}; declare caller and callee as `tail`"));
    }
    if sig.call_conv != own.call_conv {
        let (callee, caller) = (sig.call_conv, own.call_conv);
        body.report(format!(
            "callee's calling convention must match caller: {callee} is called from {caller}"
        ));
    }
    if sig.returns.len() != own.returns.len() {
        let (got, expected) = (sig.returns.len(), own.returns.len());
        return body.report(format!("results of callee must match caller: got {got}, expected {expected}"));
    }
    let stencil = body.check.stencil;
    for (i, (got, expected)) in sig.returns.iter().zip(&own.returns).enumerate() {
        return_type(body, i, None, got.ty, expected);
        let layouts = [got, expected].map(|result| match result.purpose {
            Purpose::Structure(key) => stencil.structures.get(key),
            Purpose::Normal | Purpose::StructReturn | Purpose::VmContext | Purpose::StructArgument(_) => None,
        });
        if layouts[0] != layouts[1] {
            body.report(format!("result {i} is not the structure that the caller returns"));
        }
    }
}

/// Checks the exception table of a `try_call`.
fn try_call(body: &mut Body<'_>, data: &InstData, sig_ref: SigRef, sig: &Signature) {
    let stencil = body.check.stencil;
    if data.opcode == Opcode::TryCall
        && let Some(func) = declared(&stencil.functions, FuncRef(data.a))
        && let Some(own) = signature_of(&body.check, func.signature)
        && own != sig
    {
        let (callee, own) = (FuncRef(data.a), func.signature);
        let message =
            format!("exception table signature {sig_ref} did not match function {callee}'s signature {own}");
        body.report(message);
    }
    if !sig.call_conv.supports_exceptions() {
        let message = format!("calling convention `{}` of callee does not support exceptions", sig.call_conv);
        body.report(message);
    }
    let table = &stencil.exception_tables[ExceptionTable(data.c)];
    block_calls::check(body, table.normal, Edge::Return(sig));
    for handler in &table.handlers {
        match *handler {
            Handler::Tag(_, call) | Handler::Default(call) => {
                block_calls::check(body, call, Edge::Handler(sig));
            }
            Handler::Context(value) => {
                body.use_value(value);
            }
        }
    }
}

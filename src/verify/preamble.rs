//! Checks the preamble: signatures, declared functions, global values, alias regions, slots, dynamic types.

use super::{Check, Location, Scratch};
use crate::entity::{Entity, Map};
use crate::ir::opcode::sets;
use crate::ir::types::Type;
use crate::ir::{
    AbiParam, CallConv, Extension, GlobalValue, GlobalValueData, MemFlagsRef, Purpose, Region, SigRef,
    Signature, StackSlot,
};

/// The maximum size of all stack slots together: what 32-bit offsets reach.
const MAX_SLOT_BYTES: u64 = i32::MAX as u64;

/// Checks everything that is declared before the first block.
pub(super) fn check(check: &mut Check<'_>, scratch: &mut Scratch) {
    signatures(check, &mut scratch.marks);
    global_values(check, &mut scratch.marks, &mut scratch.path);
    regions(check, &mut scratch.path);
    stack_slots(check);
    dynamic_types(check);
    if let Some(limit) = check.stencil.stack_limit {
        stack_limit(check, limit);
    }
}

/// An entity of a map, if it is declared.
pub(super) fn declared<K: Entity, V>(map: &Map<K, Option<V>>, key: K) -> Option<&V> {
    map.get(key)?.as_ref()
}

/// Checks signatures. Errors are reported at the function for its own signature, at the first declared
/// function that uses a signature, and otherwise at the signature. `marks` records which signatures have been
/// checked.
fn signatures(check: &mut Check<'_>, marks: &mut Vec<u32>) {
    let stencil = check.stencil;
    signature(check, &stencil.signature, Location::Function);
    if stencil.signature.further > 0 {
        let message = "the parameters of a function that is defined end with `...`: it takes what follows by \
                       `va_arg`";
        check.report(Location::Function, message);
    }
    marks.clear();
    marks.resize(stencil.signatures.len(), 0);
    for (func, data) in stencil.functions.iter() {
        let Some(data) = data else { continue };
        let at = Location::FuncRef(func);
        let Some(sig) = declared(&stencil.signatures, data.signature) else {
            check.report(at, format!("invalid signature reference {}", data.signature));
            continue;
        };
        if std::mem::replace(&mut marks[data.signature.index()], 1) == 0 {
            signature(check, sig, at);
        }
    }
    for (n, sig) in stencil.signatures.iter() {
        if let (Some(sig), 0) = (sig, marks[n.index()]) {
            signature(check, sig, Location::Signature(n));
        }
    }
}

fn signature(check: &mut Check<'_>, sig: &Signature, at: Location) {
    if sig.call_conv == CallConv::PreserveAll && !sig.returns.is_empty() {
        check.report(at, "Signature with `preserve_all` ABI cannot have return values");
    }
    if sig.variadic && !sig.call_conv.supports_variadics() {
        let names = CallConv::ALL.iter().filter(|conv| conv.supports_variadics()).map(CallConv::to_string);
        let names = names.collect::<Vec<_>>().join(", ");
        let conv = sig.call_conv;
        check.report(
            at,
            format!("functions of the calling convention `{conv}` can't be variadic: use {names}"),
        );
    }
    let params = sig.params.iter().enumerate().map(|param| ("Parameter", param));
    let returns = sig.returns.iter().enumerate().map(|param| ("Return value", param));
    for (item, (i, param)) in params.chain(returns) {
        let extension = match param.extension {
            Extension::None => "",
            Extension::Zero => "Uext",
            Extension::Sign => "Sext",
        };
        if param.ty.lane_bits() == 0 {
            check.report(at, format!("{item} at position {i} has an invalid type"));
        } else if !extension.is_empty() && !param.ty.is_int() {
            let ty = param.ty;
            check.report(
                at,
                format!("{item} at position {i} has invalid extension {extension} for type {ty}"),
            );
        }
        if item != "Parameter" && matches!(param.purpose, Purpose::StructArgument(_)) {
            check.report(at, format!("{item} at position {i} cannot be a struct argument"));
        }
        if let Some(pointer) = check.env.pointer
            && param.purpose != Purpose::Normal
            && param.ty != pointer
        {
            let ty = param.ty;
            check.report(
                at,
                format!("{item} at position {i} is an address but has type {ty}, expected {pointer}"),
            );
        }
    }
    structures(check, sig, at);
    for (purpose, name) in [(Purpose::StructReturn, "sret"), (Purpose::VmContext, "vmctx")] {
        if sig.params.iter().filter(|param| param.purpose == purpose).count() > 1 {
            check.report(at, format!("more than one parameter is marked `{name}`"));
        }
    }
}

/// Checks the structures of a signature.
fn structures(check: &mut Check<'_>, sig: &Signature, at: Location) {
    let structure = |param: &AbiParam| match param.purpose {
        Purpose::Structure(structure) => Some(structure),
        Purpose::Normal | Purpose::StructReturn | Purpose::VmContext | Purpose::StructArgument(_) => None,
    };
    for (i, param) in sig.params.iter().enumerate().skip(sig.fixed_params()) {
        if structure(param).is_none() && !sets::PROMOTED.contains(param.ty) {
            let ty = param.ty;
            check.report(
                at,
                format!("Parameter at position {i} has type {ty}, which C does not pass for `...`"),
            );
        }
    }
    for key in sig.params.iter().chain(&sig.returns).filter_map(structure) {
        if check.stencil.structures.get(key).is_none() {
            check.report(at, format!("{key} is not declared"));
        }
    }
    if !sig.returns.iter().any(|result| structure(result).is_some()) {
        return;
    }
    if sig.returns.len() > 1 {
        check.report(at, "a structure must be the only result: put the others in it");
    }
    if sig.params.iter().any(|param| param.purpose == Purpose::StructReturn) {
        check.report(at, "a function with an `sret` parameter cannot return another structure");
    }
}

fn global_values(check: &mut Check<'_>, marks: &mut Vec<u32>, path: &mut Vec<u32>) {
    marks.clear();
    marks.resize(check.stencil.global_values.len(), 0);
    for (gv, data) in check.stencil.global_values.iter() {
        global_value_cycle(check, gv, marks, path);
        global_value(check, gv, data);
    }
}

/// The global value that a global value is computed from.
fn base_of(data: &GlobalValueData) -> Option<GlobalValue> {
    match *data {
        GlobalValueData::Load { base, .. } | GlobalValueData::IaddImm { base, .. } => Some(base),
        _ => None,
    }
}

/// Follows the bases of `gv` until one that a walk has visited. The mark of a global value is one more than
/// the number of the one whose walk visited it.
fn global_value_cycle(check: &mut Check<'_>, gv: GlobalValue, marks: &mut [u32], path: &mut Vec<u32>) {
    let mark = gv.0 + 1;
    path.clear();
    let mut at = Some(gv);
    while let Some(next) = at {
        let Some(seen) = marks.get_mut(next.index()) else { return };
        if *seen == mark {
            let members: Vec<String> = path.iter().map(|&n| GlobalValue(n).to_string()).collect();
            check.report(Location::GlobalValue(gv), format!("global value cycle: [{}]", members.join(", ")));
            return;
        }
        if *seen != 0 {
            return;
        }
        *seen = mark;
        path.push(next.0);
        at = base_of(&check.stencil.global_values[next]);
    }
}

fn global_value(check: &mut Check<'_>, gv: GlobalValue, data: &GlobalValueData) {
    let at = Location::GlobalValue(gv);
    let stencil = check.stencil;
    if let Some(base) = base_of(data)
        && matches!(stencil.global_values.get(base), None | Some(GlobalValueData::Undefined))
    {
        check.report(at, format!("{base} is not declared"));
        return;
    }
    match *data {
        GlobalValueData::Undefined | GlobalValueData::Symbol { .. } => {}
        GlobalValueData::VmContext => {
            if !stencil.signature.params.iter().any(|param| param.purpose == Purpose::VmContext) {
                check.report(at, format!("undeclared vmctx reference {gv}: no parameter is marked `vmctx`"));
            }
        }
        GlobalValueData::IaddImm { base, ty, .. } => {
            let base_ty = global_value_type(check, base);
            if !ty.is_int() {
                check.report(at, format!("iadd_imm global value with non-int type {ty}"));
            } else if let Some(base_ty) = base_ty.filter(|&base_ty| base_ty != ty) {
                check.report(at, format!("iadd_imm type {ty} differs from operand type {base_ty}"));
            }
        }
        GlobalValueData::Load { base, flags, .. } => {
            if let (Some(pointer), Some(ty)) = (check.env.pointer, global_value_type(check, base))
                && ty != pointer
            {
                let message = format!("base {base} has type {ty}, which is not the pointer type {pointer}");
                check.report(at, message);
            }
            mem_flags(check, at, flags);
        }
        GlobalValueData::DynScale(ty) => {
            if !ty.is_vector() || ty.is_dynamic() {
                check.report(at, format!("{ty} is not a vector of fixed size, so it has no scale"));
            }
        }
    }
}

/// The type of a global value; `None` if it is undefined, has no type, or depends on a target that is
/// unknown.
pub(super) fn global_value_type(check: &Check<'_>, gv: GlobalValue) -> Option<Type> {
    match *check.stencil.global_values.get(gv)? {
        GlobalValueData::Load { ty, .. } | GlobalValueData::IaddImm { ty, .. } => Some(ty),
        GlobalValueData::VmContext | GlobalValueData::Symbol { .. } => check.env.pointer,
        GlobalValueData::Undefined | GlobalValueData::DynScale(_) => None,
    }
}

/// Checks that the alias region of memory flags, if any, is declared.
#[inline]
pub(super) fn mem_flags(check: &mut Check<'_>, at: Location, flags: MemFlagsRef) {
    let region = check.stencil.mem_flags[flags].region;
    if let Some(region) = region
        && declared(&check.stencil.regions, region).is_none()
    {
        check.report(at, format!("undefined alias region {region}"));
    }
}

/// Checks that no two regions have the same user ID.
fn regions(check: &mut Check<'_>, sorted: &mut Vec<u32>) {
    let regions = &check.stencil.regions;
    let user = |n: u32| regions[Region(n)];
    sorted.clear();
    sorted.extend(regions.iter().filter(|(_, user)| user.is_some()).map(|(region, _)| region.0));
    sorted.sort_unstable_by_key(|&n| (user(n), n));
    for pair in sorted.windows(2) {
        if let (Some(id), true) = (user(pair[1]), user(pair[0]) == user(pair[1])) {
            let (first, second) = (Region(pair[0]), Region(pair[1]));
            let message = format!("duplicate alias region user_id {id}: {first} and {second}");
            check.report(Location::Region(second), message);
        }
    }
}

fn stack_slots(check: &mut Check<'_>) {
    let mut bytes = 0u64;
    let slots = check.stencil.stack_slots.iter().filter(|(_, data)| data.defined);
    for (slot, data) in slots {
        let align = 1u64.checked_shl(data.align_shift.into()).unwrap_or(u64::MAX);
        bytes = bytes.saturating_add(u64::from(data.size)).saturating_add(align - 1);
        if bytes > MAX_SLOT_BYTES {
            return too_big(check, slot);
        }
    }
}

fn too_big(check: &mut Check<'_>, slot: StackSlot) {
    let message = format!("the stack slots up to {slot} take more than {MAX_SLOT_BYTES} bytes");
    check.report(Location::StackSlot(slot), message);
}

fn dynamic_types(check: &mut Check<'_>) {
    let stencil = check.stencil;
    for (ty, data) in stencil.dynamic_types.iter() {
        let Some(data) = data else { continue };
        let at = Location::DynamicType(ty);
        if !data.base.is_vector() || data.base.is_dynamic() {
            check.report(at, format!("{} is not a vector of fixed size", data.base));
        }
        if !matches!(stencil.global_values.get(data.scale), Some(GlobalValueData::DynScale(_))) {
            check.report(at, format!("{} is not the scale of a dynamic type", data.scale));
        }
    }
    for (slot, ty) in stencil.dynamic_stack_slots.iter() {
        if let Some(ty) = *ty
            && declared(&stencil.dynamic_types, ty).is_none()
        {
            check.report(Location::DynamicStackSlot(slot), format!("{ty} is not declared"));
        }
    }
}

fn stack_limit(check: &mut Check<'_>, limit: GlobalValue) {
    let data = check.stencil.global_values.get(limit);
    if matches!(data, None | Some(GlobalValueData::Undefined | GlobalValueData::DynScale(_))) {
        check.report(Location::Function, format!("stack_limit is {limit}, which is not an address"));
    } else if let (Some(pointer), Some(ty)) = (check.env.pointer, global_value_type(check, limit))
        && ty != pointer
    {
        check.report(Location::Function, format!("stack_limit {limit} has type {ty}, not {pointer}"));
    }
}

/// A declared signature.
pub(super) fn signature_of<'a>(check: &Check<'a>, sig: SigRef) -> Option<&'a Signature> {
    declared(&check.stencil.signatures, sig)
}

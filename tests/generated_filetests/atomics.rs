//! Atomic accesses of every width in both byte orders.

use crate::catalogue::random::Random;
use crate::integers::signed;
use crate::writer::File;
use clifc::ir::AtomicRmwOp;

const HEADER: &str = "\
test run
set enable_llvm_abi_extensions=true
set enable_multi_ret_implicit_sret=true
target x86_64 has_cmpxchg16b
target x86_64
target aarch64
target aarch64 has_lse
target s390x";

const TYPES: [&str; 5] = ["i8", "i16", "i32", "i64", "i128"];

/// The first operand in memory, whose address is in `v9`.
fn stored(order: &str) -> String {
    format!("ss0 = explicit_slot 16, align = 16; v9 = stack_addr.i64 ss0; store notrap {order} v0, v9;")
}

pub fn add(files: &mut Vec<File>) {
    files.extend([access(), rmw()]);
}

fn access() -> File {
    let about = "atomic_load, atomic_store, atomic_cas and fence of every width, in both byte orders.";
    let mut file = File::new("atomic/access.clif", about, HEADER);
    for order in ["little", "big"] {
        for ty in TYPES {
            let stored = stored(order);
            let load = format!("{stored} v3 = atomic_load.{ty} notrap {order} v9; return v3");
            file.add(&format!("load_{order}_{ty}"), &format!("{ty} -> {ty}"), &load, 2);
            let store = format!(
                "{stored} fence; atomic_store.{ty} notrap {order} v1, v9; fence; \
                 v3 = load.{ty} notrap {order} v9; \
                 return v3"
            );
            file.add(&format!("store_{order}_{ty}"), &format!("{ty}, {ty} -> {ty}"), &store, 1);
            let exchange = |expected: &str| {
                format!(
                    "{stored} v4 = atomic_cas.{ty} notrap {order} v9, {expected}, v2; \
                     v5 = load.{ty} notrap {order} v9; \
                     return v4, v5"
                )
            };
            let signature = format!("{ty}, {ty}, {ty} -> {ty}, {ty}");
            file.add(&format!("cas_{order}_{ty}"), &signature, &exchange("v1"), 2);
            file.add(&format!("cas_equal_{order}_{ty}"), &signature, &exchange("v0"), 1);
        }
    }
    file
}

fn rmw() -> File {
    let about = "atomic_rmw: every operation and width, in both byte orders, with and without its result, \
    and with constants.";
    let mut file = File::new("atomic/rmw.clif", about, HEADER);
    for order in ["little", "big"] {
        for op in AtomicRmwOp::ALL {
            for ty in TYPES {
                let stored = stored(order);
                let name = format!("{op}_{order}_{ty}");
                let both = format!(
                    "{stored} v3 = atomic_rmw.{ty} notrap {order} {op} v9, v1; \
                     v4 = load.{ty} notrap {order} v9;"
                );
                let two = format!("{ty}, {ty}");
                file.add(&name, &format!("{two} -> {two}"), &format!("{both} return v3, v4"), 2);
                file.add(
                    &format!("{name}_unused"),
                    &format!("{two} -> {ty}"),
                    &format!("{both} return v4"),
                    1,
                );
                if ty == "i128" || order == "big" {
                    continue;
                }
                let bits: u32 = ty[1..].parse().expect("a width");
                let constant = signed(Random::new(&name).integer(bits), bits);
                let body = format!(
                    "{stored} v1 = iconst.{ty} {constant}; v3 = atomic_rmw.{ty} notrap {op} v9, v1; \
                     v4 = load.{ty} notrap v9; return v4"
                );
                // Where the byte order is not said, memory is in the target's, and the slot in the other.
                let body = body.replace(" little", "");
                file.add(&format!("{op}_{ty}_constant"), &format!("{ty} -> {ty}"), &body, 2);
            }
        }
    }
    file
}

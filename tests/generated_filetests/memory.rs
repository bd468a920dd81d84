//! Operands in memory, of the operation's size and narrower ones that a load extends.

use crate::catalogue::random::Random;
use crate::integers::signed;
use crate::writer::File;

pub fn add(files: &mut Vec<File>) {
    let about =
        "Operands in memory, of the width of the operation and narrower ones; comparisons; combined bits.";
    let mut file = File::new("int/memory_operands.clif", about, "test run");
    arithmetic(&mut file);
    comparisons(&mut file);
    bits(&mut file);
    files.push(file);
}

/// Loads of a type, and for each what leaves the low bits of `v1` in memory: as many as are loaded, so that
/// the byte order does not matter. The address is in `v2`.
fn loads(bits: u32) -> Vec<(String, String)> {
    let store = |bits: u32| {
        let store = if bits == 64 { "store".to_owned() } else { format!("istore{bits}") };
        format!("ss0 = explicit_slot 8; v2 = stack_addr.i64 ss0; {store} v1, v2;")
    };
    let narrower = [8, 16, 32].into_iter().filter(|&narrow| narrow < bits);
    let extending =
        narrower.flat_map(|narrow| ["s", "u"].map(|sign| (format!("{sign}load{narrow}"), store(narrow))));
    [("load".to_owned(), store(bits))].into_iter().chain(extending).collect()
}

fn arithmetic(file: &mut File) {
    for op in ["iadd", "isub", "band", "bor", "bxor", "imul"] {
        for bits in [32, 64] {
            for (load, stored) in loads(bits) {
                let ty = format!("i{bits}");
                let signature = format!("{ty}, i64 -> {ty}");
                let name = format!("{op}_{ty}_{load}");
                let body =
                    |x: &str, y: &str| format!("{stored} v3 = {load}.{ty} v2; v4 = {op} {x}, {y}; return v4");
                file.add(&name, &signature, &body("v0", "v3"), 2);
                file.add(&format!("{name}_first"), &signature, &body("v3", "v0"), 1);
            }
        }
    }
}

fn comparisons(file: &mut File) {
    let chosen = "brif v5, block1, block2; block1:; v6 = iconst.i32 1; return v6; block2:; \
    v7 = iconst.i32 2; return v7";
    for cc in ["eq", "slt", "ugt"] {
        for bits in [8, 16, 32, 64] {
            for (load, stored) in loads(bits) {
                let ty = format!("i{bits}");
                let signature = format!("{ty}, i64 -> i32");
                let name = format!("{cc}_{ty}_{load}");
                let register = format!("{stored} v3 = {load}.{ty} v2; v5 = icmp {cc} v3, v0; {chosen}");
                file.add(&format!("{name}_register"), &signature, &register, 1);
                let constant = signed(Random::new(&name).integer(bits), bits);
                let body = format!(
                    "{stored} v3 = {load}.{ty} v2; v4 = iconst.{ty} {constant}; v5 = icmp {cc} v3, v4; \
                     {chosen}"
                );
                file.add(&format!("{name}_constant"), &signature, &body, 2);
            }
        }
    }
}

/// Fields put beside each other by shifts and masks.
fn bits(file: &mut File) {
    for op in ["bor", "bxor"] {
        for shift in ["ishl", "ushr"] {
            for bits in [8u32, 16, 32, 64] {
                let ty = format!("i{bits}");
                let signature = format!("{ty}, {ty} -> {ty}");
                for by in [3, bits - 4] {
                    let name = format!("{op}_{ty}_{shift}{by}");
                    let shifted = format!("v2 = iconst.{ty} {by}; v3 = {shift} v1, v2;");
                    file.add(&name, &signature, &format!("{shifted} v6 = {op} v0, v3; return v6"), 2);
                    let body = format!(
                        "{shifted} v4 = iconst.{ty} 60; v5 = band v3, v4; v6 = {op} v0, v5; return v6"
                    );
                    file.add(&format!("{name}_masked"), &signature, &body, 2);
                }
            }
        }
    }
}

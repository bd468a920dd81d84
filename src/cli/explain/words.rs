//! The words of CLIF other than opcodes, explained.

use clifc::ir::Type;

/// A group of words.
pub struct Group {
    /// What each of them is.
    pub noun: &'static str,
    /// The heading of the group.
    pub title: &'static str,
    /// Words, and what they mean.
    pub words: &'static [(&'static str, &'static str)],
}

/// All groups.
pub const GROUPS: &[Group] = &[
    Group {
        noun: "type",
        title: "Types",
        words: &[
            ("i8", "an integer of 8 bits; also what comparisons have, where 0 is false"),
            ("i16", "an integer of 16 bits"),
            ("i32", "an integer of 32 bits"),
            ("i64", "an integer of 64 bits, and an address"),
            ("i128", "an integer of 128 bits"),
            ("f16", "an IEEE float of 16 bits"),
            ("f32", "an IEEE float of 32 bits"),
            ("f64", "an IEEE float of 64 bits"),
            ("f128", "an IEEE float of 128 bits"),
            ("i32x4", "a vector of 4 lanes of i32; likewise for other lanes, with 2 to 256 of them"),
            ("i32x4xN", "a vector of a multiple of 4 lanes, which is only known when the program runs"),
        ],
    },
    Group {
        noun: "integer condition",
        title: "Conditions of `icmp`",
        words: &[
            ("eq", "the first is equal to the second; floats: and neither is a NaN"),
            ("ne", "the first is not equal to the second; floats: or one is a NaN"),
            ("slt", "the first is less than the second, as signed integers"),
            ("sge", "the first is greater than or equal to the second, as signed integers"),
            ("sgt", "the first is greater than the second, as signed integers"),
            ("sle", "the first is less than or equal to the second, as signed integers"),
            ("ult", "the first is less than the second, as unsigned integers; floats: or one is a NaN"),
            ("uge", "the first is at least the second, as unsigned integers; floats: or one is a NaN"),
            ("ugt", "the first is greater than the second, as unsigned integers; floats: or one is a NaN"),
            ("ule", "the first is at most the second, as unsigned integers; floats: or one is a NaN"),
        ],
    },
    Group {
        noun: "float condition",
        title: "Conditions of `fcmp`, in addition to `eq`, `ne`, `ult`, `uge`, `ugt` and `ule`",
        words: &[
            ("ord", "neither is a NaN"),
            ("uno", "one is a NaN"),
            ("one", "they are not equal, and neither is a NaN"),
            ("ueq", "they are equal, or one is a NaN"),
            ("lt", "the first is less than the second"),
            ("le", "the first is less than or equal to the second"),
            ("gt", "the first is greater than the second"),
            ("ge", "the first is greater than or equal to the second"),
        ],
    },
    Group {
        noun: "operation of `atomic_rmw`",
        title: "Operations of `atomic_rmw`",
        words: &[
            ("add", "adds the operand"),
            ("sub", "subtracts the operand"),
            ("and", "the bits that are set in both"),
            ("nand", "the bits that are not set in both"),
            ("or", "the bits that are set in one or both"),
            ("xor", "the bits that are set in one of them"),
            ("xchg", "stores the operand"),
            ("umin", "the lesser of both, as unsigned integers"),
            ("umax", "the greater of both, as unsigned integers"),
            ("smin", "the lesser of both, as signed integers"),
            ("smax", "the greater of both, as signed integers"),
        ],
    },
    Group {
        noun: "calling convention",
        title: "Calling conventions",
        words: &[
            ("fast", "the default: for calls between functions of one build; not stable between versions"),
            ("tail", "supports tail calls: `return_call`"),
            ("system_v", "that of C on Linux, on the target"),
            ("windows_fastcall", "that of C on Windows, on x86_64; elsewhere `system_v`"),
            ("apple_aarch64", "that of C on macOS, aarch64; refused on other machines"),
            ("probestack", "that of the function that touches the pages of a large frame"),
            ("winch", "that of Wasmtime's baseline compiler; refused on all targets"),
            ("preserve_all", "all registers survive the call, which has no results"),
        ],
    },
    Group {
        noun: "trap code",
        title: "Trap codes",
        words: &[
            ("stk_ovf", "the stack overflowed"),
            ("int_ovf", "an integer overflowed: in a division or a conversion"),
            ("heap_oob", "invalid memory was accessed: the code of loads and stores that name none"),
            ("int_divz", "an integer was divided by zero"),
            ("bad_toint", "a NaN was converted to an integer"),
            ("user1", "a front end's own code; likewise up to user250"),
        ],
    },
    Group {
        noun: "memory flag",
        title: "Memory flags",
        words: &[
            ("notrap", "the access does not trap: the address is valid"),
            ("aligned", "the address is a multiple of the size of the access"),
            ("readonly", "the memory does not change while the function runs"),
            ("can_move", "the load can be done wherever its operands are available"),
            ("little", "the memory is little-endian, whatever the target is"),
            ("big", "the memory is big-endian, whatever the target is"),
            ("region0", "the alias region: accesses to different regions do not alias"),
        ],
    },
    Group {
        noun: "attribute of a parameter",
        title: "Attributes of parameters",
        words: &[
            ("uext", "the integer is zero-extended to a register"),
            ("sext", "the integer is sign-extended to a register"),
            ("sret", "the address of the memory for a structure that is returned"),
            ("sarg", "a structure of this size is passed by value: the address of it"),
            (":name", "a structure of the `type` item of this name: the address of it"),
            ("vmctx", "the context pointer, which global values can refer to"),
        ],
    },
    Group {
        noun: "declaration",
        title: "Declarations",
        words: &[
            ("ss0", "`ss0 = explicit_slot 16, align = 8`: memory in the frame"),
            ("gv0", "`gv0 = symbol colocated %name`: a value that is the same wherever it is computed"),
            ("sig0", "`sig0 = (i32, i64) -> f64 system_v`: a signature"),
            ("fn0", "`fn0 = colocated %name(i32) -> i32 system_v`: a function to call"),
            ("const0", "`const0 = i32x4 [1 2 3 4]`: a constant"),
            ("dt0", "`dt0 = i32x4*gv0`: a type of dynamic vectors"),
            ("dss0", "`dss0 = explicit_dynamic_slot dt0`: memory in the frame for a dynamic vector"),
            (
                "stack_limit",
                "`stack_limit = gv0`: the function traps when the stack grows beyond this address",
            ),
            ("colocated", "the symbol is in the same linked file, so that it is addressed directly"),
            ("patchable", "calls of the function can be replaced while the program runs"),
            ("explicit_slot", "memory in the frame: `ss0 = explicit_slot 16`"),
            ("block0", "`block0(v0: i32, v1: i64):`: the header of a block, with its parameters"),
            ("v0", "`v2 = iadd v0, v1`: a value; `v3 -> v2`: another number for it"),
            ("stack_map", "`call fn0(), stack_map=[i64 @ ss0+0]`: where references are during a call"),
        ],
    },
    Group {
        noun: "word of a file",
        title: "Items of a file",
        words: &[
            ("function", "`function %name(i32) -> i32 system_v { … }`: a function"),
            (
                "symbol",
                "`symbol %name = \"linker's name\"`, `symbol %name = 0x7f001000`: what a name stands for",
            ),
            ("type", "`type :name = { i32, f64[2] }`: a structure of C, which signatures can name"),
            ("rodata", "`rodata %name = \"text\\0\"`: data that does not change"),
            ("data", "`data %name = i64 1, %other+8`: data"),
            ("tls", "`tls %name = i32 0`: data of which each thread has its own"),
            ("zero", "`zero 16`, in data: this many bytes that are zero"),
            ("file", "`file 1 \"a.toy\"`: a file that `loc` lines refer to"),
            ("loc", "`loc @1 = 1:3:5`: what the source location `@1` is in the front end's file"),
            ("target", "`target x86_64 has_avx2`: what the file is compiled for"),
            ("set", "`set opt_level=speed`: the value of a setting"),
            (
                "source",
                "`source variable %f \"x\" t1 = v3`: what the front end's language has, for debuggers",
            ),
            ("alias", "`alias %name = %other`: a further name for what the file defines"),
            ("personality", "`personality %name`: decides for the unwinder where an exception continues"),
            ("tag", "`tag 0 = %type`, `tag 1 = cleanup`: the exceptions that handlers with the tag take"),
            ("export", "other files can refer to it: the default"),
            ("local", "only this file can refer to it"),
            ("hidden", "only files that are linked into the same program or library can refer to it"),
            ("weak", "another file's definition takes its place; an import can stay undefined"),
            ("section", "`section \".name\"`: where the linker finds it"),
            ("align", "`align 16`: its address is a multiple of this"),
            ("comdat", "`comdat`, `comdat %name`: a group of items, of which linkers keep one of each name"),
            (
                "inline",
                "large bodies of the function are inlined too; like `section`, it follows the signature",
            ),
            ("noinline", "calls of the function stay calls; like `section`, it follows the signature"),
            (
                "cold",
                "a block or function that is seldom executed: its code is out of the way of other code, and \
                 calls of the function stay calls",
            ),
        ],
    },
];

/// Returns what a word means, if it is known: its noun and its explanation.
pub fn find(word: &str) -> Option<(&'static str, &'static str)> {
    let listed = GROUPS.iter().find_map(|group| {
        let (_, text) = group.words.iter().find(|(name, _)| *name == word)?;
        Some((group.noun, *text))
    });
    let row = |name: &str| find(name).filter(|_| name != word);
    listed.or_else(|| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let numbered =
            letters != word && ["ss", "gv", "sig", "fn", "const", "dt", "dss", "region"].contains(&letters);
        match Type::parse(word.as_bytes()) {
            Some(_) if word.ends_with("xN") => row("i32x4xN"),
            Some(_) => row("i32x4"),
            None if letters == "user" && letters != word => row("user1"),
            None if numbered => row(&format!("{letters}0")),
            None => None,
        }
    })
}

/// All words, for suggestions.
pub fn all() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|group| group.words.iter().map(|(word, _)| *word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clifc::ir::{AtomicRmwOp, CallConv, FloatCc, IntCc, TrapCode};

    #[test]
    fn every_word_is_explained() {
        let conditions = IntCc::ALL.iter().map(|cc| cc.name()).chain(FloatCc::ALL.iter().map(|cc| cc.name()));
        let others = AtomicRmwOp::ALL.iter().map(|operation| operation.name());
        let conventions = CallConv::ALL.iter().map(|convention| convention.name());
        for word in conditions.chain(others).chain(conventions).chain(TrapCode::names()) {
            assert!(all().any(|known| known == word), "{word}");
        }
        for word in ["user7", "sig12", "f64x2", "i8x16xN", "region3"] {
            assert!(find(word).is_some(), "{word}");
        }
        assert!(find("user0x").is_none() && find("nonsense").is_none() && find("ss").is_none());
    }
}

//! Recognises files that are not CLIF, so that they get one message rather than one for each line.

/// What some editors put at the start of UTF-8 files.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How files of other kinds begin.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"\x7fELF", "an ELF file"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O file"),
    (b"!<arch>\n", "an archive"),
    (b"\0asm", "a WebAssembly module"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"\x1f\x8b", "a compressed file"),
    (b"PK\x03\x04", "a compressed file"),
    (b"\x28\xb5\x2f\xfd", "a compressed file"),
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"#!", "a script"),
    (b"(module", "WebAssembly text"),
    (b"{", "JSON"),
    (b"<", "XML or HTML"),
];

/// How lines begin in other languages, and never in CLIF outside of functions.
const LINES: &[(&[u8], &str)] = &[
    (b"define ", "LLVM IR"),
    (b"declare ", "LLVM IR"),
    (b"target datalayout", "LLVM IR"),
    (b"source_filename", "LLVM IR"),
    (b"#include", "C or C++"),
    (b"#define", "C or C++"),
    (b"#pragma", "C or C++"),
    (b"typedef ", "C or C++"),
    (b"extern \"C\"", "C or C++"),
    (b"int main", "C or C++"),
    (b"fn main", "Rust"),
    (b"module {", "MLIR"),
    (b"module attributes", "MLIR"),
    (b"func.func ", "MLIR"),
    (b"package ", "Go or Java"),
    (b"def ", "Python"),
    (b"import ", "Python, Go or Java"),
    (b"\t.text", "assembly"),
    (b"\t.file", "assembly"),
    (b"(module", "WebAssembly text"),
];

/// How functions and items begin, among others.
const ITEMS: [&[u8]; 9] =
    [b"function", b"data ", b"rodata ", b"tls ", b"symbol ", b"local ", b"hidden ", b"weak ", b";!"];

/// Whether a line begins like a function or an item.
#[cold]
pub(super) fn has_items(text: &[u8]) -> bool {
    let begins = |line: &[u8]| ITEMS.iter().any(|item| line.trim_ascii_start().starts_with(item));
    text.split(|byte| *byte == b'\n').any(begins)
}

/// What a file is that is not CLIF, as messages call it; `None` if that is unknown.
#[cold]
pub(super) fn kind(text: &[u8]) -> Option<&'static str> {
    /// Length of the part that is looked at.
    const HEAD: usize = 1 << 14;
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(beginning, _)| text.starts_with(beginning)) {
        return Some(kind);
    }
    let head = &text[..text.len().min(HEAD)];
    // A name of CLIF behind such a word is a mistake in CLIF.
    let begins =
        |line: &[u8], word: &[u8]| line.strip_prefix(word).is_some_and(|rest| !rest.starts_with(b"%"));
    let of_line = |line: &[u8]| LINES.iter().find(|(beginning, _)| begins(line, beginning));
    if let Some((_, kind)) = head.split(|byte| *byte == b'\n').find_map(of_line) {
        return Some(kind);
    }
    let zeros = head.iter().filter(|byte| **byte == 0).count();
    match zeros {
        0 => None,
        _ if zeros * 3 > head.len() && zeros * 2 <= head.len() + 1 => Some("UTF-16"),
        _ => Some("a binary file"),
    }
}

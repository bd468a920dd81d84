//! The build script's error messages: an invalid row is rejected with its file and line.

#[allow(dead_code, reason = "the test only parses rows")]
#[path = "../isa/gen/main.rs"]
mod generator;

use generator::target::Target;
use generator::{aarch64, row, x86_64};

/// The errors in rows of x86_64.
fn errors(text: &str) -> String {
    errors_of(&x86_64::TARGET, text)
}

fn errors_of(target: &Target, text: &str) -> String {
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    row::parse_file("file.inst", text, target, &mut rows, &mut errors);
    for row in &rows {
        if let Err(message) = target.encoding(row) {
            errors.push(format!("{}: {message}", row.place));
        }
    }
    row::check_names(rows.iter(), &mut errors);
    errors.join("\n")
}

#[test]
fn good_rows_have_no_errors() {
    assert_eq!(
        errors("# comment\n\nadd{l,q}.rm | d:def=a a:use b:rm | add~ {b}, {d} | osz 02+w /r | flags"),
        ""
    );
    assert_eq!(errors("nop | | nop | 90 |"), "");
}

#[test]
fn invalid_rows_are_rejected_with_their_line() {
    let cases = [
        ("\nnop", "file.inst:2: expected `name | operands | text | encoding | properties`"),
        ("nop | | nop", "file.inst:1: found 3 columns"),
        ("a | d:dfe | a | 90", "operand `d:dfe`: unknown kind `dfe`"),
        ("a | d:use@rxx | a | 90", "unknown register `rxx`"),
        ("a | d:def=b a:use | a | 90", "unknown operand `b`"),
        ("a | i:imm8 a:use | a | 90+r", "operands must be in order"),
        ("a | a:use a:use | a | 90 /r", "duplicate operand `a`"),
        ("a | a:use | a {b} | 90+r", "unknown operand `b` in the text"),
        ("a{l,q} | a:use | a | 90+r {1,2,3}", "a list has 3 items, but that of the name has 2"),
        ("a{b,q} | a:use | a | 90+r", "the sizes of a family must be successive"),
        ("a | a:use | a | osz 90+r", "encoding `osz`: the row is not one of a family"),
        ("a | a:use | a | 9G+r", "encoding `9G+r`: not understood"),
        ("a | a:use b:use c:use | a | 90 /r", "operand `c` is not encoded"),
        ("a | a:use | a | 90 /r", "no operand for ModRM.rm"),
        ("a | a:use i:imm8 | a | 90+r", "an immediate requires both an operand and bytes"),
        ("a | a:use | a | 90+cc /0", "a condition requires both an operand"),
        ("a | a:use | a | 12 34 56+r", "expected one opcode byte"),
        ("a | | a | 90 | flgas", "unknown property `flgas`"),
        ("a | | a | 90 | clobber=rxx", "unknown register `rxx`"),
        ("a | | a | 90\na | | a | 90", "file.inst:2: duplicate row `a`, already defined at file.inst:1"),
    ];
    for (text, message) in cases {
        let errors = errors(text);
        assert!(errors.contains(message), "for {text:?}: {errors:?}, which is not {message:?}");
    }
}

#[test]
fn encodings_that_are_not_32_bits_are_rejected() {
    let cases = [
        ("a | | a | 0101", "the encoding has 4 bits"),
        ("a | d:def | a | 000000000000000000000000000 dd", "unknown operand `dd`"),
        ("a | d:def a:use | a | 000000000000000000000000000 d", "operand `a` is not encoded"),
        ("a | d:def | a | 0000000000000000000000000000 d", "more than 32 bits"),
        ("a | i:code.colour | a | 0", "unknown code `colour`"),
        ("a | t:label | a | 000000000000 t:20", "no format has a field of 20 bits for `t`"),
        ("a | t:label | a | 000000 t", "the number of bits is missing"),
        ("a | d:def i:imm12 | a | 000000000000000 i<3:9> d", "expected bits of an immediate"),
        ("a | d:def | {e} | 000000000000000000000000000 d", "unknown operand `e` in the text"),
    ];
    for (text, message) in cases {
        let errors = errors_of(&aarch64::TARGET, text);
        assert!(errors.contains(message), "for {text:?}: {errors:?}, which is not {message:?}");
    }
    assert_eq!(
        errors_of(
            &aarch64::TARGET,
            "neg{w,x} | d:def b:use | neg {d}, {b} | {0,1}1001011000 b 000000 11111 d"
        ),
        ""
    );
}

//! Errors in rules.

use crate::compiler::read;

fn errors(text: &str) -> String {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    read("a.rules", text, &mut rules, &mut errors);
    errors.join("\n")
}

#[test]
fn good_rules_have_no_errors() {
    let text = "# comment\n\na.b: op(iadd(x, C1), C2) => op(x, C2)\n    if C1 == 0 for op in iadd, isub\n";
    assert_eq!(errors(text), "");
}

#[test]
fn invalid_rules_are_rejected_with_their_line() {
    let cases = [
        ("\niadd(x, 0) => x", "a.rules:2: expected `name: pattern => result`"),
        ("A: iadd(x, 0) => x", "`A` is not a name"),
        ("a: iadd(x, 0) = x", "expected `=>`, found Sign(\"=\")"),
        ("a: iadd(x) => x", "expected 2 operands, found 1"),
        ("a: iadd(x, 0) => y", "the pattern has no `y`"),
        ("a: iadd(x, 0) => C", "the pattern has no constant `C`"),
        ("a: iadd(x, 0) => x if z == 1", "the pattern has no constant `z`"),
        ("a: iadd(x, 0) => x if bits(T) == 8", "unknown name `T`"),
        ("a: x => x", "the pattern must begin with an opcode"),
        ("a: icmp(x, y) => 0", "expected `.`"),
        ("a: icmp.foo(x, y) => 0", "unknown condition `foo`"),
        ("a: iadd(x, $) => x", "unexpected `$`"),
        ("a: op(x, 0) => x for op in iadd, isub imul", "expected groups of 1 words after `in`"),
        ("a: band(x, y) => udiv(x, y)", "`udiv` has effects"),
        ("a: isplit(x) => x", "rules can't use `isplit`"),
        ("a: ireduce.T(uextend(x)) => x", "needs types to be equal that the pattern doesn't name alike"),
        ("a: ireduce.T(uextend(x)) => uextend.T(x)", "the result is not valid for types of these widths"),
        ("a: ireduce.T(x:T) => x", "the rule applies to no type"),
        ("a: ishl(x, 1) => iadd(x, x)", "the result isn't lighter"),
        ("a: iadd(x, y) => iadd(y, x)", "the result isn't lighter"),
        ("a: isub(x, C) => iadd(-C, x)", "the result has a constant on the left of `iadd`"),
    ];
    for (text, message) in cases {
        let found = errors(text);
        assert!(found.contains(message), "{text}: {found}");
    }
}

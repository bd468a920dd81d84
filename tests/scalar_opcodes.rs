//! Checks that every opcode compiles for every target on every scalar type that it allows, or is not
//! supported yet.
//!
//! Functions are generated from the opcode table: one for each opcode, controlling type and choice of the
//! types that do not follow from these. Each takes the operands as parameters and returns the results.

use clifc::arch::coverage_on;
use clifc::diag::{Diagnostic, Severity, Source};
use clifc::driver::{self, BuildOptions, Observer, Session};
use clifc::ir::{Family, Shape, Type, types};
use clifc::lower::families::Coverage;
use clifc::options::{Arch, Flags, Target};

#[path = "catalogue/mod.rs"]
mod catalogue;
#[path = "targets/mod.rs"]
mod targets;

use catalogue::functions::module;

const SCALARS: [Type; 9] = [
    types::I8,
    types::I16,
    types::I32,
    types::I64,
    types::I128,
    types::F16,
    types::F32,
    types::F64,
    types::F128,
];

fn check(arch: Arch, settings: &[&str]) {
    let (text, functions) = module(&SCALARS);
    assert!(functions.len() > 1000, "only {} functions", functions.len());
    let target = Target::of(arch);
    let mut flags = Flags::new(&target);
    for setting in settings {
        flags.apply(setting).expect("a known setting");
    }
    let options = BuildOptions::new(target, flags);
    let source = Source { name: "scalars.clif", text: text.as_bytes() };
    let Err(diagnostics) = driver::build_in(&Session::new(0), &source, &options, &Observer::NONE) else {
        return;
    };
    let wrong: Vec<String> = diagnostics
        .into_iter()
        .map(|diagnostic| (text[diagnostic.offset..].lines().next().unwrap_or_default(), diagnostic))
        .filter(|(line, diagnostic)| !may_lack(line, diagnostic))
        .map(|(line, diagnostic)| format!("{}: {}", line.trim(), diagnostic.message))
        .collect();
    assert!(wrong.is_empty(), "{} functions:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether a diagnostic is an acceptable reason for rejecting an instruction on scalars.
fn may_lack(line: &str, diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Unsupported && opcode_of(line) == "x86_cvtt2dq"
}

/// The name of a line's opcode.
fn opcode_of(line: &str) -> &str {
    line.trim().rsplit(" = ").next().unwrap_or_default().split(['.', ' ']).next().unwrap_or_default()
}

const REQUIRED: [&str; 3] = ["preserve_frame_pointers", "enable_pinned_reg", "tls_model=elf_gd"];

mod every_scalar_opcode_is_lowered_or_refused {
    use super::*;
    targets::for_each_target!(|arch| check(arch, &REQUIRED));
}

mod with_all_features_too {
    use super::*;
    targets::for_each_target!(|arch| {
        let settings: Vec<&str> = REQUIRED.into_iter().chain(targets::extensions(arch)).collect();
        check(arch, &settings);
    });
}

/// macOS has no routines for f128: what would call them is refused, wherever it stands.
#[test]
fn arithmetic_of_f128_is_refused_on_macos() {
    let bodies = [
        "v2 = fadd v0, v1\n    return v2",
        "v2 = fcmp lt v0, v1\n    v3 = select v2, v0, v1\n    return v3",
        "v2 = fcmp lt v0, v1\n    brif v2, block1, block2\nblock1:\n    return v0\nblock2:\n    return v1",
        "v2 = fdemote.f16 v0\n    v3 = fpromote.f128 v2\n    return v3",
    ];
    for triple in ["aarch64-apple-darwin", "x86_64-apple-darwin"] {
        let target = Target::parse(triple).expect("a target");
        let build = |body: &str| {
            let signature = "function %f(f128, f128) -> f128 {\nblock0(v0: f128, v1: f128):\n    ";
            let text = format!("{signature}{body}\n}}\n");
            let options = BuildOptions::new(target.clone(), Flags::new(&target));
            let source = Source { name: "quad.clif", text: text.as_bytes() };
            driver::build_in(&Session::new(0), &source, &options, &Observer::NONE).map(|_| ())
        };
        for body in bodies {
            let diagnostics = build(body).expect_err(body);
            assert!(diagnostics[0].message.contains("macOS"), "{body}: {}", diagnostics[0].message);
        }
        for body in ["v2 = fneg v0\n    return v2", "return v1"] {
            assert!(build(body).is_ok(), "{body}");
        }
    }
}

/// `clifc targets --matrix` tells what targets refuse from what the language does not have.
#[test]
fn what_the_language_lacks_is_not_called_missing() {
    let on = |family, shape| coverage_on(Arch::Aarch64, family, shape);
    for family in [Family::Add, Family::Shift, Family::MinMax, Family::Saturate, Family::Permute] {
        assert_eq!(on(family, Shape::HalfVector), Coverage::Absent, "{family:?}");
        assert_eq!(on(family, Shape::Vector), Coverage::Compiles, "{family:?}");
    }
    assert_eq!(on(Family::Add, Shape::LargeVector), Coverage::Compiles);
    assert_eq!(on(Family::StackSwitch, Shape::Int), Coverage::Compiles);
    assert_eq!(on(Family::StackSwitch, Shape::Wide), Coverage::Absent);
    assert_eq!(on(Family::ToInt, Shape::Vector), Coverage::Absent);
    assert!(matches!(on(Family::ToIntX86, Shape::Float), Coverage::Refused(_)));
}

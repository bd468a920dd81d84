//! Objects of files in pieces have what objects of whole files have.

use super::*;
use crate::driver::build;
use crate::object::contents;
use crate::options::{Flags, Target};
use std::fs;
use std::path::PathBuf;

fn targets() -> [Target; 3] {
    ["x86_64", "aarch64", "s390x"].map(|arch| Target::parse(&format!("{arch}-linux")).expect("a target"))
}

/// Builds a text in pieces of this many bytes.
fn pieced(text: &str, options: &BuildOptions, piece: usize) -> Option<Result<Vec<u8>, Vec<Diagnostic>>> {
    let source = Source { name: "test", text: text.as_bytes() };
    let session = Session::new(2);
    let place = (&*std::env::temp_dir(), piece);
    let built = build_pieces(&session, &source, options, &Observer::NONE, place)?;
    Some(built.map(|large| {
        let mut object = Vec::new();
        large.object.finish(&mut object).expect("an object");
        object
    }))
}

fn whole(text: &str, options: &BuildOptions) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let source = Source { name: "test", text: text.as_bytes() };
    build(&source, options, &Observer::NONE).map(|built| built.object)
}

fn files(directory: PathBuf) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(path));
        } else if path.extension().is_some_and(|suffix| suffix == "clif") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn pieces_have_what_the_whole_has() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let paths = [files(root.join("filetests")), files(root.join("testsuite"))].concat();
    let mut compared = 0;
    for path in paths {
        let text = fs::read_to_string(&path).expect("a file");
        for target in targets() {
            let options = BuildOptions::new(target.clone(), Flags::new(&target));
            let Ok(whole) = whole(&text, &options) else { continue };
            let Some(pieces) = pieced(&text, &options, 1) else { continue };
            let pieces = pieces.unwrap_or_else(|errors| panic!("{}: {errors:?}", path.display()));
            let (whole, pieces) = (contents(&whole), contents(&pieces));
            for (name, lines) in &whole {
                assert_eq!(pieces.get(name), Some(lines), "{name} in {} for {target}", path.display());
            }
            assert_eq!(whole.len(), pieces.len(), "{} for {target}", path.display());
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn references_cross_pieces() {
    let text = "
        function %first(i64) -> i64 { fn0 = %last(i64) -> i64
            fn1 = colocated %memcpy(i64) -> i64
            gv0 = symbol %local_data
        block0(v0: i64):
            v1 = call fn0(v0)
            v2 = call fn1(v1)
            v3 = symbol_value.i64 gv0
            v4 = iadd v2, v3
            return v4 }
        local function %memcpy(i64) -> i64 { block0(v0: i64): return v0 }
        local function %last(i64) -> i64 { fn0 = %first(i64) -> i64
            fn1 = %other(i64) -> i64
        block0(v0: i64): v1 = call fn0(v0) v2 = call fn1(v1) return v2 }
        symbol %first = \"renamed\"
        alias %again = %last
        local data %local_data = %again";
    for target in targets() {
        let options = BuildOptions::new(target.clone(), Flags::new(&target));
        let whole = whole(text, &options).expect("it is valid");
        let pieces = pieced(text, &options, 1).expect("it is suitable").expect("it is valid");
        assert_eq!(contents(&whole), contents(&pieces), "{target}");
    }
}

#[test]
fn threads_do_not_change_the_object() {
    let text: String = (0..300)
        .map(|n| format!("function %f{n}() {{ fn0 = %f{}()\nblock0: call fn0() return }}\n", n * 7 % 301))
        .collect();
    let target = &targets()[0];
    let options = BuildOptions::new(target.clone(), Flags::new(target));
    let object = pieced(&text, &options, 500).expect("suitable").expect("valid");
    assert!((0..5).all(|_| pieced(&text, &options, 500).expect("suitable").expect("valid") == object));
}

#[test]
fn errors_are_those_of_the_whole() {
    for text in [
        "function %a() { block0: return }\nfunction %a() { block0: return }",
        "function %a() { block0: return }\nfunction %b() { block0: v1 = iadd v2, v3 return }",
        "function %a() { block0: return }\nstrange\nfunction %b() { block0: return }",
        "function %a() { block0: return }\ndata %a = i8 1",
        "alias %b = %c\nfunction %a() { block0: return }",
    ] {
        let target = &targets()[0];
        let options = BuildOptions::new(target.clone(), Flags::new(target));
        let whole = whole(text, &options).expect_err("an error");
        let pieces = pieced(text, &options, 1).expect("suitable").expect_err("an error");
        assert_eq!(pieces, whole);
    }
}

//! The filetests that are generated, and the test that they are what the generator makes.
//!
//! A file is a list of functions, made from templates, and for each a few calls with operands that are
//! likely to matter. The results wanted are what the interpreter says; that it is right is what other tests
//! are for, whose expected values are written by hand (`src/eval/tests.rs`,
//! `filetests/opcodes/by_hand.clif`) or computed otherwise (`tests/random_functions/`). A call that traps,
//! or gives a NaN whose bits are open, is left out.
//!
//! `CLIFC_BLESS=1 cargo test --test generated_filetests` writes the files. Operands depend on
//! nothing but the name of the function, so that a change of one template changes its functions alone.

mod atomics;
#[path = "../catalogue/mod.rs"]
mod catalogue;
mod floats;
mod half_and_quad;
mod integers;
mod memory;
mod mixed;
mod opcodes;
mod writer;

use std::fs;
use std::path::Path;

use writer::File;

/// All generated files.
fn files() -> Vec<File> {
    let mut files = Vec::new();
    integers::add(&mut files);
    memory::add(&mut files);
    mixed::add(&mut files);
    floats::add(&mut files);
    half_and_quad::add(&mut files);
    atomics::add(&mut files);
    opcodes::add(&mut files);
    files
}

#[test]
fn committed_files_are_what_the_generator_makes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("filetests");
    let write = std::env::var_os("CLIFC_BLESS").is_some();
    let mut different = Vec::new();
    for file in files() {
        let path = root.join(&file.path);
        let text = file.render();
        if write {
            fs::create_dir_all(path.parent().expect("a directory")).expect("the directory can be made");
            fs::write(&path, text).expect("the file can be written");
        } else if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            different.push(file.path);
        }
    }
    assert!(different.is_empty(), "CLIFC_BLESS=1 would change {}", different.join(", "));
}

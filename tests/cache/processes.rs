//! Mishaps of a cache: damage, a full disk, killed processes, wrong contents.

use super::{Numbers, build, built, count, directory, program, targets};
use clifc::cache::entry;
use clifc::cache::key::CompileEnvironment;
use clifc::cache::store::Store;
use clifc::cache::store::sqlite::SqliteStore;
use clifc::ir::Function;
use clifc::machine::compiled::CompiledStencil;
use clifc::options::{Flags, Target};
use clifc::parse::{self, ParseContext};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DATABASE: &str = "store/clifc-2.db";

#[test]
fn damage_is_a_miss() {
    let directory = directory("damage");
    let text = program(60, 1, "f", "g");
    let plain = built(&directory, &text, &[]).0;
    built(&directory, &text, &["--cache=store"]);
    let database = directory.join(DATABASE);
    let whole = fs::read(&database).expect("a database");
    let mut numbers = Numbers(7);
    for round in 0..120 {
        let mut bytes = whole.clone();
        match round % 4 {
            0 => bytes.truncate(numbers.below(whole.len())),
            // Headers and cell pointers are at the start of pages.
            1 => (0..20).for_each(|_| {
                let at = numbers.below(whole.len() / 4096) * 4096 + numbers.below(64);
                bytes[at] = numbers.below(256) as u8;
            }),
            kind => (0..if kind == 2 { 1 } else { 2000 }).for_each(|_| {
                let at = numbers.below(whole.len());
                bytes[at] = numbers.below(256) as u8;
            }),
        }
        fs::write(&database, bytes).expect("a file");
        let (object, _) = built(&directory, &text, &["--cache=store"]);
        assert!(object == plain, "round {round}: a wrong object");
    }
    fs::write(
        &database,
        b"not a database, and longer than the header of one would be; truly not one at all, ever",
    )
    .expect("a file");
    let (_, printed) = built(&directory, &text, &["--cache=store", "--cache-stats"]);
    assert!(printed.contains("warning: cache: the database is damaged"), "{printed}");
    let (_, printed) = built(&directory, &text, &["--cache=store", "--cache-stats"]);
    assert_eq!(count(&printed, "found by text"), 60, "it was made anew");
}

#[test]
fn a_database_of_somebody_elses_making_is_made_anew() {
    let directory = directory("strange");
    let text = program(3, 1, "f", "g");
    let plain = built(&directory, &text, &[]).0;
    for change in [
        "UPDATE store SET secret = x'00'",
        "UPDATE store SET time = 9223372036854775807; DELETE FROM entry",
        "DELETE FROM store",
        "DROP TABLE store",
        "DROP TABLE entry",
        "DROP TABLE entry; CREATE TABLE entry (id INTEGER PRIMARY KEY)",
    ] {
        built(&directory, &text, &["--cache=store"]);
        let database = rusqlite::Connection::open(directory.join(DATABASE)).expect("a database");
        database.execute_batch(change).expect(change);
        drop(database);
        let (object, printed) = built(&directory, &text, &["--cache=store"]);
        assert!(object == plain && printed.contains("the database is damaged"), "{change}: {printed}");
        built(&directory, &text, &["--cache=store"]);
        let (_, printed) = built(&directory, &text, &["--cache=store", "--cache-stats"]);
        assert_eq!(count(&printed, "found by text"), 3, "{change}: {printed}");
    }
}

#[test]
fn a_full_disk_is_a_warning() {
    let directory = directory("full");
    let text = program(400, 1, "f", "g");
    let plain = built(&directory, &text, &[]).0;
    // The limit simulates a full disk: it is larger than the object and smaller than the database.
    let limit = plain.len() / 1024 + 40;
    let script =
        format!("trap '' XFSZ; ulimit -f {limit}; exec \"$CLIFC\" build --cache=store file.clif -o file.o");
    let mut command = Command::new("bash");
    command.args(["-c", &script]).env("CLIFC", env!("CARGO_BIN_EXE_clifc")).current_dir(&directory);
    let output = command.output().expect("bash starts");
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("warning: cache"), "{output:?}");
    assert!(fs::read(directory.join("file.o")).expect("an object") == plain);
    let (object, _) = built(&directory, &text, &["--cache=store"]);
    assert!(object == plain);
    let (_, printed) = built(&directory, &text, &["--cache=store", "--cache-stats"]);
    assert_eq!(count(&printed, "found by text"), 400);
}

#[test]
fn processes_that_are_killed_leave_a_cache_that_works() {
    const FILES: u64 = 8;
    let directory = directory("killed");
    // Each file shares half of its functions with the next.
    let text = |file: u64| program(40, file, "f", "g") + &program(40, file + 1, "h", "i");
    let targets: Vec<&str> = targets().collect();
    let target = |file: u64| targets[file as usize % targets.len()];
    let plain: Vec<Vec<u8>> =
        (0..FILES).map(|file| built(&directory, &text(file), &["--target", target(file)]).0).collect();
    for file in 0..FILES {
        fs::write(directory.join(format!("{file}.clif")), text(file)).expect("a file");
    }
    let start = |file: u64| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
        command.args(["build", "--cache=store", "--cache-size", "300K", "-j", "1"]);
        command.args(["--target", target(file)]);
        command.arg(format!("{file}.clif")).stderr(Stdio::piped()).current_dir(&directory);
        command.spawn().expect("clifc starts")
    };
    let mut numbers = Numbers(99);
    let end = Instant::now() + Duration::from_secs(8);
    let (mut finished, mut killed) = (0, 0);
    while Instant::now() < end {
        let mut running: Vec<_> = (0..FILES).map(|file| (file, start(file))).collect();
        for (_, child) in &mut running {
            if numbers.below(2) == 0 {
                std::thread::sleep(Duration::from_micros(numbers.below(12_000) as u64));
                child.kill().expect("it can be killed");
                killed += 1;
            }
        }
        for (file, child) in running {
            let output = child.wait_with_output().expect("it ends");
            if output.status.success() {
                finished += 1;
                let object = fs::read(directory.join(format!("{file}.o"))).expect("an object");
                assert!(object == plain[file as usize], "a wrong object");
            } else {
                assert!(output.status.code().is_none(), "{output:?}");
            }
        }
    }
    assert!(finished > 20 && killed > 20, "{finished} finished, {killed} were killed");
    let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
    let output = command.args(["cache", "verify", "--cache", "store"]).current_dir(&directory).output();
    assert!(output.expect("clifc starts").status.success());
}

/// Replaces the stored code of the only function of a file.
fn tamper(directory: &Path, text: &str, change: impl Fn(&mut CompiledStencil)) {
    let target = Target::parse("x86_64").expect("a target");
    let mut flags = Flags::new(&target);
    flags.set("opt_level", "none").expect("a setting");
    let mut function = Function::default();
    parse::function(text.trim().as_bytes(), 0, &mut ParseContext::new(), &mut function).expect("a function");
    let key = CompileEnvironment::new(&target, &flags).stencil(&function.stencil);
    let mut store = SqliteStore::open(&directory.join("store"), 1 << 30).expect("a store");
    let mut stored = None;
    store.get(&[key], &mut |_, bytes| stored = Some(entry::decode(&key, bytes))).expect("a store");
    let Some(entry::Decoded::Entry(mut code)) = stored else { panic!("no entry, or a damaged one") };
    change(&mut code);
    store.put(&[(key, &entry::encode(&key, &code, Vec::new()))]).expect("a store");
}

#[test]
fn wrong_contents_are_found_by_compiling() {
    let directory = directory("wrong");
    let text = program(1, 1, "f", "g");
    let options = ["--target", "x86_64", "--cache=store"];
    built(&directory, &text, &options);
    assert!(
        build(&directory, "file.clif", &["--target", "x86_64", "--cache=store", "--check-cache"])
            .status
            .success()
    );
    tamper(&directory, &text, |code| code.code[0] ^= 1);
    for check in [&["--check-cache"][..], &["--set", "enable_incremental_compilation_cache_checks=true"]] {
        let output = build(&directory, "file.clif", &[&options, check].concat());
        assert_eq!(output.status.code(), Some(70), "{output:?}");
    }
}

#[test]
fn contents_that_make_no_sense_are_a_miss() {
    let directory = directory("nonsense");
    let text = program(1, 1, "f", "g");
    let options = ["--target", "x86_64", "--cache=store"];
    let plain = built(&directory, &text, &options).0;
    let changes: [fn(&mut CompiledStencil); 5] = [
        |code| code.relocs[0].offset = u32::MAX,
        |code| code.relocs[0].symbol = clifc::machine::symbol::SymbolRef::Name(clifc::ir::NameRef(99)),
        |code| code.text_len = u32::MAX,
        |code| code.align = 3,
        |code| code.unwind.push((u32::MAX, clifc::machine::unwind::UnwindOp::RestoreState)),
    ];
    for change in changes {
        tamper(&directory, &text, change);
        assert!(built(&directory, &text, &options).0 == plain);
    }
}

//! What programs and linkers find in outputs.

use super::*;

/// Runs a command that must succeed, and returns what it printed.
fn done(command: &mut Command) -> String {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{command:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Builds a file for x86_64 and returns its symbols as `readelf` prints them.
fn symbols(dir: &Path, source: &str, target: &str) -> Vec<String> {
    let output = clifc(dir, &["build", "--target", target, "-", "-o", "symbols.o"], source);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = done(Command::new("llvm-nm").arg("symbols.o").current_dir(dir));
    let mut names: Vec<String> = table.lines().map(|line| line[17..].to_string()).collect();
    names.sort();
    names
}

const ITEMS: &str = "symbol %exact = \"\\x01exact\"\nsymbol %c_ = \"c\"\ndata = i8 1\nweak alias %g = %f\n\
                     hidden alias %h = %g\nfunction %f() {\n fn0 = %exact()\n fn1 = %c_()\nblock0:\n \
                     call fn0()\n call fn1()\n return\n}\n";

#[test]
fn items_become_symbols_or_none() {
    let dir = dir("items");
    assert_eq!(symbols(&dir, ITEMS, "x86_64"), ["T f", "T h", "U c", "U exact", "W g"]);
    // Linkers for Mach-O need a symbol for data.
    let names = symbols(&dir, ITEMS, "aarch64-apple-darwin");
    assert_eq!(names, ["T _f", "T _g", "T _h", "U _c", "U exact", "d l_unnamed"]);
    for (wrong, why) in [
        (
            "alias %a = %b\n",
            "<stdin>:1:1: error: an alias stands for what the file defines: %b is not defined",
        ),
        ("data %a = i8 1\nalias %a = %a\n", "<stdin>:2:1: error: duplicate definition of `a`"),
        ("data %a comdat %b = i8 1\n", "<stdin>:1:1: error: a group has the name of one of its items"),
    ] {
        let said = text(&clifc(&dir, &["check", "--target", "x86_64", "-"], wrong).stderr);
        assert!(said.contains(why), "{said}");
    }
    let distance = "data %t = i32 %t - %t\n";
    let said = text(&clifc(&dir, &["check", "--target", "aarch64-apple-darwin", "-"], distance).stderr);
    assert!(said.contains("Mach-O has no distances in data"), "{said}");
}

/// A dump as rustc's back end writes it: its number, name, and another function's number.
fn dump(number: u32, symbol: &str, other: u32) -> String {
    format!(
        "test compile\ntarget x86_64\n\nfunction u0:{number}(i32) -> i32 system_v {{\n; symbol {symbol}\n\
         ; instance X\n\n    sig0 = (i32) -> i32 system_v\n    fn0 = u0:{other} sig0 ; Instance Y\n\
         block0(v0: i32):\n    v1 = call fn0(v0)\n    return v1\n}}\n"
    )
}

#[test]
fn dumps_refer_to_each_other_by_their_symbols() {
    let dir = dir("dumps");
    fs::write(dir.join("a.clif"), dump(1, "first", 2)).expect("a file");
    fs::write(dir.join("b.clif"), dump(2, "second", 9)).expect("a file");
    fs::write(dir.join("c.clif"), dump(2, "third", 9)).expect("a file");
    let build = |args: &[&str]| clifc(&dir, &[&["build", "--symbol-comments"], args].concat(), "");
    assert!(build(&["a.clif", "b.clif"]).status.success());
    let table = done(Command::new("llvm-nm").args(["a.o", "b.o"]).current_dir(&dir));
    let names: Vec<&str> = table.lines().filter(|line| line.len() > 17).map(|line| &line[17..]).collect();
    assert_eq!(names, ["T first", "U second", "T second", "U u0_9"]);
    let two = text(&build(&["a.clif", "b.clif", "c.clif"]).stderr);
    assert!(two.contains("u0:2 is the symbol second in b.clif, but third in c.clif"), "{two}");
}

const DIVIDES: &str = "function %divides(i32, i32) -> i32 system_v {\n fn0 = %other(i32) -> i32 system_v\n\
                       block0(v0: i32, v1: i32):\n v2 = udiv v0, v1\n v3 = call fn0(v2)\n return v3\n}\n";

#[test]
fn json_has_functions_relocations_traps_and_frames() {
    let dir = dir("json");
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    for target in ["x86_64", "aarch64", "s390x", "x86_64-apple-darwin", "aarch64-apple-darwin"] {
        let args = ["build", "--target", target, "--emit=json,obj", "--out-dir", "."];
        let output = clifc(&dir, &args, DIVIDES);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let built = fs::read_to_string(dir.join("stdin.json")).expect("the output");
        let shown = text(&clifc(&dir, &["disasm", "--json", "stdin.o"], "").stdout);
        assert_eq!(built, shown);
        let value = read(&built);
        let function = &value["functions"][0];
        let name = if target.contains("apple") { "_divides" } else { "divides" };
        assert_eq!((&function["names"][0], &value["linked"]), (&name.into(), &false.into()), "{target}");
        assert_eq!(function["traps"][0]["code"], "int_divz", "{target}");
        let relocations = function["relocations"].as_array().expect("a list");
        assert!(relocations.iter().any(|reloc| reloc["symbol"] == name.replace("divides", "other")));
        let rows = function["frame"]["rows"].as_array().expect("a list");
        assert!(rows.len() > 1 && function["frame"]["size"].as_i64() >= Some(16), "{target}: {built}");
        let size: usize = function["instructions"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|inst| inst["bytes"].as_str().map_or(0, str::len) / 2)
            .sum();
        assert_eq!(Some(size as u64), function["size"].as_u64(), "{target}");
    }
    assert_eq!(clifc(&dir, &["disasm", "--json", "stdin"], "").status.code(), Some(1));
}

#[test]
fn disassembly_of_programs_names_what_is_referred_to() {
    let dir = dir("linked");
    let hello = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hello.clif"));
    let hello = hello.expect("an example");
    for (target, linker) in
        [("x86_64", "cc"), ("aarch64", "aarch64-linux-gnu-gcc"), ("s390x", "s390x-linux-gnu-gcc")]
    {
        let output = clifc(&dir, &["build", "--target", target, "-", "-o", "hello.o"], &hello);
        assert!(output.status.success(), "{}", text(&output.stderr));
        done(Command::new(linker).args(["hello.o", "-o", "hello"]).current_dir(&dir));
        let listing = text(&clifc(&dir, &["disasm", "hello"], "").stdout);
        let main = listing.split("\nmain:").nth(1).expect("a function").split("\n\n").next().expect("lines");
        assert!(main.contains("; greeting\n") && main.contains("; puts@plt\n"), "{target}: {main}");
        // Addresses are those of the program.
        let table = done(Command::new("llvm-nm").arg("hello").current_dir(&dir));
        let line = table.lines().find(|line| line.ends_with(" T main")).expect("a symbol");
        let address = u64::from_str_radix(&line[..16], 16).expect("an address");
        let first = main.lines().nth(1).expect("a line");
        assert!(first.trim_start().starts_with(&format!("{address:x}:")), "{first}");
    }
}

#[test]
fn files_that_are_no_objects_are_called_so() {
    let dir = dir("no_objects");
    fs::write(dir.join("a.clif"), ADD).expect("a file");
    fs::write(dir.join("a.a"), "!<arch>\n").expect("a file");
    for (file, why) in
        [("a.clif", "not an object file"), ("a.a", "an archive: extract its members, for example by `ar x`")]
    {
        for args in [&["disasm", file][..], &["disasm", "--json", file]] {
            let output = clifc(&dir, args, "");
            assert_eq!(output.status.code(), Some(1), "{args:?}");
            assert_eq!(text(&output.stderr), format!("clifc: {file}: {why}\n"));
        }
    }
}

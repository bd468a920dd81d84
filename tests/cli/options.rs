//! Options as makefiles and users give them.

use super::*;

/// Runs `clifc build --target x86_64` and returns the exit code and what it said.
fn build(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let output = clifc(dir, &[&["build", "--target", "x86_64"], args].concat(), ADD);
    (output.status.code(), text(&output.stderr))
}

fn fine() -> (Option<i32>, String) {
    (Some(0), String::new())
}

/// The names of the files in a directory that is emptied.
fn taken(dir: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("text");
        if !name.ends_with(".clif") && name != "stdin" {
            match entry.path().is_dir() {
                true => fs::remove_dir_all(entry.path()).expect("it can go"),
                false => fs::remove_file(entry.path()).expect("it can go"),
            }
            names.push(name);
        }
    }
    names.sort();
    names
}

#[test]
fn of_options_given_twice_the_last_wins() {
    let dir = dir("twice");
    fs::write(dir.join("a.clif"), ADD).expect("a file");
    for (args, output) in [
        (&["-o", "x", "-o", "y"][..], "y"),
        (&["-S", "-c"], "a.o"),
        (&["-c", "-S"], "a.s"),
        (&["--emit", "clif", "--emit", "obj"], "a.o"),
        (&["-S", "--emit", "clif"], "a.out.clif"),
        (&["--emit=clif", "-c"], "a.o"),
        (&["-j1", "-j2", "-v", "-v", "--time", "--time"], "a.o"),
        (&["--function-sections", "-ffunction-sections", "-fno-function-sections"], "a.o"),
    ] {
        assert_eq!(build(&dir, &[args, &["a.clif"]].concat()).0, Some(0), "{args:?}");
        match output.strip_suffix(".clif") {
            Some(_) => fs::remove_file(dir.join(output)).expect("an output"),
            None => assert_eq!(taken(&dir), [output], "{args:?}"),
        }
    }
    let sections = |args: &[&str]| {
        assert_eq!(build(&dir, &[args, &["a.clif", "-o", "a.o"]].concat()).0, Some(0));
        let object = fs::read(dir.join("a.o")).expect("an object");
        String::from_utf8_lossy(&object).contains(".text.add")
    };
    assert!(sections(&["-ffunction-sections"]) && !sections(&[]));
    assert!(!sections(&["--function-sections", "-fno-function-sections"]));
    assert!(sections(&["-fno-function-sections", "-ffunction-sections"]));
}

#[test]
fn spellings_of_other_compilers_have_their_effect() {
    let dir = dir("spellings");
    let verbose = |args: &[&str]| build(&dir, &[args, &["-v", "-w", "-o", "x.o", "-"]].concat()).1;
    assert!(verbose(&["-fno-pic"]).contains("is_pic=false"));
    assert!(!verbose(&["-fno-pic", "-fPIC"]).contains("is_pic"));
    assert!(verbose(&["-mcpu=haswell"]).contains("has_avx2=true"));
    assert!(verbose(&["-march=x86-64-v2"]).contains("has_sse42=true"));
    assert!(verbose(&["-mtriple=arm64-linux-gnu"]).contains("target: aarch64"));
    assert!(verbose(&["--target=amd64"]).contains("target: x86_64"));
    assert!(verbose(&["--check-passes"]).contains("regalloc_checker=true"));
    assert!(verbose(&["-fno-omit-frame-pointer"]).contains("preserve_frame_pointers=true"));
    for (level, value) in
        [("-O", "speed"), ("-O3", "speed"), ("-Oz", "speed_and_size"), ("-Os", "speed_and_size")]
    {
        assert!(verbose(&[level]).contains(&format!("opt_level={value}\n")), "{level}");
    }
    // LLVM's tools take one dash or two, and the value in the same argument or the next.
    for llvm in [&["-mtriple", "aarch64"][..], &["--mtriple=aarch64"], &["--march", "aarch64"]] {
        assert!(verbose(llvm).contains("target: aarch64"), "{llvm:?}");
    }
    assert!(verbose(&["--relocation-model=static"]).contains("is_pic=false"));
    assert!(verbose(&["-mcpu", "haswell", "-fcolor-diagnostics"]).contains("has_avx2=true"));
    // A level and a setting of it are the same option: the last counts.
    assert!(!verbose(&["--set", "opt_level=speed", "-O0"]).contains("opt_level"));
    assert!(!verbose(&["--set=opt_level=speed", "--opt-level", "none"]).contains("opt_level"));
    assert!(verbose(&["-O0", "--set", "opt_level=speed"]).contains("opt_level=speed"));
    assert!(
        verbose(&["-O0", "--set", "is_pic=false", "-O2"]).contains("is_pic=false opt_level=speed")
            || verbose(&["-O0", "--set", "is_pic=false", "-O2"]).contains("opt_level=speed is_pic=false")
    );
    fs::write(dir.join("a.clif"), ADD).expect("a file");
    assert_eq!(build(&dir, &["-w", "-O", "a.clif"]), fine());
    assert!(dir.join("a.o").exists());
    for wrong in ["-O9", "-fno-such-thing", "-march=i486", "-gsplit", "-x"] {
        let (code, errors) = build(&dir, &[wrong, "a.clif"]);
        assert!(code == Some(2) && !errors.contains("tip:"), "{wrong}: {errors}");
    }
    let help = text(&clifc(&dir, &["build", "--help"], "").stdout);
    assert!(help.contains("-ffunction-sections") && help.contains("-mtriple="), "{help}");
}

#[test]
fn outputs_go_where_they_are_sent() {
    let dir = dir("sent");
    fs::create_dir(dir.join("src")).expect("a directory");
    fs::write(dir.join("src/a.clif"), ADD).expect("a file");
    fs::write(dir.join("src/b.clif"), ADD).expect("a file");
    assert_eq!(build(&dir, &["-o", "out/", "src/a.clif", "src/b.clif"]), fine());
    assert!(dir.join("out/a.o").exists() && dir.join("out/b.o").exists());
    assert_eq!(build(&dir, &["--out-dir", "new/deep", "--emit=obj,asm", "-MD", "src/a.clif"]), fine());
    for name in ["a.o", "a.s", "a.d"] {
        assert!(dir.join("new/deep").join(name).exists(), "{name}");
    }
    assert_eq!(
        fs::read_to_string(dir.join("new/deep/a.d")).expect("a rule"),
        "new/deep/a.o new/deep/a.s: src/a.clif\n"
    );
    assert_eq!(build(&dir, &["-o", "out", "src/a.clif"]), fine());
    assert!(dir.join("out").is_dir());
}

/// A pass that the settings leave out runs if its switch says so, and the emitted text is what lowering gets.
#[test]
fn a_pass_can_be_switched_on() {
    let dir = dir("switch");
    let slot = "function %f(i64) -> i64 {\n ss0 = explicit_slot 8\nblock0(v0: i64):\n \
                v1 = stack_addr.i64 ss0\n store v0, v1\n v2 = load.i64 v1\n return v2\n}\n";
    fs::write(dir.join("a.clif"), slot).expect("a file");
    let text = |args: &[&str]| {
        let all = [&["--check-passes", "--emit=clif", "-o", "x.clif", "a.clif"], args].concat();
        assert_eq!(build(&dir, &all), fine(), "{args:?}");
        fs::read_to_string(dir.join("x.clif")).expect("text")
    };
    assert!(text(&[]).contains("stack_addr"));
    assert!(!text(&["--pass", "promote=on"]).contains("explicit_slot"));
    assert!(text(&["--pass", "promote=on", "--pass", "promote=off"]).contains("stack_addr"));
}

#[test]
fn no_output_replaces_an_input_or_another_output() {
    let dir = dir("replace");
    fs::create_dir(dir.join("b")).expect("a directory");
    fs::write(dir.join("a.clif"), ADD).expect("a file");
    fs::write(dir.join("b/a.clif"), ADD).expect("a file");
    for (args, part) in [
        (&["a.clif", "-o", "a.clif"][..], "would replace the input"),
        (&["a.clif", "-o", "b/../a.clif"], "would replace the input"),
        (&["a.clif", "b/a.clif"], "would be the output of both"),
        (&["a.clif", "./a.clif"], "would be the output of both"),
        (&["a.clif", "-MF", "a.o"], "would be two outputs"),
        (&["a.clif", "b/a.clif", "-o", "x.o"], "use --out-dir"),
        (&["a.clif", "--emit=obj,asm", "-o", "x.o"], "use --out-dir"),
        (&["-O2", "a.clif", "--inline-report", "a.clif"], "would replace the input"),
        (&["-O2", "a.clif", "--inline-report", "a.o"], "would be two outputs"),
        (&["a\nb.clif", "-MD"], "no names with line ends"),
        (&["a.clif", "-MT", "x"], "rule of -MD, which is missing"),
        (&["-", "-MD", "-o", "-"], "use -MF"),
        (&["a.clif", "-MD", "-o", "/dev/null"], "use -MF"),
        (&["-g", "--emit=obj,clif", "a.clif"], "have no debug information"),
    ] {
        let (code, errors) = build(&dir, args);
        assert!(code == Some(2) && errors.contains(part), "{args:?}: {errors}");
    }
    let explored = clifc(&dir, &["explore", "a.clif", "-o", "./a.clif"], "");
    assert!(text(&explored.stderr).contains("would replace the input"), "{explored:?}");
    assert_eq!(fs::read_to_string(dir.join("a.clif")).expect("the input"), ADD);
    assert_eq!(taken(&dir), ["b"], "nothing was written");
}

#[test]
fn a_cache_that_is_not_there_is_named() {
    let dir = dir("no_cache");
    for verb in ["clear", "prune", "verify"] {
        let output = clifc(&dir, &["cache", verb, "--cache=none"], "");
        let said = text(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(1), "clifc: none: there is no cache\n"), "{verb}");
    }
    assert_eq!(taken(&dir), [""; 0]);
}

#[test]
fn rules_are_as_make_reads_them() {
    let dir = dir("rules");
    fs::write(dir.join("a #$.clif"), ADD).expect("a file");
    let rule = |args: &[&str]| {
        assert_eq!(build(&dir, args), fine(), "{args:?}");
        fs::read_to_string(dir.join("d")).expect("a rule")
    };
    assert_eq!(rule(&["-MMD", "-MFd", "-o", "x y.o", "a #$.clif"]), "x\\ y.o: a\\ \\#$$.clif\n");
    assert_eq!(rule(&["-MF", "d", "-MT", "t $@", "a #$.clif"]), "t $@: a\\ \\#$$.clif\n");
    assert_eq!(rule(&["-MF", "d", "-MQ", "t $@", "a #$.clif"]), "t\\ $$@: a\\ \\#$$.clif\n");
    assert_eq!(rule(&["-MF", "d", "-MTx", "-MQy", "-"]), "x y:\n");
    let phony = rule(&["-MD", "-MF", "d", "-MP", "-MT", "x", "a #$.clif"]);
    assert_eq!(phony, "x: a\\ \\#$$.clif\n\na\\ \\#$$.clif:\n");
    // make agrees.
    fs::write(dir.join("Makefile"), "all: x.o\n\ninclude d\nx.o:\n\t@echo made from: $<\n").expect("a file");
    fs::write(dir.join("plain.clif"), ADD).expect("a file");
    rule(&["-MD", "-MF", "d", "-o", "x.o", "plain.clif"]);
    fs::remove_file(dir.join("x.o")).expect("an object");
    let made = Command::new("make").current_dir(&dir).output().expect("make starts");
    assert_eq!(text(&made.stdout), "made from: plain.clif\n", "{made:?}");
    for odd in ["a b", "a#b", "a\\#b", "a\\ b\\", "a:b", "$(x)", "a\\:b", "a\\b~*?"] {
        let name = format!("{odd}.clif");
        fs::write(dir.join(&name), ADD).expect("a file");
        rule(&["-MD", "-MF", "d", "-o", "x.o", &name]);
        fs::remove_file(dir.join("x.o")).expect("an object");
        let made = Command::new("make").current_dir(&dir).output().expect("make starts");
        assert!(made.status.success() && !text(&made.stderr).contains("No rule"), "{name}: {made:?}");
    }
}

#[test]
fn target_and_settings_of_the_file_count() {
    let dir = dir("header");
    let file = format!("test compile\nset preserve_frame_pointers=true\ntarget aarch64\n{ADD}");
    let run = |args: &[&str], file: &str| {
        let output = clifc(&dir, &[&["build", "-v", "-o", "x.o", "-"], args].concat(), file);
        (output.status.code(), text(&output.stderr))
    };
    let (code, said) = run(&[], &file);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("target: aarch64") && said.contains("preserve_frame_pointers=true"), "{said}");
    assert_eq!(fs::read(dir.join("x.o")).expect("an object")[18], 183, "EM_AARCH64");
    // The command line wins, and says so.
    let (_, said) = run(&["--set", "preserve_frame_pointers=false"], &file);
    assert!(said.contains("<stdin>:2:5: warning: the file sets `preserve_frame_pointers` to true"), "{said}");
    assert!(!said.contains("settings: preserve_frame_pointers"), "{said}");
    let (_, said) = run(&["--target", "s390x"], &file);
    assert!(
        said.contains("<stdin>:3:8: warning: the file is for aarch64, but --target says s390x"),
        "{said}"
    );
    assert!(said.contains("target: s390x") && said.contains("preserve_frame_pointers=true"), "{said}");
    // Several targets: this machine's, or the wanted one.
    let several = format!("target s390x\nset is_pic=false\ntarget aarch64 use_bti\n{ADD}");
    let (_, said) = run(&["--target", "arm64"], &several);
    assert!(said.contains("is_pic=false") && said.contains("use_bti=true"), "{said}");
    let (_, said) = run(&["--target", "s390x"], &several);
    assert!(said.contains("settings:\n"), "{said}");
    #[cfg(target_arch = "x86_64")]
    assert!(run(&[], &several).1.contains("choose one with --target"));
    for (wrong, part) in [
        ("set opt_levle=none\n", "1:5: error: unknown setting `opt_levle`; did you mean `opt_level`?"),
        ("target x86_64 has_avx9\n", "1:15: error: unknown setting `has_avx9`"),
        ("target riscv64\n", "1:8: error: unsupported target `riscv64`"),
        ("target x86_46\n", "1:8: error: unknown target `x86_46`"),
    ] {
        let (code, said) = run(&[], &format!("{wrong}{ADD}"));
        assert!(code == Some(1) && said.contains(part), "{wrong}: {said}");
    }
    // `check` and `run` know it as well.
    let checked = clifc(&dir, &["check", "-"], &format!("set opt_levle=none\n{ADD}"));
    assert_eq!(checked.status.code(), Some(1));
    let run = clifc(&dir, &["run", "--call", "%add(1, 2)", "-"], &format!("target riscv64\n{ADD}"));
    assert_eq!(run.status.code(), Some(1));
}

#[test]
fn what_has_no_effect_is_said() {
    let dir = dir("effect");
    let (code, said) = build(&dir, &["--set", "machine_code_cfg_info=true", "-o", "x.o", "-"]);
    assert_eq!(code, Some(0));
    assert!(said.contains("warning: `machine_code_cfg_info` has no effect on x86_64, because"), "{said}");
    let intel = ["-S", "-masm=intel", "-o", "x.s", "-", "--target"];
    let said = |target| build(&dir, &[&intel[..], &[target]].concat()).1;
    assert_eq!(said("x86_64"), "");
    assert!(said("s390x").contains("warning: `--asm-syntax intel` has no effect on s390x"));
    let (code, _) = build(&dir, &["-Werror", "--set", "machine_code_cfg_info=true", "-o", "y.o", "-"]);
    assert_eq!((code, dir.join("y.o").exists()), (Some(1), false));
}

#[test]
fn the_cache_is_switched_by_options_and_variables() {
    let dir = dir("cache_options");
    let run = |args: &[&str], size: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_clifc"));
        command.args(args).current_dir(&dir).env("CLIFC_CACHE_DIR", "kept").env("CLIFC_CACHE_SIZE", size);
        fs::write(dir.join("a.clif"), ADD).expect("a file");
        let output = command.output().expect("clifc starts");
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, _) = run(&["cache", "stats"], "");
    assert_eq!((code, said.as_str()), (Some(0), "kept: there is no cache\n"));
    assert!(!dir.join("kept").exists(), "asking creates nothing");
    assert_eq!(run(&["build", "--no-cache", "a.clif"], "").0, Some(0));
    assert_eq!(run(&["build", "--cache=other", "--no-cache", "a.clif"], "").0, Some(0));
    assert!(!dir.join("kept").exists() && !dir.join("other").exists());
    assert_eq!(run(&["build", "a.clif"], "5M").0, Some(0));
    let (_, said, _) = run(&["cache", "stats"], "5M");
    assert!(said.contains("limit       5242880\n"), "{said}");
    let (_, said, _) = run(&["cache", "stats", "--cache-size", "1K"], "5M");
    assert!(said.contains("limit       1024\n"), "{said}");
    let (code, _, errors) = run(&["build", "a.clif"], "much");
    assert!(code == Some(2) && errors.contains("CLIFC_CACHE_SIZE"), "{errors}");
}

#[test]
fn completions_and_manual_pages_know_every_option() {
    let dir = dir("manual");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = clifc(&dir, &["completions", shell], "");
        assert!(output.status.success() && text(&output.stdout).contains("function-sections"), "{shell}");
    }
    assert!(clifc(&dir, &["man", "--out-dir", "man"], "").status.success());
    let page = fs::read_to_string(dir.join("man/clifc-build.1")).expect("a page").replace('\\', "");
    for option in ["--emit", "--out-dir", "-ffunction-sections", "--error-limit", "--no-cache"] {
        assert!(page.contains(option), "{option}");
    }
    let help = text(&clifc(&dir, &["--help"], "").stdout);
    let verbs =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for verb in verbs.filter_map(|line| line.split_whitespace().next()).filter(|verb| *verb != "help") {
        assert!(dir.join(format!("man/clifc-{verb}.1")).exists(), "{verb}");
    }
    // The fields are name, section, date and source.
    assert!(text(&clifc(&dir, &["man"], "").stdout).contains(".TH clifc 1 \" \" \"clifc 0"));
}

#[test]
fn the_version_names_commit_and_host() {
    let dir = dir("version");
    let version = text(&clifc(&dir, &["--version"], "").stdout);
    assert!(version.starts_with(concat!("clifc ", env!("CARGO_PKG_VERSION"), " (")), "{version}");
    assert!(version.contains(")\nhost: ") && version.lines().count() == 2, "{version}");
    assert_eq!(text(&clifc(&dir, &["-V"], "").stdout), concat!("clifc ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn lists_are_for_programs_too() {
    let dir = dir("json_lists");
    let json = |args: &[&str]| -> serde_json::Value {
        serde_json::from_str(&text(&clifc(&dir, args, "").stdout)).expect("JSON")
    };
    let targets = json(&["targets", "--json"]);
    let triples: Vec<_> =
        targets.as_array().expect("a list").iter().map(|target| &target["triple"]).collect();
    assert!(triples.contains(&&"aarch64-apple-darwin".into()), "{triples:?}");
    assert!(triples.contains(&&"s390x-unknown-linux-gnu".into()), "{triples:?}");
    let settings = json(&["settings", "--json", "--target", "x86_64", "--set", "is_pic=false"]);
    let is_pic = settings.as_array().expect("a list").iter().find(|row| row["name"] == "is_pic");
    let is_pic = is_pic.expect("a setting");
    assert_eq!((&is_pic["value"], &is_pic["default"]), (&"false".into(), &"true".into()));
}

#[test]
fn cpus_of_all_targets_have_names() {
    let dir = dir("cpus");
    for (target, cpu) in [
        ("aarch64", "generic"),
        ("aarch64", "cortex-a76"),
        ("aarch64", "neoverse-n1"),
        ("aarch64", "apple-m1"),
        ("s390x", "generic"),
        ("s390x", "z14"),
        ("s390x", "z17"),
        ("x86_64", "generic"),
        ("x86_64", "znver4"),
    ] {
        let output = clifc(&dir, &["build", "--target", target, "-mcpu", cpu, "-o", "x.o", "-"], ADD);
        assert!(output.status.success(), "llc takes -mcpu CPU: {output:?}");
        let output = clifc(&dir, &["build", "--target", target, "--cpu", cpu, "-o", "x.o", "-"], ADD);
        assert!(output.status.success(), "{target} {cpu}: {output:?}");
    }
    let listed = text(&clifc(&dir, &["settings", "--target", "aarch64", "--cpu", "neoverse-n1"], "").stdout);
    assert!(listed.contains("* has_lse = true"), "{listed}");
}

#[test]
fn a_part_of_a_file_is_named_by_its_number() {
    let dir = dir("shard");
    fs::write(dir.join("a.clif"), ADD).expect("a file");
    for (args, output) in [
        (&["--shard", "2/3"][..], "a.2.o"),
        (&["--shard", "1/1"], "a.o"),
        (&["--shard", "2/3", "-S"], "a.2.s"),
        (&["--shard", "4/4", "-o", "b.o"], "b.o"),
        (&["--shard", "2/3", "--shard", "1/2"], "a.1.o"),
    ] {
        assert_eq!(build(&dir, &[args, &["a.clif"]].concat()), fine(), "{args:?}");
        assert_eq!(taken(&dir), [output], "{args:?}");
    }
    for (part, why) in [
        ("4/3", "the parts of 3 are numbered from 1 to 3"),
        ("0/3", "the parts of 3 are numbered from 1 to 3"),
        ("1/0", "there is no part of 0 parts"),
        ("third", "expected K/N, such as 2/7 for the second of seven parts"),
    ] {
        let (code, said) = build(&dir, &["--shard", part, "a.clif"]);
        assert!(code == Some(2) && said.contains(&format!("invalid value `{part}`")), "{said}");
        assert!(said.contains(why), "{said}");
        assert_eq!(taken(&dir), [""; 0]);
    }
}

#[test]
fn a_dump_of_a_pass_that_does_not_run_says_so() {
    let dir = dir("no_dump");
    let dump =
        |args: &[&str]| build(&dir, &[&["--dump", "value_numbering", "-", "-o", "x.o"], args].concat());
    let (code, said) = dump(&[]);
    let way_out = "the settings do not enable it; `-O speed` or `--pass value_numbering=on` does";
    assert!(code == Some(0) && said.contains(way_out), "{said}");
    assert_eq!(dump(&["-Werror"]).0, Some(1));
    for way in [&["-O", "speed"][..], &["--pass", "value_numbering=on"]] {
        let (code, said) = dump(way);
        assert!(code == Some(0) && said.starts_with("; %add after value_numbering\n"), "{said}");
        assert!(!said.contains("warning"), "{said}");
    }
    let (code, said) = dump(&["-O", "speed", "--pass", "value_numbering=off"]);
    assert!(code == Some(0) && said.contains("`--pass value_numbering=off` switches it off"), "{said}");
}

const CALLS: &str = "\
function %leaf(i32) -> i32 {
block0(v0: i32):
    v1 = iadd_imm v0, 1
    return v1
}

function %middle(i32) -> i32 {
    fn0 = colocated %leaf(i32) -> i32
block0(v0: i32):
    v1 = call fn0(v0)
    return v1
}

function %rare(i32) -> i32 cold {
block0(v0: i32):
    return v0
}

function %main(i32) -> i32 {
    fn0 = colocated %middle(i32) -> i32
    fn1 = colocated %rare(i32) -> i32
    fn2 = %puts(i32) -> i32
block0(v0: i32):
    v1 = call fn0(v0)
    v2 = call fn1(v1)
    v3 = call fn2(v2)
    return v3
}
";

#[test]
fn a_report_says_what_was_inlined() {
    let dir = dir("inline_report");
    fs::write(dir.join("calls.clif"), CALLS).expect("a file");
    let report = |args: &[&str]| {
        let all = [&["calls.clif", "-o", "calls.o", "--inline-report", "calls.json"], args].concat();
        let (code, said) = build(&dir, &all);
        assert_eq!(code, Some(0), "{said}");
        let text = fs::read_to_string(dir.join("calls.json")).expect("a report");
        (said, serde_json::from_str::<serde_json::Value>(&text).expect("JSON"))
    };
    let leaf = serde_json::json!({ "callee": "%leaf", "line": 10, "inlined": true, "calls": [] });
    let refused = |callee: &str, line: u32, why: &str| {
        let is_inlined = false;
        serde_json::json!({ "callee": callee, "line": line, "inlined": is_inlined, "why": why })
    };
    let (said, found) = report(&["-O", "speed"]);
    assert_eq!(said, "");
    let expected = serde_json::json!({ "functions": [
        { "name": "%middle", "line": 7, "calls": [leaf] },
        { "name": "%main", "line": 19, "calls": [
            { "callee": "%middle", "line": 24, "inlined": true, "calls": [leaf] },
            refused("%rare", 25, "its text says `noinline` or `cold`"),
            refused("%puts", 26, "it is not defined in this file"),
        ] },
    ] });
    assert_eq!(found, expected);
    let (said, found) = report(&[]);
    assert!(said.contains("`--inline-report` shows nothing, because the pass does not run"), "{said}");
    assert_eq!(found, serde_json::json!({ "functions": [] }));
}

#[test]
fn what_is_wrong_with_the_command_line_is_said_in_one_line() {
    let dir = dir("wrong_options");
    fs::write(dir.join("a.clif"), ADD).expect("a file");
    for (args, said) in [
        (&["build", "a.clif", "-Wall"][..], "unknown option `-Wall`; see `clifc build --help`"),
        (&["build", "-fno-plt", "a.clif"], "unknown option `-fno-plt`; see `clifc build --help`"),
        (&["build", "--emti", "obj"], "unknown option `--emti`; did you mean `--emit`?"),
        (&["build", "--optimize", "a.clif"], "unknown option `--optimize`; see `clifc build --help`"),
        (&["build", "--jobs", "0"], "invalid value `0` for `--jobs <N>`: expected 1 to 1024"),
        (&["build", "-jx"], "invalid value `x` for `--jobs <N>`: expected a number"),
        (&["build", "-j"], "`--jobs <N>` needs a value"),
        (&["build", "-O9"], "invalid value `9` for `-O`: expected none, speed or size, or 0 to 3, g, s or z"),
        (
            &["build", "--emit=foo"],
            "invalid value `foo` for `--emit <KIND,…>`: expected one of obj, asm, image, map, listing, json, \
             clif, vcode",
        ),
        (&["biuld"], "unknown command `biuld`; did you mean `build`?"),
        (&["frobnicate"], "unknown command `frobnicate`; see `clifc --help`"),
        (&["a.clif"], "`a.clif` is a file, not a command: write `clifc build a.clif`"),
        (
            &["completions", "csh"],
            "invalid value `csh` for `<SHELL>`: expected one of bash, elvish, fish, powershell, zsh",
        ),
        (&["disasm"], "missing argument: <OBJECT>..."),
    ] {
        let output = clifc(&dir, args, "");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_eq!(text(&output.stderr), format!("clifc: {said}\n"), "{args:?}");
    }
    let json = text(&clifc(&dir, &["build", "--error-format=json", "--nosuch"], "").stderr);
    assert!(json.starts_with("{\"severity\":\"error\",\"message\":\"unknown option `--nosuch`"), "{json}");
}

#[test]
fn every_command_knows_the_version() {
    let dir = dir("versions");
    let of = |args: &[&str]| text(&clifc(&dir, args, "").stdout);
    assert_eq!(of(&["build", "--version"]), of(&["--version"]));
    assert_eq!(of(&["build", "-V"]), format!("clifc {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn spellings_of_llc_and_levels_of_debug_information() {
    let dir = dir("llc");
    fs::write(dir.join("a.clif"), ADD).expect("a file");
    for (args, output, has_debug) in [
        (&["-filetype=asm", "-relocation-model=pic"][..], "a.s", false),
        (&["-filetype=asm", "-filetype=obj", "-relocation-model=static"], "a.o", false),
        (&["-g"], "a.o", true),
        (&["-ggdb"], "a.o", true),
        (&["-gdwarf-5", "-g1"], "a.o", true),
        (&["-g3", "-g0"], "a.o", false),
        (&["-target", "arm64", "-g2"], "a.o", true),
    ] {
        assert_eq!(build(&dir, &[args, &["a.clif"]].concat()), fine(), "{args:?}");
        let bytes = fs::read(dir.join(output)).expect("an output");
        let found = bytes.windows(11).any(|name| name == b".debug_line");
        assert_eq!((found, taken(&dir)), (has_debug, vec![output.to_string()]), "{args:?}");
    }
}

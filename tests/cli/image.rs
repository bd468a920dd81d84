//! Images: options, and what they cannot have.

use super::*;

/// Builds an image from standard input at 0x10000, and returns the exit code and what was said.
fn image(dir: &Path, text_of_file: &str, more: &[&str]) -> (Option<i32>, String) {
    let args = ["build", "--target", "x86_64", "--emit", "image", "--base", "0x10000", "-o", "code.bin"];
    let output = clifc(dir, &[&args, more, &["-"]].concat(), text_of_file);
    (output.status.code(), text(&output.stderr))
}

#[test]
fn an_image_has_a_map_beside_it() {
    let dir = dir("image");
    let counter = "data %counter = i64 7\nlocal data %zeros = zero 5000\n";
    assert_eq!(image(&dir, &format!("{ADD}{counter}"), &[]), (Some(0), String::new()));
    let bytes = fs::read(dir.join("code.bin")).expect("an image");
    let map = fs::read_to_string(dir.join("code.map")).expect("a map");
    let lines: Vec<&str> = map.lines().collect();
    assert_eq!(lines[0], format!("image 0x10000 {:#x} 0x4388", bytes.len()), "{map}");
    for line in [
        "part 0x10000 0x6 r-x",
        "part 0x12000 0x8 rw-",
        "part 0x13000 0x1388 rw-",
        "section 0x12000 0x8 .data",
        "function 0x10000 0x6 add",
        "data 0x12000 0x8 counter",
        "data 0x13000 0x1388 zeros",
    ] {
        assert!(lines.contains(&line), "no line `{line}`:\n{map}");
    }
    assert_eq!(bytes[0x2000..], 7_u64.to_le_bytes());
    let printed = clifc(
        &dir,
        &["build", "--target", "x86_64", "--emit", "map", "--base", "0x10000", "-o", "-", "-"],
        &format!("{ADD}{counter}"),
    );
    assert_eq!(text(&printed.stdout), map);
}

#[test]
fn what_an_image_lacks_is_an_error_where_it_is_named() {
    let dir = dir("image_lacks");
    let user = |declared: &str, used: &str| {
        let body = format!("    {declared}\nblock0(v9: f64):\n    {used}\n    return v0\n}}\n");
        format!("function %f(f64) -> i64 system_v {{\n{body}")
    };
    let call = "v0 = call fn0(v9)";
    let declared = "fn0 = %g(f64) -> i64 system_v";
    for (file, place, why) in [
        (user(declared, call), "2:5", "`g` is not defined"),
        (user("gv0 = symbol %g", "v0 = symbol_value.i64 gv0"), "2:5", "`g` is not defined"),
        (
            "function %f(f64) -> f64 {\nblock0(v0: f64):\n    v1 = ceil v0\n    return v1\n}\n".into(),
            "1:1",
            "`ceil`, which this refers to, is not defined",
        ),
        ("data %d = %g\n".into(), "1:1", "`g`, which this refers to, is not defined"),
        ("\ntls %d = i64 5\n".into(), "2:1", "thread-local"),
        (user(declared, call) + "symbol %g = \"h\"\n", "2:5", "`h` is not defined"),
        (
            user("gv0 = symbol colocated %g", "v0 = symbol_value.i64 gv0") + "symbol %g = 0x7f0000001000\n",
            "1:1",
            "`g` is out of reach",
        ),
    ] {
        let (code, said) = image(&dir, &file, &[]);
        assert_eq!(code, Some(1), "{file}{said}");
        let first = said.lines().find(|line| line.contains("error: ")).unwrap_or_default();
        assert!(first.contains(&format!(":{place}: error: ")) && first.contains(why), "{file}{said}");
        assert!(!dir.join("code.bin").exists() && !dir.join("code.map").exists(), "{file}");
    }
    for fine in [
        user(declared, call) + "symbol %g = 0x7f0000001000\n",
        user(declared, call) + "weak symbol %g\n",
        user(declared, call) + "function %g(f64) -> i64 system_v {\nblock0(v0: f64):\n    trap user1\n}\n",
    ] {
        assert_eq!(image(&dir, &fine, &[]), (Some(0), String::new()), "{fine}");
    }
}

#[test]
fn options_of_images_that_mean_nothing_are_refused() {
    let dir = dir("image_options");
    fs::write(dir.join("a.clif"), ADD).expect("a file");
    fs::write(dir.join("b.clif"), ADD).expect("a file");
    for (args, why) in [
        (&["--emit", "image", "a.clif"][..], "an image needs an address: --base 0x…"),
        (&["--base", "0x1000", "a.clif"], "use it with --emit image"),
        (&["--emit", "image", "--base", "0x1010", "a.clif"], "a multiple of 0x1000"),
        (&["--emit", "image", "--base", "here", "a.clif"], "an address, such as 0x10000"),
        (&["--emit", "image", "--base", "0x1000", "a.clif", "b.clif"], "made of one file"),
        (&["--emit", "image", "--base", "0x1000", "--shard", "1/2", "a.clif"], "leave out --shard"),
        (&["--emit", "image", "--base", "0x1000", "-o", "a.map", "a.clif"], "two outputs"),
    ] {
        let output = clifc(&dir, &[&["build", "--target", "x86_64"], args].concat(), "");
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(why), "{args:?}: {said}");
    }
    let args = ["build", "--target", "aarch64-apple-darwin", "--emit", "image", "--base", "0x1000", "a.clif"];
    let output = clifc(&dir, &args, "");
    assert!(output.status.code() == Some(1) && text(&output.stderr).contains("use another --target"));
}

//! Mistakes, and what is said about them: `mistakes.txt` has the files, each with its messages below.

use super::*;

#[test]
fn each_mistake_is_shown_with_a_way_out() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/mistakes.txt");
    let cases = fs::read_to_string(&path).expect("the mistakes");
    let dir = dir("shown_mistakes");
    let mut found = String::new();
    for case in cases.split("====\n").skip(1) {
        let (file, _) = case.split_once("----\n").expect("messages");
        fs::write(dir.join("x.clif"), file).expect("a file");
        let output = clifc(&dir, &["build", "--target", "x86_64", "x.clif"], "");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{file}");
        assert!(!dir.join("x.o").exists(), "{file}");
        let error = said.lines().find(|line| line.contains(": error: ")).expect("an error");
        assert!(error.starts_with("x.clif:") && said.contains("^\n"), "{file}{said}");
        let ways = ["; ", "such as `", ": expected ", ", found ", "but ", ", as in "];
        assert!(ways.iter().any(|way| error.contains(way)) || said.contains("note: "), "{file}{said}");
        found += &format!("====\n{file}----\n{said}");
    }
    assert!(found.matches("====\n").count() >= 40);
    if std::env::var_os("CLIFC_BLESS").is_some() {
        fs::write(&path, &found).expect("the mistakes can be written");
    }
    assert!(cases == found, "tests/cli/mistakes.txt: run with CLIFC_BLESS=1\n{found}");
}

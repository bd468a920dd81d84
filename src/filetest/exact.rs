//! Exact output: the comments below a function of a `precise-output` test contain its entire output.
//!
//! Comments that begin with two semicolons are for readers, and those with directives of run tests are for
//! these: both stay when the expected output is updated.

use super::file::{TestFile, TestFunction};

/// The expected output of a function, from the comments below it.
fn expected<'a>(file: &TestFile<'a>, function: &TestFunction) -> Vec<&'a str> {
    let below = file.text[function.item.trailing.clone()].lines();
    below
        .filter(|line| is_expectation(line))
        .map(|line| line[1..].strip_prefix(' ').unwrap_or(&line[1..]))
        .collect()
}

fn is_expectation(line: &str) -> bool {
    line.starts_with(';') && !line.starts_with(";;") && !is_invocation(line)
}

fn is_invocation(line: &str) -> bool {
    let text = line.trim_start_matches(';').trim();
    ["run", "print"]
        .iter()
        .any(|word| text == *word || text.strip_prefix(word).is_some_and(|rest| rest.starts_with(':')))
}

/// Compares the output of a function with the expected output.
pub(super) fn compare(file: &TestFile, function: &TestFunction, output: &str) -> Result<(), String> {
    let expected = expected(file, function);
    let output: Vec<&str> = output.lines().map(str::trim_end).collect();
    if expected == output {
        return Ok(());
    }
    let same = expected.iter().zip(&output).take_while(|(a, b)| a == b).count();
    let mut message = String::from("unexpected output (`--bless` updates the file)\n");
    let mut show = |mark: char, lines: &[&str]| {
        lines.iter().for_each(|line| message.push_str(&format!("{mark} {line}\n")));
    };
    // Omit the lines at the end that are the same in both, as at the beginning.
    let rest = expected.len().min(output.len()) - same;
    let after = expected.iter().rev().zip(output.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    show(' ', &expected[same.saturating_sub(3)..same]);
    show('-', &expected[same..expected.len() - after]);
    show('+', &output[same..output.len() - after]);
    Err(message)
}

/// The text of the file with the output of each function below it.
pub(super) fn bless(file: &TestFile, outputs: &[String]) -> String {
    let mut text = String::new();
    let mut done = 0;
    for (function, output) in file.functions.iter().zip(outputs) {
        text.push_str(&file.text[done..function.item.text.end]);
        text.push('\n');
        let below = &file.text[function.item.trailing.clone()];
        let old = || {
            below
                .split_inclusive('\n')
                .take_while(|line| line.trim().is_empty() || is_expectation(line) || is_invocation(line))
        };
        old().filter(|line| is_invocation(line)).for_each(|line| text.push_str(line));
        text.push('\n');
        for line in output.lines().map(str::trim_end) {
            text.push_str(if line.is_empty() { ";" } else { "; " });
            text.push_str(line);
            text.push('\n');
        }
        done = function.item.trailing.start + old().map(str::len).sum::<usize>();
        if done < file.text.len() {
            text.push('\n');
        }
    }
    text.push_str(&file.text[done..]);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "test compile precise-output\ntarget x86_64\n\n\
                        function %f() {\n}\n; run: %f()\n; old\n\n\
                        ;; about %g\nfunction %g() {\n}\n";

    #[test]
    fn what_is_blessed_passes() {
        let file = TestFile::parse("f", FILE, &[]).expect("a file");
        assert!(compare(&file, &file.functions[0], "new").is_err_and(|why| why.contains("- old\n+ new")));
        let outputs = ["new\n\n  newer".to_string(), "other".to_string()];
        let blessed = bless(&file, &outputs);
        assert!(blessed.contains(
            "}\n; run: %f()\n\n; new\n;\n;   newer\n\n;; about %g\nfunction %g() {\n}\n\n; other\n"
        ));
        let file = TestFile::parse("f", &blessed, &[]).expect("a file");
        for (function, output) in file.functions.iter().zip(&outputs) {
            compare(&file, function, output).expect("what was written");
        }
        assert_eq!(bless(&file, &outputs), blessed);
    }
}

//! Reports the outcome of each test, for readers and for machines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

/// The status of a test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Status {
    /// The test passed.
    Passed,
    /// The test failed; the text says how.
    Failed(String),
    /// The test was not performed; the text says why.
    Skipped(String),
}

/// The outcome of a test: a command of a file, for one of its targets if the command depends on the target.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The file.
    pub file: String,
    /// The command, and the target if it depends on that.
    pub test: String,
    /// Its status.
    pub status: Status,
    /// Remarks, shown whatever the status is.
    pub notes: Vec<String>,
}

/// The number of tests by status.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Tests that were skipped.
    pub skipped: usize,
}

impl Totals {
    /// Counts outcomes by status.
    pub fn of(outcomes: &[Outcome]) -> Self {
        let count = |wanted: fn(&Status) -> bool| outcomes.iter().filter(|o| wanted(&o.status)).count();
        Totals {
            passed: count(|status| matches!(status, Status::Passed)),
            failed: count(|status| matches!(status, Status::Failed(_))),
            skipped: count(|status| matches!(status, Status::Skipped(_))),
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// The report for readers: failures in full, skipped tests by reason, and the totals on the last line.
pub fn text(outcomes: &[Outcome], verbose: bool) -> String {
    let mut out = String::new();
    let mut shown = BTreeSet::new();
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for Outcome { file, test, status, notes } in outcomes {
        match status {
            Status::Failed(why) => out.push_str(&format!("FAIL {file}: {test}\n{}", indent(why))),
            Status::Passed if verbose => out.push_str(&format!("pass {file}: {test}\n")),
            Status::Skipped(why) if verbose => out.push_str(&format!("skip {file}: {test}: {why}\n")),
            Status::Passed | Status::Skipped(_) => {}
        }
        if let Status::Skipped(why) = status {
            *skipped.entry(why).or_default() += 1;
        }
        for note in notes {
            // The tests of all targets repeat a remark on the file.
            if shown.insert((file, note)) {
                out.push_str(&format!("note {file}: {note}\n"));
            }
        }
    }
    for (why, count) in skipped {
        out.push_str(&format!("{count:>6} skipped: {why}\n"));
    }
    out.push_str(&format!("{}\n", Totals::of(outcomes)));
    out
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("     {line}\n")).collect()
}

/// The report as JSON, with an object on each line.
pub fn json(outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    for Outcome { file, test, status, .. } in outcomes {
        let (word, why) = match status {
            Status::Passed => ("passed", ""),
            Status::Failed(why) => ("failed", why.as_str()),
            Status::Skipped(why) => ("skipped", why.as_str()),
        };
        let [file, test, why] = [file, test, why].map(json_string);
        writeln!(out, "{{\"file\":{file},\"test\":{test},\"status\":\"{word}\",\"reason\":{why}}}")
            .expect("writing to a string");
    }
    out
}

fn json_string(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The report as JUnit XML.
pub fn junit(outcomes: &[Outcome]) -> String {
    let totals = Totals::of(outcomes);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuite name=\"clifc\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n",
        outcomes.len(),
        totals.failed,
        totals.skipped
    );
    for Outcome { file, test, status, .. } in outcomes {
        let start = format!("<testcase classname=\"{}\" name=\"{}\"", xml(file), xml(test));
        let line = match status {
            Status::Passed => format!("{start}/>"),
            Status::Failed(why) => format!("{start}><failure>{}</failure></testcase>", xml(why)),
            Status::Skipped(why) => format!("{start}><skipped message=\"{}\"/></testcase>", xml(why)),
        };
        out.push_str(&line);
        out.push('\n');
    }
    out.push_str("</testsuite>\n");
    out
}

fn xml(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && c != '\n' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes() -> Vec<Outcome> {
        let statuses =
            [Status::Passed, Status::Failed("a \"b\"\n<c>".into()), Status::Skipped("because".into())];
        let outcome = |status| Outcome { file: "f.clif".into(), test: "run".into(), status, notes: vec![] };
        statuses.map(outcome).into()
    }

    #[test]
    fn the_last_line_counts() {
        let text = text(&outcomes(), false);
        assert!(text.ends_with("     1 skipped: because\n1 passed, 1 failed, 1 skipped\n"), "{text}");
        assert!(text.starts_with("FAIL f.clif: run\n     a \"b\"\n     <c>\n"), "{text}");
    }

    #[test]
    fn machines_get_valid_text() {
        assert!(json(&outcomes()).contains(r#""status":"failed","reason":"a \"b\"\n<c>"}"#));
        assert!(junit(&outcomes()).contains("<failure>a &quot;b&quot;\n&lt;c&gt;</failure>"));
    }
}

//! Reports the outcome of each test, for readers and for machines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

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
    /// The time it took. Programs are executed in sets, which share their time.
    pub time: Duration,
}

impl Outcome {
    /// The lines about the test, shown when it is done: why it failed, and with `verbose`, that it passed or
    /// was skipped.
    pub fn text(&self, verbose: bool) -> String {
        let Outcome { file, test, status, .. } = self;
        match status {
            Status::Failed(why) => format!("FAIL {file}: {test}\n{}", indent(why)),
            Status::Passed if verbose => format!("pass {file}: {test}\n"),
            Status::Skipped(why) if verbose => format!("skip {file}: {test}: {why}\n"),
            Status::Passed | Status::Skipped(_) => String::new(),
        }
    }
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

/// The end of the report for readers: remarks, skipped tests by reason, and the totals on the last line.
pub fn summary(outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    let mut shown = BTreeSet::new();
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for Outcome { status, notes, .. } in outcomes {
        if let Status::Skipped(why) = status {
            *skipped.entry(why).or_default() += 1;
        }
        // The tests of all targets repeat a remark on the file.
        let new = notes.iter().filter(|note| shown.insert(*note));
        new.for_each(|note| out.push_str(&format!("note {note}\n")));
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

/// A line of the report as JSON.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    test: &'a str,
    status: &'static str,
    reason: &'a str,
    notes: &'a [String],
    seconds: f64,
}

/// The report as JSON, with an object on each line.
pub fn json(outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    for Outcome { file, test, status, notes, time } in outcomes {
        let (status, reason) = match status {
            Status::Passed => ("passed", ""),
            Status::Failed(why) => ("failed", why.as_str()),
            Status::Skipped(why) => ("skipped", why.as_str()),
        };
        let line = Line { file, test, status, reason, notes, seconds: time.as_secs_f64() };
        out.push_str(&serde_json::to_string(&line).unwrap_or_default());
        out.push('\n');
    }
    out
}

/// The report as JUnit XML, with a suite for each file.
pub fn junit(outcomes: &[Outcome]) -> String {
    let mut report = Report::new("clifc");
    for of_file in outcomes.chunk_by(|a, b| a.file == b.file) {
        let mut suite = TestSuite::new(of_file[0].file.as_str());
        for outcome in of_file {
            let status = match &outcome.status {
                Status::Passed => TestCaseStatus::success(),
                Status::Failed(why) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(why.lines().next().unwrap_or_default()).set_description(why.as_str());
                    status
                }
                Status::Skipped(why) => {
                    let mut status = TestCaseStatus::skipped();
                    status.set_message(why.as_str());
                    status
                }
            };
            let mut case = TestCase::new(outcome.test.as_str(), status);
            case.set_classname(outcome.file.as_str()).set_time(outcome.time);
            if !outcome.notes.is_empty() {
                case.set_system_out(outcome.notes.join("\n"));
            }
            suite.add_test_case(case);
        }
        suite.set_time(of_file.iter().map(|outcome| outcome.time).sum());
        report.add_test_suite(suite);
    }
    report.set_time(outcomes.iter().map(|outcome| outcome.time).sum());
    report.to_string().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes() -> Vec<Outcome> {
        let statuses =
            [Status::Passed, Status::Failed("a \"b\"\n<c>".into()), Status::Skipped("because".into())];
        let outcome = |status| Outcome {
            file: "f.clif".into(),
            test: "run".into(),
            status,
            notes: vec![],
            time: Duration::from_millis(1500),
        };
        statuses.map(outcome).into()
    }

    #[test]
    fn the_last_line_counts() {
        let text = summary(&outcomes());
        assert_eq!(text, "     1 skipped: because\n1 passed, 1 failed, 1 skipped\n");
        assert_eq!(outcomes()[1].text(false), "FAIL f.clif: run\n     a \"b\"\n     <c>\n");
    }

    #[test]
    fn machines_get_valid_text() {
        let lines = json(&outcomes());
        let failed: serde_json::Value =
            serde_json::from_str(lines.lines().nth(1).expect("a line")).expect("JSON");
        assert_eq!((&failed["reason"], &failed["seconds"]), (&"a \"b\"\n<c>".into(), &1.5.into()));
        let xml = junit(&outcomes());
        assert!(xml.contains("&lt;c&gt;") && xml.contains("time=\"1.500\""), "{xml}");
        assert!(xml.contains("skipped") && xml.contains("because"), "{xml}");
    }
}

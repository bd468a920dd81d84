//! Prints the results as tables.

use crate::Input;
use crate::cranelift::Counts;
use crate::measure::{Comparison, PHASES, Phase};
use crate::task::{Kind, TASKS, Task};
use anyhow::{Context, Result};
use clifc::options::Arch;
use std::process::Command;

/// A line of a table: a task for a target.
pub struct Row {
    pub arch: Arch,
    pub task: &'static Task,
    pub comparison: Comparison,
}

impl Row {
    pub fn new(arch: Arch, task: &'static Task) -> Self {
        Row { arch, task, comparison: Comparison::default() }
    }
}

/// Prints what was measured, and how.
pub fn heading(name: &str, bytes: usize, counts: Counts, rounds: usize) {
    let Counts { functions, instructions } = counts;
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{name}: {megabytes:.1} MB, {functions} functions, {instructions} instructions; {rounds} rounds"
    );
    println!(
        "Times are in ms, the best of all rounds. The ratio is Cranelift's time / clifc's, the median of all."
    );
    println!(
        "Where two allocators are named, they are clifc's / Cranelift's. clifc's objects have .eh_frame and a"
    );
    println!(
        "table of trap sites, Cranelift's have neither. Verifiers are off unless the task says otherwise.\n"
    );
}

/// Prints the times of each task, by target.
pub fn times(threads: usize, rows: &[Row]) {
    let title = format!("{threads} thread{}", if threads == 1 { ", processor time" } else { "s, clock" });
    println!("{title:<40} {:>9} {:>10} {:>7} {:>7}", "clifc", "Cranelift", "ratio", "wanted");
    for group in rows.chunk_by(|a, b| a.arch == b.arch) {
        println!("{}", group[0].arch);
        for Row { task, comparison, .. } in group {
            let all = Phase::All as usize;
            let (ours, theirs, ratio) =
                (comparison.best(0, all), comparison.best(1, all), comparison.ratio(all));
            let verdict = match task.wanted {
                None => String::new(),
                Some(wanted) if ratio >= wanted => format!("{wanted:6.1}"),
                Some(wanted) => format!("{wanted:6.1}  missed"),
            };
            println!("  {:<38} {:9.1} {:10.1} {ratio:7.2} {verdict}", task.title, ours * 1e3, theirs * 1e3);
        }
    }
    println!();
}

/// Prints the times of the phases of each build.
pub fn phases(threads: usize, rows: &[Row]) {
    for Row { arch, task, comparison } in rows.iter().filter(|row| row.task.kind != Kind::Parse) {
        println!("{arch}, {}, by phase, {threads} thread(s), sum over threads", task.title);
        for (phase, name) in PHASES.iter().enumerate().take(Phase::All as usize) {
            let (ours, theirs) = (comparison.best(0, phase), comparison.best(1, phase));
            if ours > 0.0 || theirs > 0.0 {
                let ratio = comparison.ratio(phase);
                println!("    {name:<36} {:9.1} {:10.1} {ratio:7.2}", ours * 1e3, theirs * 1e3);
            }
        }
    }
    println!();
}

/// Prints the peak memory of each task, in a process of its own with one thread.
pub fn memory(input: &Input, targets: &[Arch], files: &[String]) -> Result<()> {
    if !files.contains(&input.name) {
        return Ok(());
    }
    println!("{:<40} {:>9} {:>10} {:>7}", "peak memory, MB", "clifc", "Cranelift", "ratio");
    for arch in targets {
        println!("{arch}");
        for task in TASKS {
            let ours = peak(arch, "clifc", task, &input.name)?;
            let theirs = peak(arch, "cranelift", task, &input.name)?;
            println!("  {:<38} {ours:9.0} {theirs:10.0} {:7.2}", task.title, theirs / ours);
        }
    }
    println!();
    Ok(())
}

/// Peak memory of a task in megabytes.
fn peak(arch: &Arch, who: &str, task: &Task, file: &str) -> Result<f64> {
    let program = std::env::current_exe()?;
    let output =
        Command::new(program).args(["--target", arch.name(), "--once", who, task.name, file]).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.trim().parse::<f64>().context("peak memory of a child process")? / 1e6)
}

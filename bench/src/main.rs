//! Measures the compile time of clifc and Cranelift, on the same files and targets, side by side in one run.
//!
//! The speed of a machine changes from minute to minute, so times of different runs cannot be compared. Here,
//! clifc and Cranelift take turns at each task, for several rounds. The result is the median of the rounds'
//! ratios; the times shown are the best of the rounds. With one thread, they are the processor time of that
//! thread, which other processes affect less; with more threads, wall-clock time.

mod cranelift;
mod generate;
mod measure;
mod ours;
mod report;
mod task;

use anyhow::{Context, Result, anyhow, bail};
use clifc::options::{Arch, Target};
use measure::{Phases, measured};
use report::Row;
use task::{TASKS, Task, builds};

const USAGE: &str = "usage: clifc-bench [OPTIONS] [FILE.clif…]
  --rounds N            number of rounds [default: 5]
  --threads N,N…        numbers of threads to measure with [default: 1,2]
  --target NAME,NAME…   targets to compile for [default: all]
  --functions N         number of functions to generate if no files are given [default: 3000]
  --once WHO TASK FILE  run a task once with `clifc` or `cranelift`, for the first target, and print the peak
                        memory of the process
  --count               print the number of instructions in the input
  --list-targets        print the targets
  --list-builds         print the tasks that build, without those that verify
  --generate            print the generated input";

/// A file to compile.
struct Input {
    name: String,
    text: String,
}

/// The command line.
struct Arguments {
    rounds: usize,
    threads: Vec<usize>,
    targets: Vec<Arch>,
    functions: usize,
    generate: bool,
    count: bool,
    list_targets: bool,
    list_builds: bool,
    once: Option<(String, String)>,
    files: Vec<String>,
}

impl Arguments {
    fn parse() -> Result<Self> {
        let mut args = Arguments {
            rounds: 5,
            threads: vec![1, 2],
            targets: Arch::ALL.to_vec(),
            functions: 3000,
            generate: false,
            count: false,
            list_targets: false,
            list_builds: false,
            once: None,
            files: Vec::new(),
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--rounds" => args.rounds = value()?.parse::<usize>()?.max(1),
                "--threads" => {
                    args.threads = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--target" => {
                    let parse = |name| Target::parse(name).map(|target| target.arch());
                    let targets: Result<_, _> = value()?.split(',').map(parse).collect();
                    args.targets = targets.map_err(|error| anyhow!("{error}"))?;
                }
                "--functions" => args.functions = value()?.parse()?,
                "--count" => args.count = true,
                "--generate" => args.generate = true,
                "--list-targets" => args.list_targets = true,
                "--list-builds" => args.list_builds = true,
                "--once" => args.once = Some((value()?, value()?)),
                _ if word.starts_with('-') => bail!("{USAGE}"),
                _ => args.files.push(word),
            }
        }
        Ok(args)
    }

    fn inputs(&self) -> Result<Vec<Input>> {
        if self.files.is_empty() {
            let name = format!("{} generated functions", self.functions);
            return Ok(vec![Input { name, text: generate::module(self.functions) }]);
        }
        let read = |name: &String| {
            let text = std::fs::read_to_string(name).with_context(|| name.clone())?;
            Ok(Input { name: name.clone(), text })
        };
        self.files.iter().map(read).collect()
    }
}

fn main() -> Result<()> {
    let args = Arguments::parse()?;
    if args.list_targets {
        args.targets.iter().for_each(|arch| println!("{arch}"));
        return Ok(());
    }
    if args.list_builds {
        builds().for_each(|task| println!("{}", task.name));
        return Ok(());
    }
    let inputs = args.inputs()?;
    if args.generate {
        print!("{}", inputs[0].text);
        return Ok(());
    }
    if args.count {
        println!("{}", cranelift::count(&inputs[0].text)?.instructions);
        return Ok(());
    }
    if let Some((who, task)) = &args.once {
        return once(who, task, args.targets[0], &inputs[0]);
    }
    for input in &inputs {
        compare(&args, input)?;
    }
    Ok(())
}

/// Runs a task once: in a child process that measures memory, or under a profiler.
fn once(who: &str, task: &str, arch: Arch, input: &Input) -> Result<()> {
    let task = TASKS.iter().find(|known| known.name == task).with_context(|| format!("no task {task}"))?;
    match who {
        "clifc" => drop(ours::run(task, arch, &input.text, 1)?),
        "cranelift" => drop(cranelift::run(task, arch, &input.text, 1)?),
        _ => bail!("{USAGE}"),
    }
    println!("{}", clifc::timing::peak_memory().unwrap_or(0));
    Ok(())
}

/// Measures every task on an input, for every target, and prints the tables.
fn compare(args: &Arguments, input: &Input) -> Result<()> {
    let counts = cranelift::count(&input.text)?;
    report::heading(&input.name, input.text.len(), counts, args.rounds);
    for &threads in &args.threads {
        let of_target = |&arch| TASKS.iter().map(move |task| Row::new(arch, task));
        let mut rows: Vec<Row> = args.targets.iter().flat_map(of_target).collect();
        for round in 0..args.rounds {
            for row in &mut rows {
                row.comparison.add(one_round(row.task, row.arch, &input.text, threads, round % 2 == 1)?);
            }
        }
        report::times(threads, &rows);
        report::phases(threads, &rows);
    }
    report::memory(input, &args.targets, &args.files)
}

/// Runs a task with clifc and Cranelift, in this order unless `swapped`.
fn one_round(task: &Task, arch: Arch, text: &str, threads: usize, swapped: bool) -> Result<[Phases; 2]> {
    let ours = || measured(threads, || ours::run(task, arch, text, threads));
    let theirs = || measured(threads, || cranelift::run(task, arch, text, threads));
    if swapped {
        let theirs = theirs()?;
        return Ok([ours()?, theirs]);
    }
    Ok([ours()?, theirs()?])
}

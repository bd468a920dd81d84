//! The interpreter and the evaluator, which share no code, agree on what random functions do.

use super::evaluate::{Machine, Stop};
use super::program::{BUFFER, BUFFER_BYTES, Function};
use super::{FUNCTIONS, RUNS, filled, generate, number, program};
use clifc::check;
use clifc::eval::Value;
use clifc::interp::{self, Options, Program, Why};
use clifc::ir::{Endianness, Name, types};
use clifc::verify::Environment;

/// Every function that the evaluator runs ends within so many steps.
const STEPS: u64 = 1_000_000;

/// How a run ends, and the buffer then.
type Outcome = (&'static str, Vec<u8>);

fn evaluated(program: &[Function], order: Endianness, function: usize, run: u64) -> Option<Outcome> {
    let mut machine = Machine::new(program, order == Endianness::Big, filled(function, run));
    let end = match machine.run(function) {
        Ok(()) => "returns",
        Err(Stop::Trap) => "traps",
        Err(Stop::TooLong) => return None,
    };
    Some((end, machine.buffer().to_vec()))
}

fn interpreted(program: &Program, order: Endianness, function: usize, run: u64) -> Result<Outcome, String> {
    let mut machine = interp::Machine::new(program, &Options { order, steps: STEPS, trace: false });
    let buffer = program.address_of(&Name::Text(BUFFER.into())).expect("the buffer");
    let size = BUFFER_BYTES as u64;
    machine.bytes_mut(buffer, size).expect("the buffer").copy_from_slice(&filled(function, run));
    let name = Name::Text(format!("f{function}").into());
    let function = program.function_named(&name).expect("the function");
    let end = match machine.call(function, &[Value::scalar(types::I64, u128::from(buffer))]) {
        Ok(_) => "returns",
        Err(stop) => match stop.why {
            Why::Trap(_) => "traps",
            other => return Err(other.to_string()),
        },
    };
    Ok((end, machine.bytes(buffer, size).expect("the buffer").to_vec()))
}

/// What the two say differently of the program of a seed, and how many runs were compared.
fn differences(seed: u64, order: Endianness) -> (Vec<String>, usize) {
    let functions = generate::program(seed, FUNCTIONS);
    let text = program::text(&functions, 0..functions.len());
    let text = format!("data %{BUFFER} align 64 = zero {BUFFER_BYTES}\n{text}");
    let checked = check::whole(text.as_bytes(), Environment::ANY).expect("a right program");
    let program = Program::new(checked.functions, checked.module, &checked.offsets).expect("a program");
    let (mut differences, mut compared) = (Vec::new(), 0);
    for function in FUNCTIONS / 2..FUNCTIONS {
        for run in 0..RUNS {
            let Some(wanted) = evaluated(&functions, order, function, run) else { break };
            compared += 1;
            let found = interpreted(&program, order, function, run);
            if found.as_ref() != Ok(&wanted) {
                let (end, found) = found.unwrap_or_else(|why| ("fails", why.into_bytes()));
                let at = found.iter().zip(&wanted.1).position(|(a, b)| a != b);
                let wanted = wanted.0;
                differences
                    .push(format!("seed {seed}, %f{function}, run {run}: {end} for {wanted}, byte {at:?}"));
            }
        }
    }
    (differences, compared)
}

#[test]
fn agrees_with_the_evaluator() {
    let first = number("CLIFC_RANDOM_SEED", 1);
    let programs = number("CLIFC_RANDOM_PROGRAMS", 10);
    let (mut all, mut compared) = (Vec::new(), 0);
    for seed in first..first + programs {
        for order in [Endianness::Little, Endianness::Big] {
            let (differences, runs) = differences(seed, order);
            all.extend(differences);
            compared += runs;
        }
    }
    println!("{compared} runs compared");
    assert!(compared as u64 > 100 * programs, "only {compared} runs");
    assert!(all.is_empty(), "{} of {compared}\n{}", all.len(), all[..all.len().min(40)].join("\n"));
}

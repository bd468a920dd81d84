//! The command line of clifc.
#![allow(clippy::print_stdout, reason = "this is a command")]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}

//! Completions and manual pages, made from the definition of the command line.

use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::Cli;
use super::{CommandError, output, print};

/// Prints completions for a shell.
pub fn completions(shell: Shell) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "clifc", &mut script);
    print(script)
}

/// Prints the page of clifc, or writes it and those of all commands to a directory.
pub fn pages(directory: Option<&Path>) -> Result<(), CommandError> {
    let system = |error: io::Error| CommandError::System(error.to_string());
    let mut command = Cli::command();
    command.build();
    let page = |command: &clap::Command| {
        let mut page = Vec::new();
        // Without a date, what follows it would stand in its place.
        Man::new(command.clone()).date(" ").render(&mut page).map(|()| page)
    };
    let Some(directory) = directory else { return print(page(&command).map_err(system)?) };
    std::fs::create_dir_all(directory).map_err(system)?;
    output::write(&directory.join("clifc.1"), &page(&command).map_err(system)?)?;
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let name = format!("clifc-{}", verb.get_name());
        let renamed = verb.clone().name(name.clone()).display_name(name.clone());
        output::write(&directory.join(name + ".1"), &page(&renamed).map_err(system)?)?;
    }
    Ok(())
}

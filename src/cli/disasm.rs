//! `clifc disasm`.

use std::io::{self, BufWriter, ErrorKind, Write};

use clifc::object::disasm::{Style, disassemble, json};

use super::args::Disasm;
use super::{CommandError, input};

/// Prints the disassembly of each object.
pub fn run(args: &Disasm) -> Result<(), CommandError> {
    let mut out = BufWriter::new(io::stdout().lock());
    for file in &args.files {
        let about_file = |error: io::Error| CommandError::System(format!("{}: {error}", file.display()));
        let bytes = input::read(file)?;
        if args.json {
            let text = json(&bytes).map_err(about_file)?;
            if out.write_all(text.as_bytes()).is_err() {
                break;
            }
            continue;
        }
        if args.files.len() > 1 && writeln!(out, "{}:", file.display()).is_err() {
            break;
        }
        match disassemble(&bytes, Style::Bytes, &mut out).and_then(|()| out.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(about_file(error)),
            Err(_) => break,
        }
    }
    match out.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CommandError::System(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

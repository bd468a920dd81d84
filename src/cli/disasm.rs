//! `clifc disasm`.

use std::fs;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use clifc::object::disasm::disassemble;

use super::Failure;
use super::args::Disasm;

/// Shows the code of each object.
pub fn run(args: &Disasm) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    for file in &args.files {
        let about_file = |error: io::Error| Failure::System(format!("{}: {error}", file.display()));
        let bytes = read(file).map_err(about_file)?;
        if args.files.len() > 1 && writeln!(out, "{}:", file.display()).is_err() {
            return Ok(());
        }
        match disassemble(&bytes, &mut out).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            other => other.map_err(about_file)?,
        }
    }
    Ok(())
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return fs::read(file);
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

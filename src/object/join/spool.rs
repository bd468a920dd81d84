//! Bytes that are kept in a file without a name as soon as they are many, since they may not fit into memory.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use crate::temporary::Temporary;

/// Bytes are written when this many have come.
const BUFFER: usize = 1 << 16;

/// A sequence of bytes, to be read again later.
pub(super) struct Spool {
    /// Where the file is created.
    directory: PathBuf,
    /// The file, if any bytes have been written.
    file: Option<File>,
    /// Number of bytes in the file.
    written: u64,
    /// The bytes after those.
    buffer: Vec<u8>,
}

impl Spool {
    /// Starts without bytes; the file will be in `directory`.
    pub(super) fn new(directory: impl Into<PathBuf>) -> Self {
        Self::with(directory, Vec::new())
    }

    /// Starts with these bytes.
    pub(super) fn with(directory: impl Into<PathBuf>, buffer: Vec<u8>) -> Self {
        Spool { directory: directory.into(), file: None, written: 0, buffer }
    }

    /// Number of bytes.
    pub(super) fn len(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER { self.flush().map(drop) } else { Ok(()) }
    }

    /// Appends `fill` up to a multiple of `align`; returns the length then.
    pub(super) fn align(&mut self, align: u64, fill: u8) -> io::Result<u64> {
        let end = self.len().next_multiple_of(align.max(1));
        let padding = end - self.len();
        self.append(&vec![fill; padding as usize])?;
        Ok(end)
    }

    /// Writes the buffer to the file, and returns that.
    fn flush(&mut self) -> io::Result<&mut File> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(Temporary::unnamed(&self.directory)?),
        };
        file.write_all_at(&self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(file)
    }

    /// Whether the bytes from `at` on begin with these.
    pub(super) fn has_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<bool> {
        let end = at + bytes.len() as u64;
        if at >= self.written {
            let start = (at - self.written) as usize;
            return Ok(self.buffer.get(start..start + bytes.len()) == Some(bytes));
        }
        if end > self.written {
            self.flush()?;
        }
        let Some(file) = &self.file else { return Ok(false) };
        let mut found = vec![0; bytes.len()];
        match file.read_exact_at(&mut found, at) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| found == bytes),
        }
    }

    /// Writes all bytes elsewhere, and gives up their space on the disk.
    pub(super) fn write_to(mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.file.is_none() {
            return out.write_all(&self.buffer);
        }
        let file = self.flush()?;
        file.rewind()?;
        io::copy(file, out).map(drop)
    }

    /// Likewise writes records of a fixed size, which `each` may change.
    pub(super) fn rewrite<const SIZE: usize>(
        mut self,
        out: &mut dyn Write,
        mut each: impl FnMut(&mut [u8; SIZE]),
    ) -> io::Result<()> {
        if self.file.is_none() {
            self.buffer.as_chunks_mut().0.iter_mut().for_each(&mut each);
            return out.write_all(&self.buffer);
        }
        let mut left = self.len();
        let file = self.flush()?;
        file.rewind()?;
        let mut buffer = vec![0; BUFFER / SIZE * SIZE];
        while left > 0 {
            let part = &mut buffer[..left.min((BUFFER / SIZE * SIZE) as u64) as usize];
            file.read_exact(part)?;
            part.as_chunks_mut().0.iter_mut().for_each(&mut each);
            out.write_all(part)?;
            left -= part.len() as u64;
        }
        Ok(())
    }
}

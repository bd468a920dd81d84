//! Data in assembly: strings, numbers, zeros, and relocated fields.

use super::{Field, Printer};

/// The shortest run of zeros that is printed as such.
const ZEROS: usize = 8;
/// The greatest number of bytes of a string in a line.
const STRING: usize = 64;

impl Printer<'_> {
    /// Prints a section's bytes from one offset up to another.
    pub(super) fn data(
        &mut self,
        bytes: &[u8],
        (mut at, end): (u64, u64),
        fields: &[Field],
    ) -> Result<(), String> {
        let first = fields.partition_point(|field| field.at < at);
        for field in fields[first..].iter().take_while(|field| field.at < end) {
            self.plain(&bytes[at as usize..field.at as usize], at);
            at = field.at + self.relocated(field)?;
        }
        self.plain(&bytes[at as usize..end as usize], at);
        Ok(())
    }

    /// Prints a relocated field and returns its size in bytes.
    fn relocated(&mut self, field: &Field) -> Result<u64, String> {
        let found = (self.dialect.data)(field.kind);
        let (suffix, size, is_distance) =
            found.ok_or_else(|| format!("assembly has no data with relocation {:?}", field.kind))?;
        let directive = if size == 8 { ".quad" } else { ".long" };
        let distance = match &field.subtracted {
            Some(symbol) => format!("-{symbol}"),
            None if is_distance => "-.".to_string(),
            None => String::new(),
        };
        self.line(format_args!("{directive} {}{distance}", field.expression(suffix, field.addend)));
        Ok(size)
    }

    /// Prints bytes that are not relocated, the first of which has this offset in the section.
    fn plain(&mut self, mut bytes: &[u8], mut at: u64) {
        while !bytes.is_empty() {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let len = match zeros >= ZEROS || zeros == bytes.len() {
                true => {
                    self.line(format_args!(".zero {zeros}"));
                    zeros
                }
                false => self.string(bytes).unwrap_or_else(|| self.number(bytes, at)),
            };
            bytes = &bytes[len..];
            at += len as u64;
        }
    }

    /// Prints the text at the start of the bytes, if there is some, and returns its length.
    fn string(&mut self, bytes: &[u8]) -> Option<usize> {
        let is_text = |byte: &&u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
        let len = bytes.iter().take(STRING).take_while(is_text).count();
        if len < 4 {
            return None;
        }
        let mut text = String::new();
        for &byte in &bytes[..len] {
            match byte {
                b'\n' => text.push_str("\\n"),
                b'\t' => text.push_str("\\t"),
                b'"' | b'\\' => text.extend(['\\', byte.into()]),
                _ => text.push(byte.into()),
            }
        }
        let ends = bytes.get(len) == Some(&0);
        self.line(format_args!("{} \"{text}\"", if ends { ".asciz" } else { ".ascii" }));
        Some(len + usize::from(ends))
    }

    /// Prints the number at the start of the bytes: of eight or four bytes if their offset is a multiple of
    /// that. Returns its size.
    fn number(&mut self, bytes: &[u8], at: u64) -> usize {
        let value = |bytes: &[u8]| {
            let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
            match self.big_endian {
                true => bytes.iter().fold(0, fold),
                false => bytes.iter().rev().fold(0, fold),
            }
        };
        for (size, directive) in [(8, ".quad"), (4, ".long")] {
            if bytes.len() >= size && at.is_multiple_of(size as u64) {
                let value = value(&bytes[..size]);
                self.line(format_args!("{directive} {value:#x}"));
                return size;
            }
        }
        self.line(format_args!(".byte {:#x}", bytes[0]));
        1
    }
}

//! What the cache was used for over many builds, in a file beside the database: a line for each build, which
//! is appended whole, so that builds at the same time do not wait for each other. A file that has become long
//! is replaced by a line with its sums. Two builds that do so at once can lose a few builds' numbers.

use super::Statistics;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// The file's name.
pub const FILE: &str = "builds";
/// Size in bytes at which the file is replaced by its sums.
const LONG: u64 = 1 << 20;

/// Sums over builds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Builds.
    pub builds: u64,
    /// Functions that were found in the local store.
    pub local_hits: u64,
    /// Functions that were found in the shared store.
    pub remote_hits: u64,
    /// Functions that were compiled.
    pub misses: u64,
    /// Bytes of packs that were read and written.
    pub remote_bytes: [u64; 2],
    /// Bytes of text that did not have to be compiled.
    pub found_text: u64,
    /// Bytes of text that were compiled.
    pub compiled_text: u64,
    /// Microseconds that compiling those took.
    pub compile_time: u64,
}

impl Totals {
    /// The numbers of a build.
    pub fn of(statistics: &Statistics) -> Self {
        Totals {
            builds: 1,
            local_hits: statistics.text_hits + statistics.stencil_hits + statistics.shared,
            remote_hits: statistics.remote_hits,
            misses: statistics.misses,
            remote_bytes: [statistics.remote_bytes_read, statistics.remote_bytes_written],
            found_text: statistics.found_text,
            compiled_text: statistics.compiled_text,
            compile_time: statistics.compiling.as_micros() as u64,
        }
    }

    /// The time that compiling what was found would have taken, going by what was compiled.
    pub fn time_saved(&self) -> Duration {
        let time = u128::from(self.compile_time) * u128::from(self.found_text);
        Duration::from_micros((time / u128::from(self.compiled_text.max(1))) as u64)
    }

    fn numbers(&mut self) -> [&mut u64; 9] {
        let [read, written] = &mut self.remote_bytes;
        [
            &mut self.builds,
            &mut self.local_hits,
            &mut self.remote_hits,
            &mut self.misses,
            read,
            written,
            &mut self.found_text,
            &mut self.compiled_text,
            &mut self.compile_time,
        ]
    }

    fn line(mut self) -> String {
        self.numbers().map(|number| number.to_string()).join(" ") + "\n"
    }

    /// Adds the numbers of a line; a line that is not one is left out.
    fn add_line(&mut self, line: &str) {
        let numbers: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
        let Ok(numbers) = numbers else { return };
        let sums = self.numbers();
        if sums.len() == numbers.len() {
            sums.into_iter().zip(numbers).for_each(|(sum, number)| *sum = sum.saturating_add(number));
        }
    }

    /// Reads the sums of a cache directory.
    pub fn read(directory: &Path) -> Self {
        let text = fs::read(directory.join(FILE)).unwrap_or_default();
        let mut totals = Totals::default();
        String::from_utf8_lossy(&text).lines().for_each(|line| totals.add_line(line));
        totals
    }

    /// Adds a build's numbers to those of a cache directory.
    pub fn append(self, directory: &Path) -> io::Result<()> {
        let path = directory.join(FILE);
        let mut file = File::options().append(true).create(true).open(&path)?;
        file.write_all(self.line().as_bytes())?;
        if file.metadata()?.len() > LONG {
            let sums = directory.join(format!("{FILE}.{}", std::process::id()));
            fs::write(&sums, Totals::read(directory).line())?;
            fs::rename(&sums, &path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_add_up() {
        let directory = std::env::temp_dir().join(format!("clifc-totals-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        let one =
            Totals { builds: 1, found_text: 300, compiled_text: 100, compile_time: 7, ..Totals::default() };
        one.append(&directory).expect("a line");
        fs::write(directory.join(FILE), one.line() + "garbage\n1 2\n").expect("a file");
        one.append(&directory).expect("a line");
        let sums = Totals::read(&directory);
        assert_eq!((sums.builds, sums.found_text, sums.time_saved().as_micros()), (2, 600, 42));
        fs::write(directory.join(FILE), one.line().repeat(60_000)).expect("a file");
        one.append(&directory).expect("a line");
        assert_eq!(Totals::read(&directory).builds, 60_001);
        assert!(fs::metadata(directory.join(FILE)).expect("a file").len() < 1000, "it was summed up");
        fs::remove_dir_all(&directory).expect("it can go");
    }
}

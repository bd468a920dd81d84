//! The names of source files and directories, and checksums of files.

use std::collections::HashMap;

use gimli::write::{FileId, FileInfo, LineProgram, LineString, LineStringTable};
use md5::{Digest, Md5};

use super::positions::PositionTable;
use super::{DebugInfo, DebugOptions, ENCODING};

/// Files of CLIF up to this many bytes get a checksum. Larger ones are not read by people, and it would take
/// a third of the time of compiling them.
const CHECKED: usize = 256 << 10;

fn checksum(text: &[u8]) -> Option<[u8; 16]> {
    (text.len() <= CHECKED).then(|| Md5::digest(text).into())
}

/// A source file's name, and the directory it is relative to.
pub(super) struct FileName {
    /// `None` for the directory of the unit.
    pub(super) directory: Option<String>,
    pub(super) name: String,
    pub(super) md5: Option<[u8; 16]>,
}

impl FileName {
    fn new(path: &str, md5: Option<[u8; 16]>) -> Self {
        match path.rsplit_once('/') {
            Some((directory, name)) if !name.is_empty() => {
                let directory = if directory.is_empty() { "/" } else { directory };
                FileName { directory: Some(directory.into()), name: name.into(), md5 }
            }
            _ => FileName { directory: None, name: path.into(), md5 },
        }
    }

    /// Further information for the table of lines.
    pub(super) fn info(&self) -> Option<FileInfo> {
        self.md5.map(|md5| FileInfo { md5, ..FileInfo::default() })
    }
}

/// The names of a compilation unit.
pub(super) struct UnitNames {
    /// The directory that relative paths start from.
    pub(super) directory: String,
    /// The path of its primary file.
    pub(super) path: String,
    /// The same path, in two parts.
    pub(super) file: FileName,
}

impl UnitNames {
    /// The names for a file of CLIF, or of the source that it describes.
    pub(super) fn new(table: &PositionTable, debug: DebugInfo) -> Self {
        let DebugInfo { options, source, .. } = debug;
        let (path, md5) = match table.primary() {
            Some(file) => (&*file.path, file.md5),
            None if source.name == "-" => ("<stdin>", checksum(source.text)),
            None => (source.name, checksum(source.text)),
        };
        let path = options.mapped(&path.replace('\0', "?"));
        let file = FileName::new(&path, md5);
        UnitNames { directory: options.mapped(&options.directory.replace('\0', "?")), path, file }
    }
}

impl DebugOptions {
    /// A path as it is written.
    fn mapped(&self, path: &str) -> String {
        let mut map = self.prefix_map.iter().rev();
        let found = map.find_map(|(old, new)| Some([new, path.strip_prefix(old.as_str())?].concat()));
        found.unwrap_or_else(|| path.into())
    }
}

/// Enters the files of the source in the table of lines; `primary` is the checksum of the first. Checksums
/// are written if all files have them.
pub(super) fn add_files(
    table: &mut PositionTable,
    options: &DebugOptions,
    primary: Option<[u8; 16]>,
    program: &mut LineProgram,
    line_strings: &mut LineStringTable,
) {
    program.file_has_md5 = primary.is_some() && table.files.iter().all(|file| file.md5.is_some());
    let mut ids = Vec::with_capacity(table.files.len());
    for file in table.files {
        let name = FileName::new(&options.mapped(&file.path), file.md5);
        let directory = match &name.directory {
            Some(directory) => {
                let directory = LineString::new(directory.as_str(), ENCODING, line_strings);
                program.add_directory(directory)
            }
            None => program.default_directory(),
        };
        let info = name.info();
        let name = LineString::new(name.name, ENCODING, line_strings);
        ids.push((file.number, program.add_file(name, directory, info)));
    }
    let numbers: HashMap<FileId, u32> = program.files().map(|file| file.0).zip(0..).collect();
    table.ids = ids.into_iter().map(|(number, id)| (number, numbers[&id])).collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::DebugLevel;

    #[test]
    fn the_last_prefix_that_fits_is_replaced() {
        let pair = |old: &str, new: &str| (old.to_string(), new.to_string());
        let prefix_map = vec![pair("/a", "/x"), pair("/a/b", ""), pair("/c", "/d")];
        let options =
            DebugOptions { level: DebugLevel::Full, directory: String::new(), frames: false, prefix_map };
        assert_eq!(options.mapped("/a/b/c"), "/c");
        assert_eq!(options.mapped("/a/c"), "/x/c");
        assert_eq!(options.mapped("e/a"), "e/a");
    }

    #[test]
    fn paths_have_two_parts() {
        let parts = |path| {
            let FileName { directory, name, .. } = FileName::new(path, None);
            (directory.unwrap_or_default(), name)
        };
        assert_eq!(parts("a.clif"), (String::new(), "a.clif".into()));
        assert_eq!(parts("/a.clif"), ("/".into(), "a.clif".into()));
        assert_eq!(parts("x/y/a.clif"), ("x/y".into(), "a.clif".into()));
        assert_eq!(parts("x/"), (String::new(), "x/".into()));
    }
}

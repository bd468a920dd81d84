//! A module: what a file holds besides functions.

/// How a symbol is seen by others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Linkage {
    /// Defined for others to use.
    #[default]
    Export,
    /// Seen in this file only.
    Local,
    /// Seen in the linked unit only.
    Hidden,
    /// Gives way to another definition; as an import, may be missing.
    Weak,
}

impl Linkage {
    /// The linkage that `word` spells.
    pub fn parse(word: &[u8]) -> Option<Self> {
        match word {
            b"export" => Some(Linkage::Export),
            b"local" => Some(Linkage::Local),
            b"hidden" => Some(Linkage::Hidden),
            b"weak" => Some(Linkage::Weak),
            _ => None,
        }
    }
}

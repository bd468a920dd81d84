//! The map of an image, as text. `docs/commands.md` describes it.

use super::*;

impl Layout<'_> {
    /// The text of the map.
    pub(super) fn map(&self) -> String {
        let mut text = String::new();
        let in_file = self.placed.iter().rfind(|placed| placed.part != Part::Zeros);
        let end_of =
            |placed: Option<&Placed>| placed.map_or(self.base, |placed| placed.address + placed.size);
        let (base, in_file, end) = (self.base, end_of(in_file), end_of(self.placed.last()));
        line(&mut text, format_args!("image {base:#x} {:#x} {:#x}", in_file - base, end - base));
        for part in [Part::Code, Part::Constants, Part::Variables, Part::Zeros] {
            let mut of_part = self.placed.iter().filter(|placed| placed.part == part && placed.size > 0);
            let Some(first) = of_part.next() else { continue };
            let last = of_part.next_back().unwrap_or(first);
            let access = match part {
                Part::Code => "r-x",
                Part::Constants => "r--",
                Part::Variables | Part::Zeros => "rw-",
            };
            let size = last.address + last.size - first.address;
            line(&mut text, format_args!("part {:#x} {size:#x} {access}", first.address));
        }
        for Placed { name, address, size, .. } in &self.placed {
            line(&mut text, format_args!("section {address:#x} {size:#x} {name}"));
        }
        for (address, symbol) in self.symbols() {
            let name = symbol.name().unwrap_or_default();
            let kind = match (self.is_outside(&symbol), symbol.kind()) {
                (true, _) => "outside",
                (false, SymbolKind::Text) => "function",
                (false, _) => "data",
            };
            line(&mut text, format_args!("{kind} {address:#x} {:#x} {}", symbol.size(), name.escape_debug()));
        }
        text
    }

    /// The symbols that have names, by address.
    fn symbols(&self) -> Vec<(u64, Symbol<'_, '_>)> {
        let is_listed = |symbol: &Symbol<'_, '_>| {
            let is_named = symbol.name().is_ok_and(|name| !name.is_empty() && !name.starts_with('$'));
            let is_other = matches!(symbol.kind(), SymbolKind::Section | SymbolKind::File);
            is_named && !is_other && (!symbol.is_undefined() || symbol.is_weak())
        };
        let symbols = self.file.symbols().filter(is_listed);
        let mut symbols: Vec<_> = symbols.map(|symbol| (self.address(&symbol), symbol)).collect();
        symbols.sort_by_key(|(address, symbol)| (*address, symbol.index().0));
        symbols
    }
}

fn line(text: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(text, "{what}").expect("writing to a string");
}

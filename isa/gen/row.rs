//! Parses rows: the columns, and families of operand sizes. This is common to all targets.
//!
//! A line is `name | operands | text | encoding | properties`; the last column is optional. A list in braces
//! with commas, as in `add{l,q}.rm`, makes the line a family, with a row for each item. Other lists on the
//! line must have the same length and supply their items in parallel. The items of the name are the target's
//! letters of successive operand sizes: the family has a single constructor, which takes a size. In the text,
//! `~` stands for the item of the name.
//!
//! The encoding is the target's notation, or `expand = NAME` for a pseudo-instruction, which the function of
//! that name in `src/arch/<arch>/pseudo/` emits. The properties are words:
//!
//! | word | meaning |
//! |---|---|
//! | `flags`, `uses_flags` | writes, or reads, the flags |
//! | `branch`, `return`, `stop` | branches; leaves the function; traps, so that control does not go on |
//! | `indirect` | ends a block with a jump that may reach the successors through an address |
//! | `call` | clobbers registers as its clobber set says |
//! | `trap` | can trap: the constructor takes a trap code |
//! | `clobber=r1,r2` | overwrites these registers |

use super::operand::{self, Operand};
use super::target::{Size, Target};
use std::collections::HashMap;

/// A row, after the expansion of families.
pub struct Row {
    /// Its file and line, for messages.
    pub place: String,
    /// Its name, as in `addq.rm`.
    pub name: String,
    /// The name of its constructor, as in `add.rm`.
    pub constructor: String,
    /// Its operand size, if it belongs to a family.
    pub size: Option<Size>,
    /// The number of rows in its family.
    pub family: u8,
    /// Its operands, in order.
    pub operands: Vec<Operand>,
    /// Its assembly text, with operands as `{name}`.
    pub text: String,
    /// The encoding column.
    pub encoding: String,
    /// The words of the properties column.
    pub properties: Vec<String>,
}

/// Appends the rows of a file to `rows`.
pub fn parse_file(file: &str, text: &str, target: &Target, rows: &mut Vec<Row>, errors: &mut Vec<String>) {
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{file}:{}", number + 1);
        if let Err(message) = parse_line(&place, line, target, rows) {
            errors.push(format!("{place}: {message}"));
        }
    }
}

fn parse_line(place: &str, line: &str, target: &Target, rows: &mut Vec<Row>) -> Result<(), String> {
    let (name, _) =
        line.split_once('|').ok_or("expected `name | operands | text | encoding | properties`")?;
    let Some(items) = list_in(name) else {
        rows.push(parse_row(place, line, name.trim(), None, target)?);
        return Ok(());
    };
    let mut last: Option<Size> = None;
    for (i, item) in items.iter().enumerate() {
        let size = target.sizes.iter().find(|s| item.chars().eq([s.letter]));
        let size = size.ok_or_else(|| format!("unknown size letter `{item}`"))?;
        if last.is_some_and(|last| last.index + 1 != size.index) {
            return Err("the sizes of a family must be successive".to_owned());
        }
        last = Some(*size);
        let member = pick(line, i, items.len())?;
        let family = pick_with(name, |_| Ok(String::new()))?;
        let row = parse_row(place, &member, family.trim(), Some(*size), target)?;
        rows.push(Row { family: items.len() as u8, ..row });
    }
    Ok(())
}

/// The items of the first list in `text`.
fn list_in(text: &str) -> Option<Vec<&str>> {
    let mut rest = text;
    loop {
        let (_, after) = rest.split_once('{')?;
        let (inside, after) = after.split_once('}')?;
        if inside.contains(',') {
            return Some(inside.split(',').collect());
        }
        rest = after;
    }
}

/// Replaces every list in `text` by its item with this index.
fn pick(text: &str, index: usize, count: usize) -> Result<String, String> {
    pick_with(text, |items| {
        if items.len() != count {
            return Err(format!("a list has {} items, but that of the name has {count}", items.len()));
        }
        Ok(items[index].trim().to_owned())
    })
}

fn pick_with(text: &str, choose: impl Fn(&[&str]) -> Result<String, String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, after) = after.split_once('}').ok_or("missing `}` after `{`")?;
        out.push_str(before);
        if inside.contains(',') {
            out.push_str(&choose(&inside.split(',').collect::<Vec<_>>())?);
        } else {
            out.push_str(&format!("{{{inside}}}"));
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn parse_row(
    place: &str,
    line: &str,
    constructor: &str,
    size: Option<Size>,
    target: &Target,
) -> Result<Row, String> {
    let columns: Vec<&str> = line.split('|').map(str::trim).collect();
    if !(4..=5).contains(&columns.len()) {
        return Err(format!(
            "found {} columns, expected name, operands, text, encoding and optionally properties",
            columns.len()
        ));
    }
    let operands = operand::parse(columns[1], size, target)?;
    let letter = size.map(|s| s.letter.to_string()).unwrap_or_default();
    let row = Row {
        place: place.to_owned(),
        name: columns[0].to_owned(),
        constructor: constructor.to_owned(),
        size,
        family: 1,
        operands,
        text: columns[2].replace('~', &letter),
        encoding: columns[3].to_owned(),
        properties: columns.get(4).map_or("", |c| c).split_whitespace().map(str::to_owned).collect(),
    };
    check_text(&row)?;
    Ok(row)
}

/// Checks that every name in the text is an operand's.
fn check_text(row: &Row) -> Result<(), String> {
    let mut rest = row.text.as_str();
    while let Some((_, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("missing `}` after `{` in the text")?;
        // What begins with a space is text: AT&T prefixes such as `{load}`, and `{ {}` is a brace.
        if !name.starts_with(' ') && !row.operands.iter().any(|o| o.name == name) {
            return Err(format!("unknown operand `{name}` in the text"));
        }
        rest = after;
    }
    Ok(())
}

/// Checks that names of rows are unique, and that each constructor belongs to a single line.
pub fn check_names<'a>(rows: impl Iterator<Item = &'a Row>, errors: &mut Vec<String>) {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut constructors: HashMap<&str, &str> = HashMap::new();
    for row in rows {
        if let Some(first) = names.insert(&row.name, &row.place) {
            errors.push(format!("{}: duplicate row `{}`, already defined at {first}", row.place, row.name));
        }
        match constructors.insert(&row.constructor, &row.place) {
            Some(first) if first != row.place => {
                errors.push(format!(
                    "{}: duplicate constructor `{}`, already defined at {first}",
                    row.place, row.constructor
                ));
            }
            _ => {}
        }
    }
}

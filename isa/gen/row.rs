//! Rows common to all targets: columns, and families of operand sizes.
//!
//! A line is `name | operands | text | encoding | properties`, the last of which may be left out. A list in braces
//! with commas in it, as in `add{l,q}.rm`, makes the line a family: one row for each item, and
//! other lists on the line, of the same length, give their items in step. Items of the
//! name are the target's letters of operand sizes, one after another: a family of them gets one constructor with a size. In the
//! text, `~` stands for the item of the name.

use super::operand::{self, Operand};
use super::target::{Size, Target};
use std::collections::HashMap;

/// A row, after expansion of families.
pub struct Row {
    /// File and line, for messages.
    pub place: String,
    /// Name of the row, as `addq.rm`.
    pub name: String,
    /// Name of the constructor, as `add.rm`.
    pub constructor: String,
    /// Size of the family member, if the row is one of a family.
    pub size: Option<Size>,
    /// Rows in its family of sizes.
    pub family: u8,
    /// Operands in order.
    pub operands: Vec<Operand>,
    /// Assembly text with `{operand}` in it.
    pub text: String,
    /// The encoding column.
    pub encoding: String,
    /// The properties column, in words.
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
        let size = size.ok_or_else(|| format!("`{item}` is no size letter"))?;
        if last.is_some_and(|last| last.index + 1 != size.index) {
            return Err("sizes of a family must follow each other".to_owned());
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

/// `text` with every list replaced by its item number `index`.
fn pick(text: &str, index: usize, count: usize) -> Result<String, String> {
    pick_with(text, |items| {
        if items.len() != count {
            return Err(format!("a list has {} items, the name's has {count}", items.len()));
        }
        Ok(items[index].trim().to_owned())
    })
}

fn pick_with(text: &str, choose: impl Fn(&[&str]) -> Result<String, String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (inside, after) = after.split_once('}').ok_or("`{` without `}`")?;
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
            "{} columns; expected name, operands, text, encoding and perhaps properties",
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

/// Every name in the text must be an operand's.
fn check_text(row: &Row) -> Result<(), String> {
    let mut rest = row.text.as_str();
    while let Some((_, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("`{` without `}` in the text")?;
        // AT&T prefixes such as `{load}` are written with a space to tell them from operands.
        if !name.starts_with(' ') && !row.operands.iter().any(|o| o.name == name) {
            return Err(format!("the text names `{name}`, which is no operand"));
        }
        rest = after;
    }
    Ok(())
}

/// Checks that row names are unique and that a constructor belongs to one line.
pub fn check_names<'a>(rows: impl Iterator<Item = &'a Row>, errors: &mut Vec<String>) {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut constructors: HashMap<&str, &str> = HashMap::new();
    for row in rows {
        if let Some(first) = names.insert(&row.name, &row.place) {
            errors.push(format!("{}: row `{}` is at {first} already", row.place, row.name));
        }
        match constructors.insert(&row.constructor, &row.place) {
            Some(first) if first != row.place => {
                errors
                    .push(format!("{}: constructor `{}` is at {first} already", row.place, row.constructor));
            }
            _ => {}
        }
    }
}

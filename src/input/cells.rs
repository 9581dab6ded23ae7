//! Blocks of cells: the records of formats that are no text, written one after the other so that any thread can read them.
//! Owns their bytes; never knows where the cells come from.
//!
//! A record is its length, its line from the block's start, and its fields; a field is what it is and its text.

use super::record::Record;
use super::rejects::Reason;

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell<'a> {
    Empty,
    /// Text, to be read as the column's type in the column's format.
    Text(&'a str),
    /// A value that has a type already: ISO dates, decimal points.
    Typed(&'a str),
    /// Bytes that are no text.
    Invalid,
}

/// Bytes before a record's fields: length of what follows, and line.
const HEAD: usize = 8;

/// Writes the cells of a block.
#[derive(Debug, Default)]
pub struct Writer {
    pub block: Vec<u8>,
    start: usize,
}

impl Writer {
    /// Begins a record on this line, counted from the block's start.
    pub fn begin(&mut self, line: u64) {
        self.start = self.block.len();
        self.block.extend_from_slice(&[0; 4]);
        // A block has fewer lines than bytes, and fewer bytes than 2^32, but for empty rows of a sheet, of which a sheet
        // has no more than 2^20.
        self.block.extend_from_slice(&(line as u32).to_le_bytes());
    }

    /// Bytes of the record that ended last.
    pub fn last(&self) -> usize {
        self.block.len() - self.start
    }

    pub fn put(&mut self, cell: Cell<'_>) {
        let (kind, text) = match cell {
            Cell::Empty => (0, ""),
            Cell::Text(text) => (1, text),
            Cell::Typed(text) => (2, text),
            Cell::Invalid => (3, ""),
        };
        self.block.push(kind);
        self.block.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.block.extend_from_slice(text.as_bytes());
    }

    pub fn end(&mut self) {
        let length = (self.block.len() - self.start - 4) as u32;
        self.block[self.start..self.start + 4].copy_from_slice(&length.to_le_bytes());
    }
}

/// Calls `visit` for every record of a block; gives the number of lines in it.
pub fn read_records(block: &[u8], mut visit: impl FnMut(Record<'_>)) -> u64 {
    let (mut rest, mut lines) = (block, 0);
    let (mut text, mut bounds, mut typed) = (String::new(), Vec::new(), Vec::new());
    while let Some((raw, behind)) = split(rest) {
        let line = u64::from(number(&raw[4..]).unwrap_or_default());
        (rest, lines) = (behind, line + 1);
        text.clear();
        bounds.clear();
        typed.clear();
        let is_text = fields(&raw[HEAD..], &mut text, &mut bounds, &mut typed);
        let fault = (!is_text).then_some(Reason::Encoding);
        visit(Record {
            line,
            raw,
            text: Some(&text),
            bounds: &bounds,
            typed: &typed,
            is_cells: true,
            is_spaced: false,
            fault,
        });
    }
    lines
}

/// Splits a block behind its first record.
fn split(block: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = number(block)? as usize;
    block.split_at_checked(length + 4).filter(|(raw, _)| raw.len() >= HEAD)
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

/// Reads a record's fields; false when one of them is no text.
fn fields(mut rest: &[u8], text: &mut String, bounds: &mut Vec<(usize, usize)>, typed: &mut Vec<bool>) -> bool {
    let mut is_text = true;
    while let Some((&kind, behind)) = rest.split_first() {
        let length = number(behind).unwrap_or_default() as usize;
        let Some((cell, behind)) = behind.get(4..).and_then(|rest| rest.split_at_checked(length)) else { break };
        let start = text.len();
        text.push_str(std::str::from_utf8(cell).unwrap_or_default());
        bounds.push((start, text.len()));
        typed.push(kind == 2);
        is_text = is_text && kind != 3;
        rest = behind;
    }
    is_text
}

/// The same record on the first line of a block.
pub fn alone(raw: &[u8]) -> Vec<u8> {
    let mut raw = raw.to_vec();
    if let Some(line) = raw.get_mut(4..HEAD) {
        line.fill(0);
    }
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_as_they_were_written() {
        let mut writer = Writer::default();
        let rows: [(u64, &[Cell<'_>]); 3] = [
            (0, &[Cell::Text("a\nb"), Cell::Empty, Cell::Typed("1.5")]),
            (7, &[Cell::Invalid, Cell::Text("")]),
            (8, &[]),
        ];
        for (line, cells) in rows {
            writer.begin(line);
            cells.iter().for_each(|cell| writer.put(*cell));
            writer.end();
        }
        let mut seen = Vec::new();
        let lines = read_records(&writer.block, |r| {
            let fields: Vec<&str> = (0..r.width()).filter_map(|at| r.field(at)).collect();
            seen.push((r.line, fields.join("|"), r.is_typed(2), r.fault.is_some(), r.width()));
            read_records(&r.alone(), |alone| assert_eq!((alone.line, alone.width()), (0, r.width())));
        });
        assert_eq!(lines, 9);
        assert_eq!(seen[0], (0, "a\nb||1.5".to_owned(), true, false, 3));
        assert_eq!((seen[1].0, seen[1].3, seen[1].4, seen[2].4), (7, true, 2, 0));
    }
}

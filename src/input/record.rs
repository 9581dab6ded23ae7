//! One record of a block, whatever the file's format: fields as text, and what speaks against it. Knows no columns.

use std::borrow::Cow;

use super::rejects::Reason;

/// One record of a block.
#[derive(Debug)]
pub struct Record<'a> {
    /// Line of its first byte, from 0 at the block's start: a physical line of a text, a row of a sheet or a table.
    pub line: u64,
    /// Its bytes in the block, without the line end.
    pub raw: &'a [u8],
    /// The text that `bounds` refers to; none when the record is not UTF-8.
    pub text: Option<&'a str>,
    /// Start and end of each field in `text`.
    pub bounds: &'a [(usize, usize)],
    /// Which fields are values of a type already, written as ISO and with a decimal point; empty when none is.
    pub typed: &'a [bool],
    /// Whether it is cells and no text: `raw` is for this program alone, and fields at the end may be missing.
    pub is_cells: bool,
    /// Whether a field begins with spaces and a quote, which are data.
    pub is_spaced: bool,
    /// Why it cannot be read as a record, if it cannot.
    pub fault: Option<Reason>,
}

impl<'a> Record<'a> {
    pub fn width(&self) -> usize {
        self.bounds.len()
    }

    pub fn is_utf8(&self) -> bool {
        self.text.is_some()
    }

    /// Whether no field holds more than white space.
    pub fn is_blank(&self) -> bool {
        (0..self.width()).all(|index| self.field(index).is_some_and(|field| field.trim().is_empty()))
    }

    /// A field's content, unquoted; none past the width or when the record is not UTF-8.
    pub fn field(&self, index: usize) -> Option<&'a str> {
        let (start, end) = *self.bounds.get(index)?;
        self.text?.get(start..end)
    }

    pub fn is_typed(&self, index: usize) -> bool {
        self.typed.get(index) == Some(&true)
    }

    /// Its bytes for people: as in the file, or its fields between commas.
    pub fn shown(&self) -> Cow<'a, [u8]> {
        if !self.is_cells {
            return Cow::Borrowed(self.raw);
        }
        let fields: Vec<&str> = (0..self.width()).map(|at| self.field(at).unwrap_or_default()).collect();
        Cow::Owned(fields.join(",").into_bytes())
    }

    /// A block that holds this record alone, on its first line.
    pub fn alone(&self) -> Vec<u8> {
        if self.is_cells { super::cells::alone(self.raw) } else { self.raw.to_vec() }
    }
}

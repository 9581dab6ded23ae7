//! `profiles.csv`: header, LF, quotes only where a field needs them, null as the empty field. Decides no cell's text.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::SchemaRef;
use memchr::{memchr, memchr3};

use crate::error::Result;
use crate::value::Cells;

pub(super) fn header(schema: &SchemaRef) -> Vec<u8> {
    let mut line = Vec::new();
    for (i, field) in schema.fields().iter().enumerate() {
        if i > 0 {
            line.push(b',');
        }
        quote_if_needed(field.name().as_bytes(), &mut line);
    }
    line.push(b'\n');
    line
}

/// The CSV lines of a range of rows.
pub(super) fn encode(columns: &[ArrayRef], rows: Range<usize>, safe: bool) -> Result<Vec<u8>> {
    let slices: Vec<ArrayRef> = columns.iter().map(|column| column.slice(rows.start, rows.len())).collect();
    let cells = slices.iter().map(|column| Ok((Cells::new(column)?, may_need_care(column, safe))));
    let cells: Vec<(Cells<'_>, Option<&StringArray>)> = cells.collect::<Result<_>>()?;
    // Most cells have about 12 bytes.
    let mut lines = Vec::with_capacity(rows.len() * (cells.len() * 12 + 1));
    for row in 0..rows.len() {
        for (i, (column, care)) in cells.iter().enumerate() {
            if i > 0 {
                lines.push(b',');
            }
            match care {
                _ if column.is_null(row) => {}
                None => column.write(row, &mut lines),
                Some(texts) => text(texts.value(row), safe, &mut lines),
            }
        }
        lines.push(b'\n');
    }
    Ok(lines)
}

/// The column's texts, if some of them may need quotes or a safe form, which one search over all their bytes finds.
fn may_need_care(column: &ArrayRef, safe: bool) -> Option<&StringArray> {
    let texts = column.as_string_opt::<i32>()?;
    let (from, to) = (texts.value_offsets()[0] as usize, texts.value_offsets()[texts.len()] as usize);
    let bytes = &texts.values()[from..to];
    let quotes = || memchr3(b',', b'"', b'\n', bytes).is_some() || memchr(b'\r', bytes).is_some();
    (safe || quotes()).then_some(texts)
}

fn text(value: &str, safe: bool, into: &mut Vec<u8>) {
    let bytes = value.as_bytes();
    // OWASP, "CSV Injection": the first characters that make a spreadsheet run a cell.
    if safe && matches!(bytes.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r')) {
        quote_if_needed(&[b"'", bytes].concat(), into);
    } else {
        quote_if_needed(bytes, into);
    }
}

fn quote_if_needed(bytes: &[u8], into: &mut Vec<u8>) {
    if !bytes.iter().any(|b| matches!(b, b',' | b'"' | b'\r' | b'\n')) {
        into.extend_from_slice(bytes);
        return;
    }
    into.push(b'"');
    for byte in bytes {
        if *byte == b'"' {
            into.push(b'"');
        }
        into.push(*byte);
    }
    into.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: &str, safe: bool) -> String {
        let mut bytes = Vec::new();
        text(value, safe, &mut bytes);
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn fields_are_quoted_only_when_they_must_be() {
        for (value, want) in
            [("a b", "a b"), ("a,b", "\"a,b\""), ("5\" x", "\"5\"\" x\""), ("a\rb", "\"a\rb\""), ("", ""), ("=1", "=1")]
        {
            assert_eq!(line(value, false), want);
        }
        assert_eq!(line("=1,2", true), "\"'=1,2\"");
        assert_eq!(line("@x", true), "'@x");
        assert_eq!(line("a=1", true), "a=1");
    }
}

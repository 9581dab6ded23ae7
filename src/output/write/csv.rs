//! `profiles.csv`: a byte-order mark if it is asked for, header, LF, quotes only where a field needs them, null as the empty field. Decides no cell's text.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::SchemaRef;
use memchr::{memchr, memchr3};

use crate::error::Result;
use crate::value::{Cells, is_formula};

pub(super) fn header(schema: &SchemaRef, mark: bool) -> Vec<u8> {
    let mut line = if mark { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
    for (i, field) in schema.fields().iter().enumerate() {
        let name = field.name().as_bytes();
        match i {
            // Excel takes a file that begins with these letters for one in the SYLK format.
            0 if name.starts_with(b"ID") && !name.contains(&b'"') => line.extend([b"\"", name, b"\""].concat()),
            0 => quote_if_needed(name, &mut line),
            _ => {
                line.push(b',');
                quote_if_needed(name, &mut line);
            }
        }
    }
    line.push(b'\n');
    line
}

/// The CSV lines of a range of rows.
pub(super) fn encode(columns: &[ArrayRef], rows: Range<usize>, safe: bool) -> Result<Vec<u8>> {
    let slices: Vec<ArrayRef> = columns.iter().map(|column| column.slice(rows.start, rows.len())).collect();
    let cells = slices.iter().map(|column| Ok((Cells::new(column)?, may_need_care(column, safe))));
    let cells: Vec<(Cells<'_>, Option<&StringArray>)> = cells.collect::<Result<_>>()?;
    // Most cells have about 12 bytes, but texts may be huge, and must not move while lines grow.
    let texts: usize = slices.iter().filter_map(|column| column.as_string_opt::<i32>()).map(bytes).sum();
    let mut lines = Vec::with_capacity(rows.len() * (cells.len() * 12 + 1) + texts);
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

/// Length of a column's texts.
fn bytes(texts: &StringArray) -> usize {
    (texts.value_offsets()[texts.len()] - texts.value_offsets()[0]) as usize
}

/// The column's texts, if some of them may need quotes or a safe form, which one search over all their bytes finds.
fn may_need_care(column: &ArrayRef, safe: bool) -> Option<&StringArray> {
    let texts = column.as_string_opt::<i32>()?;
    let from = texts.value_offsets()[0] as usize;
    let bytes = &texts.values()[from..from + bytes(texts)];
    let quotes = || memchr3(b',', b'"', b'\n', bytes).is_some() || memchr(b'\r', bytes).is_some();
    (safe || quotes()).then_some(texts)
}

fn text(value: &str, safe: bool, into: &mut Vec<u8>) {
    let bytes = value.as_bytes();
    // OWASP, "CSV Injection": the first characters that make a spreadsheet run a cell.
    if safe && is_formula(value) {
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
    fn a_header_that_excel_would_misread_is_quoted() {
        use arrow::datatypes::{DataType, Field, Schema};
        let header = |names: &[&str], mark| {
            let fields: Vec<Field> = names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
            String::from_utf8(header(&std::sync::Arc::new(Schema::new(fields)), mark)).expect("text")
        };
        assert_eq!(header(&["ID", "ID2"], false), "\"ID\",ID2\n");
        assert_eq!(header(&["id", "a,b"], true), "\u{feff}id,\"a,b\"\n");
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

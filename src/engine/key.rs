//! The idempotency key: a fingerprint of a profile's merged fields, the same on every machine and in every version.
//!
//! `<id>:<16 hex digits>`: XXH3-64, seed 0, over the merged fields in output order; per field one byte 0x00 for null,
//! else 0x01, the u32 little-endian length and the bytes of its CSV text without quoting.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::Result;
use crate::spec::OutputColumn;
use crate::value::Cells;

/// The keys of `rows` profiles; `columns` describes the arrays, the id first. Fails with [`crate::Error::Bug`] for an
/// array of a type that no profile has.
pub fn idempotency_keys(arrays: &[ArrayRef], columns: &[&OutputColumn], rows: usize) -> Result<ArrayRef> {
    let merged = columns.iter().zip(arrays).filter(|(c, _)| c.merged);
    let fields: Vec<Cells<'_>> = merged.map(|(_, array)| Cells::new(array)).collect::<Result<_>>()?;
    let ids = fields.first().and_then(Cells::texts);
    let mut keys = StringBuilder::with_capacity(rows, rows * 32);
    let (mut bytes, mut key) = (Vec::new(), String::new());
    for row in 0..rows {
        bytes.clear();
        for field in &fields {
            append(field, row, &mut bytes);
        }
        key.clear();
        if let Some(ids) = ids {
            key.push_str(ids.value(row));
        }
        key.push(':');
        hex(xxh3_64(&bytes), &mut key);
        keys.append_value(&key);
    }
    Ok(Arc::new(keys.finish()))
}

fn append(field: &Cells<'_>, row: usize, bytes: &mut Vec<u8>) {
    if field.is_null(row) {
        bytes.push(0);
        return;
    }
    bytes.extend_from_slice(&[1, 0, 0, 0, 0]);
    let start = bytes.len();
    field.write(row, bytes);
    // A column holds at most 2 GiB of text, so a cell's length fits in 32 bits.
    let length = (bytes.len() - start) as u32;
    bytes[start - 4..start].copy_from_slice(&length.to_le_bytes());
}

fn hex(hash: u64, into: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for shift in (0..16).rev() {
        into.push(char::from(DIGITS[(hash >> (shift * 4)) as usize & 15]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Type;
    use arrow::array::{AsArray, Int64Array, StringArray};

    #[test]
    fn golden() {
        let column = |name: &str, ty, merged| OutputColumn { name: name.into(), ty, merged };
        let columns = [column("id", Type::Text, true), column("n", Type::Int, true), column("score", Type::Int, false)];
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec!["a", "b"])),
            Arc::new(Int64Array::from(vec![Some(7), None])),
            Arc::new(Int64Array::from(vec![1, 2])),
        ];
        let keys = idempotency_keys(&arrays, &columns.iter().collect::<Vec<_>>(), 2).expect("keys");
        let bytes = [b"\x01\x01\0\0\0a\x01\x01\0\0\x007".as_slice(), b"\x01\x01\0\0\0b\0".as_slice()];
        let want: Vec<String> =
            bytes.iter().zip(["a", "b"]).map(|(b, id)| format!("{id}:{:016x}", xxh3_64(b))).collect();
        let got: Vec<&str> = keys.as_string::<i32>().iter().flatten().collect();
        assert_eq!(got, want);
        assert_eq!(got, GOLDEN);
    }

    /// Computed with an independent implementation, the Python package `xxhash`.
    const GOLDEN: [&str; 2] = ["a:8a57575ec3e888ff", "b:1fc2eb9c956067ba"];
}

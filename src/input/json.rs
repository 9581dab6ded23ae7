//! JSON: text → records. An object is a record, whether it stands on a line of its own or in an array; objects within it
//! are columns `outer.inner`. Owns which names a file has; never knows what a column means.

mod cut;
mod object;

use crate::input::columns::Header;
use crate::input::record::Record;
use crate::input::rejects::Reason;

pub use cut::Array;
pub use object::Names;
use object::{Fields, read_object};

use super::csv::line_ends;

/// Calls `visit` for every record of a block; gives the number of physical lines in it.
pub fn read_records(block: &[u8], is_array: bool, header: &Header, mut visit: impl FnMut(Record<'_>)) -> u64 {
    let (mut fields, mut counted, mut line) =
        (Fields::new(header.width, header.links.len().max(1 + header.more_keys.len())), 0, 0);
    each_object(block, is_array, |start, raw| {
        line += line_ends(block, counted, start);
        counted = start;
        let text = std::str::from_utf8(raw).ok();
        let sound = text.is_some_and(|text| read_object(text, &header.keys, &mut fields));
        let Fields { text: content, bounds, typed, .. } = &fields;
        let text = text.map(|_| content.as_str());
        let fault = (!sound).then_some(Reason::Json);
        visit(Record { line, raw, text, bounds, typed, is_cells: false, is_spaced: false, fault });
    });
    line + line_ends(block, counted, block.len())
}

/// Calls `visit` with the start and the bytes of every object of a block that was cut at an object's end.
pub fn each_object(block: &[u8], is_array: bool, mut visit: impl FnMut(usize, &[u8])) {
    if is_array {
        let mut at = 0;
        while let Some((start, end)) = cut::next_object(block, at) {
            visit(start, &block[start..end]);
            at = end;
        }
        return;
    }
    let mut at = 0;
    while at < block.len() {
        let end = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |i| at + i);
        // Byte-order marks at a line's start are no data.
        let mut line = block[at..end].trim_ascii();
        while let Some(rest) = line.strip_prefix(b"\xEF\xBB\xBF") {
            line = rest.trim_ascii_start();
        }
        if !line.is_empty() {
            let behind = block[at..end].len() - block[at..end].trim_ascii_end().len();
            visit(end - behind - line.len(), line);
        }
        at = end + 1;
    }
}

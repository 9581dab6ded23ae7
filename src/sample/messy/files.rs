//! How messy files are written: several per source, each with its own order of columns, line end, byte-order mark and
//! quoting. Changes no value.

use super::super::dice::Dice;
use super::super::rows::FILES;

/// Files per source.
pub(in super::super) const PARTS: usize = 3;

/// How one file is written.
#[derive(Debug)]
struct FileLayout {
    /// The clean row's field for each column; an index past the row's end is a column that no profile uses.
    order: Vec<usize>,
    crlf: bool,
    mark: bool,
    quote_all: bool,
}

/// How all files are written.
#[derive(Debug)]
pub(in super::super) struct Layout([[FileLayout; PARTS]; 4]);

impl Layout {
    /// The layout under a seed.
    pub fn new(mut dice: Dice) -> Self {
        Self(std::array::from_fn(|source| {
            let width = FILES[source].header.split(',').count();
            std::array::from_fn(|part| {
                let extra = usize::from(dice.percent(50));
                let mut order: Vec<usize> = (0..width + extra).collect();
                for i in (1..order.len()).rev() {
                    order.swap(i, dice.below(i as u32 + 1) as usize);
                }
                FileLayout { order, crlf: part == 1, mark: dice.percent(50), quote_all: part == 2 && dice.percent(50) }
            })
        }))
    }

    /// Name of a file. The numbers test that files are read in byte order, in which `-10` comes before `-2`.
    pub fn name(source: usize, part: usize) -> String {
        format!("{}-{}.csv", FILES[source].source(), [1, 10, 2][part])
    }

    /// A file's first bytes.
    pub fn header(&self, source: usize, part: usize) -> Vec<u8> {
        let file = &self.0[source][part];
        let names: Vec<&[u8]> = FILES[source].header.split(',').map(str::as_bytes).collect();
        let mut text = if file.mark { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        file.record(&names, b"internal_note", &mut text);
        text
    }

    /// Writes a row into one of a source's files; a row of a wrong width keeps that width.
    pub fn write(&self, source: usize, fields: Vec<Vec<u8>>, dice: &mut Dice, texts: &mut [Vec<u8>; PARTS]) {
        let part = dice.below(PARTS as u32) as usize;
        let file = &self.0[source][part];
        let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
        if dice.percent(1) {
            texts[part].extend_from_slice(file.line_end());
        }
        let width = FILES[source].header.split(',').count();
        if fields.len() == width {
            file.record(&fields, b"", &mut texts[part]);
        } else {
            // One field more than the file's columns, or three fields.
            let more = if fields.len() > width { file.order.len() + 1 } else { fields.len() };
            let ragged: Vec<&[u8]> = fields.iter().copied().cycle().take(more).collect();
            file.line(&ragged, &mut texts[part]);
        }
    }
}

impl FileLayout {
    fn line_end(&self) -> &'static [u8] {
        if self.crlf { b"\r\n" } else { b"\n" }
    }

    /// Writes a record in the file's order of columns; `extra` goes into the column that no profile uses.
    fn record(&self, fields: &[&[u8]], extra: &[u8], into: &mut Vec<u8>) {
        let ordered: Vec<&[u8]> = self.order.iter().map(|at| fields.get(*at).copied().unwrap_or(extra)).collect();
        self.line(&ordered, into);
    }

    fn line(&self, fields: &[&[u8]], into: &mut Vec<u8>) {
        for (i, field) in fields.iter().enumerate() {
            if i > 0 {
                into.push(b',');
            }
            // A quote that is not the first byte is data, and the field needs no quotes because of it.
            let must = field.first() == Some(&b'"') || field.iter().any(|b| matches!(b, b',' | b'\r' | b'\n'));
            if must || self.quote_all {
                into.push(b'"');
                field
                    .iter()
                    .for_each(|b| into.extend_from_slice(if *b == b'"' { b"\"\"" } else { std::slice::from_ref(b) }));
                into.push(b'"');
            } else {
                into.extend_from_slice(field);
            }
        }
        into.extend_from_slice(self.line_end());
    }
}

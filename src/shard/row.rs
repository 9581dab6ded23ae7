//! A routed row as compact bytes, each value after its length. Owns writing and reading them; never knows what a column
//! means.
//!
//! `<length> <order> <id> <value>…`: length of what follows, the value that orders the source's rows (if it has one),
//! the id, the declared columns in order. Lengths are LEB128; a number is the significant bytes of its zigzag form,
//! after a byte with their count plus one; 0 is null. A row is about as long as its line in the CSV file, while typed
//! columns with their offsets are a third longer; and adding it is one append to one buffer, not one to each column of
//! its shard.

use crate::spec::Source;
use crate::value::{CellType, Type, Value};

/// What is in the rows of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Types of the declared columns.
    pub types: Vec<Type>,
    /// The column that orders the rows: int, date or datetime.
    pub order_by: Option<usize>,
    /// The time of day that goes with its date, and how it is read.
    pub clock: Option<(usize, CellType)>,
}

impl Layout {
    pub fn of(source: &Source) -> Self {
        let types = source.columns.iter().map(|c| c.cell.ty).collect();
        let clock = source.latest_time.map(|column| (column, source.columns[column].cell.clone()));
        Self { types, order_by: source.latest_by, clock }
    }

    /// The same with each row's place behind its declared columns.
    pub fn with_place(mut self) -> Self {
        self.types.push(Type::Int);
        self
    }

    /// Of the rows that say who a customer is: its id, its ids of each of so many kinds, and how each identifier came to it.
    pub fn of_identities(kinds: usize) -> Self {
        Self { types: vec![Type::Text; kinds + 2], order_by: None, clock: None }
    }
}

/// Bytes of memory that are kept from row to row.
const KEPT: usize = 1 << 20;

/// Writes rows one by one.
#[derive(Debug, Default)]
pub(super) struct RowWriter {
    head: Vec<u8>,
    cells: Vec<u8>,
    order: Option<i64>,
    clock: i64,
    id: (usize, usize),
}

impl RowWriter {
    pub fn begin(&mut self, id: &[u8]) {
        self.head.clear();
        // The memory of one huge row is not kept.
        self.cells.clear();
        if self.cells.capacity() > KEPT {
            self.cells.shrink_to(KEPT);
        }
        (self.order, self.clock) = (None, 0);
        write_length(id.len(), &mut self.cells);
        self.id = (self.cells.len(), id.len());
        self.cells.extend_from_slice(id);
    }

    #[inline]
    pub fn put(&mut self, layout: &Layout, column: usize, value: Value<'_>) {
        if layout.order_by == Some(column) {
            self.order = value.order();
        }
        if let (Some((at, cell)), Value::Text(text)) = (&layout.clock, value)
            && *at == column
        {
            self.clock = cell.read_clock(text).unwrap_or(0);
        }
        write_value(value, &mut self.cells);
    }

    /// A row of an id, what orders it and values that are stored already; gives its bytes in two pieces.
    pub fn copy<'a>(
        &'a mut self,
        layout: &Layout,
        id: &[u8],
        order: Option<i64>,
        values: &[u8],
        place: Option<i64>,
    ) -> (&'a [u8], &'a [u8]) {
        self.begin(id);
        self.cells.extend_from_slice(values);
        if place.is_some() {
            write_int(place, &mut self.cells);
        }
        self.finish(layout, order)
    }

    /// Ends the row and gives its bytes in two pieces.
    pub fn end(&mut self, layout: &Layout) -> (&[u8], &[u8]) {
        let day = |days: i64| days * 86_400_000_000 + self.clock;
        let order = if layout.clock.is_some() { self.order.map(day) } else { self.order };
        self.finish(layout, order)
    }

    fn finish(&mut self, layout: &Layout, order: Option<i64>) -> (&[u8], &[u8]) {
        if layout.order_by.is_some() {
            write_int(order, &mut self.head);
        }
        let order = self.head.len();
        write_length(order + self.cells.len(), &mut self.head);
        self.head.rotate_left(order);
        (&self.head, &self.cells)
    }
}

#[inline]
fn write_length(length: usize, into: &mut Vec<u8>) {
    let mut rest = length as u64;
    while rest >= 0x80 {
        into.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    into.push(rest as u8);
}

#[inline]
fn write_int(value: Option<i64>, into: &mut Vec<u8>) {
    let Some(value) = value else { return into.push(0) };
    let zigzag = ((value << 1) ^ (value >> 63)) as u64;
    let width = (71 - zigzag.leading_zeros() as usize) / 8;
    into.push(width as u8 + 1);
    into.extend_from_slice(&zigzag.to_le_bytes()[..width]);
}

#[inline]
fn write_value(value: Value<'_>, into: &mut Vec<u8>) {
    match value {
        Value::Null => into.push(0),
        Value::Text(text) => {
            write_length(text.len() + 1, into);
            into.extend_from_slice(text.as_bytes());
        }
        Value::Int(n) | Value::Datetime(n) => write_int(Some(n), into),
        Value::Date(days) => write_int(Some(days.into()), into),
        Value::Bool(b) => into.push(1 + u8::from(b)),
        Value::Float(x) => {
            into.push(1);
            into.extend_from_slice(&x.to_le_bytes());
        }
        Value::Decimal(n) => {
            let zigzag = ((n << 1) ^ (n >> 127)) as u128;
            let width = (135 - zigzag.leading_zeros() as usize) / 8;
            into.push(width as u8 + 1);
            into.extend_from_slice(&zigzag.to_le_bytes()[..width]);
        }
    }
}

/// Reads the values of a row in the order in which they were written. Every method gives none if the bytes end too
/// early, which only happens in a damaged spill file.
#[derive(Debug, Clone, Copy)]
pub struct RowReader<'a> {
    rest: &'a [u8],
}

impl<'a> RowReader<'a> {
    /// Splits off the first row.
    pub(super) fn split(rows: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Self { rest: rows };
        let length = reader.length()?;
        let row = reader.take(length)?;
        Some((Self { rest: row }, reader.rest))
    }

    /// Reads what comes first: the value that orders the row, if the source has one, and the id.
    #[inline]
    pub fn head(&mut self, layout: &Layout) -> Option<(Option<i64>, &'a [u8])> {
        let order = if layout.order_by.is_some() { self.int()? } else { None };
        let length = self.length()?;
        Some((order, self.take(length)?))
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// A text's bytes, or null.
    #[inline]
    pub fn text(&mut self) -> Option<Option<&'a [u8]>> {
        match self.length()? {
            0 => Some(None),
            n => self.take(n - 1).map(Some),
        }
    }

    /// An int, a date's days or a datetime's microseconds, or null.
    #[inline]
    pub fn int(&mut self) -> Option<Option<i64>> {
        let width = match self.byte()? {
            0 => return Some(None),
            width => usize::from(width - 1),
        };
        let zigzag = match self.rest.first_chunk::<8>() {
            Some(eight) if width < 8 => u64::from_le_bytes(*eight) & ((1 << (width * 8)) - 1),
            _ => {
                let mut eight = [0; 8];
                eight.get_mut(..width)?.copy_from_slice(self.rest.get(..width)?);
                u64::from_le_bytes(eight)
            }
        };
        self.rest = self.rest.get(width..)?;
        Some(Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)))
    }

    /// A float, or null.
    #[inline]
    pub fn float(&mut self) -> Option<Option<f64>> {
        if self.byte()? == 0 {
            return Some(None);
        }
        let (eight, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(Some(f64::from_le_bytes(*eight)))
    }

    /// A bool, or null.
    #[inline]
    pub fn bool(&mut self) -> Option<Option<bool>> {
        self.byte().map(|b| b.checked_sub(1).map(|b| b == 1))
    }

    /// A decimal's unscaled value, or null.
    #[inline]
    pub fn decimal(&mut self) -> Option<Option<i128>> {
        let width = match self.byte()? {
            0 => return Some(None),
            width => usize::from(width - 1),
        };
        let mut bytes = [0; 16];
        bytes.get_mut(..width)?.copy_from_slice(self.take(width)?);
        let zigzag = u128::from_le_bytes(bytes);
        Some(Some((zigzag >> 1) as i128 ^ -((zigzag & 1) as i128)))
    }

    /// Skips a value.
    #[inline]
    pub fn skip(&mut self, ty: Type) -> Option<()> {
        match ty {
            Type::Text => self.text().map(drop),
            Type::Int | Type::Date | Type::Datetime => self.int().map(drop),
            Type::Float => self.float().map(drop),
            Type::Bool => self.bool().map(drop),
            Type::Decimal(..) => self.decimal().map(drop),
        }
    }

    /// A value's bytes as they are stored, which are the same for the same values.
    pub fn stored(&mut self, ty: Type) -> Option<&'a [u8]> {
        let before = self.rest;
        self.skip(ty)?;
        before.get(..before.len() - self.rest.len())
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    #[inline]
    fn length(&mut self) -> Option<usize> {
        let first = self.byte()?;
        if first < 0x80 {
            return Some(first.into());
        }
        let (mut length, mut shift) = (u64::from(first & 0x7F), 7);
        loop {
            let byte = self.byte()?;
            length |= u64::from(byte & 0x7F).checked_shl(shift)?;
            if byte < 0x80 {
                return usize::try_from(length).ok();
            }
            shift += 7;
        }
    }

    #[inline]
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = (Type, Option<String>)> {
        prop_oneof![
            prop::option::of(".{1,200}").prop_map(|v| (Type::Text, v)),
            prop::option::of(any::<i64>()).prop_map(|v| (Type::Int, v.map(|v| v.to_string()))),
            prop::option::of(-200..200i64).prop_map(|v| (Type::Int, v.map(|v| v.to_string()))),
            prop::option::of(-1e300..1e300f64).prop_map(|v| (Type::Float, v.map(|v| format!("{v:?}")))),
            prop::option::of(any::<i128>())
                .prop_map(|v| (Type::Decimal(38, 0), v.map(|v| (v % 10i128.pow(38)).to_string()))),
            prop::option::of(any::<bool>()).prop_map(|v| (Type::Bool, v.map(|v| v.to_string()))),
            prop::option::of(1..9999i32).prop_map(|y| (Type::Date, y.map(|y| format!("{y:04}-02-28")))),
            prop::option::of(1..9999i32).prop_map(|y| (Type::Datetime, y.map(|y| format!("{y:04}-02-28 01:02:03")))),
        ]
    }

    fn read_back<'a>(ty: Type, reader: &mut RowReader<'a>) -> Option<Value<'a>> {
        let null = Value::Null;
        Some(match ty {
            Type::Text => reader.text()?.map_or(null, |t| Value::Text(std::str::from_utf8(t).expect("text"))),
            Type::Int => reader.int()?.map_or(null, Value::Int),
            Type::Date => reader.int()?.map_or(null, |d| Value::Date(d as i32)),
            Type::Datetime => reader.int()?.map_or(null, Value::Datetime),
            Type::Float => reader.float()?.map_or(null, Value::Float),
            Type::Bool => reader.bool()?.map_or(null, Value::Bool),
            Type::Decimal(..) => reader.decimal()?.map_or(null, Value::Decimal),
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(id in ".{1,300}", cells in prop::collection::vec(value(), 0..12), at in 0..12usize) {
            let types: Vec<Type> = cells.iter().map(|c| c.0).collect();
            let orders = |ty: &Type| matches!(ty, Type::Int | Type::Date | Type::Datetime);
            let layout = Layout { order_by: types.get(at).is_some_and(orders).then_some(at), types, clock: None };
            let values: Vec<Value<'_>> = cells
                .iter()
                .map(|(ty, text)| {
                    let cell = crate::value::CellType::of(*ty);
                    cell.read(text.as_deref().unwrap_or_default()).expect("a value")
                })
                .collect();
            let mut writer = RowWriter::default();
            let mut bytes = Vec::new();
            for _ in 0..2 {
                writer.begin(id.as_bytes());
                values.iter().enumerate().for_each(|(i, v)| writer.put(&layout, i, *v));
                let (head, cells) = writer.end(&layout);
                bytes.extend_from_slice(head);
                bytes.extend_from_slice(cells);
            }
            let (_, second) = RowReader::split(&bytes).expect("a row");
            let (mut row, rest) = RowReader::split(second).expect("a row");
            prop_assert!(rest.is_empty());
            let (order, read_id) = row.head(&layout).expect("a head");
            prop_assert_eq!(read_id, id.as_bytes());
            prop_assert_eq!(order, layout.order_by.and_then(|i| values[i].order()));
            let mut skipping = row;
            for (ty, value) in layout.types.iter().zip(&values) {
                skipping.skip(*ty).expect("a value");
                prop_assert_eq!(read_back(*ty, &mut row), Some(*value));
            }
            prop_assert!(row.rest.is_empty() && skipping.rest.is_empty());
        }

        #[test]
        fn damaged_bytes_cause_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let types = vec![Type::Text, Type::Int, Type::Float, Type::Bool, Type::Decimal(38, 2), Type::Date];
            let layout = Layout { order_by: Some(1), types, clock: None };
            let Some((mut row, _)) = RowReader::split(&bytes) else { return Ok(()) };
            let _ = row.head(&layout).and_then(|_| layout.types.iter().try_for_each(|ty| row.skip(*ty)));
        }
    }
}

//! Owns a cell's text in `profiles.csv`; does not quote it.

use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, StringArray};
use arrow::buffer::NullBuffer;
use arrow::compute::{max, min};
use arrow::datatypes::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::{Datelike, NaiveDate};

use super::{Type, type_of};
use crate::error::{Error, Result};

/// A column of cells to render.
#[derive(Debug)]
pub struct Cells<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

#[derive(Debug)]
enum Values<'a> {
    /// Unchanged.
    Text(&'a StringArray),
    /// Digits with a leading `-`.
    Int(&'a [i64]),
    /// As Rust's `{:?}`: the shortest text that reads back the same.
    Float(&'a [f64]),
    /// With its declared scale.
    Decimal(&'a [i128], usize),
    /// `true` or `false`.
    Bool(&'a BooleanArray),
    /// `YYYY-MM-DD`.
    Date(&'a [i32], Days),
    /// `YYYY-MM-DDTHH:MM:SS[.ffffff]Z`.
    Datetime(&'a [i64]),
}

impl<'a> Cells<'a> {
    /// A view of a profile column.
    ///
    /// # Errors
    /// [`Error::Bug`] for a type that no profile has.
    pub fn new(array: &'a ArrayRef) -> Result<Self> {
        let ty = type_of(array.data_type())
            .ok_or_else(|| Error::Bug(format!("a profile column of type {}", array.data_type())))?;
        let values = match ty {
            Type::Text => Values::Text(array.as_string::<i32>()),
            Type::Int => Values::Int(array.as_primitive::<Int64Type>().values()),
            Type::Float => Values::Float(array.as_primitive::<Float64Type>().values()),
            Type::Decimal(_, scale) => {
                Values::Decimal(array.as_primitive::<Decimal128Type>().values(), usize::from(scale))
            }
            Type::Bool => Values::Bool(array.as_boolean()),
            Type::Date => {
                let days = array.as_primitive::<Date32Type>();
                Values::Date(days.values(), Days::of(days))
            }
            Type::Datetime => Values::Datetime(array.as_primitive::<TimestampMicrosecondType>().values()),
        };
        Ok(Self { nulls: array.nulls().filter(|nulls| nulls.null_count() > 0), values })
    }

    /// The texts, if the column is text; all other cells never need quotes in a CSV file.
    pub fn texts(&self) -> Option<&'a StringArray> {
        match &self.values {
            Values::Text(texts) => Some(texts),
            _ => None,
        }
    }

    /// Whether the cell is null.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Appends the text of a cell that is not null.
    #[inline]
    pub fn write(&self, row: usize, into: &mut Vec<u8>) {
        match &self.values {
            Values::Text(a) => into.extend_from_slice(a.value(row).as_bytes()),
            Values::Int(a) => into.extend_from_slice(itoa::Buffer::new().format(a[row]).as_bytes()),
            Values::Float(a) => float(a[row], into),
            Values::Decimal(a, scale) => decimal(a[row], *scale, into),
            Values::Bool(a) => into.extend_from_slice(if a.value(row) { b"true" } else { b"false" }),
            Values::Date(a, days) => days.write(a[row], into),
            Values::Datetime(a) => datetime(a[row], into),
        }
    }
}

/// The texts of all days from a column's first to its last, if they are few: in most columns the same days come often.
#[derive(Debug)]
struct Days {
    first: i32,
    texts: Vec<[u8; 10]>,
}

impl Days {
    fn of(days: &Date32Array) -> Self {
        let (first, last) = (min(days).unwrap_or(0), max(days).unwrap_or(-1));
        let few = i64::from(last) - i64::from(first) < days.len() as i64 / 2;
        let texts = if few { (first..=last).map(date).collect() } else { Vec::new() };
        Self { first, texts }
    }

    #[inline]
    fn write(&self, day: i32, into: &mut Vec<u8>) {
        let known = usize::try_from(day.wrapping_sub(self.first)).ok().and_then(|i| self.texts.get(i));
        match known {
            Some(text) => into.extend_from_slice(text),
            None => into.extend_from_slice(&date(day)),
        }
    }
}

/// A decimal with `scale` digits after the point.
pub fn decimal_text(value: i128, scale: usize) -> String {
    let mut text = Vec::new();
    decimal(value, scale, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

fn float(value: f64, into: &mut Vec<u8>) {
    // In this range `{:?}` writes no exponent; `zmij` then writes the same text, if it is short, five times as fast.
    let mut buffer = zmij::Buffer::new();
    let text = if (1e-4..1e16).contains(&value.abs()) || value == 0.0 { buffer.format(value) } else { "" };
    // Of longer texts two can be equally near to the float, and the two writers may choose different ones.
    if (1..=f64::DIGITS as usize + 1).contains(&text.len()) {
        into.extend_from_slice(text.as_bytes());
    } else {
        // Writing to a Vec cannot fail.
        let _ = write!(into, "{value:?}");
    }
}

fn decimal(unscaled: i128, scale: usize, into: &mut Vec<u8>) {
    if unscaled < 0 {
        into.push(b'-');
    }
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(unscaled.unsigned_abs()).as_bytes();
    // There is at least one digit before the point.
    into.extend(std::iter::repeat_n(b'0', (scale + 1).saturating_sub(digits.len())));
    into.extend_from_slice(digits);
    if scale > 0 {
        into.insert(into.len() - scale, b'.');
    }
}

fn date(days: i32) -> [u8; 10] {
    // The reader accepts only years 1 to 9999; another year would be a bug, which must not panic.
    let day = NaiveDate::from_epoch_days(days).unwrap_or_default();
    let year = day.year().unsigned_abs();
    let ([y1, y2], [y3, y4]) = (two(year / 100 % 100), two(year % 100));
    let ([m1, m2], [d1, d2]) = (two(day.month()), two(day.day()));
    [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2]
}

fn datetime(micros: i64, into: &mut Vec<u8>) {
    let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    into.extend_from_slice(&date(i32::try_from(days).unwrap_or(0)));
    let (seconds, fraction) = ((rest / 1_000_000) as u32, (rest % 1_000_000) as u32);
    let ([h1, h2], [m1, m2]) = (two(seconds / 3600), two(seconds / 60 % 60));
    let [s1, s2] = two(seconds % 60);
    into.extend_from_slice(&[b'T', h1, h2, b':', m1, m2, b':', s1, s2]);
    if fraction > 0 {
        let ([a, b], [c, d], [e, f]) = (two(fraction / 10_000), two(fraction / 100 % 100), two(fraction % 100));
        into.extend_from_slice(&[b'.', a, b, c, d, e, f]);
    }
    into.push(b'Z');
}

/// Two digits of a number below 100.
fn two(n: u32) -> [u8; 2] {
    [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Decimal128Array, Float64Array, Int64Array, TimestampMicrosecondArray};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn text(array: ArrayRef) -> String {
        let mut bytes = Vec::new();
        Cells::new(&array).expect("a profile type").write(0, &mut bytes);
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn cells_have_one_text() {
        let decimal = |v, p, s| {
            Arc::new(Decimal128Array::from(vec![v]).with_precision_and_scale(p, s).expect("a decimal")) as ArrayRef
        };
        assert_eq!(text(Arc::new(Int64Array::from(vec![i64::MIN]))), "-9223372036854775808");
        assert_eq!(text(Arc::new(Float64Array::from(vec![1.0]))), "1.0");
        assert_eq!(text(Arc::new(Float64Array::from(vec![-0.0]))), "-0.0");
        assert_eq!(text(Arc::new(Float64Array::from(vec![1e300]))), "1e300");
        assert_eq!(text(Arc::new(Float64Array::from(vec![0.1 + 0.2]))), "0.30000000000000004");
        assert_eq!(text(decimal(-5, 12, 2)), "-0.05");
        assert_eq!(text(decimal(12345, 12, 0)), "12345");
        assert_eq!(text(Arc::new(Date32Array::from(vec![19782]))), "2024-02-29");
        assert_eq!(text(Arc::new(Date32Array::from(vec![-719162]))), "0001-01-01");
        assert_eq!(text(Arc::new(TimestampMicrosecondArray::from(vec![1_500_000]))), "1970-01-01T00:00:01.500000Z");
        assert_eq!(text(Arc::new(TimestampMicrosecondArray::from(vec![-1_000_000]))), "1969-12-31T23:59:59Z");
        assert_eq!(text(Arc::new(BooleanArray::from(vec![true]))), "true");
    }

    #[test]
    fn dates_of_a_narrow_column_are_looked_up() {
        let days: Vec<Option<i32>> = (0..100).map(|i| (i % 7 != 3).then_some(19_700 + i % 20)).collect();
        let array: ArrayRef = Arc::new(Date32Array::from(days.clone()));
        let cells = Cells::new(&array).expect("dates");
        for (row, day) in days.into_iter().enumerate() {
            assert_eq!(cells.is_null(row), day.is_none());
            let mut text = Vec::new();
            cells.write(row, &mut text);
            let want = day.and_then(NaiveDate::from_epoch_days).map(|d| d.to_string());
            assert!(want.is_none_or(|want| text == want.as_bytes()));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn floats_are_written_as_debug_does(bits in any::<u64>(), digits in -1_000_000_000i64..1_000_000_000, point in 0..12) {
            for value in [f64::from_bits(bits), digits as f64 / 10f64.powi(point), digits as f64 * 10f64.powi(point)] {
                if value.is_finite() {
                    let mut text = Vec::new();
                    float(value, &mut text);
                    prop_assert_eq!(String::from_utf8_lossy(&text), format!("{value:?}"));
                }
            }
        }
    }
}

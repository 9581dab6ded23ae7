//! A cell's text in `profiles.csv`, without quoting: the one place that decides it. Pure.

use std::io::Write;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::{Datelike, NaiveDate};

use crate::error::{Error, Result};

/// A column of cells to render.
#[derive(Debug)]
pub enum Cells<'a> {
    /// Verbatim.
    Text(&'a StringArray),
    /// Digits with a leading `-`.
    Int(&'a Int64Array),
    /// As Rust's `{:?}`: the shortest text that reads back the same.
    Float(&'a Float64Array),
    /// With its declared scale.
    Decimal(&'a Decimal128Array, usize),
    /// `true` or `false`.
    Bool(&'a BooleanArray),
    /// `YYYY-MM-DD`.
    Date(&'a Date32Array),
    /// `YYYY-MM-DDTHH:MM:SS[.ffffff]Z`.
    Datetime(&'a TimestampMicrosecondArray),
}

impl<'a> Cells<'a> {
    /// A view of a profile column.
    ///
    /// # Errors
    /// [`Error::Bug`] for a type that no profile has.
    pub fn new(array: &'a ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string::<i32>()),
            DataType::Int64 => Self::Int(array.as_primitive::<Int64Type>()),
            DataType::Float64 => Self::Float(array.as_primitive::<Float64Type>()),
            DataType::Decimal128(_, scale) => {
                Self::Decimal(array.as_primitive::<Decimal128Type>(), usize::try_from(*scale).unwrap_or(0))
            }
            DataType::Boolean => Self::Bool(array.as_boolean()),
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>()),
            DataType::Timestamp(..) => Self::Datetime(array.as_primitive::<TimestampMicrosecondType>()),
            other => return Err(Error::Bug(format!("a profile column of type {other}"))),
        })
    }

    /// Whether the cell is null.
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(a) => a.is_null(row),
            Self::Int(a) => a.is_null(row),
            Self::Float(a) => a.is_null(row),
            Self::Decimal(a, _) => a.is_null(row),
            Self::Bool(a) => a.is_null(row),
            Self::Date(a) => a.is_null(row),
            Self::Datetime(a) => a.is_null(row),
        }
    }

    /// Appends the text of a cell that is not null.
    pub fn write(&self, row: usize, into: &mut Vec<u8>) {
        match self {
            Self::Text(a) => into.extend_from_slice(a.value(row).as_bytes()),
            Self::Int(a) => integer(a.value(row), into),
            Self::Float(a) => float(a.value(row), into),
            Self::Decimal(a, scale) => decimal(a.value(row), *scale, into),
            Self::Bool(a) => into.extend_from_slice(if a.value(row) { b"true" } else { b"false" }),
            Self::Date(a) => date(a.value(row), into),
            Self::Datetime(a) => datetime(a.value(row), into),
        }
    }
}

fn integer(value: i64, into: &mut Vec<u8>) {
    into.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn float(value: f64, into: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = write!(into, "{value:?}");
}

fn decimal(unscaled: i128, scale: usize, into: &mut Vec<u8>) {
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    if unscaled < 0 {
        into.push(b'-');
    }
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    into.extend_from_slice(whole.as_bytes());
    if scale > 0 {
        into.push(b'.');
        into.extend_from_slice(fraction.as_bytes());
    }
}

fn date(days: i32, into: &mut Vec<u8>) {
    // The reader takes years 1 to 9999 only; anything else is a bug that must not panic.
    let day = NaiveDate::from_epoch_days(days).unwrap_or_default();
    let year = day.year().unsigned_abs();
    let two = |n: u32| [b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8];
    into.extend_from_slice(&two(year / 100));
    into.extend_from_slice(&two(year % 100));
    into.push(b'-');
    into.extend_from_slice(&two(day.month()));
    into.push(b'-');
    into.extend_from_slice(&two(day.day()));
}

fn datetime(micros: i64, into: &mut Vec<u8>) {
    let (days, rest) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    date(i32::try_from(days).unwrap_or(0), into);
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let _ = write!(into, "T{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        let _ = write!(into, ".{fraction:06}");
    }
    into.push(b'Z');
}

#[cfg(test)]
mod tests {
    use super::*;
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
}

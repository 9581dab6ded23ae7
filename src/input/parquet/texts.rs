//! The values of a row as text: dates as ISO, moments in UTC, numbers in their shortest form.

use std::fmt::Write;

use ::arrow::array::{Array, ArrayRef, AsArray};
use ::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use ::arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, NaiveDate, Utc};

use crate::input::cells::Cell;

/// The cells of one row.
#[derive(Debug, Default)]
pub struct Texts {
    text: String,
    cells: Vec<(Kind, usize)>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Empty,
    Text,
    Typed,
    Invalid,
}

impl Texts {
    pub fn read(&mut self, arrays: &[ArrayRef], row: usize) {
        self.text.clear();
        self.cells.clear();
        for array in arrays {
            let kind = if array.is_null(row) { Kind::Empty } else { self.write(array, row) };
            self.cells.push((kind, self.text.len()));
        }
    }

    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        let starts = std::iter::once(0).chain(self.cells.iter().map(|(_, end)| *end));
        self.cells.iter().zip(starts).map(|((kind, end), start)| match kind {
            Kind::Empty => Cell::Empty,
            Kind::Text => Cell::Text(&self.text[start..*end]),
            Kind::Typed => Cell::Typed(&self.text[start..*end]),
            Kind::Invalid => Cell::Invalid,
        })
    }

    fn write(&mut self, array: &ArrayRef, row: usize) -> Kind {
        macro_rules! number {
            ($type:ty) => {
                write!(self.text, "{}", array.as_primitive::<$type>().value(row))
            };
        }
        // Writing to a string cannot fail.
        let _ = match array.data_type() {
            DataType::Null => return Kind::Empty,
            DataType::Utf8 => {
                self.text.push_str(array.as_string::<i32>().value(row));
                return Kind::Text;
            }
            DataType::Binary => match std::str::from_utf8(array.as_binary::<i32>().value(row)) {
                Ok(text) => {
                    self.text.push_str(text);
                    return Kind::Text;
                }
                Err(_) => return Kind::Invalid,
            },
            DataType::Int8 => number!(Int8Type),
            DataType::Int16 => number!(Int16Type),
            DataType::Int32 => number!(Int32Type),
            DataType::Int64 => number!(Int64Type),
            DataType::UInt8 => number!(UInt8Type),
            DataType::UInt16 => number!(UInt16Type),
            DataType::UInt32 => number!(UInt32Type),
            DataType::UInt64 => number!(UInt64Type),
            DataType::Float16 => number!(Float16Type),
            DataType::Float32 => number!(Float32Type),
            DataType::Float64 => number!(Float64Type),
            DataType::Boolean => write!(self.text, "{}", array.as_boolean().value(row)),
            DataType::Decimal128(..) => {
                self.text.push_str(&array.as_primitive::<Decimal128Type>().value_as_string(row));
                Ok(())
            }
            DataType::Date32 => {
                let days = array.as_primitive::<Date32Type>().value(row);
                match NaiveDate::from_epoch_days(days) {
                    Some(date) => write!(self.text, "{date}"),
                    // No date: its number is a bad value of any type.
                    None => write!(self.text, "{days}"),
                }
            }
            DataType::Timestamp(unit, zone) => match moment(array, *unit, row) {
                Some(at) => {
                    // A moment in UTC says so; one without a zone is in that of the source.
                    let utc = if zone.is_some() { "Z" } else { "" };
                    write!(self.text, "{}{utc}", at.format("%Y-%m-%d %H:%M:%S%.f"))
                }
                None => write!(self.text, "out of range"),
            },
            _ => return self.write_other(array, row),
        };
        Kind::Typed
    }

    /// Times of day, as arrow writes them.
    fn write_other(&mut self, array: &ArrayRef, row: usize) -> Kind {
        let options = FormatOptions::default();
        let written = ArrayFormatter::try_new(array, &options).map(|format| format.value(row).write(&mut self.text));
        if matches!(written, Ok(Ok(()))) { Kind::Text } else { Kind::Invalid }
    }
}

fn moment(array: &ArrayRef, unit: TimeUnit, row: usize) -> Option<DateTime<Utc>> {
    match unit {
        TimeUnit::Second => None,
        TimeUnit::Millisecond => {
            DateTime::from_timestamp_millis(array.as_primitive::<TimestampMillisecondType>().value(row))
        }
        TimeUnit::Microsecond => {
            DateTime::from_timestamp_micros(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        TimeUnit::Nanosecond => {
            Some(DateTime::from_timestamp_nanos(array.as_primitive::<TimestampNanosecondType>().value(row)))
        }
    }
}

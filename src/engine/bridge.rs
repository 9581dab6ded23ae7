//! Converts between cell types, Polars and arrow. Owns the `unsafe` calls of the Arrow C data interface, in both
//! directions; `.ci/memcheck` runs its tests under valgrind.
#![allow(unsafe_code)]

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder, StringViewArray, make_array};
use arrow::datatypes::{DataType as ArrowType, TimestampMicrosecondType};
use arrow::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use polars::prelude::{
    BooleanChunked, Column, CompatLevel, DataType, Float64Chunked, Int32Chunked, Int64Chunked, Int128Chunked,
    IntoSeries, NewChunkedArray, PlSmallStr, PolarsResult, Series, StringChunked, TimeUnit,
};
use polars_arrow::ffi as polars_ffi;

use crate::error::{Error, Result};
use crate::value::{CellType, Type, Value, arrow_type};

/// The Polars type of a profile column. Datetimes have no time zone in Polars and always mean UTC.
pub fn polars_type(ty: Type) -> DataType {
    match ty {
        Type::Int => DataType::Int64,
        Type::Float => DataType::Float64,
        Type::Decimal(p, s) => DataType::Decimal(p.into(), s.into()),
        Type::Bool => DataType::Boolean,
        Type::Date => DataType::Date,
        Type::Datetime => DataType::Datetime(TimeUnit::Microseconds, None),
        Type::Text => DataType::String,
    }
}

/// An arrow array as a Polars series; buffers are shared, not copied. Fails with [`Error::Bug`] for a type that Polars
/// does not know.
pub fn to_polars(name: &str, array: &dyn Array) -> Result<Series> {
    let bug = |e: &dyn std::fmt::Display| Error::Bug(format!("column `{name}` cannot be passed to Polars: {e}"));
    let data = match array.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(moments) => moments.clone().with_timezone_opt(None::<&str>).to_data(),
        None => array.to_data(),
    };
    let (array, schema) = to_ffi(&data).map_err(|e| bug(&e))?;
    // SAFETY: both structs follow the Arrow C data interface; the array's ownership moves with its release callback,
    // and the schema lives longer than the call that borrows it.
    let series = unsafe {
        let array: polars_ffi::ArrowArray = std::mem::transmute::<FFI_ArrowArray, polars_ffi::ArrowArray>(array);
        let schema: polars_ffi::ArrowSchema = std::mem::transmute::<FFI_ArrowSchema, polars_ffi::ArrowSchema>(schema);
        let field = polars_ffi::import_field_from_c(&schema).map_err(|e| bug(&e))?;
        polars_ffi::import_array_from_c(array, field.dtype).map_err(|e| bug(&e))?
    };
    Series::from_arrow(PlSmallStr::from_str(name), series).map_err(|e| bug(&e))
}

/// A Polars column as one arrow array of the profile's type. Fails with [`Error::Bug`] if the column has another type.
pub fn to_arrow(column: &Column, ty: Type) -> Result<ArrayRef> {
    let bug =
        |e: &dyn std::fmt::Display| Error::Bug(format!("column `{}` cannot be passed to arrow: {e}", column.name()));
    let series = column.as_materialized_series().rechunk();
    let array = series.to_arrow(0, CompatLevel::newest());
    let field = polars_arrow::datatypes::Field::new(PlSmallStr::EMPTY, array.dtype().clone(), true);
    let (schema, array) = (polars_ffi::export_field_to_c(&field), polars_ffi::export_array_to_c(array));
    // SAFETY: as above, in the other direction; arrow takes the array and borrows the schema.
    let data = unsafe {
        let array: FFI_ArrowArray = std::mem::transmute::<polars_ffi::ArrowArray, FFI_ArrowArray>(array);
        let schema: FFI_ArrowSchema = std::mem::transmute::<polars_ffi::ArrowSchema, FFI_ArrowSchema>(schema);
        from_ffi(array, &schema).map_err(|e| bug(&e))?
    };
    let array = make_array(data);
    let array = match array.data_type() {
        ArrowType::Timestamp(..) => {
            Arc::new(array.as_primitive::<TimestampMicrosecondType>().clone().with_timezone("UTC"))
        }
        ArrowType::Utf8View => compact(array.as_string_view()).ok_or_else(|| {
            let message = "holds more than 2 GiB of text in one shard: use more --shards";
            Error::Build(format!("column `{}` {message}", column.name()))
        })?,
        _ => array,
    };
    if *array.data_type() != arrow_type(ty) {
        return Err(bug(&format!("it is {}, not {ty}", array.data_type())));
    }
    Ok(array)
}

/// Views as offsets and bytes, so that the buffers that the views refer to, which hold entire inputs, can be freed.
fn compact(views: &StringViewArray) -> Option<ArrayRef> {
    let bytes: usize = views.lengths().map(|l| l as usize).sum();
    i32::try_from(bytes).ok()?;
    let mut texts = StringBuilder::with_capacity(views.len(), bytes);
    views.iter().for_each(|text| texts.append_option(text));
    Some(Arc::new(texts.finish()))
}

/// Reads a text column as cells of a type; a text that is not a valid value becomes null.
pub fn read_column(text: &Column, cell: &CellType) -> PolarsResult<Column> {
    let name = text.name().clone();
    let text = text.str()?;
    let cells = text.iter().map(|t| t.and_then(|t| cell.read(t)));
    macro_rules! read {
        ($array:ty, $variant:ident) => {
            <$array>::from_iter_options(
                name,
                cells.map(|v| if let Some(Value::$variant(x)) = v { Some(x) } else { None }),
            )
        };
    }
    let series = match cell.ty {
        Type::Int => read!(Int64Chunked, Int).into_series(),
        Type::Float => read!(Float64Chunked, Float).into_series(),
        Type::Bool => read!(BooleanChunked, Bool).into_series(),
        Type::Date => read!(Int32Chunked, Date).into_series().cast(&DataType::Date)?,
        Type::Datetime => read!(Int64Chunked, Datetime).into_series().cast(&polars_type(cell.ty))?,
        Type::Decimal(p, s) => read!(Int128Chunked, Decimal).into_decimal_unchecked(p.into(), s.into()).into_series(),
        Type::Text => read!(StringChunked, Text).into_series(),
    };
    Ok(series.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{
        Array, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray,
        TimestampMicrosecondArray,
    };

    /// An array of each type, with nulls; `.ci/run` checks under valgrind what happens to their memory.
    fn arrays() -> Vec<(Type, ArrayRef)> {
        let some = |i: i64| (i % 3 != 1).then_some(i);
        let numbers = || (0..100).map(some);
        let decimals = Decimal128Array::from_iter(numbers().map(|n| n.map(i128::from))).with_precision_and_scale(12, 2);
        let moments = TimestampMicrosecondArray::from_iter(numbers()).with_data_type(arrow_type(Type::Datetime));
        vec![
            (Type::Text, Arc::new(StringArray::from_iter(numbers().map(|n| n.map(|n| "é".repeat(n as usize)))))),
            (Type::Int, Arc::new(Int64Array::from_iter(numbers()))),
            (Type::Float, Arc::new(Float64Array::from_iter(numbers().map(|n| n.map(|n| n as f64 / 7.0))))),
            (Type::Decimal(12, 2), Arc::new(decimals.expect("a decimal"))),
            (Type::Bool, Arc::new(BooleanArray::from_iter(numbers().map(|n| n.map(|n| n % 2 == 0))))),
            (Type::Date, Arc::new(Date32Array::from_iter(numbers().map(|n| n.map(|n| n as i32))))),
            (Type::Datetime, Arc::new(moments)),
        ]
    }

    #[test]
    fn every_type_is_converted_and_comes_back() {
        for (ty, array) in arrays() {
            for array in [array.clone(), array.slice(7, 20), array.slice(0, 0), array.slice(99, 1)] {
                let column = to_polars("c", &array).expect("a Polars column");
                assert_eq!((column.len(), column.null_count()), (array.len(), array.null_count()), "{ty}");
                let back = to_arrow(&column.clone().into(), ty).expect("an arrow array");
                drop(column);
                assert_eq!(&back, &array, "{ty}");
            }
        }
    }

    #[test]
    fn memory_lives_as_long_as_either_side() {
        for (ty, array) in arrays() {
            let column = to_polars("c", &array).expect("a Polars column");
            let copy = column.clone();
            drop((array, column));
            let back = to_arrow(&copy.into(), ty).expect("an arrow array");
            assert_eq!(back.len(), 100);
        }
    }
}

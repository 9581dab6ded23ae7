//! Floats, row by row and in the order that the spec says: Polars multiplies by the reciprocal of a constant and takes `0 - x` for
//! `-x`, so that results would depend on how many rows a shard has. Owns that floats stay finite.

use polars::prelude::{
    ChunkApply, Column, DataType, Expr as Plan, Field, Float64Chunked, IntoColumn, NewChunkedArray, PolarsResult,
    Schema, StaticArray, polars_err,
};

use super::symbol;
use crate::engine::fault::Fault;
use crate::spec::expr::Function;
use crate::value::{decimal_to_float, round};

/// An operator over two floats; a quotient by zero is null.
pub(super) fn binary(function: Function, a: Plan, b: Plan) -> Plan {
    let apply: fn(f64, f64) -> f64 = match function {
        Function::Add => |a, b| a + b,
        Function::Subtract => |a, b| a - b,
        Function::Multiply => |a, b| a * b,
        _ => |a, b| a / b,
    };
    let divides = function == Function::Divide;
    let each = move |columns: &mut [Column]| -> PolarsResult<Column> {
        let [a, b] = columns else { return Err(polars_err!(ComputeError: "two columns are needed")) };
        let (left, right) = (a.f64()?.rechunk(), b.f64()?.rechunk());
        let rows = if left.len() == 1 { right.len() } else { left.len() };
        let (one, other) = (left.downcast_as_array(), right.downcast_as_array());
        // A constant comes as a single row.
        let (first, second) = (left.len() != 1, right.len() != 1);
        let value = |row: usize| {
            let (a, b) = (one.get(if first { row } else { 0 })?, other.get(if second { row } else { 0 })?);
            (!divides || b != 0.0).then(|| apply(a, b))
        };
        finite(Float64Chunked::from_iter_options(a.name().clone(), (0..rows).map(value)), symbol(function))
    };
    a.map_many(each, &[b], |_: &Schema, fields: &[Field]| Ok(Field::new(fields[0].name().clone(), DataType::Float64)))
}

/// The opposite of each float.
pub(super) fn negate(float: Plan) -> Plan {
    each(float, |value| -value)
}

/// Each float with so many digits behind the point.
pub(super) fn rounded(float: Plan, digits: u32) -> Plan {
    each(float, move |value| round(value, digits))
}

fn each(float: Plan, apply: impl Fn(f64) -> f64 + Copy + Send + Sync + 'static) -> Plan {
    let apply = move |column: Column| -> PolarsResult<Column> {
        Ok(column.f64()?.apply(|value| value.map(apply)).into_column())
    };
    float.map(apply, |_: &Schema, field: &Field| Ok(Field::new(field.name().clone(), DataType::Float64)))
}

/// The nearest float of each decimal.
pub(super) fn of_decimal(decimal: Plan, scale: u8) -> Plan {
    let apply = move |column: Column| -> PolarsResult<Column> {
        let units = column.to_physical_repr();
        let floats = units.i128()?.iter().map(|units| units.map(|units| decimal_to_float(units, scale)));
        Ok(Float64Chunked::from_iter_options(column.name().clone(), floats).into_column())
    };
    decimal.map(apply, |_: &Schema, field: &Field| Ok(Field::new(field.name().clone(), DataType::Float64)))
}

/// A float that must be finite. This maps a function, because an expression would contain its argument twice and nested
/// ones would double at each level.
pub(super) fn only_finite(float: Plan, what: &'static str) -> Plan {
    let check = move |column: Column| -> PolarsResult<Column> { finite(column.f64()?.clone(), what) };
    float.map(check, |_: &Schema, field: &Field| Ok(Field::new(field.name().clone(), DataType::Float64)))
}

fn finite(floats: Float64Chunked, what: &'static str) -> PolarsResult<Column> {
    let is_finite = floats.iter().flatten().all(f64::is_finite);
    if is_finite { Ok(floats.into_column()) } else { Err(Fault::Float(what).into_polars()) }
}

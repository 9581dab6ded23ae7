//! Reductions: the rows of each customer, which are next to each other, become one value, in one pass over a column and
//! without a slice, list or hash table per group. Owns how values are added, compared and counted.

mod money;

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use polars::prelude::{
    BooleanChunked, ChunkedArray, Column, DataFrame, DataType, Field, Float64Chunked, IdxCa, Int64Chunked,
    Int128Chunked, IntoColumn, IntoSeries, NewChunkedArray, PlSmallStr, PolarsNumericType, PolarsResult, Schema,
    SchemaRef, Series, StaticArray, polars_err,
};

use super::compile::Reducer;
use crate::value::Rates;

/// One reduction of columns in the frame of rows.
#[derive(Debug, Clone)]
pub(super) struct Task {
    /// Name of the column with the values and of the resulting column.
    pub name: PlSmallStr,
    pub reducer: Reducer,
    /// Whether the column [`by_name`] decides which row's value is kept, or is its currency.
    pub by: bool,
}

/// Name of the column that decides which row's value is kept.
pub(super) fn by_name(name: &str) -> String {
    format!("{name}_by")
}

/// The types of the results of [`reduce`], from those of the rows; Polars needs them for the rest of the plan.
pub(super) fn schema(rows: &Schema, tasks: &[Task]) -> PolarsResult<SchemaRef> {
    let field = |task: &Task| {
        let value = rows.try_get(&task.name)?;
        let ty = match (task.reducer, value) {
            (Reducer::Rows | Reducer::True | Reducer::Count | Reducer::Distinct, _) => DataType::Int64,
            (Reducer::Sums, _) => DataType::String,
            (Reducer::Sum, DataType::Int64) => DataType::Int128,
            (Reducer::Sum | Reducer::SumAs(_), DataType::Decimal(_, scale)) => DataType::Decimal(38, *scale),
            (
                Reducer::Sum | Reducer::SumAs(_) | Reducer::Min | Reducer::Max | Reducer::MinBy | Reducer::MaxBy,
                same,
            ) => same.clone(),
        };
        Ok(Field::new(task.name.clone(), ty))
    };
    Ok(Arc::new(tasks.iter().map(field).collect::<PolarsResult<Schema>>()?))
}

/// Reduces each group of rows; `ends` has the groups' ends in the frame, each greater than the one before.
pub(super) fn reduce(rows: &DataFrame, tasks: &[Task], ends: &[usize], rates: &Rates) -> PolarsResult<DataFrame> {
    let column = |task: &Task| {
        let values = rows.column(&task.name)?.as_materialized_series().rechunk();
        let by = match task.by {
            true => Some(rows.column(&by_name(&task.name))?.as_materialized_series().rechunk()),
            false => None,
        };
        // A constant comes as a single row.
        let whole = |series: Series| if series.len() == 1 { series.new_from_index(0, rows.height()) } else { series };
        let reduced = one(task.reducer, &whole(values), by.map(whole).as_ref(), ends, rates)?;
        Ok(reduced.with_name(task.name.clone()).into_column())
    };
    DataFrame::new(ends.len(), tasks.iter().map(column).collect::<PolarsResult<Vec<Column>>>()?)
}

fn one(how: Reducer, values: &Series, by: Option<&Series>, ends: &[usize], rates: &Rates) -> PolarsResult<Series> {
    match how {
        Reducer::Sums => money::sums(values, by.unwrap_or(values), ends),
        Reducer::SumAs(currency) => money::sum_as(values, by.unwrap_or(values), ends, currency, rates),
        Reducer::Rows => Ok(fold(ends, |group| Some(group.len() as i64))),
        Reducer::True => {
            let values = values.bool()?;
            Ok(fold(ends, |group| Some(group.filter(|row| values.get(*row) == Some(true)).count() as i64)))
        }
        Reducer::Count if values.null_count() == 0 => Ok(fold(ends, |group| Some(group.len() as i64))),
        Reducer::Count => {
            let valid = values.is_not_null();
            Ok(fold(ends, |group| Some(group.filter(|row| valid.get(*row) == Some(true)).count() as i64)))
        }
        Reducer::Distinct => distinct(values, ends),
        Reducer::Min => pick(values, values, ends, false, false),
        Reducer::Max => pick(values, values, ends, true, false),
        Reducer::MinBy => pick(values, by.unwrap_or(values), ends, false, true),
        Reducer::MaxBy => pick(values, by.unwrap_or(values), ends, true, true),
        Reducer::Sum => sum(values, ends),
    }
}

/// The rows of each group.
fn groups(ends: &[usize]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, end)| start..*end)
}

fn fold(ends: &[usize], count: impl FnMut(std::ops::Range<usize>) -> Option<i64>) -> Series {
    Int64Chunked::from_iter_options(PlSmallStr::EMPTY, groups(ends).map(count)).into_series()
}

fn sum(values: &Series, ends: &[usize]) -> PolarsResult<Series> {
    match values.dtype() {
        DataType::Int64 => {
            let values = values.i64()?;
            let values = values.downcast_as_array();
            Ok(wide(ends, |row| values.get(row).map(i128::from)).into_series())
        }
        DataType::Decimal(_, scale) => {
            let scale = *scale;
            let physical = values.to_physical_repr();
            let values = physical.i128()?.downcast_as_array();
            // The spec's check makes sure that the sum fits in 38 digits.
            Ok(wide(ends, |row| values.get(row)).into_decimal_unchecked(38, scale).into_series())
        }
        DataType::Float64 => {
            let values = values.f64()?.downcast_as_array();
            let sums = groups(ends).map(|group| compensated(group.filter_map(|row| values.get(row))));
            Ok(Float64Chunked::from_iter_options(PlSmallStr::EMPTY, sums).into_series())
        }
        other => Err(polars_err!(ComputeError: "no sum of {other}")),
    }
}

/// Sums in 128 bits; the sum of no values is none.
fn wide(ends: &[usize], value: impl Fn(usize) -> Option<i128>) -> Int128Chunked {
    let sum = |group: std::ops::Range<usize>| group.filter_map(&value).reduce(i128::wrapping_add);
    Int128Chunked::from_iter_options(PlSmallStr::EMPTY, groups(ends).map(sum))
}

/// The sum of floats in their order, with the rounding error of each step added at the end (Neumaier, 1974); the sum of
/// no values is none.
fn compensated(mut values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sum = values.next()?;
    let mut lost = 0.0;
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    // Beyond the largest float the rounding error has no meaning.
    Some(if lost.is_finite() { sum + lost } else { sum })
}

/// For each group, the value in the row with the smallest or greatest `by`; of equal rows in the first or the last.
fn pick(values: &Series, by: &Series, ends: &[usize], greatest: bool, last: bool) -> PolarsResult<Series> {
    let physical = by.to_physical_repr();
    let how = Picking { ends, greatest, last };
    let rows: Vec<Option<u32>> = match physical.dtype() {
        DataType::Int32 => how.numbers(physical.i32()?),
        DataType::Int64 => how.numbers(physical.i64()?),
        DataType::Int128 => how.numbers(physical.i128()?),
        DataType::Float64 => how.numbers(physical.f64()?),
        DataType::Boolean => how.rows(|row| physical_bool(&physical, row)),
        DataType::String => {
            let texts = physical.str()?.downcast_as_array();
            how.rows(|row| texts.get(row))
        }
        other => return Err(polars_err!(ComputeError: "no order of {other}")),
    };
    values.take(&IdxCa::from_iter_options(PlSmallStr::EMPTY, rows.into_iter()))
}

fn physical_bool(series: &Series, row: usize) -> Option<bool> {
    series.bool().ok().and_then(|values: &BooleanChunked| values.get(row))
}

struct Picking<'a> {
    ends: &'a [usize],
    greatest: bool,
    last: bool,
}

impl Picking<'_> {
    fn numbers<T: PolarsNumericType>(&self, values: &ChunkedArray<T>) -> Vec<Option<u32>> {
        let values = values.downcast_as_array();
        self.rows(|row| values.get(row))
    }

    fn rows<T: PartialOrd>(&self, value: impl Fn(usize) -> Option<T>) -> Vec<Option<u32>> {
        let better = |new: &T, old: &T| {
            let beats = if self.greatest { new > old } else { new < old };
            beats || (self.last && new == old)
        };
        let best = |group: std::ops::Range<usize>| {
            let mut best: Option<(T, usize)> = None;
            for row in group {
                if let Some(new) = value(row)
                    && best.as_ref().is_none_or(|(old, _)| better(&new, old))
                {
                    best = Some((new, row));
                }
            }
            best.map(|(_, row)| row as u32)
        };
        groups(self.ends).map(best).collect()
    }
}

fn distinct(values: &Series, ends: &[usize]) -> PolarsResult<Series> {
    let physical = values.to_physical_repr();
    Ok(match physical.dtype() {
        DataType::Int32 => numbers_distinct(physical.i32()?, ends, |n| n),
        DataType::Int64 => numbers_distinct(physical.i64()?, ends, |n| n),
        DataType::Int128 => numbers_distinct(physical.i128()?, ends, |n| n),
        // Zero is one value, whatever its sign.
        DataType::Float64 => numbers_distinct(physical.f64()?, ends, |n| (n + 0.0).to_bits()),
        DataType::Boolean => count_distinct(ends, |row| physical_bool(&physical, row)),
        DataType::String => {
            let texts = physical.str()?.downcast_as_array();
            count_distinct(ends, |row| texts.get(row))
        }
        other => return Err(polars_err!(ComputeError: "no equality of {other}")),
    })
}

fn numbers_distinct<T, K>(values: &ChunkedArray<T>, ends: &[usize], key: impl Fn(T::Native) -> K) -> Series
where
    T: PolarsNumericType,
    K: Eq + Hash,
{
    let values = values.downcast_as_array();
    count_distinct(ends, |row| values.get(row).map(&key))
}

/// Groups up to this size are compared pair by pair.
const FEW: usize = 32;

fn count_distinct<K: Eq + Hash>(ends: &[usize], key: impl Fn(usize) -> Option<K>) -> Series {
    let mut few: Vec<K> = Vec::new();
    fold(ends, |group| {
        if group.len() > FEW {
            return Some(group.filter_map(&key).collect::<HashSet<K>>().len() as i64);
        }
        few.clear();
        for value in group.filter_map(&key) {
            if !few.contains(&value) {
                few.push(value);
            }
        }
        Some(few.len() as i64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::NamedFrom;

    fn reduced(how: Reducer, values: Series, by: Option<Series>, ends: &[usize]) -> Series {
        let by_column = by.clone().map(|by| by.with_name("x_by".into()).into_column());
        let columns = [values.with_name("x".into()).into_column()].into_iter().chain(by_column).collect();
        let rows = DataFrame::new(*ends.last().expect("a group"), columns).expect("a frame");
        let tasks = [Task { name: "x".into(), reducer: how, by: by.is_some() }];
        let reduced = reduce(&rows, &tasks, ends, &Rates::default()).expect("reduced");
        reduced.column("x").expect("x").as_materialized_series().clone()
    }

    #[test]
    fn nulls_are_skipped_and_nothing_is_null() {
        let values = || Series::new("x".into(), [Some(i64::MAX), Some(1), None, None, Some(5), Some(5)]);
        let ends = [2, 4, 6];
        let ints = |how| reduced(how, values(), None, &ends);
        assert_eq!(ints(Reducer::Count), Series::new("x".into(), [2i64, 0, 2]));
        assert_eq!(ints(Reducer::Rows), Series::new("x".into(), [2i64, 2, 2]));
        assert_eq!(ints(Reducer::Distinct), Series::new("x".into(), [2i64, 0, 1]));
        assert!(ints(Reducer::Max).equals_missing(&Series::new("x".into(), [Some(i64::MAX), None, Some(5)])));
        assert!(ints(Reducer::Min).equals_missing(&Series::new("x".into(), [Some(1), None, Some(5i64)])));
        let sums: Vec<Option<i128>> = ints(Reducer::Sum).i128().expect("wide").iter().collect();
        assert_eq!(sums, [Some(i128::from(i64::MAX) + 1), None, Some(10)]);
    }

    #[test]
    fn the_last_of_equal_rows_gives_its_value_null_or_not() {
        let values = Series::new("x".into(), [Some("a"), Some("b"), Some("c"), None]);
        let by = Series::new("y".into(), [Some(1i64), Some(1), None, Some(0)]);
        let texts = |how| reduced(how, values.clone(), Some(by.clone()), &[3, 4]);
        assert!(texts(Reducer::MaxBy).equals_missing(&Series::new("x".into(), [Some("b"), None])));
        assert!(texts(Reducer::MinBy).equals_missing(&Series::new("x".into(), [Some("b"), None])));
    }

    #[test]
    fn float_sums_carry_what_they_lose() {
        let values = Series::new("x".into(), [1e16, 1.0, -1e16, f64::MAX, f64::MAX, 0.0, -0.0]);
        let sums = reduced(Reducer::Sum, values.clone(), None, &[3, 5, 7]);
        assert_eq!(sums.f64().expect("floats").iter().collect::<Vec<_>>(), [Some(1.0), Some(f64::INFINITY), Some(0.0)]);
        assert_eq!(reduced(Reducer::Distinct, values, None, &[3, 5, 7]), Series::new("x".into(), [3i64, 1, 1]));
    }

    #[test]
    fn many_values_are_counted_as_few_are() {
        let values = Series::new("x".into(), (0..200i64).map(|i| i % 50).collect::<Vec<_>>());
        assert_eq!(reduced(Reducer::Distinct, values, None, &[20, 200]), Series::new("x".into(), [20i64, 50]));
    }
}

//! Aggregates as one or two reductions of a customer's rows, and an expression over their results. Reduces nothing
//! itself.

use polars::prelude::{DataType, Expr as Plan, NULL, col, lit, when};

use super::floats::{self, only_finite};
use super::{compile, narrow, polars_type};
use crate::spec::expr::{Aggregate, Expr, Function, How};
use crate::value::{Currency, Type};

/// How a reduction makes one value of many; nulls are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Reducer {
    /// Number of rows.
    Rows,
    /// Number of true values.
    True,
    /// Number of values.
    Count,
    /// Number of distinct values.
    Distinct,
    Min,
    Max,
    /// Of ints in 128 bits, of floats in the order of the rows with compensation, of decimals exact.
    Sum,
    /// The sums of each `by`, a currency, as a text.
    Sums,
    /// The sum in this currency; `by` is the currency of each value.
    SumAs(Currency),
    /// The value, null or not, in the last of the rows with the smallest `by`.
    MinBy,
    /// The value, null or not, in the last of the rows with the greatest `by`.
    MaxBy,
}

/// One reduction of a customer's rows to one value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Reduction {
    /// Name of the resulting column.
    pub name: String,
    pub reducer: Reducer,
    /// The value of each row.
    pub value: Plan,
    /// What decides which row's value is kept, or the currency of each value.
    pub by: Option<Plan>,
}

/// The reductions of a source's aggregates, each one only once.
#[derive(Debug, Default)]
pub(in crate::engine) struct Reductions(pub Vec<Reduction>);

impl Reductions {
    /// The column of a reduction, which is added if it is new.
    pub fn reduce(&mut self, reducer: Reducer, value: Plan, by: Option<Plan>) -> Plan {
        let same = |r: &&Reduction| r.reducer == reducer && r.value == value && r.by == by;
        if let Some(known) = self.0.iter().find(same) {
            return col(known.name.as_str());
        }
        // Specs cannot use names that begin with `__`.
        let name = format!("__reduced_{}", self.0.len());
        self.0.push(Reduction { name: name.clone(), reducer, value, by });
        col(name)
    }
}

/// Compiles an aggregate of type `ty`.
pub(super) fn aggregate(aggregate: &Aggregate, ty: Type, reductions: &mut Reductions) -> Plan {
    let Aggregate { how, value, by, filter } = aggregate;
    let filter = filter.as_ref().map(|filter| compile(filter, reductions));
    // For a row that the filter leaves out the aggregate sees a null, which it skips.
    let kept = |value: Plan| match &filter {
        Some(keep) => when(keep.clone()).then(value).otherwise(lit(NULL)),
        None => value,
    };
    let of = value.as_ref().map_or(Type::Bool, |value| value.ty);
    let value = value.as_ref().map_or_else(|| lit(true), |value| of_rows(value, reductions));
    let mut reduce = |reducer: Reducer| reductions.reduce(reducer, kept(value.clone()), None);
    match how {
        How::Rows => match &filter {
            Some(keep) => reductions.reduce(Reducer::True, keep.clone(), None),
            None => reduce(Reducer::Rows),
        },
        How::Count => reduce(Reducer::Count),
        How::Distinct => reduce(Reducer::Distinct),
        How::Min => reduce(Reducer::Min),
        How::Max => reduce(Reducer::Max),
        How::Sum => sum(reduce(Reducer::Sum), ty),
        How::Mean => {
            let (sum, count) = (reduce(Reducer::Sum), reduce(Reducer::Count).cast(DataType::Float64));
            mean(sum, count, of)
        }
        How::Sums | How::SumAs(_) | How::MinBy | How::MaxBy => {
            let reducer = match *how {
                How::Sums => Reducer::Sums,
                How::SumAs(currency) => Reducer::SumAs(currency),
                How::MinBy => Reducer::MinBy,
                _ => Reducer::MaxBy,
            };
            let by = by.as_ref().map(|by| kept(of_rows(by, reductions)));
            // What the filter leaves out of a sum must not be added.
            let value = if matches!(how, How::Sums | How::SumAs(_)) { kept(value) } else { value };
            let sum = reductions.reduce(reducer, value, by);
            if matches!(how, How::SumAs(_)) { sum.cast(polars_type(ty)) } else { sum }
        }
    }
}

/// A value of rows, cast to its type: Polars gives literals, and a `case` of literals, the smallest type that fits.
fn of_rows(value: &Expr, reductions: &mut Reductions) -> Plan {
    let plan = compile(value, reductions);
    if value.ty == Type::Int { plan.cast(DataType::Int64) } else { plan }
}

/// A sum converted to its type in the spec.
fn sum(sum: Plan, ty: Type) -> Plan {
    match ty {
        Type::Int => narrow(sum, "sum"),
        Type::Float => only_finite(sum, "sum"),
        ty => sum.cast(polars_type(ty)),
    }
}

/// The mean of values of this type.
fn mean(sum: Plan, count: Plan, of: Type) -> Plan {
    match of {
        Type::Float => floats::binary(Function::Divide, only_finite(sum, "avg"), count),
        Type::Decimal(_, scale) => {
            let units = floats::binary(Function::Multiply, count, lit(10f64.powi(scale.into())));
            floats::binary(Function::Divide, sum.to_physical().cast(DataType::Float64), units)
        }
        _ => floats::binary(Function::Divide, sum.cast(DataType::Float64), count),
    }
}

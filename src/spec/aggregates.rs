//! Aggregates of the SQL subset: nulls are skipped, nothing is null, no integer wraps, one division at most. Each becomes
//! one or two reductions over a customer's rows, and an expression over what these give.

use polars::prelude::{DataType, Expr as Plan, NULL, lit, when};
use sqlparser::ast::Expr;

use super::operators::{check_bool, finite, narrow};
use super::sql::{Compiler, Grain, Node};
use crate::cell::Type;
use crate::interop::polars_type;

/// What is kept of one value for each row of a customer. Nulls are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Number of rows.
    Rows,
    /// Number of true values.
    True,
    /// Number of values.
    Count,
    /// Number of distinct values.
    Distinct,
    /// Least value.
    Min,
    /// Greatest value.
    Max,
    /// Sum: of ints in 128 bits, of floats in order of the rows and compensated, of decimals exact.
    Sum,
    /// The value, null or not, in the last of the rows with the least `by`.
    MinBy,
    /// The value, null or not, in the last of the rows with the greatest `by`.
    MaxBy,
}

/// One reduction of a customer's rows to one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduction {
    /// Name of the column that it gives.
    pub name: String,
    /// What is kept.
    pub how: How,
    /// The value of each row.
    pub value: Plan,
    /// What decides which row's value is kept.
    pub by: Option<Plan>,
}

/// Compiles `name(args) filter (where filter)`.
pub(super) fn aggregate(
    compiler: &mut Compiler<'_>,
    name: &str,
    args: &[&Expr],
    distinct: bool,
    filter: Option<&Expr>,
) -> Result<Node, String> {
    let filter = filter.map(|f| compiler.aggregate_argument(f)).transpose()?;
    let filter = filter.map(|f| check_bool(f, "`filter (where …)`")).transpose()?.map(|f| f.expr);
    // A row the filter drops is a null to the aggregate, which skips nulls.
    let kept = |value: Plan| match &filter {
        Some(keep) => when(keep.clone()).then(value).otherwise(lit(NULL)),
        None => value,
    };
    let result = |expr: Plan, ty: Type| Ok(Node { expr, ty: Some(ty), grain: Grain::Aggregate, number: None });
    match (name, args) {
        ("count", []) => {
            compiler.allow_aggregate()?;
            let rows = match filter {
                Some(keep) => compiler.reduce(How::True, keep, None),
                None => compiler.reduce(How::Rows, lit(true), None),
            };
            result(rows, Type::Int)
        }
        (_, [value]) if !name.ends_with("_by") => {
            let value = of_rows(compiler.aggregate_argument(value)?)?;
            let ty = value.ty.ok_or_else(|| format!("`{name}` of NULL"))?;
            let (expr, ty) = of_one(compiler, name, kept(value.expr), ty, distinct)?;
            result(expr, ty)
        }
        ("max_by" | "min_by", [value, by]) => {
            let (value, by) =
                (of_rows(compiler.aggregate_argument(value)?)?, of_rows(compiler.aggregate_argument(by)?)?);
            let ty = value.ty.ok_or_else(|| format!("`{name}` of NULL"))?;
            let how = if name == "max_by" { How::MaxBy } else { How::MinBy };
            result(compiler.reduce(how, value.expr, Some(kept(by.expr))), ty)
        }
        _ => Err(format!("`{name}` has a wrong number of arguments")),
    }
}

/// Passes a value of rows on: an aggregate of a constant is surely a slip.
fn of_rows(value: Node) -> Result<Node, String> {
    match value.grain {
        Grain::Constant => Err("an aggregate of a constant: name a column, or count rows with `count(*)`".into()),
        // Polars gives literals the least type that holds them, a `case` of literals too.
        _ if value.ty == Some(Type::Int) => Ok(value.map_to(Type::Int, |e| e.cast(DataType::Int64))),
        _ => Ok(value),
    }
}

/// The type of a decimal's sum: ten more digits hold ten billion rows.
fn sum_type(precision: u8, scale: u8) -> Result<Type, String> {
    match precision {
        ..=28 => Ok(Type::Decimal(precision + 10, scale)),
        _ => Err(format!("a sum over decimal({precision},{scale}) can leave 38 digits: declare it with at most 28")),
    }
}

/// An aggregate of one column; over no values it is null, a count 0.
fn of_one(
    compiler: &mut Compiler<'_>,
    name: &str,
    value: Plan,
    ty: Type,
    distinct: bool,
) -> Result<(Plan, Type), String> {
    if distinct && name != "count" {
        return Err(format!("`{name}(distinct …)` is not supported"));
    }
    let mut reduce = |how: How| compiler.reduce(how, value.clone(), None);
    match (name, ty) {
        ("count", _) if distinct => Ok((reduce(How::Distinct), Type::Int)),
        ("count", _) => Ok((reduce(How::Count), Type::Int)),
        ("min", _) => Ok((reduce(How::Min), ty)),
        ("max", _) => Ok((reduce(How::Max), ty)),
        ("sum", Type::Int) => Ok((narrow(reduce(How::Sum), "sum".into()), ty)),
        ("sum", Type::Float) => Ok((finite(reduce(How::Sum)), ty)),
        ("sum", Type::Decimal(p, s)) => {
            let wide = sum_type(p, s)?;
            Ok((reduce(How::Sum).cast(polars_type(wide)), wide))
        }
        // Exact sum, one division.
        ("avg", Type::Int) => {
            let count = reduce(How::Count).cast(DataType::Float64);
            Ok((reduce(How::Sum).cast(DataType::Float64) / count, Type::Float))
        }
        ("avg", Type::Float) => {
            let count = reduce(How::Count).cast(DataType::Float64);
            Ok((finite(reduce(How::Sum) / count), Type::Float))
        }
        ("avg", Type::Decimal(p, s)) => {
            sum_type(p, s)?;
            let count = reduce(How::Count).cast(DataType::Float64);
            let unscaled = reduce(How::Sum).to_physical().cast(DataType::Float64);
            Ok((unscaled / (count * lit(10f64.powi(s.into()))), Type::Float))
        }
        (_, Type::Text) => Err(format!("`{name}` of text is not supported: a column is text unless `types` names it")),
        _ => Err(format!("`{name}` of {ty} is not supported")),
    }
}

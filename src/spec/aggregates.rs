//! Aggregates of the SQL subset: nulls are skipped, nothing is null, no integer wraps, one division at most.

use polars::prelude::{DataType, Expr as Plan, NULL, len, lit, when};
use sqlparser::ast::Expr;

use super::operators::{check_bool, finite, narrow};
use super::sql::{Compiler, Grain, Node};
use crate::cell::Type;
use crate::interop::polars_type;

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
                Some(keep) => keep.fill_null(lit(false)).sum(),
                None => len(),
            };
            result(rows.cast(DataType::Int64), Type::Int)
        }
        (_, [value]) if !name.ends_with("_by") => {
            let value = of_rows(compiler.aggregate_argument(value)?)?;
            let ty = value.ty.ok_or_else(|| format!("`{name}` of NULL"))?;
            let (expr, ty) = of_one(name, kept(value.expr), ty, distinct)?;
            result(expr, ty)
        }
        ("max_by" | "min_by", [value, by]) => {
            let (value, by) =
                (of_rows(compiler.aggregate_argument(value)?)?, of_rows(compiler.aggregate_argument(by)?)?);
            let ty = value.ty.ok_or_else(|| format!("`{name}` of NULL"))?;
            let by = kept(by.expr);
            let best = if name == "max_by" { by.clone().max() } else { by.clone().min() };
            result(value.expr.filter(by.eq(best)).last(), ty)
        }
        _ => Err(format!("`{name}` has a wrong number of arguments")),
    }
}

/// Passes a value of rows on: Polars takes a constant for one row, whatever the size of the group.
fn of_rows(value: Node) -> Result<Node, String> {
    match value.grain {
        Grain::Constant => Err("an aggregate of a constant: name a column, or count rows with `count(*)`".into()),
        _ => Ok(value),
    }
}

/// The type of a decimal's sum: ten more digits hold ten billion rows. Polars' 128-bit sums wrap without a word.
fn sum_type(precision: u8, scale: u8) -> Result<Type, String> {
    match precision {
        ..=28 => Ok(Type::Decimal(precision + 10, scale)),
        _ => Err(format!("a sum over decimal({precision},{scale}) can leave 38 digits: declare it with at most 28")),
    }
}

/// An aggregate of one column; over no values it is null, a count 0.
fn of_one(name: &str, value: Plan, ty: Type, distinct: bool) -> Result<(Plan, Type), String> {
    if distinct && name != "count" {
        return Err(format!("`{name}(distinct …)` is not supported"));
    }
    let some = value.clone().count().gt(lit(0u32));
    let or_null = |e: Plan| when(some.clone()).then(e).otherwise(lit(NULL));
    let count = value.clone().count().cast(DataType::Float64);
    match (name, ty) {
        ("count", _) if distinct => Ok((value.drop_nulls().n_unique().cast(DataType::Int64), Type::Int)),
        ("count", _) => Ok((value.count().cast(DataType::Int64), Type::Int)),
        ("min", _) => Ok((value.min(), ty)),
        ("max", _) => Ok((value.max(), ty)),
        // Polars' sum of integers wraps past 64 bits: add in 128, then check.
        ("sum", Type::Int) => Ok((or_null(narrow(value.cast(DataType::Int128).sum(), "sum".into())), ty)),
        ("sum", Type::Float) => Ok((or_null(finite(value.sum())), ty)),
        ("sum", Type::Decimal(p, s)) => {
            let wide = sum_type(p, s)?;
            Ok((or_null(value.cast(polars_type(Type::Decimal(38, s))).sum().cast(polars_type(wide))), wide))
        }
        // Exact sum, one division.
        ("avg", Type::Int) => {
            Ok((or_null(value.cast(DataType::Int128).sum().cast(DataType::Float64) / count), Type::Float))
        }
        ("avg", Type::Float) => Ok((or_null(finite(value.sum() / count)), Type::Float)),
        ("avg", Type::Decimal(p, s)) => {
            sum_type(p, s)?;
            let unscaled = value.cast(polars_type(Type::Decimal(38, s))).sum().to_physical().cast(DataType::Float64);
            Ok((or_null(unscaled / (count * lit(10f64.powi(s.into())))), Type::Float))
        }
        (_, Type::Text) => Err(format!("`{name}` of text is not supported: a column is text unless `types` names it")),
        _ => Err(format!("`{name}` of {ty} is not supported")),
    }
}

//! Aggregates of the SQL subset: nulls are skipped, without values the result is null (a count is 0), integers never
//! wrap. Owns their types; computes nothing.

use sqlparser::ast::Expr as Ast;

use super::carry::{refuse_money, refuse_undeclared};
use super::draft::{Draft, Grain};
use super::operators::check_bool;
use super::{Checked, Checker, Fault, money};
use crate::spec::expr::{Aggregate, Expr, How, Kind};
use crate::value::Type;

/// Checks `name(args) filter (where filter)`.
pub fn aggregate(
    checker: &mut Checker<'_>,
    name: &str,
    args: &[&Ast],
    distinct: bool,
    filter: Option<&Ast>,
) -> Checked<Draft> {
    let filter = filter.map(|f| checker.aggregate_argument(f)).transpose()?;
    let filter = filter.map(|f| check_bool(f, "`filter (where …)`")).transpose()?.map(Draft::into_expr);
    let (how, ty, value, by) = match (name, args) {
        ("count", []) => {
            checker.allow_aggregate()?;
            (How::Rows, Type::Int, None, None)
        }
        ("sum_in" | "sums" | "sum_as", _) => {
            if distinct {
                return Err(Fault::Distinct(name.to_owned()).into());
            }
            return money::sum(checker, name, args, filter);
        }
        (_, [value]) if !name.ends_with("_by") => {
            let value = of_rows(checker.aggregate_argument(value)?, name)?;
            refuse(checker, name, &value)?;
            let (how, ty) = of_one(name, value.ty, distinct)?;
            (how, ty, Some(value), None)
        }
        ("max_by" | "min_by", [value, by]) => {
            let value = of_rows(checker.aggregate_argument(value)?, name)?;
            let by = of_rows(checker.aggregate_argument(by)?, name)?;
            let what = format!("`{name}`");
            refuse_undeclared(checker.scope, &by.kind, Some(by.ty), &what)?;
            refuse_money(checker.scope, &by.kind, &what)?;
            (if name == "max_by" { How::MaxBy } else { How::MinBy }, value.ty, Some(value), Some(by))
        }
        _ => return Err(Fault::AggregateArguments(name.to_owned()).into()),
    };
    let kind = Kind::Aggregate(Box::new(Aggregate { how, value, by, filter }));
    Ok(Draft { kind, ty: Some(ty), grain: Grain::Aggregate, number: None })
}

/// What `min`, `max`, `sum` and `avg` may not have as their argument.
fn refuse(checker: &Checker<'_>, name: &str, value: &Expr) -> Checked<()> {
    if name == "count" {
        return Ok(());
    }
    let what = format!("`{name}`");
    refuse_money(checker.scope, &value.kind, &what)?;
    refuse_undeclared(checker.scope, &value.kind, Some(value.ty), &what)
}

/// Returns a value that differs by row; an aggregate of a constant is surely a mistake.
pub(super) fn of_rows(value: Draft, name: &str) -> Checked<Expr> {
    match (value.grain, value.ty) {
        (Grain::Constant, _) => Err(Fault::AggregateOfConstant.into()),
        (_, None) => Err(Fault::OfNull(name.to_owned()).into()),
        (_, Some(_)) => Ok(value.into_expr()),
    }
}

/// The type of a sum of decimals: ten more digits are enough for ten billion rows.
pub(super) fn sum_type(precision: u8, scale: u8) -> Checked<Type> {
    match precision {
        ..=28 => Ok(Type::Decimal(precision + 10, scale)),
        _ => Err(Fault::SumRange { precision, scale }.into()),
    }
}

/// An aggregate with one argument of this type, and the type of its result.
fn of_one(name: &str, ty: Type, distinct: bool) -> Checked<(How, Type)> {
    let function = name.to_owned();
    match (name, ty) {
        ("count", _) if distinct => Ok((How::Distinct, Type::Int)),
        _ if distinct => Err(Fault::Distinct(function).into()),
        ("count", _) => Ok((How::Count, Type::Int)),
        ("min", _) => Ok((How::Min, ty)),
        ("max", _) => Ok((How::Max, ty)),
        ("sum", Type::Int | Type::Float) => Ok((How::Sum, ty)),
        ("sum", Type::Decimal(p, s)) => Ok((How::Sum, sum_type(p, s)?)),
        ("avg", Type::Int | Type::Float) => Ok((How::Mean, Type::Float)),
        ("avg", Type::Decimal(p, s)) => sum_type(p, s).map(|_| (How::Mean, Type::Float)),
        (_, Type::Text) => Err(Fault::AggregateOfText { function }.into()),
        (_, found) => Err(Fault::AggregateOf { function, found }.into()),
    }
}

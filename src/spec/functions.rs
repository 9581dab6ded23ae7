//! The one list of functions an expression may call: those whose meaning is the same in Polars, DuckDB and Spark.
//!
//! | function | result |
//! |---|---|
//! | `lower(text)`, `upper(text)`, `trim([both\|leading\|trailing] 'c' from text)`, `replace(text, what, by)` | text |
//! | `length(text)` | int, characters |
//! | `starts_with(text, prefix)`, `text like 'a%_'`, `x in (a, b)` | bool |
//! | `coalesce(a, b, …)`, `nullif(a, b)`, `greatest(a, …)`, `least(a, …)` | the arguments' type; the last two skip nulls |
//! | `abs(number)`, `round(float, digits)` | number; halves away from zero |
//! | `year(date)`, `month(date)`, `day(date)` | int |
//! | `days_between(a, b)` | int, days from date `a` to date `b` |
//! | `cast(x as type)`, `try_cast(text as type)` | `type`; a text that is no such value is null |
//! | `count(*)`, `count(x)`, `count(distinct x)`, `sum(x)`, `avg(x)`, `min(x)`, `max(x)` | aggregates, with `filter (where …)` |
//! | `max_by(x, y)`, `min_by(x, y)` | aggregates: `x` of the row with the greatest, least `y`; of equal rows the last |

use polars::lazy::dsl::{max_horizontal, min_horizontal};
use polars::prelude::{Column, DataType, Expr as Plan, Field, NULL, PolarsResult, RoundMode, coalesce, len, lit, when};
use sqlparser::ast::{
    CastKind, DataType as SqlType, DuplicateTreatment, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, InTarget, TrimWhereField, Value,
};

use super::operators::{check_bool, check_text, comparison, narrow, unify};
use super::sql::{Compiler, Grain, Node, join};
use crate::cell::{CellType, Type};
use crate::interop::{polars_type, read_column};

const NAMES: &str = "abs, avg, cast, coalesce, count, day, days_between, greatest, least, length, like, lower, max, \
                     max_by, min, min_by, month, nullif, replace, round, starts_with, sum, trim, try_cast, upper, year";

/// Compiles whatever is written like a function, from `trim(…)` to `x in (…)`.
pub(super) fn call(compiler: &mut Compiler<'_>, ast: &Expr) -> Result<Node, String> {
    match ast {
        Expr::Function(function) => named(compiler, function),
        Expr::In { expr, target: InTarget::List(list), negated, global: false } => {
            let value = compiler.node(expr)?;
            let mut any: Option<Node> = None;
            for item in list {
                let equal = comparison(value.clone(), compiler.node(item)?, Plan::eq)?;
                any = Some(match any {
                    Some(sofar) => Node::both(sofar, equal, Type::Bool, Plan::or)?,
                    None => equal,
                });
            }
            Ok(any.ok_or("`in ()` needs a value")?.negate_if(*negated))
        }
        Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
            let Expr::Value(value) = &**pattern else { return Err("the pattern of `like` must be a text literal".into()) };
            let Value::SingleQuotedString(pattern) = &value.value else {
                return Err("the pattern of `like` must be a text literal".into());
            };
            let text = check_text(compiler.node(expr)?, "`like`")?;
            let regex = like_to_regex(pattern);
            Ok(text.map_to(Type::Bool, |e| e.str().contains(lit(regex), true)).negate_if(*negated))
        }
        Expr::Trim { trim_where, trim_what, expr, trim_characters: None } => {
            let text = check_text(compiler.node(expr)?, "`trim`")?;
            // A bare `trim` strips tabs here and spaces there: what is stripped is said, or it is the space.
            let what = trim_what.as_ref().map_or_else(|| Ok(Node::constant(lit(" "), Type::Text)), |w| compiler.node(w))?;
            let what = check_text(what, "`trim`")?.expr;
            Ok(text.map_to(Type::Text, |e| match trim_where {
                Some(TrimWhereField::Leading) => e.str().strip_chars_start(what),
                Some(TrimWhereField::Trailing) => e.str().strip_chars_end(what),
                Some(TrimWhereField::Both) | None => e.str().strip_chars(what),
            }))
        }
        Expr::Cast { kind, expr, data_type, format: None } => cast(compiler.node(expr)?, kind, sql_type(data_type)?),
        other => Err(format!("`{other}` is not supported; allowed are operators, `case` and these functions: {NAMES}")),
    }
}

/// The type a SQL type name stands for.
pub(super) fn sql_type(sql: &SqlType) -> Result<Type, String> {
    match sql {
        SqlType::Int(None) | SqlType::Integer(None) | SqlType::BigInt(None) | SqlType::Int64 => Ok(Type::Int),
        SqlType::Double(_) | SqlType::DoublePrecision | SqlType::Float(_) | SqlType::Float64 => Ok(Type::Float),
        SqlType::Text | SqlType::String(None) | SqlType::Varchar(None) => Ok(Type::Text),
        SqlType::Bool | SqlType::Boolean => Ok(Type::Bool),
        SqlType::Date => Ok(Type::Date),
        SqlType::Timestamp(None, _) | SqlType::Datetime(None) => Ok(Type::Datetime),
        SqlType::Decimal(ExactNumberInfo::PrecisionAndScale(p, s)) if (1..=38).contains(p) && (0..=*p as i64).contains(s) => {
            // Both fit: the guard bounds them by 38.
            Ok(Type::Decimal(*p as u8, *s as u8))
        }
        other => Err(format!("type `{other}` is not supported; use bigint, double, decimal(p,s), boolean, date, timestamp or text")),
    }
}

fn named(compiler: &mut Compiler<'_>, function: &Function) -> Result<Node, String> {
    let name = function.name.to_string().to_lowercase();
    let FunctionArguments::List(list) = &function.args else { return Err(format!("`{name}` needs its arguments in brackets")) };
    let plain = function.over.is_none() && function.within_group.is_empty() && function.null_treatment.is_none();
    if !plain || !list.clauses.is_empty() {
        return Err(format!("`{function}` is not supported: no windows and no ordering inside a call"));
    }
    let mut args = Vec::new();
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => args.push(expr),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if name == "count" => {}
            _ => return Err(format!("argument `{arg}` of `{name}` is not supported")),
        }
    }
    let distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
    match name.as_str() {
        "count" | "sum" | "avg" | "min" | "max" | "max_by" | "min_by" => {
            aggregate(compiler, &name, &args, distinct, function.filter.as_deref())
        }
        _ if distinct || function.filter.is_some() => Err(format!("`{name}` is no aggregate: no `distinct`, no `filter`")),
        _ => {
            let args = args.into_iter().map(|a| compiler.node(a)).collect::<Result<Vec<_>, _>>()?;
            scalar(&name, args)
        }
    }
}

fn scalar(name: &str, args: Vec<Node>) -> Result<Node, String> {
    let what = format!("`{name}`");
    let count = args.len();
    let mut rest = args.into_iter();
    let mut next = || rest.next().ok_or_else(|| format!("`{name}` has too few arguments"));
    let (node, used) = match name {
        "lower" => (check_text(next()?, &what)?.map_to(Type::Text, |e| e.str().to_lowercase()), 1),
        "upper" => (check_text(next()?, &what)?.map_to(Type::Text, |e| e.str().to_uppercase()), 1),
        "length" => (check_text(next()?, &what)?.map_to(Type::Int, |e| e.str().len_chars().cast(DataType::Int64)), 1),
        "trim" => (check_text(next()?, &what)?.map_to(Type::Text, |e| e.str().strip_chars(lit(" "))), 1),
        "starts_with" => {
            let (text, prefix) = (check_text(next()?, &what)?, check_text(next()?, &what)?);
            (Node::both(text, prefix, Type::Bool, |t, p| t.str().starts_with(p))?, 2)
        }
        "replace" => {
            let (text, from, to) = (check_text(next()?, &what)?, check_text(next()?, &what)?, check_text(next()?, &what)?);
            if from.grain != Grain::Constant || to.grain != Grain::Constant {
                return Err("`replace` takes text literals for what and by what".into());
            }
            (text.map_to(Type::Text, |e| e.str().replace_all(from.expr, to.expr, true)), 3)
        }
        "abs" => match next()? {
            // abs of the least integer does not fit 64 bits.
            node @ Node { ty: Some(Type::Int), .. } => (node.map_to(Type::Int, |e| narrow(e.cast(DataType::Int128).abs())), 1),
            node @ Node { ty: Some(Type::Float), .. } => (node.map_to(Type::Float, Plan::abs), 1),
            _ => return Err("`abs` needs an int or a float".into()),
        },
        "round" => {
            let (value, digits) = (next()?, next()?);
            let digits = digits.number.and_then(|d| d.parse().ok()).ok_or("`round` needs a literal number of digits")?;
            if value.ty != Some(Type::Float) {
                return Err("`round` needs a float".into());
            }
            (value.map_to(Type::Float, |e| e.round(digits, RoundMode::HalfAwayFromZero)), 2)
        }
        "year" | "month" | "day" => {
            let date = next()?;
            if !matches!(date.ty, Some(Type::Date | Type::Datetime)) {
                return Err(format!("{what} needs a date"));
            }
            let part = move |e: Plan| match name {
                "year" => e.dt().year(),
                "month" => e.dt().month(),
                _ => e.dt().day(),
            };
            (date.map_to(Type::Int, |e| part(e).cast(DataType::Int64)), 1)
        }
        "days_between" => (days_between(next()?, next()?)?, 2),
        "nullif" => {
            let (value, other) = (next()?, next()?);
            let equal = comparison(value.clone(), other, Plan::eq)?;
            let ty = value.ty.ok_or("`nullif` needs a value")?;
            (Node::both(value, equal, ty, |v, same| when(same).then(lit(NULL)).otherwise(v))?, 2)
        }
        "coalesce" | "greatest" | "least" => (many(name, rest.collect())?, count),
        _ => return Err(format!("function `{name}` is not on the list: {NAMES}")),
    };
    if used == count { Ok(node) } else { Err(format!("`{name}` takes {used} argument(s), not {count}")) }
}

fn many(name: &str, args: Vec<Node>) -> Result<Node, String> {
    let (args, ty) = unify(args, &format!("the arguments of `{name}`"))?;
    let ty = ty.ok_or_else(|| format!("`{name}` needs a value"))?;
    if name != "coalesce" && matches!(ty, Type::Text | Type::Bool) {
        return Err(format!("`{name}` needs numbers or dates"));
    }
    let grain = args.iter().try_fold(Grain::Constant, |g, n| join(g, n.grain))?;
    let exprs: Vec<Plan> = args.into_iter().map(|n| n.expr).collect();
    let expr = match name {
        "coalesce" => coalesce(&exprs),
        "greatest" => max_horizontal(exprs).map_err(|_| "`greatest` needs a value")?,
        _ => min_horizontal(exprs).map_err(|_| "`least` needs a value")?,
    };
    Ok(Node { expr, ty: Some(ty), grain, number: None })
}

/// Date minus date is a Duration in Polars and an integer in DuckDB: this is the one way to say it.
fn days_between(from: Node, to: Node) -> Result<Node, String> {
    for node in [&from, &to] {
        if node.ty != Some(Type::Date) {
            return Err("`days_between` needs two dates".into());
        }
    }
    let days = |e: Plan| e.cast(DataType::Int32).cast(DataType::Int64);
    Node::both(from, to, Type::Int, |a, b| days(b) - days(a))
}

fn cast(node: Node, kind: &CastKind, to: Type) -> Result<Node, String> {
    let Some(from) = node.ty else { return Ok(node.map_to(to, |e| e.cast(polars_type(to)))) };
    let same_everywhere = match (from, to) {
        _ if from == to => true,
        (Type::Text, _) if matches!(kind, CastKind::TryCast) => return Ok(node.map_to(to, |e| read_text(e, to))),
        (Type::Text, _) => return Err(format!("`cast` of text can fail on data: use `try_cast(… as {to})`")),
        (Type::Int | Type::Decimal(..), Type::Float) | (Type::Int | Type::Date, Type::Text) => true,
        (Type::Int, Type::Decimal(_, s)) => s <= 18,
        (Type::Date, Type::Datetime) | (Type::Datetime, Type::Date) | (Type::Bool, Type::Int) => true,
        _ => false,
    };
    if !same_everywhere {
        return Err(format!("`cast` from {from} to {to} means different things in different engines"));
    }
    Ok(node.map_to(to, |e| e.cast(polars_type(to))))
}

/// Text read by the rules for source columns (contract §2); what is no such value is null.
fn read_text(text: Plan, ty: Type) -> Plan {
    let cell = CellType { ty, format: None };
    let read = move |column: Column| -> PolarsResult<Column> { read_column(&column, &cell) };
    text.map(read, move |_, field| Ok(Field::new(field.name().clone(), polars_type(ty))))
}

fn aggregate(
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
            let value = compiler.aggregate_argument(value)?;
            let ty = value.ty.ok_or_else(|| format!("`{name}` of NULL"))?;
            let (expr, ty) = of_one(name, kept(value.expr), ty, distinct)?;
            result(expr, ty)
        }
        ("max_by" | "min_by", [value, by]) => {
            let (value, by) = (compiler.aggregate_argument(value)?, compiler.aggregate_argument(by)?);
            let ty = value.ty.ok_or_else(|| format!("`{name}` of NULL"))?;
            let by = kept(by.expr);
            let best = if name == "max_by" { by.clone().max() } else { by.clone().min() };
            result(value.expr.filter(by.eq(best)).last(), ty)
        }
        _ => Err(format!("`{name}` has a wrong number of arguments")),
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
        ("sum", Type::Int) => Ok((or_null(narrow(value.cast(DataType::Int128).sum())), ty)),
        ("sum", Type::Float) => Ok((or_null(value.sum()), ty)),
        ("sum", Type::Decimal(_, s)) => {
            let wide = Type::Decimal(38, s);
            Ok((or_null(value.cast(polars_type(wide)).sum()), wide))
        }
        // Exact sum, one division.
        ("avg", Type::Int) => Ok((or_null(value.cast(DataType::Int128).sum().cast(DataType::Float64) / count), Type::Float)),
        ("avg", Type::Float) => Ok((or_null(value.sum() / count), Type::Float)),
        ("avg", Type::Decimal(_, s)) => {
            let unscaled = value.cast(polars_type(Type::Decimal(38, s))).sum().to_physical().cast(DataType::Float64);
            Ok((or_null(unscaled / (count * lit(10f64.powi(s.into())))), Type::Float))
        }
        _ => Err(format!("`{name}` of {ty} is not supported")),
    }
}

/// A SQL pattern as an anchored regular expression.
fn like_to_regex(pattern: &str) -> String {
    let mut regex = String::from("(?s)^");
    for c in pattern.chars() {
        match c {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            c => {
                if c.is_ascii_punctuation() {
                    regex.push('\\');
                }
                regex.push(c);
            }
        }
    }
    regex.push('$');
    regex
}

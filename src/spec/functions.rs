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
//! | `days_between(a, b)` | int, days from the day of `a` to the day of `b`, dates or datetimes |
//! | `cast(x as type)`, `try_cast(text as type)` | `type`; a text that is no such value is null |
//! | `count(*)`, `count(x)`, `count(distinct x)`, `sum(x)`, `avg(x)`, `min(x)`, `max(x)` | aggregates, with `filter (where …)` |
//! | `max_by(x, y)`, `min_by(x, y)` | aggregates: `x` of the row with the greatest, least `y`; of equal rows the last |

use polars::lazy::dsl::{max_horizontal, min_horizontal};
use polars::prelude::{DataType, Expr as Plan, NULL, RoundMode, coalesce, lit, when};
use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, InTarget, TrimWhereField,
    Value,
};

use super::aggregates::aggregate;
use super::cast::{cast, sql_type};
use super::operators::{check_text, comparison, narrow, unify};
use super::sql::{Compiler, Grain, Node, join};
use crate::cell::Type;

const NAMES: &str = "abs, avg, cast, coalesce, count, day, days_between, greatest, least, length, like, lower, max, \
                     max_by, min, min_by, month, nullif, replace, round, starts_with, sum, trim, try_cast, upper, year";

/// Compiles whatever is written like a function, from `trim(…)` to `x in (…)`.
pub(super) fn call(compiler: &mut Compiler<'_>, ast: &Expr) -> Result<Node, String> {
    match ast {
        Expr::Function(function) => named(compiler, function),
        Expr::In { expr, target: InTarget::List(list), negated, global: false } => {
            Ok(in_list(compiler, expr, list)?.negate_if(*negated))
        }
        Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
            Ok(like(compiler, expr, pattern)?.negate_if(*negated))
        }
        Expr::Trim { trim_where, trim_what, expr, trim_characters: None } => {
            trim(compiler, *trim_where, trim_what.as_deref(), expr)
        }
        Expr::Cast { kind, expr, data_type, format: None } => cast(compiler.node(expr)?, kind, sql_type(data_type)?),
        other => Err(format!("`{other}` is not supported; allowed are operators, `case` and these functions: {NAMES}")),
    }
}

fn in_list(compiler: &mut Compiler<'_>, value: &Expr, list: &[Expr]) -> Result<Node, String> {
    let value = compiler.node(value)?;
    let equals = list.iter().map(|item| comparison(value.clone(), compiler.node(item)?, Plan::eq));
    let mut equals: Vec<Node> = equals.collect::<Result<_, _>>()?;
    // Joined in pairs: a chain of a thousand would be a thousand deep.
    while equals.len() > 1 {
        let pairs = equals.chunks(2).map(|pair| match pair {
            [a, b] => Node::both(a.clone(), b.clone(), Type::Bool, Plan::or),
            rest => Ok(rest[0].clone()),
        });
        equals = pairs.collect::<Result<_, _>>()?;
    }
    equals.pop().ok_or_else(|| "`in ()` needs a value".into())
}

fn like(compiler: &mut Compiler<'_>, text: &Expr, pattern: &Expr) -> Result<Node, String> {
    let text = check_text(compiler.node(text)?, "`like`")?;
    let pattern = match pattern {
        Expr::Value(value) => &value.value,
        _ => &Value::Null,
    };
    let Value::SingleQuotedString(pattern) = pattern else {
        return Err("the pattern of `like` must be a text literal".into());
    };
    let regex = like_to_regex(pattern);
    Ok(text.map_to(Type::Bool, |e| e.str().contains(lit(regex), true)))
}

fn trim(
    compiler: &mut Compiler<'_>,
    side: Option<TrimWhereField>,
    what: Option<&Expr>,
    text: &Expr,
) -> Result<Node, String> {
    let text = check_text(compiler.node(text)?, "`trim`")?;
    // A bare `trim` strips tabs in one engine and spaces in another: here it is the space, unless said otherwise.
    let what = what.map_or_else(|| Ok(Node::constant(lit(" "), Type::Text)), |w| compiler.node(w))?;
    let what = check_text(what, "`trim`")?.expr;
    Ok(text.map_to(Type::Text, |e| match side {
        Some(TrimWhereField::Leading) => e.str().strip_chars_start(what),
        Some(TrimWhereField::Trailing) => e.str().strip_chars_end(what),
        Some(TrimWhereField::Both) | None => e.str().strip_chars(what),
    }))
}

fn named(compiler: &mut Compiler<'_>, function: &Function) -> Result<Node, String> {
    let name = function.name.to_string().to_lowercase();
    let FunctionArguments::List(list) = &function.args else {
        return Err(format!("`{name}` needs its arguments in brackets"));
    };
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
    // Of an empty text one engine finds one between any two letters, another none.
    let literal = |arg: &Expr, empty: bool| matches!(arg, Expr::Value(v) if matches!(&v.value, Value::SingleQuotedString(s) if empty || !s.is_empty()));
    if name == "replace" && !args.iter().skip(1).zip([false, true]).all(|(arg, empty)| literal(arg, empty)) {
        return Err("`replace` takes text literals, and the first is not empty".into());
    }
    let distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
    match name.as_str() {
        "count" | "sum" | "avg" | "min" | "max" | "max_by" | "min_by" => {
            aggregate(compiler, &name, &args, distinct, function.filter.as_deref())
        }
        _ if distinct || function.filter.is_some() => {
            Err(format!("`{name}` is no aggregate: no `distinct`, no `filter`"))
        }
        _ => {
            let args = args.into_iter().map(|a| compiler.node(a)).collect::<Result<Vec<_>, _>>()?;
            scalar(&name, args)
        }
    }
}

/// A function of one value a row.
fn scalar(name: &str, args: Vec<Node>) -> Result<Node, String> {
    if matches!(name, "coalesce" | "greatest" | "least") {
        return many(name, args);
    }
    let wants = match name {
        "lower" | "upper" | "length" | "trim" | "abs" | "year" | "month" | "day" => 1,
        "starts_with" | "round" | "days_between" | "nullif" => 2,
        "replace" => 3,
        _ => return Err(format!("function `{name}` is not on the list: {NAMES}")),
    };
    let count = args.len();
    let mut args = args.into_iter();
    match (wants, args.next(), args.next(), args.next()) {
        (1, Some(value), None, _) => of_one(name, value),
        (2, Some(a), Some(b), None) => of_two(name, a, b),
        (3, Some(text), Some(what), Some(by)) if count == 3 => replace(text, what, by),
        _ => Err(format!("`{name}` takes {wants} argument(s), not {count}")),
    }
}

fn of_one(name: &str, value: Node) -> Result<Node, String> {
    let what = format!("`{name}`");
    match (name, value.ty) {
        ("lower", _) => Ok(check_text(value, &what)?.map_to(Type::Text, |e| e.str().to_lowercase())),
        ("upper", _) => Ok(check_text(value, &what)?.map_to(Type::Text, |e| e.str().to_uppercase())),
        ("trim", _) => Ok(check_text(value, &what)?.map_to(Type::Text, |e| e.str().strip_chars(lit(" ")))),
        ("length", _) => Ok(check_text(value, &what)?.map_to(Type::Int, |e| e.str().len_chars().cast(DataType::Int64))),
        // The absolute value of the least integer does not fit 64 bits.
        ("abs", Some(ty @ Type::Int)) => Ok(value.map_to(ty, |e| narrow(e.cast(DataType::Int128).abs(), "abs".into()))),
        ("abs", Some(ty @ Type::Float)) => Ok(value.map_to(ty, Plan::abs)),
        ("abs", _) => Err("`abs` needs an int or a float".into()),
        (_, Some(Type::Date | Type::Datetime)) => Ok(value.map_to(Type::Int, |e| {
            let part = match name {
                "year" => e.dt().year(),
                "month" => e.dt().month(),
                _ => e.dt().day(),
            };
            part.cast(DataType::Int64)
        })),
        _ => Err(format!("{what} needs a date")),
    }
}

fn of_two(name: &str, a: Node, b: Node) -> Result<Node, String> {
    let what = format!("`{name}`");
    match name {
        "starts_with" => {
            let (text, prefix) = (check_text(a, &what)?, check_text(b, &what)?);
            Node::both(text, prefix, Type::Bool, |t, p| t.str().starts_with(p))
        }
        "round" => {
            let digits = b.number.and_then(|d| d.parse().ok()).ok_or("`round` needs a literal number of digits")?;
            match a.ty {
                Some(ty @ Type::Float) => Ok(a.map_to(ty, |e| e.round(digits, RoundMode::HalfAwayFromZero))),
                _ => Err("`round` needs a float".into()),
            }
        }
        "nullif" => {
            let equal = comparison(a.clone(), b, Plan::eq)?;
            let ty = a.ty.ok_or("`nullif` needs a value")?;
            Node::both(a, equal, ty, |value, same| when(same).then(lit(NULL)).otherwise(value))
        }
        _ => days_between(a, b),
    }
}

fn replace(text: Node, what: Node, by: Node) -> Result<Node, String> {
    let name = "`replace`";
    let (text, what, by) = (check_text(text, name)?, check_text(what, name)?, check_text(by, name)?);
    Ok(text.map_to(Type::Text, |e| e.str().replace_all(what.expr, by.expr, true)))
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
    let day = |node: Node| match node.ty {
        Some(Type::Date) => Ok(node),
        Some(Type::Datetime) => Ok(node.map_to(Type::Date, |e| e.cast(DataType::Date))),
        _ => Err("`days_between` needs two dates or datetimes".to_owned()),
    };
    let days = |e: Plan| e.cast(DataType::Int32).cast(DataType::Int64);
    Node::both(day(from)?, day(to)?, Type::Int, |a, b| days(b) - days(a))
}

/// A SQL pattern as an anchored regular expression.
fn like_to_regex(pattern: &str) -> String {
    let mut regex = String::from("(?s)^");
    for c in pattern.chars() {
        match c {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            c => {
                if ".+*?()|[]{}^$\\".contains(c) {
                    regex.push('\\');
                }
                regex.push(c);
            }
        }
    }
    regex.push('$');
    regex
}

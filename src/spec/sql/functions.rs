//! Owns the list of functions that an expression may call; refuses those that do not mean the same in Polars, DuckDB
//! and Spark.
//!
//! | function | result |
//! |---|---|
//! | `lower(text)`, `upper(text)`, `trim([both\|leading\|trailing] 'c' from text)`, `replace(text, what, by)` | text |
//! | `substring(text, start[, length])`, `split_part(text, separator, n)`, `sha256_hex(text)`, `hash_email(text[, 'google'])` | text |
//! | `length(text)` | int, characters |
//! | `starts_with(text, prefix)`, `text like 'a%_'`, `x in (a, b)` | bool |
//! | `coalesce(a, b, …)`, `nullif(a, b)`, `greatest(a, …)`, `least(a, …)` | the arguments' type; the last two skip nulls |
//! | `abs(number)`, `round(float, digits)` | number; halves away from zero |
//! | `year(date)`, `month(date)`, `day(date)` | int |
//! | `days_between(a, b)` | int, days from the day of `a` to the day of `b`, dates or datetimes |
//! | `cast(x as type)`, `try_cast(text as type)` | `type`; a text that is not a valid value is null |
//! | `count(*)`, `count(x)`, `count(distinct x)`, `sum(x)`, `avg(x)`, `min(x)`, `max(x)` | aggregates, with `filter (where …)` |
//! | `sum_in(money, 'usd')`, `sums(money)`, `sum_as(money, 'eur')` | aggregates of money: a decimal, a text, a decimal |
//! | `max_by(x, y)`, `min_by(x, y)` | aggregates: `x` of the row with the greatest, smallest `y`; of equal rows the last |

use std::borrow::Cow;

use sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr as Ast, Function as Call, FunctionArg, FunctionArgExpr,
    FunctionArgOperator, FunctionArguments, InTarget, TrimWhereField, Value,
};
use sqlparser::dialect::DuckDbDialect;
use sqlparser::parser::Parser;

use super::aggregates::aggregate;
use super::cast::{cast, sql_type};
use super::draft::{Draft, text_constant};
use super::operators::{check_text, comparison, unify};
use super::{Checked, Checker, Fault, is_text_literal, syntax};
use crate::spec::expr::{Function, Kind};
use crate::value::{Ends, Type};

pub const NAMES: &str = "abs, avg, cast, coalesce, count, day, days_between, greatest, hash_email, least, length, like, lower, max, \
                         max_by, min, min_by, month, nullif, replace, round, sha256_hex, split_part, starts_with, \
                         substring, sum, sum_as, sum_in, sums, trim, try_cast, upper, year";

/// Checks whatever is written like a function, from `trim(…)` to `x in (…)`.
pub fn call(checker: &mut Checker<'_>, ast: &Ast) -> Checked<Draft> {
    match ast {
        Ast::Function(function) => named(checker, function),
        Ast::In { expr, target: InTarget::List(list), negated, global: false } => {
            Ok(in_list(checker, expr, list)?.negate_if(*negated))
        }
        Ast::Like { negated, any: false, expr, pattern, escape_char: None } => {
            Ok(like(checker, expr, pattern)?.negate_if(*negated))
        }
        Ast::Trim { trim_where, trim_what, expr, trim_characters: None } => {
            trim(checker, *trim_where, trim_what.as_deref(), expr)
        }
        Ast::Substring { expr, substring_from: Some(start), substring_for, .. } => {
            let args: Vec<&Ast> = [&**expr, &**start].into_iter().chain(substring_for.as_deref()).collect();
            with_literals(checker, "substring", &args)?.ok_or_else(|| Fault::Unsupported(ast.to_string()).into())
        }
        Ast::Cast { kind, expr, data_type, format: None } => cast(checker.draft(expr)?, kind, sql_type(data_type)?),
        other => Err(Fault::Unsupported(other.to_string()).into()),
    }
}

fn in_list(checker: &mut Checker<'_>, value: &Ast, list: &[Ast]) -> Checked<Draft> {
    let value = checker.draft(value)?;
    let equals = list.iter().map(|item| comparison(value.clone(), checker.draft(item)?, Function::Equal));
    let mut equals: Vec<Draft> = equals.collect::<Checked<_>>()?;
    // Joined in pairs, because a chain of a thousand would be nested a thousand deep.
    while equals.len() > 1 {
        let pairs = equals.chunks(2).map(|pair| match pair {
            [a, b] => Draft::both(a.clone(), b.clone(), Type::Bool, Function::Or),
            rest => Ok(rest[0].clone()),
        });
        equals = pairs.collect::<Checked<_>>()?;
    }
    equals.pop().ok_or_else(|| Fault::Needs { what: "`in ()`".into(), wanted: "a value" }.into())
}

fn like(checker: &mut Checker<'_>, text: &Ast, pattern: &Ast) -> Checked<Draft> {
    let text = check_text(checker.draft(text)?, "`like`")?;
    let Ast::Value(pattern) = pattern else { return Err(Fault::LikePattern.into()) };
    let Value::SingleQuotedString(pattern) = &pattern.value else { return Err(Fault::LikePattern.into()) };
    Draft::both(text, text_constant(pattern), Type::Bool, Function::Like)
}

fn trim(checker: &mut Checker<'_>, side: Option<TrimWhereField>, what: Option<&Ast>, text: &Ast) -> Checked<Draft> {
    let text = check_text(checker.draft(text)?, "`trim`")?;
    let what = what.map(|w| checker.draft(w)).transpose()?.unwrap_or_else(space);
    let ends = match side {
        Some(TrimWhereField::Leading) => Ends::Leading,
        Some(TrimWhereField::Trailing) => Ends::Trailing,
        Some(TrimWhereField::Both) | None => Ends::Both,
    };
    Draft::both(text, check_text(what, "`trim`")?, Type::Text, Function::Trim(ends))
}

/// What `trim` removes by default: spaces only. Without this some engines would remove tabs too.
fn space() -> Draft {
    text_constant(" ")
}

fn named(checker: &mut Checker<'_>, function: &Call) -> Checked<Draft> {
    let name = function.name.to_string().to_lowercase();
    let FunctionArguments::List(list) = &function.args else { return Err(Fault::Brackets(name).into()) };
    let plain = function.over.is_none() && function.within_group.is_empty() && function.null_treatment.is_none();
    if !plain || !list.clauses.is_empty() {
        return Err(Fault::Window(function.to_string()).into());
    }
    let args = arguments(&name, &list.args)?;
    let args: Vec<&Ast> = args.iter().map(|arg| &**arg).collect();
    if let Some(draft) = with_literals(checker, &name, &args)? {
        return Ok(draft);
    }
    // Some engines find an empty text between any two letters, others nowhere.
    if name == "replace" && !args.iter().skip(1).zip([false, true]).all(|(arg, empty)| is_text_literal(arg, empty)) {
        return Err(Fault::ReplaceLiterals.into());
    }
    let distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
    match name.as_str() {
        "count" | "sum" | "avg" | "min" | "max" | "max_by" | "min_by" | "sum_in" | "sums" | "sum_as" => {
            aggregate(checker, &name, &args, distinct, function.filter.as_deref())
        }
        _ if distinct || function.filter.is_some() => Err(Fault::NotAnAggregate(name).into()),
        // Said before anything about its arguments, which may be right.
        _ if NAMES.split(',').all(|known| known.trim() != name) => Err(Fault::UnknownFunction(name).into()),
        _ => {
            let args = args.into_iter().map(|a| checker.draft(a)).collect::<Checked<Vec<_>>>()?;
            scalar(name, args)
        }
    }
}

/// A call's arguments; none for the `*` of `count(*)`.
fn arguments<'a>(function: &str, args: &'a [FunctionArg]) -> Checked<Vec<Cow<'a, Ast>>> {
    let mut read = Vec::new();
    for arg in args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => read.push(Cow::Borrowed(expr)),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if function == "count" => {}
            // The parser takes `max(a = b)` for an argument with a name, which no function has.
            FunctionArg::Named { name, arg: FunctionArgExpr::Expr(right), operator: FunctionArgOperator::Equals } => {
                // Its name may be any word, such as `true` or a text in quotes.
                let mut parser = Parser::new(&DuckDbDialect {}).try_with_sql(&name.to_string()).map_err(syntax)?;
                read.push(Cow::Owned(equal(parser.parse_expr().map_err(syntax)?, right)));
            }
            FunctionArg::ExprNamed {
                name,
                arg: FunctionArgExpr::Expr(right),
                operator: FunctionArgOperator::Equals,
            } => {
                read.push(Cow::Owned(equal(name.clone(), right)));
            }
            _ => return Err(Fault::Argument { function: function.to_owned(), argument: arg.to_string() }.into()),
        }
    }
    Ok(read)
}

fn equal(left: Ast, right: &Ast) -> Ast {
    Ast::BinaryOp { left: Box::new(left), op: BinaryOperator::Eq, right: Box::new(right.clone()) }
}

/// Checks a function of a text whose other arguments are literals; none for other functions.
fn with_literals(checker: &mut Checker<'_>, name: &str, args: &[&Ast]) -> Checked<Option<Draft>> {
    let Some(function) = of_literals(name, args)? else { return Ok(None) };
    let text = args.first().map(|text| checker.draft(text)).transpose()?.unwrap_or_else(Draft::null);
    let text = check_text(text, &format!("`{name}`"))?;
    let draft = match (function, args.get(1)) {
        (Function::SplitPart(_), Some(separator)) => {
            Draft::both(text, checker.draft(separator)?, Type::Text, function)?
        }
        _ => text.call(Type::Text, function),
    };
    Ok(Some(draft))
}

/// What it is, by its literals.
fn of_literals(name: &str, args: &[&Ast]) -> Checked<Option<Function>> {
    let needs = |wanted| Err(Fault::Needs { what: format!("`{name}`"), wanted }.into());
    // Engines count differently from 0 and from the end.
    let number = |at: usize, least: u32| args.get(at).and_then(|arg| literal_number(arg)).filter(|n| *n >= least);
    Ok(Some(match (name, args.len()) {
        ("substring", 2 | 3) => match (number(1, 1), args.len(), number(2, 0)) {
            (Some(start), 2, _) => Function::Substring(start, None),
            (Some(start), _, Some(length)) => Function::Substring(start, Some(length)),
            _ => return needs("a literal start of at least 1, and a literal length if there is one"),
        },
        ("split_part", 3) => match number(2, 1) {
            Some(nth) if args.get(1).is_some_and(|separator| is_text_literal(separator, false)) => {
                Function::SplitPart(nth)
            }
            _ => return needs("a separator in quotes and a literal number of at least 1"),
        },
        ("sha256_hex", 1) => Function::Sha256Hex,
        ("hash_email", 1) => Function::HashEmail { google: false },
        ("hash_email", 2) if args.get(1).is_some_and(|rule| is_google(rule)) => Function::HashEmail { google: true },
        ("hash_email", 2) => return needs("'google' as its second argument, or none"),
        ("substring" | "split_part" | "sha256_hex" | "hash_email", found) => {
            let wants = if name == "sha256_hex" || name == "hash_email" { 1 } else { 3 };
            return Err(Fault::ArgumentCount { function: name.to_owned(), wants, found }.into());
        }
        _ => return Ok(None),
    }))
}

fn literal_number(ast: &Ast) -> Option<u32> {
    match ast {
        Ast::Value(value) => match &value.value {
            Value::Number(digits, false) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn is_google(ast: &Ast) -> bool {
    matches!(ast, Ast::Value(value) if matches!(&value.value, Value::SingleQuotedString(text) if text == "google"))
}

/// A function that gives one value per row.
fn scalar(name: String, args: Vec<Draft>) -> Checked<Draft> {
    let many = match name.as_str() {
        "coalesce" => Some(Function::Coalesce),
        "greatest" => Some(Function::Greatest),
        "least" => Some(Function::Least),
        _ => None,
    };
    if let Some(function) = many {
        return of_many(&name, function, args);
    }
    let wants = match name.as_str() {
        "lower" | "upper" | "length" | "trim" | "abs" | "year" | "month" | "day" => 1,
        "starts_with" | "round" | "days_between" | "nullif" => 2,
        "replace" => 3,
        _ => return Err(Fault::UnknownFunction(name).into()),
    };
    let found = args.len();
    let mut args = args.into_iter();
    match (wants, args.next(), args.next(), args.next()) {
        (1, Some(value), None, _) => of_one(&name, value),
        (2, Some(a), Some(b), None) => of_two(&name, a, b),
        (3, Some(text), Some(what), Some(by)) if found == 3 => {
            let texts = [text, what, by].into_iter().map(|arg| check_text(arg, "`replace`"));
            Draft::all(texts.collect::<Checked<_>>()?, Type::Text, Function::Replace)
        }
        _ => Err(Fault::ArgumentCount { function: name, wants, found }.into()),
    }
}

fn of_one(name: &str, value: Draft) -> Checked<Draft> {
    let what = format!("`{name}`");
    match (name, value.ty) {
        ("lower", _) => Ok(check_text(value, &what)?.call(Type::Text, Function::Lower)),
        ("upper", _) => Ok(check_text(value, &what)?.call(Type::Text, Function::Upper)),
        ("trim", _) => Draft::both(check_text(value, &what)?, space(), Type::Text, Function::Trim(Ends::Both)),
        ("length", _) => Ok(check_text(value, &what)?.call(Type::Int, Function::Length)),
        ("abs", Some(ty @ (Type::Int | Type::Float))) => Ok(value.call(ty, Function::Abs)),
        ("abs", _) => Err(Fault::Needs { what, wanted: "an int or a float" }.into()),
        ("year", Some(Type::Date | Type::Datetime)) => Ok(value.call(Type::Int, Function::Year)),
        ("month", Some(Type::Date | Type::Datetime)) => Ok(value.call(Type::Int, Function::Month)),
        ("day", Some(Type::Date | Type::Datetime)) => Ok(value.call(Type::Int, Function::Day)),
        _ => Err(Fault::Needs { what, wanted: "a date" }.into()),
    }
}

fn of_two(name: &str, a: Draft, b: Draft) -> Checked<Draft> {
    let what = format!("`{name}`");
    match name {
        "starts_with" => Draft::both(check_text(a, &what)?, check_text(b, &what)?, Type::Bool, Function::StartsWith),
        "round" => {
            // No double has more digits that count.
            let digits = b.number.and_then(|d| d.parse().ok()).filter(|digits| *digits <= 15);
            let digits = digits
                .ok_or_else(|| Fault::Needs { what: what.clone(), wanted: "a literal number of digits, at most 15" })?;
            match a.ty {
                Some(ty @ Type::Float) => Ok(a.call(ty, Function::Round(digits))),
                _ => Err(Fault::Needs { what, wanted: "a float" }.into()),
            }
        }
        "nullif" => {
            let equal = comparison(a.clone(), b, Function::Equal)?;
            let ty = a.ty.ok_or(Fault::Needs { what, wanted: "a value" })?;
            Draft::both(a, equal, ty, Function::NullIf)
        }
        _ => Draft::both(day(a)?, day(b)?, Type::Int, Function::DaysBetween),
    }
}

fn of_many(name: &str, function: Function, args: Vec<Draft>) -> Checked<Draft> {
    let (args, ty) = unify(args, &format!("the arguments of `{name}`"))?;
    let what = format!("`{name}`");
    match ty {
        None => Err(Fault::Needs { what, wanted: "a value" }.into()),
        Some(Type::Text | Type::Bool) if function != Function::Coalesce => {
            Err(Fault::Needs { what, wanted: "numbers or dates" }.into())
        }
        Some(ty) => Draft::all(args, ty, function),
    }
}

/// The day of a date or datetime.
fn day(draft: Draft) -> Checked<Draft> {
    match draft.ty {
        Some(Type::Date) => Ok(draft),
        Some(Type::Datetime) => Ok(draft.wrap(Type::Date, |moment| Kind::Cast(Box::new(moment)))),
        _ => Err(Fault::Needs { what: "`days_between`".into(), wanted: "two dates or datetimes" }.into()),
    }
}

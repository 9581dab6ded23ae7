//! A typed tree evaluated for one row, without an engine: for conditions on the rows of a file, which are few. Means what
//! the engine means; an integer out of range is null here, as no profile follows from it.

use std::borrow::Cow;
use std::cmp::Ordering;

use chrono::{Datelike, NaiveDate};

use super::expr::{Constant, Expr, Function, Kind};
use crate::value::{
    CellType, Type, Value, decimal_to_float, hash_email, round, sha256_hex, split_part, substring, trim_characters,
};

/// A value while an expression is evaluated.
#[derive(Debug, Clone, PartialEq)]
enum Cell<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Unscaled.
    Decimal(i128),
    Date(i32),
    Datetime(i64),
    Text(Cow<'a, str>),
}

/// The value of a column of the row, by its name.
type Columns<'c, 'a> = &'c dyn Fn(&str) -> Option<Value<'a>>;

impl Expr {
    /// Whether a condition is true of a row; null is not.
    pub fn holds<'a>(&'a self, columns: Columns<'_, 'a>) -> bool {
        evaluate(self, columns) == Cell::Bool(true)
    }

    /// Whether it reads a text that is no value, of which null is made.
    pub fn loses<'a>(&'a self, columns: Columns<'_, 'a>) -> bool {
        match &self.kind {
            Kind::Read(text) => {
                let is_there = evaluate(text, columns).text().is_some_and(|text| !text.is_empty());
                is_there && evaluate(self, columns) == Cell::Null
            }
            _ => false,
        }
    }
}

impl<'a> Cell<'a> {
    fn of(value: Value<'a>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Text("") => Self::Null,
            Value::Text(text) => Self::Text(text.into()),
            Value::Int(n) => Self::Int(n),
            Value::Float(x) => Self::Float(x),
            Value::Decimal(n) => Self::Decimal(n),
            Value::Bool(b) => Self::Bool(b),
            Value::Date(days) => Self::Date(days),
            Value::Datetime(micros) => Self::Datetime(micros),
        }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    fn bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The day of a date or datetime.
    fn day(&self) -> Option<i32> {
        match self {
            Self::Date(days) => Some(*days),
            Self::Datetime(micros) => i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok(),
            _ => None,
        }
    }
}

const MICROS_PER_DAY: i64 = 86_400_000_000;

fn evaluate<'a>(expr: &'a Expr, columns: Columns<'_, 'a>) -> Cell<'a> {
    match &expr.kind {
        Kind::Null | Kind::Aggregate(_) => Cell::Null,
        Kind::Constant(value) => constant(value),
        Kind::Column(name) => columns(name).map_or(Cell::Null, Cell::of),
        Kind::Cast(inner) => cast(evaluate(inner, columns), inner.ty, expr.ty),
        Kind::Read(text) => read(&evaluate(text, columns), expr.ty),
        Kind::Call(function, args) => call(*function, args, expr.ty, columns),
        Kind::Case { branches, otherwise } => {
            for (condition, result) in branches {
                if condition.holds(columns) {
                    return evaluate(result, columns);
                }
            }
            evaluate(otherwise, columns)
        }
    }
}

fn constant(value: &Constant) -> Cell<'_> {
    match value {
        Constant::Bool(value) => Cell::Bool(*value),
        Constant::Int(value) => Cell::Int(*value),
        Constant::Float(value) => Cell::Float(*value),
        Constant::Decimal(value) => Cell::Decimal(*value),
        Constant::Date(days) => Cell::Date(*days),
        Constant::Datetime(micros) => Cell::Datetime(*micros),
        Constant::Text(text) => Cell::Text(text.as_str().into()),
    }
}

/// A text by the rules of a cell's type.
fn read<'a>(text: &Cell<'a>, ty: Type) -> Cell<'a> {
    let owned = text.text().and_then(|text| match CellType::of(ty).read(text)? {
        Value::Text(_) => Some(Cell::Text(text.to_owned().into())),
        Value::Null => None,
        Value::Int(n) => Some(Cell::Int(n)),
        Value::Float(x) => Some(Cell::Float(x)),
        Value::Decimal(n) => Some(Cell::Decimal(n)),
        Value::Bool(b) => Some(Cell::Bool(b)),
        Value::Date(days) => Some(Cell::Date(days)),
        Value::Datetime(micros) => Some(Cell::Datetime(micros)),
    });
    owned.unwrap_or(Cell::Null)
}

/// Only the casts that the spec's check lets through.
fn cast(value: Cell<'_>, from: Type, to: Type) -> Cell<'_> {
    let scale = |ty: Type| if let Type::Decimal(_, s) = ty { u32::from(s) } else { 0 };
    match (value, to) {
        (Cell::Int(n), Type::Float) => Cell::Float(n as f64),
        (Cell::Int(n), Type::Decimal(..)) => Cell::Decimal(i128::from(n) * 10i128.pow(scale(to))),
        (Cell::Int(n), Type::Text) => Cell::Text(n.to_string().into()),
        (Cell::Decimal(n), Type::Float) => Cell::Float(decimal_to_float(n, scale(from) as u8)),
        (Cell::Decimal(n), Type::Decimal(..)) => {
            let factor = 10i128.pow(scale(to).saturating_sub(scale(from)));
            n.checked_mul(factor).map_or(Cell::Null, Cell::Decimal)
        }
        (Cell::Date(days), Type::Text) => {
            NaiveDate::from_epoch_days(days).map_or(Cell::Null, |day| Cell::Text(day.to_string().into()))
        }
        (Cell::Date(days), Type::Datetime) => Cell::Datetime(i64::from(days) * MICROS_PER_DAY),
        (moment @ Cell::Datetime(_), Type::Date) => moment.day().map_or(Cell::Null, Cell::Date),
        (Cell::Bool(value), Type::Int) => Cell::Int(value.into()),
        (same, _) => same,
    }
}

fn call<'a>(function: Function, args: &'a [Expr], ty: Type, columns: Columns<'_, 'a>) -> Cell<'a> {
    let mut values = args.iter().map(|arg| evaluate(arg, columns));
    match function {
        Function::Coalesce => return values.find(|value| *value != Cell::Null).unwrap_or(Cell::Null),
        Function::Greatest => return extreme(values, Ordering::Greater),
        Function::Least => return extreme(values, Ordering::Less),
        _ => {}
    }
    let mut next = || values.next().unwrap_or(Cell::Null);
    let (a, b, c) = (next(), next(), next());
    if let Some(known) = truth(function, &a, &b) {
        return known.map_or(Cell::Null, Cell::Bool);
    }
    if let Some(known) = text(function, &a, &b, &c) {
        return known.map_or(Cell::Null, |text| Cell::Text(text.into()));
    }
    number(function, a, b, ty)
}

/// The result of a function that gives true or false; none for other functions.
fn truth(function: Function, a: &Cell<'_>, b: &Cell<'_>) -> Option<Option<bool>> {
    let compared = |wanted: fn(Ordering) -> bool| compare(a, b).map(wanted);
    Some(match function {
        // False decides, even beside null.
        Function::And => match (a.bool(), b.bool()) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (a, b) => a.zip(b).map(|(a, b)| a && b),
        },
        Function::Or => match (a.bool(), b.bool()) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (a, b) => a.zip(b).map(|(a, b)| a || b),
        },
        Function::Not => a.bool().map(|a| !a),
        Function::IsNull => Some(*a == Cell::Null),
        Function::IsNotNull => Some(*a != Cell::Null),
        Function::IsTrue => Some(a.bool() == Some(true)),
        Function::IsFalse => Some(a.bool() == Some(false)),
        Function::Equal => compared(Ordering::is_eq),
        Function::NotEqual => compared(Ordering::is_ne),
        Function::Less => compared(Ordering::is_lt),
        Function::LessOrEqual => compared(Ordering::is_le),
        Function::Greater => compared(Ordering::is_gt),
        Function::GreaterOrEqual => compared(Ordering::is_ge),
        Function::StartsWith => a.text().zip(b.text()).map(|(a, b)| a.starts_with(b)),
        Function::Like => a.text().zip(b.text()).map(|(a, pattern)| is_like(a, pattern)),
        _ => return None,
    })
}

/// The result of a function that gives a text; none for other functions.
fn text(function: Function, a: &Cell<'_>, b: &Cell<'_>, c: &Cell<'_>) -> Option<Option<String>> {
    Some(match function {
        Function::Concat => a.text().zip(b.text()).map(|(a, b)| format!("{a}{b}")),
        Function::Lower => a.text().map(str::to_lowercase),
        Function::Upper => a.text().map(str::to_uppercase),
        Function::Trim(ends) => a.text().zip(b.text()).map(|(a, what)| trim_characters(a, what, ends).to_owned()),
        Function::Substring(start, length) => a.text().map(|a| substring(a, start, length).to_owned()),
        Function::SplitPart(nth) => a.text().zip(b.text()).map(|(a, by)| split_part(a, by, nth).to_owned()),
        Function::Sha256Hex => a.text().map(sha256_hex),
        Function::HashEmail { google } => a.text().and_then(|a| hash_email(a, google)),
        Function::Replace => a.text().zip(b.text()).zip(c.text()).map(|((a, what), by)| a.replace(what, by)),
        _ => return None,
    })
}

/// The result of the other functions.
fn number<'a>(function: Function, a: Cell<'a>, b: Cell<'a>, ty: Type) -> Cell<'a> {
    let part = |part: fn(NaiveDate) -> i64| {
        a.day().and_then(NaiveDate::from_epoch_days).map_or(Cell::Null, |day| Cell::Int(part(day)))
    };
    match function {
        Function::Add | Function::Subtract | Function::Multiply | Function::Divide | Function::Negate => {
            arithmetic(function, a, b)
        }
        Function::NullIf if b.bool() == Some(true) => Cell::Null,
        Function::NullIf => a,
        Function::Length => a.text().map_or(Cell::Null, |a| Cell::Int(a.chars().count() as i64)),
        Function::Abs => match a {
            Cell::Int(n) => n.checked_abs().map_or(Cell::Null, Cell::Int),
            Cell::Float(x) => Cell::Float(x.abs()),
            other => other,
        },
        Function::Round(digits) => match a {
            Cell::Float(x) => Cell::Float(round(x, digits)),
            other => other,
        },
        Function::Year => part(|day| day.year().into()),
        Function::Month => part(|day| day.month().into()),
        Function::Day => part(|day| day.day().into()),
        Function::DaysBetween => {
            a.day().zip(b.day()).map_or(Cell::Null, |(a, b)| Cell::Int(i64::from(b) - i64::from(a)))
        }
        _ => cast(a, ty, ty),
    }
}

/// The order of two values of one type.
fn compare(a: &Cell<'_>, b: &Cell<'_>) -> Option<Ordering> {
    match (a, b) {
        (Cell::Bool(a), Cell::Bool(b)) => Some(a.cmp(b)),
        (Cell::Int(a), Cell::Int(b)) | (Cell::Datetime(a), Cell::Datetime(b)) => Some(a.cmp(b)),
        (Cell::Float(a), Cell::Float(b)) => a.partial_cmp(b),
        (Cell::Decimal(a), Cell::Decimal(b)) => Some(a.cmp(b)),
        (Cell::Date(a), Cell::Date(b)) => Some(a.cmp(b)),
        (Cell::Text(a), Cell::Text(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn extreme<'a>(values: impl Iterator<Item = Cell<'a>>, wanted: Ordering) -> Cell<'a> {
    values.fold(Cell::Null, |best, value| match (&best, compare(&value, &best)) {
        (Cell::Null, _) => value,
        (_, Some(order)) if order == wanted => value,
        _ => best,
    })
}

fn arithmetic<'a>(function: Function, a: Cell<'a>, b: Cell<'a>) -> Cell<'a> {
    let int = |n: Option<i64>| n.map_or(Cell::Null, Cell::Int);
    let float = |x: f64| if x.is_finite() { Cell::Float(x) } else { Cell::Null };
    match (function, a, b) {
        (Function::Add, Cell::Int(a), Cell::Int(b)) => int(a.checked_add(b)),
        (Function::Subtract, Cell::Int(a), Cell::Int(b)) => int(a.checked_sub(b)),
        (Function::Multiply, Cell::Int(a), Cell::Int(b)) => int(a.checked_mul(b)),
        (Function::Add, Cell::Float(a), Cell::Float(b)) => float(a + b),
        (Function::Subtract, Cell::Float(a), Cell::Float(b)) => float(a - b),
        (Function::Multiply, Cell::Float(a), Cell::Float(b)) => float(a * b),
        (Function::Divide, Cell::Float(a), Cell::Float(b)) => float(a / b),
        (Function::Negate, Cell::Float(a), _) => Cell::Float(-a),
        (Function::Negate, Cell::Decimal(a), _) => Cell::Decimal(-a),
        (Function::Add, Cell::Decimal(a), Cell::Decimal(b)) => a.checked_add(b).map_or(Cell::Null, Cell::Decimal),
        (Function::Subtract, Cell::Decimal(a), Cell::Decimal(b)) => a.checked_sub(b).map_or(Cell::Null, Cell::Decimal),
        _ => Cell::Null,
    }
}

/// `%` is any text, `_` any character.
fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    // Where the last `%` was, and up to where it has taken the text: only it ever has to take more.
    let (mut at, mut in_pattern, mut star) = (0, 0, None);
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some('%') => {
                star = Some((in_pattern, at));
                in_pattern += 1;
            }
            Some(c) if *c == '_' || *c == text[at] => (at, in_pattern) = (at + 1, in_pattern + 1),
            _ => match star {
                Some((percent, taken)) => {
                    star = Some((percent, taken + 1));
                    (at, in_pattern) = (taken + 1, percent + 1);
                }
                None => return false,
            },
        }
    }
    pattern[in_pattern..].iter().all(|c| *c == '%')
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::super::Scope;
    use super::super::sql::{Context, check};
    use super::*;

    /// What a condition is of a row with `t` = "Total", `n` = 7, `f` = 1.5, `d` = 2026-01-31, `z` null, `b` true.
    fn holds(sql: &str) -> bool {
        let types = [
            ("t", Type::Text),
            ("n", Type::Int),
            ("f", Type::Float),
            ("d", Type::Date),
            ("z", Type::Text),
            ("b", Type::Bool),
            ("m", Type::Decimal(12, 2)),
        ];
        let types = types.map(|(name, ty)| (name.to_owned(), ty)).into_iter().collect::<IndexMap<_, _>>();
        let scope = Scope { types, ..Scope::default() };
        let condition = check(sql, &scope, Context::Row).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        condition.expr.holds(&|name| {
            Some(match name {
                "t" => Value::Text("Total"),
                "n" => Value::Int(7),
                "f" => Value::Float(1.5),
                "d" => Value::Date(20_484),
                "b" => Value::Bool(true),
                "m" => Value::Decimal(1050),
                _ => Value::Null,
            })
        })
    }

    #[test]
    fn conditions_mean_what_they_mean_in_sql() {
        for sql in [
            "t = 'Total'",
            "t like 'T%l' and t like '_ot%' and not t like 't%'",
            "t in ('a', 'Total')",
            "lower(t) = 'total' and length(t) = 5",
            "n + 1 = 8 and n / 2 = 3.5 and -n < 0",
            "n between 7 and 9",
            "f > 1 and round(f, 0) = 2.0",
            "d = date '2026-01-31' and year(d) = 2026 and days_between(date '2026-01-01', d) = 30",
            "z is null and coalesce(z, t) = 'Total'",
            "(z = 'x' or n = 7) and not (z = 'x' and n = 8)",
            "case when z = 'x' then false when n = 7 then true end",
            "try_cast('12' as bigint) = 12 and try_cast(t as bigint) is null",
            "m = 10.5 and m + 1 > 11",
            "greatest(n, 9) = 9 and least(n, 9) = 7 and nullif(n, 7) is null",
            "trim(both 'Tl' from t) = 'ota' and replace(t, 'ot', 'x') = 'Txal' and starts_with(t, 'To')",
            "b is true and t || '!' = 'Total!'",
        ] {
            assert!(holds(sql), "{sql}");
        }
        for sql in ["z = 'x'", "not z = 'x'", "z <> 'x'", "9223372036854775807 + n > 0", "n / 0 > 0"] {
            assert!(!holds(sql), "{sql}: unknown is not true");
        }
    }
}

//! The spec's typed trees → Polars expressions, in which integers never wrap and floats stay finite.
//! Owns what each operator and function is in Polars; knows no data.

mod aggregates;
mod floats;

use polars::lazy::dsl::{max_horizontal, min_horizontal};
use polars::prelude::{
    AnyValue, Column, DataType, Expr as Plan, Field, IntoColumn, LiteralValue, NULL, NewChunkedArray, PolarsResult,
    Scalar, StringChunked, TimeUnit, coalesce, col, concat_str, lit, polars_err, when,
};

use super::bridge::{polars_type, read_column};
use super::fault::Fault;
use crate::spec::expr::{Constant, Expr, Function, Kind};
use crate::value::{CellType, Ends, Type, hash_email, sha256_hex, split_part, substring, trim_characters};

pub(super) use aggregates::{Reducer, Reduction, Reductions};

/// Compiles an expression with one value per row.
pub(super) fn row(expr: &Expr) -> Plan {
    compile(expr, &mut Reductions::default())
}

/// Compiles an expression; the reductions that its aggregates need are added to `reductions`.
pub(super) fn compile(expr: &Expr, reductions: &mut Reductions) -> Plan {
    let ty = expr.ty;
    match &expr.kind {
        Kind::Null => lit(NULL).cast(polars_type(ty)),
        Kind::Constant(value) => constant(value, ty),
        Kind::Column(name) => col(name.as_str()),
        Kind::Cast(inner) => match (inner.ty, ty) {
            (Type::Decimal(_, scale), Type::Float) => floats::of_decimal(compile(inner, reductions), scale),
            _ => compile(inner, reductions).cast(polars_type(ty)),
        },
        Kind::Read(text) => read(compile(text, reductions), ty),
        Kind::Call(function, args) => {
            let plans = args.iter().map(|arg| compile(arg, reductions)).collect();
            call(*function, args, plans, ty)
        }
        Kind::Case { branches, otherwise } => {
            let last = compile(otherwise, reductions);
            branches.iter().rev().fold(last, |otherwise, (condition, result)| {
                let (condition, result) = (compile(condition, reductions), compile(result, reductions));
                when(condition).then(result).otherwise(otherwise)
            })
        }
        Kind::Aggregate(aggregate) => aggregates::aggregate(aggregate, ty, reductions),
    }
}

fn constant(value: &Constant, ty: Type) -> Plan {
    let scalar = |value: AnyValue<'static>| lit(LiteralValue::Scalar(Scalar::new(polars_type(ty), value)));
    match value {
        Constant::Bool(value) => lit(*value),
        Constant::Int(value) => lit(*value),
        Constant::Float(value) => lit(*value),
        Constant::Text(text) => lit(text.as_str()),
        Constant::Date(days) => scalar(AnyValue::Date(*days)),
        Constant::Datetime(micros) => scalar(AnyValue::Datetime(*micros, TimeUnit::Microseconds, None)),
        Constant::Decimal(value) => {
            let (precision, scale) = if let Type::Decimal(p, s) = ty { (p, s) } else { (38, 0) };
            scalar(AnyValue::Decimal(*value, precision.into(), scale.into()))
        }
    }
}

/// Text read by the rules for source columns; a text that is not a valid value becomes null.
fn read(text: Plan, ty: Type) -> Plan {
    let cell = CellType::of(ty);
    let read = move |column: Column| -> PolarsResult<Column> { read_column(&column, &cell) };
    text.map(read, move |_, field| Ok(Field::new(field.name().clone(), polars_type(ty))))
}

/// A function's plan; `args` are its arguments as in the spec, `plans` the same compiled. The spec's check has made
/// sure that the number of arguments is right.
fn call(function: Function, args: &[Expr], plans: Vec<Plan>, ty: Type) -> Plan {
    match function {
        Function::Coalesce => return coalesce(&plans),
        // Both fail only without arguments, which the spec's check refuses.
        Function::Greatest => return max_horizontal(plans).unwrap_or_else(|_| lit(NULL)),
        Function::Least => return min_horizontal(plans).unwrap_or_else(|_| lit(NULL)),
        _ => {}
    }
    let mut plans = plans.into_iter();
    let mut next = || plans.next().unwrap_or_else(|| lit(NULL));
    let (a, b, c) = (next(), next(), next());
    match function {
        Function::And => a.and(b),
        Function::Or => a.or(b),
        Function::Not => a.not(),
        Function::IsNull => a.is_null(),
        Function::IsNotNull => a.is_not_null(),
        Function::IsTrue => a.fill_null(lit(false)),
        Function::IsFalse => a.not().fill_null(lit(false)),
        Function::Equal => a.eq(b),
        Function::NotEqual => a.neq(b),
        Function::Less => a.lt(b),
        Function::LessOrEqual => a.lt_eq(b),
        Function::Greater => a.gt(b),
        Function::GreaterOrEqual => a.gt_eq(b),
        Function::Add | Function::Subtract | Function::Multiply => arithmetic(function, a, b, ty),
        Function::Divide => floats::binary(function, a, b),
        Function::Negate => negate(a, ty),
        Function::Concat => concat_str([a, b], "", false),
        Function::Lower => a.str().to_lowercase(),
        Function::Upper => a.str().to_uppercase(),
        Function::Length => a.str().len_chars().cast(DataType::Int64),
        Function::Trim(ends) => trim(a, b, ends),
        Function::Replace => a.str().replace_all(b, c, true),
        Function::Substring(start, length) => texts(a, move |text| Some(substring(text, start, length).to_owned())),
        Function::SplitPart(nth) => part(a, literal(args), nth),
        Function::Sha256Hex => texts(a, |text| Some(sha256_hex(text))),
        Function::HashEmail { google } => texts(a, move |text| hash_email(text, google)),
        Function::StartsWith => a.str().starts_with(b),
        Function::Like => a.str().contains(lit(like_to_regex(&literal(args))), true),
        Function::NullIf => when(b).then(lit(NULL)).otherwise(a),
        // The absolute value of the smallest integer does not fit in 64 bits.
        Function::Abs if ty == Type::Int => narrow(a.cast(DataType::Int128).abs(), "abs"),
        Function::Abs => a.abs(),
        Function::Round(digits) => floats::rounded(a, digits),
        Function::Year => a.dt().year().cast(DataType::Int64),
        Function::Month => a.dt().month().cast(DataType::Int64),
        Function::Day => a.dt().day().cast(DataType::Int64),
        Function::DaysBetween => days(b) - days(a),
        Function::Coalesce | Function::Greatest | Function::Least => a,
    }
}

/// The second argument, which is a text in quotes.
fn literal(args: &[Expr]) -> String {
    match args.get(1).map(|literal| &literal.kind) {
        Some(Kind::Constant(Constant::Text(literal))) => literal.clone(),
        _ => String::new(),
    }
}

fn negate(number: Plan, ty: Type) -> Plan {
    match ty {
        Type::Decimal(..) => (constant(&Constant::Decimal(0), ty) - number).cast(polars_type(ty)),
        _ => floats::negate(number),
    }
}

fn part(text: Plan, separator: String, nth: u32) -> Plan {
    texts(text, move |text| Some(split_part(text, &separator, nth).to_owned()))
}

/// A text from each text, or null.
fn texts(text: Plan, make: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Plan {
    let make = move |column: Column| -> PolarsResult<Column> {
        let made = column.str()?.iter().map(|text| text.and_then(&make));
        Ok(StringChunked::from_iter_options(column.name().clone(), made).into_column())
    };
    text.map(make, |_, field| Ok(Field::new(field.name().clone(), DataType::String)))
}

/// A text without characters at its ends, which are a text of their own; null where one of them is.
fn trim(text: Plan, characters: Plan, ends: Ends) -> Plan {
    let trim = move |columns: &mut [Column]| -> PolarsResult<Column> {
        let [text, characters] = columns else { return Err(polars_err!(ComputeError: "two columns are needed")) };
        let trim = |text: Option<&str>, characters: Option<&str>| {
            text.zip(characters).map(|(text, characters)| trim_characters(text, characters, ends).to_owned())
        };
        let (texts, all) = (text.str()?, characters.str()?);
        let trimmed: StringChunked = match (texts.len(), all.len()) {
            (_, 1) => texts.iter().map(|text| trim(text, all.get(0))).collect(),
            (1, _) => all.iter().map(|characters| trim(texts.get(0), characters)).collect(),
            _ => texts.iter().zip(all.iter()).map(|(text, characters)| trim(text, characters)).collect(),
        };
        Ok(trimmed.with_name(text.name().clone()).into_column())
    };
    text.map_many(trim, &[characters], |_, fields| Ok(Field::new(fields[0].name().clone(), DataType::String)))
}

/// A date as a number of days: the difference of dates is a duration in Polars and an integer in DuckDB.
fn days(date: Plan) -> Plan {
    date.cast(DataType::Int32).cast(DataType::Int64)
}

/// An operator of arithmetic as errors name it.
fn symbol(function: Function) -> &'static str {
    match function {
        Function::Add => "+",
        Function::Subtract => "-",
        Function::Multiply => "*",
        _ => "/",
    }
}

fn arithmetic(function: Function, a: Plan, b: Plan, ty: Type) -> Plan {
    let apply = |a: Plan, b: Plan| match function {
        Function::Add => a + b,
        Function::Subtract => a - b,
        _ => a * b,
    };
    match ty {
        // Any sum, difference or product of two 64-bit integers fits in 128 bits.
        Type::Int => narrow(apply(a.cast(DataType::Int128), b.cast(DataType::Int128)), symbol(function)),
        Type::Float => floats::binary(function, a, b),
        ty => apply(a, b).cast(polars_type(ty)),
    }
}

/// A 128-bit integer as 64 bits; a value that does not fit is an error, never a wrong number.
fn narrow(wide: Plan, what: &'static str) -> Plan {
    let to_int = move |column: Column| -> PolarsResult<Column> {
        let narrow = column.cast(&DataType::Int64)?;
        if narrow.null_count() > column.null_count() { Err(Fault::Int(what).into_polars()) } else { Ok(narrow) }
    };
    wide.map(to_int, |_, field| Ok(Field::new(field.name().clone(), DataType::Int64)))
}

/// How many texts that are read in an expression are no values, so that null is made of them, in one row; none without such
/// texts.
pub(super) fn lost(casts: &[Expr], mut plan: impl FnMut(&Expr) -> Plan) -> Option<Plan> {
    let lost = casts.iter().filter_map(|cast| {
        let Kind::Read(text) = &cast.kind else { return None };
        let text = plan(text);
        let is_lost = text.clone().is_not_null().and(text.neq(lit(""))).and(plan(cast).is_null());
        Some(is_lost.fill_null(lit(false)).cast(DataType::Int64))
    });
    lost.reduce(|a, b| a + b)
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

//! What can be wrong with an expression, and where in its text. Owns the wording; decides nothing.

use sqlparser::tokenizer::Location;
use thiserror::Error;

use super::functions::NAMES;
use crate::error::counted;
use crate::value::Type;

/// A fault, and where the smallest part of the expression that has it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    pub fault: Fault,
    /// Line and column in the expression, both from 1, if the parser knows them.
    pub place: Option<(u64, u64)>,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    #[error("the expression is longer than {0} bytes")]
    TooLong(usize),
    #[error("more than {0} operators in a row or inside each other: split the expression")]
    TooDeep(usize),
    #[error("cannot parse the expression: {0}")]
    Syntax(String),
    #[error("unexpected `{0}` after the expression")]
    Trailing(String),
    #[error("the expression is only NULL: give it a type with `cast(null as text)`")]
    OnlyNull,
    #[error("an aggregate is needed here, such as `max({0})`")]
    AggregateNeeded(String),
    #[error("an aggregate cannot be used here: move it to a source's `aggregates`")]
    AggregateMisplaced,
    #[error("an aggregate cannot be inside another")]
    AggregateInAggregate,
    #[error("an aggregate of a constant: name a column, or count rows with `count(*)`")]
    AggregateOfConstant,
    #[error("a row's value and an aggregate cannot be combined")]
    MixedGrain,
    #[error("no column `{name}` here{near}")]
    UnknownColumn { name: String, near: String },
    #[error("column `{0}` must be inside an aggregate, such as `max({0})`")]
    ColumnOutsideAggregate(String),
    #[error("{what} needs a bool, not {found}")]
    NeedsBool { what: String, found: Type },
    #[error("{what} needs text, not {found}")]
    NeedsText { what: String, found: Type },
    #[error("`{0}` needs a number")]
    NeedsNumber(String),
    #[error("{what} needs {wanted}")]
    Needs { what: String, wanted: &'static str },
    #[error("{what} mix {a} and {b}: cast one side")]
    MixedTypes { what: String, a: Type, b: Type },
    #[error("NULL is compared with NULL: use `is null`")]
    NullComparison,
    #[error("`{0}` cannot be used on NULL")]
    OfNull(String),
    #[error("literal `{0}` is not supported")]
    Literal(String),
    #[error("`{0}` is not a valid literal")]
    InvalidLiteral(String),
    #[error("number `{0}` is out of range")]
    NumberRange(String),
    #[error("operator `{0}` is not supported")]
    Operator(String),
    #[error("the result of `{0}` may need more than 38 digits: cast to double")]
    DecimalRange(String),
    #[error("`*` of decimals is not exact: cast both sides to double")]
    DecimalProduct,
    #[error("`{0}` cannot be used on dates: use `days_between(a, b)`")]
    DateArithmetic(String),
    #[error("`{0}` is not supported; allowed are operators, `case` and these functions: {NAMES}")]
    Unsupported(String),
    #[error("unknown function `{0}`; known functions are {NAMES}")]
    UnknownFunction(String),
    #[error("`{0}` needs its arguments in brackets (there is no `{0}` without them)")]
    Brackets(String),
    #[error("`{0}` is not supported: a call cannot have a window or an order")]
    Window(String),
    #[error("argument `{argument}` of `{function}` is not supported")]
    Argument { function: String, argument: String },
    #[error("`{function}` takes {}, not {found}", counted(*wants as u64, "argument"))]
    ArgumentCount { function: String, wants: usize, found: usize },
    #[error("`{0}` has the wrong number of arguments")]
    AggregateArguments(String),
    #[error("`{0}` is not an aggregate: it cannot have `distinct` or `filter`")]
    NotAnAggregate(String),
    #[error("`{0}(distinct …)` is not supported")]
    Distinct(String),
    #[error("`{function}` of text is not supported: set the column's type in `types`")]
    AggregateOfText { function: String },
    #[error("`{function}` of {found} is not supported")]
    AggregateOf { function: String, found: Type },
    #[error("a sum of decimal({precision},{scale}) may need more than 38 digits: declare the column with at most 28")]
    SumRange { precision: u8, scale: u8 },
    #[error("{what} over `{column}`: {cure}")]
    Undeclared { what: String, column: String, cure: String },
    #[error(
        "{what} over `{column}`, which is money, would mix currencies: use sum_in({column}, 'usd'), sums({column}) or sum_as({column}, 'usd')"
    )]
    Money { what: String, column: String },
    #[error("`{0}` needs a column of the source's `money`")]
    NoMoney(String),
    #[error("`{0}` needs a currency as three letters in quotes, such as 'usd'")]
    NoCurrency(String),
    #[error("`{0}` needs rates: add `[rates]` with `file = \"rates.csv\"` (columns from, to, rate)")]
    NoRates(String),
    #[error("the pattern of `like` must be text in quotes")]
    LikePattern,
    #[error("the second and third argument of `replace` must be text in quotes, and the second must not be empty")]
    ReplaceLiterals,
    #[error("type `{0}` is not supported; use bigint, double, decimal(p,s), boolean, date, timestamp or text")]
    UnknownType(String),
    #[error("`cast` of text can fail on bad data: use `try_cast(… as {0})`")]
    CastOfText(Type),
    #[error("`cast` of an int needs 19 digits before the point: decimal({},{scale})", 19 + scale)]
    CastOfInt { scale: u8 },
    #[error("`cast` from {from} to {to} means different things in different engines")]
    CastDiffers { from: Type, to: Type },
}

impl From<Fault> for SqlError {
    fn from(fault: Fault) -> Self {
        Self { fault, place: None }
    }
}

impl SqlError {
    /// The error with this place, unless a smaller part of the expression has already set one.
    pub fn or_at(mut self, at: Location) -> Self {
        let known = (at.line > 0).then_some((at.line, at.column));
        self.place = self.place.or(known);
        self
    }
}

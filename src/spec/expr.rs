//! A checked expression as a typed tree, with nothing left to look up: a computed column, a rule or an aggregate.
//! Engines compile it, auditors read it. Never knows SQL text or an engine.

use std::collections::BTreeSet;

use crate::value::{Currency, Ends, Type};

/// An expression that passed all checks, with its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// Its type.
    pub ty: Type,
    pub kind: Kind,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// No value.
    Null,
    /// The same value for all rows.
    Constant(Constant),
    /// A column of the row.
    Column(String),
    /// The value converted to the expression's own type. Only casts that mean the same in every engine are here.
    Cast(Box<Expr>),
    /// A text read as a value of the expression's own type; null where it is not a valid one.
    Read(Box<Expr>),
    /// An operator or function over its arguments.
    Call(Function, Vec<Expr>),
    /// The result of the first branch whose condition is true.
    Case {
        /// Condition and result, in order.
        branches: Vec<(Expr, Expr)>,
        /// The result when no condition is true.
        otherwise: Box<Expr>,
    },
    /// One value from all rows of a customer.
    Aggregate(Box<Aggregate>),
}

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Unscaled; the expression's type has the scale.
    Decimal(i128),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Datetime(i64),
    Text(String),
}

/// Operators and functions that give one value per row. The checks decide which types of arguments are possible: both
/// sides of a comparison or of arithmetic have the same type. With a null argument the result is null, unless said
/// otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    And,
    Or,
    Not,
    /// Never null.
    IsNull,
    /// Never null.
    IsNotNull,
    /// Whether a bool is true; null is not.
    IsTrue,
    /// Whether a bool is false; null is not.
    IsFalse,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    /// Of ints it never wraps: a result out of range is an error.
    Add,
    /// As [`Self::Add`].
    Subtract,
    /// As [`Self::Add`]; never of decimals.
    Multiply,
    /// Of floats; by zero it is null.
    Divide,
    /// The opposite of a float or a decimal.
    Negate,
    /// Two texts, one after the other.
    Concat,
    /// The first that is not null.
    Coalesce,
    /// Nulls are skipped.
    Greatest,
    /// Nulls are skipped.
    Least,
    /// The first argument, or null where the second, a bool, is true.
    NullIf,
    Lower,
    Upper,
    /// Characters.
    Length,
    /// Text, characters to remove at its ends.
    Trim(Ends),
    /// Text, what to replace, by what.
    Replace,
    /// So many characters of a text from this one on, 1 the first; all without a number.
    Substring(u32, Option<u32>),
    /// Text, separator: a constant. The part of this number, from 1.
    SplitPart(u32),
    /// A text's SHA-256.
    Sha256Hex,
    /// An email's SHA-256, with Google's rule for dots or without; null for what is none.
    HashEmail {
        google: bool,
    },
    /// Text, prefix.
    StartsWith,
    /// Text, pattern with `%` and `_`: a constant.
    Like,
    /// Of an int it never wraps.
    Abs,
    /// A float to this many digits after the point, halves away from zero.
    Round(u32),
    Year,
    Month,
    Day,
    /// Days from the first date to the second.
    DaysBetween,
}

/// One value from all rows of a customer. Nulls are skipped.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// How the values become one.
    pub how: How,
    /// The value of each row; none if only rows are counted.
    pub value: Option<Expr>,
    /// For `max_by` and `min_by`, what decides which row's value is kept; for sums of money, its currency.
    pub by: Option<Expr>,
    /// Only rows for which this is true count.
    pub filter: Option<Expr>,
}

/// How an aggregate makes one value of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Number of rows.
    Rows,
    /// Number of values.
    Count,
    /// Number of distinct values.
    Distinct,
    Min,
    Max,
    /// Of ints without wrapping, of floats in the order of the rows with compensation, of decimals exact.
    Sum,
    /// Exact sum, one division; a float.
    Mean,
    /// Of money, the sum of each currency, which is `by`, as a text: `eur 12.00;usd 5.00`.
    Sums,
    /// Of money, the exact sum in this currency by the run's rates, rounded half to even at the end; `by` is the currency
    /// of each value.
    SumAs(Currency),
    /// The value, null or not, in the last of the rows with the smallest `by`.
    MinBy,
    /// The value, null or not, in the last of the rows with the greatest `by`.
    MaxBy,
}

impl Expr {
    /// Every text outside of aggregates that is read as a value, once: each can be one that is none.
    pub fn casts(&self) -> Vec<Self> {
        let mut casts = Vec::new();
        self.add_casts(&mut casts);
        casts
    }

    fn add_casts(&self, casts: &mut Vec<Self>) {
        if matches!(self.kind, Kind::Read(_)) && !casts.contains(self) {
            casts.push(self.clone());
        }
        if !matches!(self.kind, Kind::Aggregate(_)) {
            self.parts().into_iter().for_each(|part| part.add_casts(casts));
        }
    }

    /// The same of the rows that aggregates see.
    pub fn casts_of_rows(&self) -> Vec<Self> {
        let mut casts = Vec::new();
        self.visit(&mut |expr| {
            if matches!(expr.kind, Kind::Aggregate(_)) {
                expr.parts().into_iter().for_each(|part| part.add_casts(&mut casts));
            }
        });
        casts
    }

    /// What it is made of.
    fn parts(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Null | Kind::Constant(_) | Kind::Column(_) => Vec::new(),
            Kind::Cast(inner) | Kind::Read(inner) => vec![inner],
            Kind::Call(_, args) => args.iter().collect(),
            Kind::Case { branches, otherwise } => {
                let branches = branches.iter().flat_map(|(condition, result)| [condition, result]);
                branches.chain([&**otherwise]).collect()
            }
            Kind::Aggregate(aggregate) => {
                let Aggregate { how: _, value, by, filter } = &**aggregate;
                [value, by, filter].into_iter().flatten().collect()
            }
        }
    }

    /// The columns that it uses.
    pub fn columns(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.visit(&mut |expr| {
            if let Kind::Column(name) = &expr.kind {
                names.insert(name.clone());
            }
        });
        names
    }

    /// Calls `see` for every node, for a node before its arguments.
    pub fn visit(&self, see: &mut impl FnMut(&Self)) {
        see(self);
        self.parts().into_iter().for_each(|part| part.visit(see));
    }
}

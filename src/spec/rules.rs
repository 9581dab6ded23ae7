//! The data checks of `[[checks]]`, which a run's profiles must satisfy to be published. Raw checks → conditions and
//! limits; measures nothing.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::check::{Checked, known};
use super::raw::{RawCheck, RawLiteral};
use super::sql::{self, Context, SqlError, Typed};
use super::{AS_OF, OutputColumn, Problem, Scope, did_you_mean};
use crate::value::{Type, read_decimal};

/// One data check of the profiles.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name in messages and in the manifest.
    pub name: String,
    /// What happens when it fails.
    pub severity: Severity,
    /// What is checked.
    pub kind: RuleKind,
}

/// What happens when a check fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is published.
    #[default]
    Error,
    /// A warning is reported.
    Warn,
}

/// What is checked.
#[derive(Debug, Clone)]
pub enum RuleKind {
    /// At least this share of the profiles satisfies a condition. Null does not satisfy it.
    Holds {
        /// The condition, a bool.
        condition: Typed,
        /// The smallest share that passes.
        at_least: Percent,
    },
    /// The number of profiles differs from that of the last published run in the output folder by at most this share.
    RowsWithin(Percent),
    /// Each value of this output column is there only once; nulls do not count.
    Unique(String),
}

impl RuleKind {
    /// The condition of a rule that has one.
    pub fn condition(&self) -> Option<&Typed> {
        match self {
            Self::Holds { condition, .. } => Some(condition),
            Self::RowsWithin(_) | Self::Unique(_) => None,
        }
    }
}

const BILLION: u64 = 1_000_000_000;

/// A percentage, in billionths of a percent, so that limits are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u64);

impl Percent {
    pub const ALL: Self = Self(100 * BILLION);

    /// Whether a part is at least this share of a whole.
    pub fn reached_by(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(100 * BILLION) >= u128::from(self.0) * u128::from(whole)
    }

    /// Whether a part is at most this share of a whole.
    pub fn covers(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(100 * BILLION) <= u128::from(self.0) * u128::from(whole)
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix('%').and_then(|p| read_decimal(p.trim(), 15, 9));
        let number = number.and_then(|p| u64::try_from(p).ok());
        number.map(Self).ok_or_else(|| format!("`{text}` is not a valid percentage: use a form such as \"99.5%\""))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0 as f64 / BILLION as f64)
    }
}

/// The forms of a check, for messages.
const FORMS: &str = "`that = \"a condition\"`, `column = \"c\"` with `accepted = [\"a\", \"b\"]`, `unique = \"c\"` or \
                     `rows_within = \"20%\"`";

/// Checks one of `[[checks]]`; `scope` has the columns that a condition may use.
pub(super) fn check(raw: &Spanned<RawCheck>, scope: &Scope, output: &[OutputColumn]) -> Checked<Rule> {
    let at = raw.span().start;
    let RawCheck { name, severity, that, for_at_least, rows_within, unique, column, accepted, nulls } = raw.get_ref();
    let share = || for_at_least.as_ref().map_or(Ok(Percent::ALL), share_of_all);
    let stray = |key: &str, at: usize, with: &str| Problem::new(at, format!("`{key}` can only be used with {with}"));
    let is_condition = that.is_some() || accepted.is_some();
    if let Some(share) = for_at_least.as_ref().filter(|_| !is_condition) {
        return Err(stray("for_at_least", share.span().start, "`that` or `accepted`"));
    }
    if let Some(nulls) = nulls.as_ref().filter(|_| accepted.is_none()) {
        return Err(stray("nulls", nulls.span().start, "`accepted`"));
    }
    let (told, kind) = match (that, rows_within, unique, column, accepted) {
        (Some(that), None, None, None, None) => {
            let kind = RuleKind::Holds { condition: condition(that, scope)?, at_least: share()? };
            (that.get_ref().clone(), kind)
        }
        (None, Some(band), None, None, None) => {
            let kind = RuleKind::RowsWithin(percent(band)?);
            (format!("rows within {}", band.get_ref()), kind)
        }
        (None, None, Some(column), None, None) => {
            let kind = RuleKind::Unique(listed(column, output)?);
            (format!("unique {}", column.get_ref()), kind)
        }
        (None, None, None, Some(column), Some(accepted)) => {
            let nulls = nulls.as_ref().is_none_or(|n| *n.get_ref());
            let kind = RuleKind::Holds { condition: one_of(column, accepted, nulls, scope)?, at_least: share()? };
            (format!("accepted {}", column.get_ref()), kind)
        }
        _ => return Err(Problem::new(at, format!("a check must be one of {FORMS}"))),
    };
    if let Some(name) = name.as_ref().filter(|n| n.get_ref().trim().is_empty()) {
        return Err(Problem::new(name.span().start, "the check's name is empty: leave it out"));
    }
    let name = name.as_ref().map_or(told, |name| name.get_ref().clone());
    Ok(Rule { name, severity: *severity, kind })
}

fn condition(sql: &Spanned<String>, scope: &Scope) -> Checked<Typed> {
    let wrong = |message: String| Problem::new(sql.span().start, format!("`that`: {message}"));
    let condition =
        sql::check(sql.get_ref(), scope, Context::Row).map_err(|error| Problem::in_sql("that", sql, &error))?;
    if condition.ty() != Type::Bool {
        return Err(wrong(format!("it needs a bool, not {}", condition.ty())));
    }
    if condition.columns.iter().all(|name| name == AS_OF) {
        return Err(wrong("it uses no column, so it would be the same for all profiles".into()));
    }
    Ok(condition)
}

/// The condition that a column's value is one of the accepted ones.
fn one_of(column: &Spanned<String>, accepted: &Spanned<Vec<RawLiteral>>, nulls: bool, scope: &Scope) -> Checked<Typed> {
    let ty = known(column, &scope.types, "column")?;
    if accepted.get_ref().is_empty() {
        return Err(Problem::new(accepted.span().start, "`accepted` is empty: give at least one value"));
    }
    let name = format!("\"{}\"", column.get_ref().replace('"', "\"\""));
    let values: Vec<String> = accepted.get_ref().iter().map(|value| literal(value, ty)).collect();
    let or_null = if nulls { format!(" or {name} is null") } else { String::new() };
    let sql = format!("{name} in ({}){or_null}", values.join(", "));
    // This SQL is not in the spec, so a place in it would mean nothing to the reader.
    let wrong = |error: SqlError| Problem::new(accepted.span().start, format!("`accepted`: {}", error.fault));
    sql::check(&sql, scope, Context::Row).map_err(wrong)
}

/// An accepted value as SQL; compiling it finds a value of another type than the column's.
fn literal(value: &RawLiteral, ty: Type) -> String {
    let text = match value {
        RawLiteral::Bool(value) => return value.to_string(),
        RawLiteral::Int(value) => return value.to_string(),
        RawLiteral::Float(value) => return format!("{value:?}"),
        RawLiteral::Text(text) => format!("'{}'", text.replace('\'', "''")),
    };
    match ty {
        Type::Date => format!("date {text}"),
        Type::Datetime => format!("timestamp {text}"),
        _ => text,
    }
}

/// The name of an output column; only output columns can be checked over all profiles.
fn listed(column: &Spanned<String>, output: &[OutputColumn]) -> Checked<String> {
    let name = column.get_ref();
    if output.iter().any(|c| c.name == *name) {
        return Ok(name.clone());
    }
    let near = did_you_mean(name, output.iter().map(|c| c.name.as_str()));
    Err(Problem::new(column.span().start, format!("`unique`: no output column `{name}`{near}")))
}

fn percent(text: &Spanned<String>) -> Checked<Percent> {
    text.get_ref().parse().map_err(|message: String| Problem::new(text.span().start, message))
}

fn share_of_all(text: &Spanned<String>) -> Checked<Percent> {
    let share = percent(text)?;
    if share > Percent::ALL {
        return Err(Problem::new(text.span().start, "`for_at_least` cannot be more than 100%"));
    }
    Ok(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact() {
        let share: Percent = "99.9%".parse().expect("a share");
        assert!(share.reached_by(999, 1000) && !share.reached_by(998, 1000) && share.reached_by(0, 0));
        assert!(share.covers(999, 1000) && !share.covers(1000, 1000));
        assert_eq!((share.to_string(), Percent::ALL.to_string()), ("99.9%".to_owned(), "100%".to_owned()));
        assert!("200%".parse::<Percent>().is_ok());
        assert!(["", "95", "%", "-1%", "x%"].iter().all(|text| text.parse::<Percent>().is_err()));
    }
}

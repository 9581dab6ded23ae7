//! The columns of one source, while it is checked: each once, with its type, and what expressions may know of it. Owns which of
//! them orders the rows and which are money.

use indexmap::IndexMap;
use toml::Spanned;

use crate::spec::check::{COLUMN_RULE, Checked, is_column_name};
use crate::spec::raw::{RawLatest, Table};
use crate::spec::{Problem, Scope, did_you_mean};
use crate::value::{CellType, Type};

/// Why an id cannot be put in order, and what to do.
pub(in crate::spec) const ID_HAS_NO_ORDER: &str = "an id has no order: use `try_cast(… as bigint)` if it is a number";

/// The decoded columns of one source.
pub(super) struct Columns<'a> {
    pub source: &'a str,
    /// The id column; none if the spec has `[identity]`.
    pub key: Option<&'a str>,
    pub list: IndexMap<String, CellType>,
    pub types: IndexMap<String, CellType>,
}

impl Columns<'_> {
    /// Index of a column, added when it is new.
    pub fn add(&mut self, name: &str, offset: usize) -> Checked<usize> {
        if Some(name) == self.key {
            return Err(Problem::new(offset, format!("`{name}` is the id column, which every profile already has")));
        }
        if let Some(index) = self.list.get_index_of(name) {
            return Ok(index);
        }
        if !is_column_name(name) {
            return Err(Problem::new(offset, format!("`{name}` is not a valid column name: use {COLUMN_RULE}")));
        }
        let cell = self.types.get(name).cloned().unwrap_or(CellType::TEXT);
        Ok(self.list.insert_full(name.to_owned(), cell).0)
    }

    /// What aggregates may name: the columns so far, and the id.
    pub fn scope(&self, money: &[(usize, usize)], has_rates: bool) -> Scope {
        let name = |at: &usize| self.list.get_index(*at).map_or("", |(name, _)| name).to_owned();
        let id = self.key.map(|key| (key.to_owned(), CellType::TEXT));
        let mut scope = self.scope_of(self.list.iter().chain(id.iter().map(|id| (&id.0, &id.1))));
        scope.money = money.iter().map(|(amount, currency)| (name(amount), name(currency))).collect();
        Scope { has_rates, ..scope }
    }

    /// A scope of these columns, with those that have no order.
    pub fn scope_of<'c>(&self, columns: impl Iterator<Item = (&'c String, &'c CellType)>) -> Scope {
        let mut scope = Scope::default();
        for (name, cell) in columns {
            scope.types.insert(name.clone(), cell.ty);
            if let Some(line) = self.undeclared(name) {
                scope.undeclared.insert(name.clone(), line);
            }
        }
        scope
    }

    /// Why a column has no order, and what to do about it; none for columns that have one.
    pub fn undeclared(&self, name: &str) -> Option<String> {
        if Some(name) == self.key {
            return Some(ID_HAS_NO_ORDER.to_owned());
        }
        if let Some(cell) = self.types.get(name) {
            let why = "a time of day is kept as text; it orders rows only as the second column of `latest_by`";
            return cell.is_clock.then(|| why.to_owned());
        }
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let key =
            if plain { name.to_owned() } else { format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")) };
        let near = did_you_mean(name, self.types.keys().map(String::as_str));
        Some(format!(
            "nothing says what that is: in `types` of `[sources.{}]` add `{key} = \"date\"`, or \"int\", \"decimal(12,2)\" or what it is, or \"text\" where the order of letters is meant{near}",
            self.source
        ))
    }

    /// Amounts and their currencies, as indexes.
    pub fn money(&mut self, raw: &Table<Spanned<String>>) -> Checked<Vec<(usize, usize)>> {
        let mut money = Vec::new();
        for (amount, currency) in raw {
            let (name, at) = (currency.get_ref(), currency.span().start);
            if self.types.get(name).is_some_and(|cell| *cell != CellType::TEXT && !cell.is_currency) {
                return Err(Problem::new(at, format!("the currency `{name}` is text: remove it from `types`")));
            }
            self.types.insert(name.clone(), CellType { is_currency: true, ..CellType::TEXT });
            let amount_at = self.add(amount.get_ref(), amount.span().start)?;
            if !matches!(self.list[amount_at].ty, Type::Decimal(..)) {
                let message = format!(
                    "money is exact: set `{} = \"decimal(12,2)\"`, or as many digits as it has, in `types`",
                    amount.get_ref()
                );
                return Err(Problem::new(amount.span().start, message));
            }
            money.push((amount_at, self.add(name, at)?));
        }
        Ok(money)
    }

    /// Indexes of columns, added when they are new.
    pub fn add_all<'c>(&mut self, names: impl Iterator<Item = &'c Spanned<String>>) -> Checked<Vec<usize>> {
        names.map(|name| self.add(name.get_ref(), name.span().start)).collect()
    }

    /// The column that orders the rows, and a time of day that goes with a date.
    pub fn order_rows(&mut self, by: Option<&Spanned<RawLatest>>) -> Checked<(Option<usize>, Option<usize>)> {
        let Some(by) = by else { return Ok((None, None)) };
        let at = by.span().start;
        let (day, time) = match by.get_ref() {
            RawLatest::One(column) => (column, None),
            RawLatest::Several(columns) => match columns.as_slice() {
                [column] => (column, None),
                [day, time] => (day, Some(time)),
                _ => {
                    return Err(Problem::new(
                        at,
                        "`latest_by` is a column, or a date and a time: `[\"day\", \"time\"]`",
                    ));
                }
            },
        };
        let day = self.add(day, at)?;
        let ty = self.list[day].ty;
        let fits = matches!(ty, Type::Date | Type::Datetime | Type::Int) && (time.is_none() || ty == Type::Date);
        if !fits {
            let wanted = if time.is_some() { "a date as its first column" } else { "a date, datetime or int column" };
            let name = &self.list.get_index(day).map_or("", |(name, _)| name);
            let others = self.types.keys().filter(|other| other != name).map(String::as_str);
            let near = did_you_mean(name, others);
            let near = near.replace("did you mean", "it has a similar name,").replace('?', "");
            let message = format!("`latest_by` needs {wanted}, and `{name}` is {ty}: set its type in `types`{near}");
            return Err(Problem::new(at, message));
        }
        let Some(time) = time else { return Ok((Some(day), None)) };
        let time_at = self.add(time, at)?;
        if !self.list[time_at].is_clock {
            let message =
                format!("`latest_by` needs a time of day as its second column: set `{time} = \"time\"` in `types`");
            return Err(Problem::new(at, message));
        }
        Ok((Some(day), Some(time_at)))
    }
}

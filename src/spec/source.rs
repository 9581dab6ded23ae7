//! One source of a spec: its columns, its row rule, its filter. Raw keys → checked values.

mod columns;

use indexmap::IndexMap;
use toml::Spanned;

use super::cells::read_types;
use super::check::{Checked, Names, bad_name, is_column_name};
use super::form::{self, FileForm};
use super::ids;
use super::raw::{RawHeaders, RawKeep, RawLimit, RawMaxBad, RawSource, Table};
use super::sql::{self, Context, Fault, SqlError, Typed};
use super::{AS_OF, Column, Filter, Limit, Named, Problem, RowRule, Source};
use crate::value::{CellType, IdRule, Type};
use columns::Columns;

pub(super) use columns::ID_HAS_NO_ORDER;

const KEEP_AND_AGGREGATES: &str =
    "a source cannot have both `keep` and `aggregates`; to keep a value beside aggregates use `max_by(column, date)`";

impl Names {
    pub fn source(
        &mut self,
        name: &Spanned<String>,
        raw: &RawSource,
        profile_key: &Spanned<String>,
    ) -> Checked<Source> {
        source_name(name)?;
        let RawSource { files, required, latest_by, types, aggregates, .. } = raw;
        let form = form::check(raw)?;
        file_patterns(name, files)?;
        let (key, parts, id) = ids::key(raw, profile_key, &self.kinds)?;
        let key = &key;
        let mut columns =
            Columns { source: name.get_ref(), key: key.get_ref(), list: IndexMap::new(), types: read_types(raw, key)? };
        let money = columns.money(&raw.money)?;
        let kept = self.kept(&raw.keep, &money, &mut columns)?;
        let (latest_by, latest_time) = columns.order_rows(latest_by.as_ref())?;
        let unique_by = columns.add_all(raw.unique_by.iter())?;
        columns.add_all(types.keys())?;
        let rows = match aggregates {
            None => RowRule::Latest(kept),
            Some(_) if !kept.is_empty() => return Err(Problem::new(name.span().start, KEEP_AND_AGGREGATES)),
            Some(aggregates) => RowRule::Aggregate(self.aggregates(aggregates, &money, &mut columns)?),
        };
        let filter = filter(raw.filter.as_ref(), &columns)?;
        let aliases = Aliases::new(raw)?;
        let headers = |column: (String, CellType)| aliases.column(column);
        let filter = filter.map(|(condition, columns)| Filter {
            casts: condition.expr.casts(),
            condition,
            columns: columns.into_iter().map(headers).collect(),
        });
        let more_keys: Vec<Column> = parts.into_iter().map(|part| headers((part, CellType::TEXT))).collect();
        let key = headers((key.get_ref().clone(), CellType::TEXT));
        let columns: Vec<Column> = columns.list.into_iter().map(headers).collect();
        let keys = std::iter::once(&key).chain(&more_keys);
        aliases.never_of(keys.clone())?;
        aliases.all_used(keys.clone().chain(&columns).chain(filter.iter().flat_map(|f| &f.columns)))?;
        given(raw, &form, keys.chain(&columns))?;
        Ok(Source {
            name: name.get_ref().clone(),
            files: files.iter().map(|f| f.get_ref().clone()).collect(),
            required: *required,
            key,
            more_keys,
            id: IdRule { nulls: form.nulls.clone(), ..id },
            form,
            filter,
            latest_by,
            latest_time,
            unique_by,
            max_bad: max_bad(raw.max_bad.as_ref(), &columns)?,
            columns,
            fill: fills(raw)?,
            money,
            rows,
        })
    }

    /// The columns to keep, as index and new name.
    fn kept(
        &mut self,
        keep: &[Spanned<RawKeep>],
        money: &[(usize, usize)],
        columns: &mut Columns<'_>,
    ) -> Checked<Vec<(usize, String)>> {
        let mut kept: Vec<(usize, String)> = Vec::new();
        for keep in keep {
            let (column, new_name) = keep_names(keep)?;
            let index = columns.add(&column, keep.span().start)?;
            self.add(&Spanned::new(keep.span(), new_name.clone()), columns.list[index].ty)?;
            if let Some(line) = columns.undeclared(&column) {
                self.scope.undeclared.insert(new_name.clone(), line);
            }
            kept.push((index, new_name));
        }
        for (amount, currency) in money {
            let name_of = |column: &usize| kept.iter().find(|(at, _)| at == column).map(|(_, name)| name.clone());
            match (name_of(amount), name_of(currency)) {
                (None, _) => {}
                (Some(amount), Some(currency)) => drop(self.scope.money.insert(amount, currency)),
                (Some(name), None) => {
                    let at = keep.first().map_or(0, |keep| keep.span().start);
                    let currency = columns.list.get_index(*currency).map_or("", |(name, _)| name);
                    let message = format!("`{name}` is money: keep its currency `{currency}` too");
                    return Err(Problem::new(at, message));
                }
            }
        }
        Ok(kept)
    }

    /// Aggregates may name any column of the file: text unless `types` says otherwise.
    fn aggregates(
        &mut self,
        raw: &Table<Spanned<String>>,
        money: &[(usize, usize)],
        columns: &mut Columns<'_>,
    ) -> Checked<Vec<Named>> {
        let mut named = Vec::new();
        if let Some((name, _)) = raw.iter().next().filter(|_| columns.list.contains_key(AS_OF)) {
            let message = "a column named `as_of` would hide the run's date in aggregates: remove it from `types`";
            return Err(Problem::new(name.span().start, message));
        }
        for (name, sql) in raw {
            let value = loop {
                let mut scope = columns.scope(money, self.scope.has_rates);
                scope.types.insert(AS_OF.to_owned(), Type::Date);
                match sql::check(sql.get_ref(), &scope, Context::Aggregate) {
                    Ok(value) => break value,
                    // An unknown name is a text column of the file; one at a time, until none is left.
                    Err(SqlError { fault: Fault::UnknownColumn { name: column, .. }, .. })
                        if !columns.list.contains_key(&column) =>
                    {
                        columns.add(&column, sql.span().start)?;
                    }
                    Err(error) => return Err(Problem::in_sql(name.get_ref(), sql, &error)),
                }
            };
            self.note_as_of(&value);
            self.add(name, value.ty())?;
            named.push(Named { name: name.get_ref().clone(), value });
        }
        Ok(named)
    }
}

/// Fails for a path that leaves the input folder.
pub(super) fn in_folder(file: &Spanned<String>) -> Checked<()> {
    let path = file.get_ref();
    if path.contains('\\') || path.starts_with('/') || path.split('/').any(|part| part == "..") {
        let message = format!("`{path}` leaves the input folder: a file's name is a path in it");
        return Err(Problem::new(file.span().start, message));
    }
    Ok(())
}

fn file_patterns(name: &Spanned<String>, files: &[Spanned<String>]) -> Checked<()> {
    if files.is_empty() {
        return Err(Problem::new(name.span().start, format!("source `{}` has no `files`", name.get_ref())));
    }
    for file in files {
        let pattern = file.get_ref();
        let wrong = |message: String| Err(Problem::new(file.span().start, message));
        in_folder(file)?;
        let (archive, member) = pattern.split_once('!').unwrap_or((pattern, "*"));
        if let Err(error) = glob::Pattern::new(archive).and_then(|_| glob::Pattern::new(member)) {
            return wrong(format!("`{pattern}` is not a valid file pattern: {error}"));
        }
    }
    Ok(())
}

/// Whether nulls are filled from older rows.
fn fills(raw: &RawSource) -> Checked<bool> {
    let fills = form::word(raw.fill.as_ref(), "fill", &[("older", true), ("none", false)])?.unwrap_or(false);
    match &raw.fill {
        Some(fill) if fills && raw.aggregates.is_some() => {
            Err(Problem::new(fill.span().start, "`fill` is for `keep`: aggregates use all rows anyway"))
        }
        Some(fill) if fills => {
            let mut currencies: Vec<&String> = raw.money.values().map(Spanned::get_ref).collect();
            currencies.sort_unstable();
            match currencies.windows(2).any(|pair| pair[0] == pair[1]) {
                true => Err(Problem::new(
                    fill.span().start,
                    "`fill` could take two amounts of one currency column from two rows: leave it out",
                )),
                false => Ok(true),
            }
        }
        _ => Ok(fills),
    }
}

/// How many bad values columns may have, by their index.
fn max_bad(raw: Option<&Spanned<RawMaxBad>>, columns: &[Column]) -> Checked<Vec<(usize, Limit)>> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let wrong = |message: String| Problem::new(raw.span().start, format!("`max_bad`: {message}"));
    let limit = |limit: &RawLimit| match limit {
        RawLimit::Number(number) => {
            u64::try_from(*number).map(Limit::Rows).map_err(|_| wrong(format!("`{number}` is less than nothing")))
        }
        RawLimit::Text(text) => text.parse().map_err(wrong),
    };
    match raw.get_ref() {
        RawMaxBad::All(all) => (0..columns.len()).map(|at| Ok((at, limit(all)?))).collect(),
        RawMaxBad::Each(each) => {
            let of = |(name, of): (&String, &RawLimit)| {
                let at = columns.iter().position(|column| column.name == *name);
                let near = || super::did_you_mean(name, columns.iter().map(|column| column.name.as_str()));
                Ok((at.ok_or_else(|| wrong(format!("the source uses no column `{name}`{}", near())))?, limit(of)?))
            };
            each.iter().map(of).collect()
        }
    }
}

/// A condition, and the columns that it names.
type NamedFilter = (Typed, Vec<(String, CellType)>);

/// The condition that rows must satisfy, and the columns that it names: text unless `types` says otherwise.
fn filter(sql: Option<&Spanned<String>>, columns: &Columns<'_>) -> Checked<Option<NamedFilter>> {
    let Some(sql) = sql else { return Ok(None) };
    let mut known: IndexMap<String, CellType> = columns.types.clone();
    known.insert(columns.key.to_owned(), CellType::TEXT);
    let condition = loop {
        let scope = columns.scope_of(known.iter());
        match sql::check(sql.get_ref(), &scope, Context::Row) {
            Ok(condition) => break condition,
            // An unknown name is a text column of the file.
            Err(SqlError { fault: Fault::UnknownColumn { name, .. }, .. }) if is_column_name(&name) => {
                known.insert(name, CellType::TEXT);
            }
            Err(error) => return Err(Problem::in_sql("where", sql, &error)),
        }
    };
    if condition.ty() != Type::Bool {
        return Err(Problem::new(sql.span().start, format!("`where` needs a bool, not {}", condition.ty())));
    }
    known.retain(|name, _| condition.columns.contains(name));
    Ok(Some((condition, known.into_iter().collect())))
}

/// The headers that stand for a column, and which columns a file may lack.
struct Aliases<'a> {
    headers: IndexMap<&'a str, (usize, Vec<String>)>,
    optional: &'a [Spanned<String>],
}

impl<'a> Aliases<'a> {
    fn new(raw: &'a RawSource) -> Checked<Self> {
        let mut headers = IndexMap::new();
        for (name, given) in &raw.columns {
            let given = match given {
                RawHeaders::One(header) => vec![header.clone()],
                RawHeaders::Several(several) => several.clone(),
            };
            if given.is_empty() {
                return Err(Problem::new(name.span().start, format!("`{}` has no header", name.get_ref())));
            }
            headers.insert(name.get_ref().as_str(), (name.span().start, given));
        }
        Ok(Self { headers, optional: &raw.optional })
    }

    fn column(&self, (name, cell): (String, CellType)) -> Column {
        let headers =
            self.headers.get(name.as_str()).map_or_else(|| vec![name.clone()], |(_, headers)| headers.clone());
        let optional = self.optional.iter().any(|optional| *optional.get_ref() == name);
        Column { name, headers, optional, cell }
    }

    /// Fails if one of the id's columns is optional.
    fn never_of<'c>(&self, mut keys: impl Iterator<Item = &'c Column>) -> Checked<()> {
        let optional = |key: &Column| self.optional.iter().find(|name| *name.get_ref() == key.name);
        match keys.find_map(optional) {
            None => Ok(()),
            Some(name) => {
                Err(Problem::new(name.span().start, "the id cannot be optional: a row without it is nobody's"))
            }
        }
    }

    /// Fails for a name of `columns` or `optional` that no column has: most likely a typo.
    fn all_used<'c>(&self, columns: impl Iterator<Item = &'c Column> + Clone) -> Checked<()> {
        let optional = self.optional.iter().map(|name| (name.get_ref().as_str(), name.span().start));
        for (name, at) in self.headers.iter().map(|(name, (at, _))| (*name, *at)).chain(optional) {
            if columns.clone().all(|column| column.name != name) {
                let near = super::did_you_mean(name, columns.clone().map(|column| column.name.as_str()));
                return Err(Problem::new(at, format!("the source uses no column `{name}`{near}")));
            }
        }
        Ok(())
    }
}

/// Fails when `header` names no field for a column that is used.
fn given<'c>(raw: &RawSource, form: &FileForm, columns: impl Iterator<Item = &'c Column>) -> Checked<()> {
    let (Some(header), Some(at)) = (&form.header, &raw.header) else { return Ok(()) };
    for column in columns.filter(|column| !column.optional) {
        if column.headers.iter().all(|wanted| !header.contains(wanted)) {
            let near = super::did_you_mean(&column.name, header.iter().map(String::as_str));
            return Err(Problem::new(at.span().start, format!("`header` names no column `{}`{near}", column.name)));
        }
    }
    Ok(())
}

fn keep_names(keep: &Spanned<RawKeep>) -> Checked<(String, String)> {
    match keep.get_ref() {
        RawKeep::Same(name) => Ok((name.clone(), name.clone())),
        RawKeep::Renamed(map) => match map.iter().next() {
            Some((column, name)) if map.len() == 1 => Ok((column.clone(), name.clone())),
            _ => Err(Problem::new(keep.span().start, "give one column and its new name: `{ column = \"new name\" }`")),
        },
    }
}

/// A source's name: it stands in file names, so it must be none that a file system could read otherwise.
fn source_name(name: &Spanned<String>) -> Checked<()> {
    let text = name.get_ref();
    let plain = text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') && (1..=64).contains(&text.len());
    if plain { Ok(()) } else { Err(bad_name(name, "letters, digits, `_` and `-`, at most 64")) }
}

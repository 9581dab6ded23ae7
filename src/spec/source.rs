//! One source of a spec: its columns, its row rule, its filter. Raw keys → checked values.

mod columns;

use indexmap::IndexMap;
use toml::Spanned;

use super::cells::read_types;
use super::check::{Checked, Names, bad_name, is_column_name};
use super::form;
use super::identity::Links;
use super::ids;
use super::raw::{RawHeaders, RawKeep, RawLimit, RawMaxBad, RawSource, Table};
use super::sql::{self, Context, Fault, SqlError, Typed};
use super::{AS_OF, Column, Filter, Limit, Named, Problem, RowRule, Source};
use crate::value::{CellType, IdRule, Type};
use columns::Columns;

pub(super) use columns::ID_HAS_NO_ORDER;

/// Who a source's rows are of.
struct Ids {
    links: Option<Links>,
    /// The column of the id, and those of its further parts; none with identifiers.
    key: Option<Spanned<String>>,
    parts: Vec<String>,
    id: IdRule,
}

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
        let RawSource { files, required, latest_by, aggregates, .. } = raw;
        let form = form::check(raw)?;
        file_patterns(name, files)?;
        let aliases = Aliases::new(raw)?;
        let Ids { links, key, parts, id } = self.ids(name, raw, profile_key, &aliases)?;
        let types = read_types(raw, key.as_ref())?;
        let id_column = key.as_ref().map(|key| key.get_ref().as_str());
        let mut columns = Columns { source: name.get_ref(), key: id_column, list: IndexMap::new(), types };
        let money = columns.money(&raw.money)?;
        let kept = self.kept(&raw.keep, &money, &mut columns)?;
        let (latest_by, latest_time) = columns.order_rows(latest_by.as_ref())?;
        let unique_by = columns.add_all(raw.unique_by.iter())?;
        columns.add_all(raw.types.keys())?;
        let rows = match aggregates {
            None => RowRule::Latest(kept),
            Some(_) if !kept.is_empty() => return Err(Problem::new(name.span().start, KEEP_AND_AGGREGATES)),
            Some(aggregates) => RowRule::Aggregate(self.aggregates(aggregates, &money, &mut columns)?),
        };
        let filter = filter(raw.filter.as_ref(), &columns)?;
        let headers = |column: (String, CellType)| aliases.column(column);
        let filter = filter.map(|(condition, columns)| Filter {
            casts: condition.expr.casts(),
            condition,
            columns: columns.into_iter().map(headers).collect(),
        });
        let more_keys: Vec<Column> = parts.into_iter().map(|part| headers((part, CellType::TEXT))).collect();
        let first = links.as_ref().and_then(|links| links.columns.first().cloned());
        let key = key.as_ref().map(|key| headers((key.get_ref().clone(), CellType::TEXT))).or(first);
        let key = key.ok_or_else(|| Problem::new(name.span().start, "the source has no id"))?;
        let columns: Vec<Column> = columns.list.into_iter().map(headers).collect();
        let source = Source {
            name: name.get_ref().clone(),
            files: files.iter().map(|f| f.get_ref().clone()).collect(),
            required: *required,
            key,
            more_keys,
            id: IdRule { nulls: form.nulls.clone(), ..id },
            links,
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
        };
        aliases.fit(&source)?;
        given(raw, &source)?;
        Ok(source)
    }

    /// The ids of a source, or its identifiers if the spec has `[identity]`.
    fn ids(
        &self,
        name: &Spanned<String>,
        raw: &RawSource,
        profile_key: &Spanned<String>,
        aliases: &Aliases<'_>,
    ) -> Checked<Ids> {
        if let Some(links) = self.links(name, raw, aliases)? {
            return Ok(Ids { links: Some(links), key: None, parts: Vec::new(), id: IdRule::default() });
        }
        let (key, parts, id) = ids::key(raw, profile_key, &self.kinds)?;
        Ok(Ids { links: None, key: Some(key), parts, id })
    }

    /// Where the source's identifiers are, if the spec has `[identity]`.
    fn links(&self, name: &Spanned<String>, raw: &RawSource, aliases: &Aliases<'_>) -> Checked<Option<Links>> {
        let column = |name: &str| aliases.column((name.to_owned(), CellType::TEXT));
        if let Some(identity) = &self.identity {
            return identity.links(name, raw, column).map(Some);
        }
        let stray = raw.ids.first().map(|id| &id.column).or(raw.merged_into.as_ref());
        let stray = stray.or(raw.deleted.as_ref().map(|deleted| &deleted.column)).map(Spanned::span);
        match stray.or(raw.merged_from.as_ref().map(Spanned::span)) {
            Some(span) => {
                let message = "`ids`, `merged_into`, `merged_from` and `deleted` need `[identity]` with `name_by`";
                Err(Problem::new(span.start, message))
            }
            None => Ok(None),
        }
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
    known.extend(columns.key.map(|key| (key.to_owned(), CellType::TEXT)));
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

    /// Fails if an id's column may be missing, and for names that are no columns of the source.
    fn fit(&self, source: &Source) -> Checked<()> {
        match &source.links {
            Some(links) => self.never_of(links.key.iter().map(|key| &links.columns[key.at]))?,
            None => self.never_of(std::iter::once(&source.key).chain(&source.more_keys))?,
        }
        let used: Vec<&Column> = source.all_columns().collect();
        self.all_used(used.into_iter())
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
fn given(raw: &RawSource, source: &Source) -> Checked<()> {
    let (Some(header), Some(at)) = (&source.form.header, &raw.header) else { return Ok(()) };
    for column in source.all_columns().filter(|column| !column.optional) {
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

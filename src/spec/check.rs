//! Raw spec → checked [`Spec`]: every name is known, used once, and of the right type. Reads no files.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;
use toml::Spanned;

use super::format::{self, Format};
use super::raw::{RawBand, RawKeep, RawPopulation, RawScore, RawSource, RawSpec, Table};
use super::score::{Band, Points, Score};
use super::sql::{self, Context, Fault, SqlError, Typed};
use super::{
    AS_OF, Column, IDEMPOTENCY_KEY, Named, OutputColumn, Population, Problem, RowRule, SOURCES, Scope, Source, Spec,
    did_you_mean, rules,
};
use crate::value::{CellType, DecimalMark, Type};

pub(super) type Checked<T> = Result<T, Problem>;

pub(super) fn check(text: &str, origin: &str) -> Checked<Spec> {
    let raw: RawSpec = toml::from_str(text).map_err(|e| Problem {
        offset: e.span().map(|s| s.start),
        lines_down: 0,
        message: e.message().to_owned(),
    })?;
    let key = raw.profile.key;
    column_name(&key)?;
    let mut names = Names { scope: IndexMap::new(), uses_as_of: false };
    names.add(&key, Type::Text)?;
    names.scope.insert(SOURCES.to_owned(), Type::Text);
    let sources = raw
        .sources
        .iter()
        .map(|(name, source)| names.source(name, source, &key).map(Arc::new))
        .collect::<Checked<Vec<_>>>()?;
    if sources.is_empty() {
        return Err(Problem::new(key.span().start, "the spec has no source: add a `[sources.NAME]`"));
    }
    let population = population(raw.profile.population, &sources)?;
    names.scope.insert(AS_OF.to_owned(), Type::Date);
    let computed = raw.computed.iter().map(|(name, sql)| names.computed(name, sql)).collect::<Checked<Vec<_>>>()?;
    let merged: BTreeSet<String> = names.scope.keys().filter(|n| *n != SOURCES && *n != AS_OF).cloned().collect();
    let scores = raw.scores.iter().map(|(name, score)| names.score(name, score)).collect::<Checked<Vec<_>>>()?;
    for score in &scores {
        names.scope.insert(score.name.clone(), score.ty());
    }
    let output = output(&raw.output.columns, &names.scope, &merged, key.get_ref())?;
    let rules = raw.checks.iter().map(|c| rules::check(c, &names.scope, &output)).collect::<Checked<Vec<_>>>()?;
    names.uses_as_of |= rules.iter().filter_map(|r| r.kind.condition()).any(|c| c.columns.contains(AS_OF));
    Ok(Spec {
        name: raw.profile.name.into_inner(),
        key: key.into_inner(),
        population,
        sources,
        computed,
        scores,
        output,
        rules,
        uses_as_of: names.uses_as_of,
        origin: origin.to_owned(),
        text: text.to_owned(),
    })
}

/// The names defined so far, with their types.
struct Names {
    scope: Scope,
    uses_as_of: bool,
}

impl Names {
    fn add(&mut self, name: &Spanned<String>, ty: Type) -> Checked<()> {
        self.free(name)?;
        self.scope.insert(name.get_ref().clone(), ty);
        Ok(())
    }

    /// Fails if a new column cannot have this name.
    fn free(&self, name: &Spanned<String>) -> Checked<()> {
        column_name(name)?;
        if [SOURCES, IDEMPOTENCY_KEY, AS_OF].contains(&name.get_ref().as_str()) {
            return Err(Problem::new(
                name.span().start,
                format!("`{}` is a built-in name: choose another", name.get_ref()),
            ));
        }
        if self.scope.contains_key(name.get_ref()) {
            let message =
                format!("the name `{}` is used twice: rename one, as in `{{ column = \"new name\" }}`", name.get_ref());
            return Err(Problem::new(name.span().start, message));
        }
        Ok(())
    }

    fn source(&mut self, name: &Spanned<String>, raw: &RawSource, profile_key: &Spanned<String>) -> Checked<Source> {
        source_name(name)?;
        let RawSource { files, required, key, latest_by, keep, types, aggregates, .. } = raw;
        let Format { encoding, delimiter, mark } = format::check(raw)?;
        let at = name.span().start;
        if files.is_empty() {
            return Err(Problem::new(at, format!("source `{}` has no `files`", name.get_ref())));
        }
        if let Some(file) = files.iter().find(|f| f.get_ref().contains(['/', '\\'])) {
            return Err(Problem::new(
                file.span().start,
                "a file pattern must be a file name in the input folder, without `/`",
            ));
        }
        for file in files {
            if let Err(error) = glob::Pattern::new(file.get_ref()) {
                return Err(Problem::new(
                    file.span().start,
                    format!("`{}` is not a valid file pattern: {error}", file.get_ref()),
                ));
            }
        }
        let key = key.as_ref().unwrap_or(profile_key);
        let mut columns = Columns { key: key.get_ref(), list: IndexMap::new(), types: read_types(types, key, mark)? };
        let mut kept = Vec::new();
        for keep in keep {
            let (column, new_name) = keep_names(keep)?;
            let index = columns.add(&column, keep.span().start)?;
            self.add(&Spanned::new(keep.span(), new_name.clone()), columns.list[index].ty)?;
            kept.push((index, new_name));
        }
        let latest_by = latest_by.as_ref().map(|by| columns.orders_rows(by)).transpose()?;
        for column in types.keys() {
            columns.add(column.get_ref(), column.span().start)?;
        }
        let rows = match aggregates {
            None => RowRule::Latest(kept),
            Some(_) if !kept.is_empty() => {
                let message = "a source cannot have both `keep` and `aggregates`; to keep a value beside aggregates use `max_by(column, date)`";
                return Err(Problem::new(at, message));
            }
            Some(aggregates) => RowRule::Aggregate(self.aggregates(aggregates, &mut columns)?),
        };
        Ok(Source {
            name: name.get_ref().clone(),
            files: files.iter().map(|f| f.get_ref().clone()).collect(),
            required: *required,
            key: key.get_ref().clone(),
            encoding,
            delimiter,
            columns: columns.list.into_iter().map(|(name, cell)| Column { name, cell }).collect(),
            latest_by,
            rows,
        })
    }

    /// Aggregates may use any column of the file; its type is text unless `types` says otherwise.
    fn aggregates(&mut self, raw: &Table<Spanned<String>>, columns: &mut Columns<'_>) -> Checked<Vec<Named>> {
        let mut named = Vec::new();
        if let Some((name, _)) = raw.iter().next().filter(|_| columns.list.contains_key(AS_OF)) {
            let message = "a column named `as_of` would hide the run's date in aggregates: remove it from `types`";
            return Err(Problem::new(name.span().start, message));
        }
        for (name, sql) in raw {
            let value = loop {
                let mut scope: Scope = columns.list.iter().map(|(n, c)| (n.clone(), c.ty)).collect();
                scope.insert(columns.key.to_owned(), Type::Text);
                scope.insert(AS_OF.to_owned(), Type::Date);
                match sql::check(sql.get_ref(), &scope, Context::Aggregate) {
                    Ok(value) => break value,
                    // An unknown name is a text column of the file: add it and check again, until no name is unknown.
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

    fn computed(&mut self, name: &Spanned<String>, sql: &Spanned<String>) -> Checked<Named> {
        let value = self.compile(name, sql)?;
        self.add(name, value.ty())?;
        Ok(Named { name: name.get_ref().clone(), value })
    }

    fn score(&mut self, name: &Spanned<String>, raw: &RawScore) -> Checked<Score> {
        self.free(name)?;
        let RawScore { base, clamp, needs_any, points, bands } = raw;
        if needs_any.get_ref().is_empty() {
            return Err(Problem::new(needs_any.span().start, "`needs_any` is empty: name at least one column"));
        }
        for signal in needs_any.get_ref() {
            known(signal, &self.scope, "column")?;
            if signal.get_ref() == AS_OF {
                let message = "`as_of` is the same for all customers, so it cannot be in `needs_any`";
                return Err(Problem::new(signal.span().start, message));
            }
        }
        if let Some(range) = clamp.as_ref().filter(|c| c.get_ref().0 > c.get_ref().1) {
            return Err(Problem::new(range.span().start, "`clamp` must be [lowest, highest]"));
        }
        let mut rules = Vec::new();
        let mut reach = base.unsigned_abs();
        for rule in points {
            let when = self.compile(name, &rule.when)?;
            if when.ty() != Type::Bool {
                return Err(Problem::new(rule.when.span().start, format!("`when` needs a bool, not {}", when.ty())));
            }
            reach = reach.saturating_add(rule.add.unsigned_abs());
            rules.push(Points { when, add: rule.add, because: rule.because.clone() });
        }
        if bands.as_ref().is_some_and(Vec::is_empty) {
            return Err(Problem::new(name.span().start, "`bands` is empty: leave it out for a score that is a number"));
        }
        if reach > i64::MAX as u64 {
            return Err(Problem::new(name.span().start, "the points of this score can exceed 64 bits"));
        }
        Ok(Score {
            name: name.get_ref().clone(),
            base: *base,
            clamp: clamp.as_ref().map(|c| *c.get_ref()),
            needs_any: needs_any.get_ref().iter().map(|s| s.get_ref().clone()).collect(),
            points: rules,
            bands: bands.as_deref().map(check_bands).transpose()?.unwrap_or_default(),
        })
    }

    fn compile(&mut self, name: &Spanned<String>, sql: &Spanned<String>) -> Checked<Typed> {
        let value = sql::check(sql.get_ref(), &self.scope, Context::Row)
            .map_err(|error| Problem::in_sql(name.get_ref(), sql, &error))?;
        self.note_as_of(&value);
        Ok(value)
    }

    fn note_as_of(&mut self, value: &Typed) {
        self.uses_as_of |= value.columns.contains(AS_OF);
    }
}

/// The columns of one source that are read.
struct Columns<'a> {
    key: &'a str,
    list: IndexMap<String, CellType>,
    types: IndexMap<String, CellType>,
}

impl Columns<'_> {
    /// Index of a column, which is added if it is new.
    fn add(&mut self, name: &str, offset: usize) -> Checked<usize> {
        if name == self.key {
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

    fn orders_rows(&mut self, by: &Spanned<String>) -> Checked<usize> {
        let index = self.add(by.get_ref(), by.span().start)?;
        match self.list[index].ty {
            Type::Date | Type::Datetime | Type::Int => Ok(index),
            ty => {
                let message = format!(
                    "`latest_by` needs a date, datetime or int column, and `{}` is {ty}: set its type in `types`",
                    by.get_ref()
                );
                Err(Problem::new(by.span().start, message))
            }
        }
    }
}

fn read_types(
    types: &Table<Spanned<String>>,
    key: &Spanned<String>,
    mark: DecimalMark,
) -> Checked<IndexMap<String, CellType>> {
    let mut read = IndexMap::new();
    for (column, ty) in types {
        let cell = CellType::parse(ty.get_ref()).ok_or_else(|| {
            let message = format!("unknown type `{}`; use text, int, float, decimal(p,s), bool, date, datetime, date(FORMAT) or datetime(FORMAT), with a FORMAT such as %d.%m.%Y", ty.get_ref());
            Problem::new(ty.span().start, message)
        })?;
        if column.get_ref() == key.get_ref() {
            return Err(Problem::new(column.span().start, "the id column is always text"));
        }
        read.insert(column.get_ref().clone(), CellType { mark, ..cell });
    }
    Ok(read)
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

fn population(raw: Option<Spanned<RawPopulation>>, sources: &[Arc<Source>]) -> Checked<Population> {
    let Some(raw) = raw else { return Ok(Population::Any) };
    let at = raw.span().start;
    let names = match raw.into_inner() {
        RawPopulation::Word(word) if word == "any" => return Ok(Population::Any),
        RawPopulation::Word(word) => {
            return Err(Problem::new(at, format!("`population` must be \"any\" or a list of sources, not \"{word}\"")));
        }
        RawPopulation::Sources(names) if names.is_empty() => {
            return Err(Problem::new(at, "`population` is an empty list: name at least one source, or use \"any\""));
        }
        RawPopulation::Sources(names) => names,
    };
    let index = |name: &String| {
        let near = || did_you_mean(name, sources.iter().map(|s| s.name.as_str()));
        sources
            .iter()
            .position(|s| s.name == *name)
            .ok_or_else(|| Problem::new(at, format!("no source `{name}`{}", near())))
    };
    names.iter().map(index).collect::<Checked<Vec<_>>>().map(Population::KnownBy)
}

fn check_bands(raw: &[Spanned<RawBand>]) -> Checked<Vec<Band>> {
    let mut bands: Vec<Band> = Vec::new();
    for (i, band) in raw.iter().enumerate() {
        let RawBand { at_least, label } = band.get_ref();
        let last = i + 1 == raw.len();
        let falls = match (bands.last().and_then(|b| b.at_least), at_least) {
            (Some(above), Some(bound)) => *bound < above,
            _ => true,
        };
        if !falls || last != at_least.is_none() || label.is_empty() {
            let message = "order `bands` from the highest `at_least` to the lowest; the last has no `at_least`; each needs a label";
            return Err(Problem::new(band.span().start, message));
        }
        bands.push(Band { at_least: *at_least, label: label.clone() });
    }
    Ok(bands)
}

fn output(raw: &[Spanned<String>], scope: &Scope, merged: &BTreeSet<String>, key: &str) -> Checked<Vec<OutputColumn>> {
    let mut columns: Vec<OutputColumn> = Vec::new();
    let mut all = scope.clone();
    all.shift_remove(AS_OF);
    all.insert(IDEMPOTENCY_KEY.to_owned(), Type::Text);
    for name in raw {
        let ty = known(name, &all, "column")?;
        if columns.iter().any(|c| c.name == *name.get_ref()) {
            return Err(Problem::new(
                name.span().start,
                format!("the output column `{}` is listed twice: remove one", name.get_ref()),
            ));
        }
        let merged = merged.contains(name.get_ref());
        columns.push(OutputColumn { name: name.get_ref().clone(), ty, merged });
    }
    match raw.first() {
        Some(first) if first.get_ref() == key => Ok(columns),
        first => {
            let message = format!("the first output column must be the id `{key}`, because outputs are sorted by it");
            Err(Problem { offset: first.map(|f| f.span().start), lines_down: 0, message })
        }
    }
}

pub(super) fn known(name: &Spanned<String>, scope: &Scope, what: &str) -> Checked<Type> {
    scope.get(name.get_ref()).copied().ok_or_else(|| {
        let near = did_you_mean(name.get_ref(), scope.keys().map(String::as_str));
        Problem::new(name.span().start, format!("no {what} `{}`{near}", name.get_ref()))
    })
}

/// A source's name: it becomes part of file names, so it must be safe in any file system.
fn source_name(name: &Spanned<String>) -> Checked<()> {
    let text = name.get_ref();
    let plain = text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') && (1..=64).contains(&text.len());
    if plain { Ok(()) } else { Err(bad_name(name, "letters, digits, `_` and `-`, at most 64")) }
}

const COLUMN_RULE: &str = "at most 255 bytes, without control characters or backticks, and not starting with `__`";

/// A column's name: any header, except names that are used internally.
fn column_name(name: &Spanned<String>) -> Checked<()> {
    if is_column_name(name.get_ref()) { Ok(()) } else { Err(bad_name(name, COLUMN_RULE)) }
}

fn is_column_name(name: &str) -> bool {
    !name.starts_with("__") && !name.contains(|c: char| c.is_control() || c == '`') && (1..=255).contains(&name.len())
}

fn bad_name(name: &Spanned<String>, rule: &str) -> Problem {
    Problem::new(name.span().start, format!("`{}` is not a valid name: use {rule}", name.get_ref()))
}

//! Raw spec → checked [`Spec`]: every name is known, used once, and of the right type. Reads no files.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;
use toml::Spanned;

use super::identity::{self, Identity};
use super::ids::{self, Kinds};
use super::raw::{RawBand, RawPopulation, RawRates, RawScore, RawSpec};
use super::rules;
use super::score::{Band, Points, Score};
use super::source::{ID_HAS_NO_ORDER, in_folder};
use super::sql::{self, Context, Typed};
use super::{AS_OF, BUILT_IN, Named, OutputColumn, Population, Problem, SOURCES, Scope, Source, Spec, did_you_mean};
use crate::value::Type;

pub(super) type Checked<T> = Result<T, Problem>;

pub(super) fn check(text: &str, origin: &str) -> Checked<Spec> {
    let raw: RawSpec = toml::from_str(text).map_err(|e| Problem {
        offset: e.span().map(|s| s.start),
        lines_down: 0,
        message: e.message().to_owned(),
    })?;
    let kinds = ids::kinds(&raw.identity)?;
    let identity = identity::check(&raw.identity, &kinds)?.map(Arc::new);
    let key = profile_key(raw.profile.key, &raw.profile.name, identity.is_some())?;
    let scope = Scope { has_rates: raw.rates.is_some(), ..Scope::default() };
    let mut names = Names { scope, uses_as_of: false, kinds, identity };
    names.add_id(&key)?;
    for kind in names.identity.clone().iter().flat_map(|identity| &identity.kinds) {
        let at = raw.identity.name_by.first().map_or(0..0, Spanned::span);
        names.add_id(&Spanned::new(at, Identity::column_of(kind)))?;
    }
    names.scope.types.insert(SOURCES.to_owned(), Type::Text);
    let sources = raw
        .sources
        .iter()
        .map(|(name, source)| names.source(name, source, &key).map(Arc::new))
        .collect::<Checked<Vec<_>>>()?;
    if sources.is_empty() {
        return Err(Problem::new(key.span().start, "the spec has no source: add a `[sources.NAME]`"));
    }
    let population = population(raw.profile.population, &sources)?;
    let fields =
        raw.fields.iter().map(|(name, field)| names.field(name, field, &sources)).collect::<Checked<Vec<_>>>()?;
    let provenance = provenance(raw.output.provenance.as_ref(), &names, &fields)?;
    names.scope.types.insert(AS_OF.to_owned(), Type::Date);
    let computed = raw.computed.iter().map(|(name, sql)| names.computed(name, sql)).collect::<Checked<Vec<_>>>()?;
    let merged: BTreeSet<String> = names.scope.types.keys().filter(|n| *n != SOURCES && *n != AS_OF).cloned().collect();
    let scores = raw.scores.iter().map(|(name, score)| names.score(name, score)).collect::<Checked<Vec<_>>>()?;
    for score in &scores {
        names.scope.types.insert(score.name.clone(), score.ty());
    }
    let output = output(&raw.output.columns, &names.scope.types, &merged, key.get_ref())?;
    let rules = raw.checks.iter().map(|c| rules::check(c, &names.scope, &output)).collect::<Checked<Vec<_>>>()?;
    names.uses_as_of |= rules.iter().filter_map(|r| r.kind.condition()).any(|c| c.columns.contains(AS_OF));
    Ok(Spec {
        name: raw.profile.name.into_inner(),
        key: key.into_inner(),
        population,
        strict: raw.profile.strict,
        identity: names.identity,
        rates: rates(raw.rates.as_ref())?,
        sources,
        fields,
        provenance,
        computed,
        scores,
        output,
        rules,
        uses_as_of: names.uses_as_of,
        origin: origin.to_owned(),
        text: text.to_owned(),
    })
}

/// The names given so far, with their types.
pub(super) struct Names {
    pub scope: Scope,
    pub uses_as_of: bool,
    /// The kinds of ids, by name.
    pub kinds: Kinds,
    pub identity: Option<Arc<Identity>>,
}

impl Names {
    pub fn add(&mut self, name: &Spanned<String>, ty: Type) -> Checked<()> {
        self.free(name)?;
        self.scope.types.insert(name.get_ref().clone(), ty);
        Ok(())
    }

    /// Adds a text that has no order.
    fn add_id(&mut self, name: &Spanned<String>) -> Checked<()> {
        self.add(name, Type::Text)?;
        self.scope.undeclared.insert(name.get_ref().clone(), ID_HAS_NO_ORDER.to_owned());
        Ok(())
    }

    /// Fails if a new column cannot have this name.
    fn free(&self, name: &Spanned<String>) -> Checked<()> {
        column_name(name)?;
        if BUILT_IN.iter().map(|(built_in, _)| *built_in).chain([AS_OF]).any(|taken| taken == name.get_ref()) {
            return Err(Problem::new(
                name.span().start,
                format!("`{}` is a built-in name: choose another", name.get_ref()),
            ));
        }
        if self.scope.types.contains_key(name.get_ref()) {
            let message =
                format!("the name `{}` is used twice: rename one, as in `{{ column = \"new name\" }}`", name.get_ref());
            return Err(Problem::new(name.span().start, message));
        }
        Ok(())
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
            known(signal, &self.scope.types, "column")?;
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

    pub fn note_as_of(&mut self, value: &Typed) {
        self.uses_as_of |= value.columns.contains(AS_OF);
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

/// The name of the id column.
fn profile_key(
    raw: Option<Spanned<String>>,
    profile: &Spanned<String>,
    has_identity: bool,
) -> Checked<Spanned<String>> {
    match raw {
        Some(key) => column_name(&key).map(|()| key),
        None if has_identity => Ok(Spanned::new(profile.span(), identity::CUSTOMER.to_owned())),
        None => Err(Problem::new(profile.span().start, "`[profile]` needs `key`, the name of the id's column")),
    }
}

/// Whether the run tells where the values of fields come from.
fn provenance(raw: Option<&Spanned<bool>>, names: &Names, fields: &[super::Field]) -> Checked<bool> {
    let Some(raw) = raw.filter(|raw| *raw.get_ref()) else { return Ok(false) };
    let missing = match (&names.identity, fields) {
        (None, _) => "`[identity]`",
        (_, []) => "`[fields]`",
        _ => return Ok(true),
    };
    Err(Problem::new(
        raw.span().start,
        format!("`provenance` tells where the values of fields come from: it needs {missing}"),
    ))
}

/// The file with rates, which lies in the input folder.
fn rates(raw: Option<&RawRates>) -> Checked<Option<String>> {
    let Some(RawRates { file }) = raw else { return Ok(None) };
    in_folder(file)?;
    Ok(Some(file.get_ref().clone()))
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

fn output(raw: &[Spanned<String>], scope: &Types, merged: &BTreeSet<String>, key: &str) -> Checked<Vec<OutputColumn>> {
    let mut columns: Vec<OutputColumn> = Vec::new();
    let mut all = scope.clone();
    all.shift_remove(AS_OF);
    all.extend(BUILT_IN.map(|(name, ty)| (name.to_owned(), ty)));
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

/// Names with their types.
type Types = IndexMap<String, Type>;

pub(super) fn known(name: &Spanned<String>, scope: &Types, what: &str) -> Checked<Type> {
    scope.get(name.get_ref()).copied().ok_or_else(|| {
        let near = did_you_mean(name.get_ref(), scope.keys().map(String::as_str));
        Problem::new(name.span().start, format!("no {what} `{}`{near}", name.get_ref()))
    })
}

pub(super) const COLUMN_RULE: &str =
    "at most 255 bytes, without control characters or backticks, and not starting with `__`";

/// A column's name: any header, except names that are used internally.
fn column_name(name: &Spanned<String>) -> Checked<()> {
    if is_column_name(name.get_ref()) { Ok(()) } else { Err(bad_name(name, COLUMN_RULE)) }
}

pub(super) fn is_column_name(name: &str) -> bool {
    !name.starts_with("__") && !name.contains(|c: char| c.is_control() || c == '`') && (1..=255).contains(&name.len())
}

pub(super) fn bad_name(name: &Spanned<String>, rule: &str) -> Problem {
    Problem::new(name.span().start, format!("`{}` is not a valid name: use {rule}", name.get_ref()))
}

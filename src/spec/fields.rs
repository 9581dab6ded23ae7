//! `[fields]`: one value of several kept columns, such as the phone number of whichever source knows it best. Raw keys →
//! checked values; picks nothing.

use std::sync::Arc;

use toml::Spanned;

use super::check::{Checked, Names, known};
use super::raw::RawField;
use super::sql::Fault;
use super::{Problem, RowRule, Source, form};
use crate::value::Type;

/// A column that takes the value of one of several kept columns.
#[derive(Debug, Clone)]
pub struct Field {
    pub name: String,
    /// The columns, the preferred one first.
    pub from: Vec<Candidate>,
    pub pick: Pick,
    pub ty: Type,
}

/// A kept column that may give a field its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name in the profile.
    pub name: String,
    /// Index of its source.
    pub source: usize,
    /// Its index among the source's columns.
    pub column: usize,
}

/// Which of several values a field takes; of equal ones the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The first that is not null.
    First,
    /// That of the row with the newest `latest_by`.
    Newest,
    /// That of the row with the oldest `latest_by`; null is the oldest.
    Oldest,
    Min,
    Max,
}

const PICKS: [(&str, Pick); 5] = [
    ("first", Pick::First),
    ("newest", Pick::Newest),
    ("oldest", Pick::Oldest),
    ("min", Pick::Min),
    ("max", Pick::Max),
];

impl Pick {
    pub fn name(self) -> &'static str {
        PICKS.iter().find(|(_, pick)| *pick == self).map_or("", |(name, _)| name)
    }
}

impl Names {
    /// Checks a field and adds its name.
    pub fn field(&mut self, name: &Spanned<String>, raw: &RawField, sources: &[Arc<Source>]) -> Checked<Field> {
        let at = raw.from.span().start;
        let pick = form::word(Some(&raw.pick), "pick", &PICKS)?.unwrap_or(Pick::First);
        let from = raw.from.get_ref().iter().map(|from| self.candidate(from, sources)).collect::<Checked<Vec<_>>>()?;
        let ty = |candidate: &Candidate| sources[candidate.source].columns[candidate.column].cell.ty;
        let Some(first) = from.first().map(ty) else {
            return Err(Problem::new(at, "`from` is empty: name the kept columns, the preferred one first"));
        };
        if let Some(other) = from.iter().find(|candidate| ty(candidate) != first) {
            let (one, other) = (first, format!("`{}` is {}", other.name, ty(other)));
            return Err(Problem::new(at, format!("the columns of a field have one type: the first is {one}, {other}")));
        }
        match pick {
            Pick::Newest | Pick::Oldest => self.can_be_dated(&from, sources, at)?,
            Pick::Min | Pick::Max => self.has_order(&from, at)?,
            Pick::First => {}
        }
        self.add(name, first)?;
        if let Some(line) = from.first().and_then(|first| self.scope.undeclared.get(&first.name).cloned()) {
            self.scope.undeclared.insert(name.get_ref().clone(), line);
        }
        Ok(Field { name: name.get_ref().clone(), from, pick, ty: first })
    }

    fn candidate(&self, name: &Spanned<String>, sources: &[Arc<Source>]) -> Checked<Candidate> {
        known(name, &self.scope.types, "column")?;
        if self.scope.money.contains_key(name.get_ref()) {
            let message = format!("`{}` is money: a field cannot take its currency along", name.get_ref());
            return Err(Problem::new(name.span().start, message));
        }
        for (at, source) in sources.iter().enumerate() {
            let RowRule::Latest(kept) = &source.rows else { continue };
            if let Some((column, _)) = kept.iter().find(|(_, kept)| kept == name.get_ref()) {
                return Ok(Candidate { name: name.get_ref().clone(), source: at, column: *column });
            }
        }
        Err(Problem::new(
            name.span().start,
            format!("`{}` is not kept by a source: `from` names kept columns", name.get_ref()),
        ))
    }

    /// Fails if what orders the rows of the sources cannot be compared.
    fn can_be_dated(&self, from: &[Candidate], sources: &[Arc<Source>], at: usize) -> Checked<()> {
        let mut kinds: Vec<bool> = Vec::new();
        for source in from.iter().map(|candidate| &sources[candidate.source]) {
            let Some(latest) = source.latest_by else { continue };
            kinds.push(source.columns[latest].cell.ty == Type::Int);
        }
        if kinds.is_empty() {
            return Err(Problem::new(at, "no source of these columns has `latest_by`: use `pick = \"first\"`"));
        }
        match kinds.iter().all(|kind| *kind == kinds[0]) {
            true => Ok(()),
            false => {
                Err(Problem::new(at, "an int in `latest_by` of one source cannot be compared with a date of another"))
            }
        }
    }

    fn has_order(&self, from: &[Candidate], at: usize) -> Checked<()> {
        match from.iter().find_map(|candidate| Some((&candidate.name, self.scope.undeclared.get(&candidate.name)?))) {
            Some((name, cure)) => {
                let (what, column, cure) = ("`pick`".to_owned(), name.clone(), cure.clone());
                let fault = Fault::Undeclared { what, column, cure };
                Err(Problem::new(at, fault.to_string()))
            }
            None => Ok(()),
        }
    }
}

//! `[identity]`: the kinds of identifiers, which of them name and link customers, what a customer may hold, and where each
//! source has them. Raw keys → checked values; reads no file and joins nothing.

use toml::Spanned;

use super::check::Checked;
use super::ids::Kinds;
use super::raw::{RawIdentity, RawKey, RawLink, RawMap, RawMerged, RawSource, RawWords};
use super::{Column, Problem, did_you_mean};
use crate::value::IdKind;

/// How customers are found when exports share no id.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The kinds that name a customer, the first that it has; every kind is one of them.
    pub kinds: Vec<LinkKind>,
    /// The kinds that join, strongest first, as indexes.
    pub link_by: Vec<usize>,
    /// How many survivors of a kind a customer may have.
    pub at_most: Vec<(usize, u32)>,
    /// How many of all kinds.
    pub max_ids: u32,
    /// Files in the input folder.
    pub maps: Vec<Map>,
    pub apart: Option<String>,
    pub erase: Option<String>,
}

/// A kind of identifier.
#[derive(Debug, Clone)]
pub struct LinkKind {
    pub name: String,
    pub kind: IdKind,
    /// Whether words for nothing, zeros and addresses that many share join nothing.
    pub defaults: bool,
    /// A value in rows of more keys than this joins nothing; no limit without one.
    pub max_keys: Option<u32>,
    /// Patterns of values that join nothing, `*` for anything.
    pub block: Vec<String>,
    pub block_file: Option<String>,
}

/// A file that says which identifiers are one customer.
#[derive(Debug, Clone)]
pub struct Map {
    pub file: String,
    pub left: MapSide,
    pub right: MapSide,
}

/// A column of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapSide {
    pub column: String,
    /// Index of the kind.
    pub kind: usize,
}

/// The identifiers of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// The columns that hold identifiers or say that a row is deleted, each once.
    pub columns: Vec<Column>,
    pub key: Option<Linked>,
    pub ids: Vec<Linked>,
    /// The column of the id into which the row's own was merged.
    pub merged_into: Option<Linked>,
    /// The column of ids that were merged into the row's own.
    pub merged_from: Option<Linked>,
    pub deleted: Option<Deleted>,
}

/// A column of identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// Its index in [`Links::columns`].
    pub at: usize,
    /// Index of the kind.
    pub kind: usize,
    /// What separates several in one cell.
    pub split: Option<String>,
}

/// The column that says whether a row is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Its index in [`Links::columns`].
    pub at: usize,
    /// The words that say so; `*` is any value.
    pub is: Vec<String>,
}

/// What a customer's id is called where nothing else is said.
pub const CUSTOMER: &str = "customer_id";

/// Survivors of all kinds in one customer when nothing is said.
const MAX_IDS: u32 = 100;

/// Keys with which an email or a phone number may be seen when nothing is said.
const MAX_KEYS: u32 = 5;

/// Most kinds: an identifier's kind is kept in seven bits.
const MOST_KINDS: usize = 64;

/// Names that would make `rule` in the outputs ambiguous.
const TAKEN: [&str; 3] = ["self", "merge", "map"];

impl Links {
    /// Whether the source says which of its ids were merged.
    pub fn tells_merges(&self) -> bool {
        self.merged_into.is_some() || self.merged_from.is_some()
    }
}

/// Checks `[identity]`; none when it only lists kinds.
pub fn check(raw: &RawIdentity, kinds: &Kinds) -> Checked<Option<Identity>> {
    let Some(first) = raw.name_by.first() else { return nothing(raw) };
    let mut identity = Identity {
        kinds: raw.name_by.iter().map(|name| link_kind(name, raw, kinds)).collect::<Checked<_>>()?,
        link_by: Vec::new(),
        at_most: Vec::new(),
        max_ids: raw.max_ids.unwrap_or(MAX_IDS),
        maps: Vec::new(),
        apart: raw.apart.as_ref().map(in_folder).transpose()?,
        erase: raw.erase.as_ref().map(in_folder).transpose()?,
    };
    if identity.kinds.len() > MOST_KINDS {
        return Err(Problem::new(first.span().start, format!("`name_by` lists more than {MOST_KINDS} kinds")));
    }
    no_twice(&raw.name_by, "name_by")?;
    no_twice(&raw.link_by, "link_by")?;
    identity.link_by = raw.link_by.iter().map(|name| identity.kind(name)).collect::<Checked<_>>()?;
    let limit = |(name, most): (&Spanned<String>, &u32)| match most {
        0 => Err(Problem::new(name.span().start, "`at_most` is 1 or more: with 0 no customer could have one")),
        most => Ok((identity.kind(name)?, *most)),
    };
    identity.at_most = raw.at_most.iter().map(limit).collect::<Checked<_>>()?;
    raw.kinds.keys().try_for_each(|name| identity.kind(name).map(drop))?;
    let map = |map: &RawMap| {
        let (left, right) = (identity.side(&map.left)?, identity.side(&map.right)?);
        Ok(Map { file: in_folder(&map.file)?, left, right })
    };
    identity.maps = raw.maps.iter().map(map).collect::<Checked<_>>()?;
    Ok(Some(identity))
}

/// Fails if there are other keys than kinds.
fn nothing(raw: &RawIdentity) -> Checked<Option<Identity>> {
    let files = [&raw.apart, &raw.erase].into_iter().flatten();
    let keys = raw.link_by.iter().chain(raw.at_most.keys()).chain(files).chain(raw.maps.iter().map(|map| &map.file));
    match keys.map(|key| key.span().start).min() {
        Some(at) => {
            Err(Problem::new(at, "`[identity]` needs `name_by`: all kinds, the first that a customer has names it"))
        }
        None => Ok(None),
    }
}

fn no_twice(names: &[Spanned<String>], list: &str) -> Checked<()> {
    let twice = names.iter().enumerate().find(|(at, name)| names[..*at].iter().any(|n| n.get_ref() == name.get_ref()));
    twice.map_or(Ok(()), |(_, name)| {
        Err(Problem::new(name.span().start, format!("`{list}` lists `{}` twice", name.get_ref())))
    })
}

fn link_kind(name: &Spanned<String>, raw: &RawIdentity, kinds: &Kinds) -> Checked<LinkKind> {
    let (text, at) = (name.get_ref(), name.span().start);
    if TAKEN.contains(&text.as_str()) {
        return Err(Problem::new(at, format!("`{text}` is a rule's name in the outputs: choose another for the kind")));
    }
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
        return Err(Problem::new(at, format!("`{text}` is no name for a kind: use letters, digits, `_` and `-`")));
    }
    let (kind, defaults) = kinds.get(text).copied().unwrap_or((IdKind::Text, true));
    let said = raw.kinds.iter().find(|(known, _)| known.get_ref() == text).map(|(_, said)| said);
    let shared = matches!(kind, IdKind::Email { .. } | IdKind::Phone).then_some(MAX_KEYS);
    Ok(LinkKind {
        name: text.clone(),
        kind,
        defaults,
        max_keys: said.and_then(|said| said.max_keys).or(shared),
        block: said.map(|said| said.block.iter().map(|b| b.get_ref().clone()).collect()).unwrap_or_default(),
        block_file: said.and_then(|said| said.block_file.as_ref()).map(in_folder).transpose()?,
    })
}

fn in_folder(file: &Spanned<String>) -> Checked<String> {
    super::source::in_folder(file)?;
    Ok(file.get_ref().clone())
}

impl Identity {
    /// Index of a kind.
    fn kind(&self, name: &Spanned<String>) -> Checked<usize> {
        let at = self.kinds.iter().position(|kind| kind.name == *name.get_ref());
        at.ok_or_else(|| {
            let near = did_you_mean(name.get_ref(), self.kinds.iter().map(|kind| kind.name.as_str()));
            let name = (name.span().start, name.get_ref());
            Problem::new(
                name.0,
                format!("`name_by` does not list the kind `{}`: every kind must be there{near}", name.1),
            )
        })
    }

    fn side(&self, raw: &RawLink) -> Checked<MapSide> {
        match &raw.split {
            Some(_) => Err(Problem::new(raw.column.span().start, "a cell of a map is one identifier: remove `split`")),
            None => Ok(MapSide { column: raw.column.get_ref().clone(), kind: self.kind(&raw.kind)? }),
        }
    }

    /// The name of the column that lists a kind's survivors.
    pub fn column_of(kind: &LinkKind) -> String {
        format!("ids_{}", kind.name)
    }

    /// The files that it names.
    pub fn files(&self) -> impl Iterator<Item = &String> {
        let block = self.kinds.iter().filter_map(|kind| kind.block_file.as_ref());
        self.maps.iter().map(|map| &map.file).chain(&self.apart).chain(&self.erase).chain(block)
    }

    /// The identifiers of a source; `column` makes a column of a name.
    pub fn links(&self, name: &Spanned<String>, raw: &RawSource, column: impl Fn(&str) -> Column) -> Checked<Links> {
        let mut draft = Draft { columns: Vec::new(), column };
        plain_keys(raw)?;
        let key = raw.key.as_ref().map(|key| self.key(key, &mut draft)).transpose()?;
        let ids = raw.ids.iter().map(|id| self.id(id, &mut draft)).collect::<Checked<Vec<_>>>()?;
        if key.is_none() && ids.is_empty() {
            let message =
                format!("source `{}` has neither `key` nor `ids`: its rows would be nobody's", name.get_ref());
            return Err(Problem::new(name.span().start, message));
        }
        let kind = key.as_ref().map(|key| key.kind);
        let mut of_key = |column: &Spanned<String>, split: Option<&String>| match kind {
            Some(kind) => draft.linked(column.get_ref(), kind, split, column.span().start),
            None => {
                Err(Problem::new(column.span().start, "what was merged is said of a source's `key`, and it has none"))
            }
        };
        let merged_into = raw.merged_into.as_ref().map(|column| of_key(column, None)).transpose()?;
        let mut from = |from: &Spanned<RawMerged>| match from.get_ref() {
            RawMerged::One(column) => of_key(&Spanned::new(from.span(), column.clone()), None),
            RawMerged::Several { column, split } => of_key(&Spanned::new(from.span(), column.clone()), split.as_ref()),
        };
        let merged_from = raw.merged_from.as_ref().map(&mut from).transpose()?;
        let deleted = raw.deleted.as_ref().map(|deleted| Deleted {
            at: draft.add(deleted.column.get_ref()),
            is: match &deleted.is {
                RawWords::One(word) => vec![word.trim().to_owned()],
                RawWords::Several(words) => words.iter().map(|word| word.trim().to_owned()).collect(),
            },
        });
        Ok(Links { columns: draft.columns, key, ids, merged_into, merged_from, deleted })
    }

    fn key<F: Fn(&str) -> Column>(&self, key: &Spanned<RawKey>, draft: &mut Draft<F>) -> Checked<Linked> {
        let at = key.span().start;
        match key.get_ref() {
            RawKey::Kind { column, kind } => {
                let kind = self.kind(&Spanned::new(key.span(), kind.clone()))?;
                draft.linked(column, kind, None, at)
            }
            RawKey::One(column) => Err(Problem::new(
                at,
                format!("with `[identity]` a key has a kind: `{{ column = \"{column}\", kind = \"…\" }}`"),
            )),
            RawKey::Parts(_) => Err(Problem::new(at, "with `[identity]` a key is one column and its kind")),
        }
    }

    fn id<F: Fn(&str) -> Column>(&self, raw: &RawLink, draft: &mut Draft<F>) -> Checked<Linked> {
        let kind = self.kind(&raw.kind)?;
        if !self.link_by.contains(&kind) {
            let (at, name) = (raw.kind.span().start, raw.kind.get_ref());
            return Err(Problem::new(
                at,
                format!("`link_by` does not list the kind `{name}`, so that it would join nothing"),
            ));
        }
        draft.linked(raw.column.get_ref(), kind, raw.split.as_ref(), raw.column.span().start)
    }
}

/// Fails for keys of plain sources, which kinds replace.
fn plain_keys(raw: &RawSource) -> Checked<()> {
    let at = raw.files.first().map_or(0, |file| file.span().start);
    if raw.strip_prefix.is_some() || raw.keep_null_words {
        let message = "with `[identity]` kinds say what an id is: remove `strip_prefix` and `keep_null_words` (`defaults = false` of a kind keeps words for nothing)";
        return Err(Problem::new(at, message));
    }
    Ok(())
}

/// The columns of a source's identifiers so far.
struct Draft<F> {
    columns: Vec<Column>,
    column: F,
}

impl<F: Fn(&str) -> Column> Draft<F> {
    fn add(&mut self, name: &str) -> usize {
        let at = self.columns.iter().position(|known| known.name == name);
        at.unwrap_or_else(|| {
            self.columns.push((self.column)(name));
            self.columns.len() - 1
        })
    }

    fn linked(&mut self, column: &str, kind: usize, split: Option<&String>, at: usize) -> Checked<Linked> {
        if split.is_some_and(String::is_empty) {
            return Err(Problem::new(at, "`split` is what stands between the identifiers of a cell, such as \";\""));
        }
        Ok(Linked { at: self.add(column), kind, split: split.cloned() })
    }
}

//! The spec as written in TOML, with the position of everything that an error can name. Checks nothing.

use indexmap::IndexMap;
use serde::Deserialize;
use toml::Spanned;

use super::rules::Severity;

/// A table whose keys have positions, in the order of the file.
pub type Table<T> = IndexMap<Spanned<String>, T>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSpec {
    pub profile: RawProfile,
    #[serde(default)]
    pub identity: RawIdentity,
    pub rates: Option<RawRates>,
    pub sources: Table<RawSource>,
    #[serde(default)]
    pub fields: Table<RawField>,
    #[serde(default)]
    pub computed: Table<Spanned<String>>,
    #[serde(default)]
    pub scores: Table<RawScore>,
    pub output: RawOutput,
    #[serde(default)]
    pub checks: Vec<Spanned<RawCheck>>,
}

/// `[profile]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawProfile {
    pub name: Spanned<String>,
    pub key: Option<Spanned<String>>,
    #[serde(default)]
    pub population: Option<Spanned<RawPopulation>>,
    #[serde(default)]
    pub strict: bool,
}

/// `population = "any"` or a list of sources.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawPopulation {
    Word(String),
    Sources(Vec<String>),
}

/// `[sources.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSource {
    pub files: Vec<Spanned<String>>,
    #[serde(default = "required_by_default")]
    pub required: bool,
    pub key: Option<Spanned<RawKey>>,
    pub strip_prefix: Option<String>,
    #[serde(default)]
    pub keep_null_words: bool,
    #[serde(default)]
    pub ids: Vec<RawLink>,
    pub merged_into: Option<Spanned<String>>,
    pub merged_from: Option<Spanned<RawMerged>>,
    pub deleted: Option<RawDeleted>,
    pub latest_by: Option<Spanned<RawLatest>>,
    pub fill: Option<Spanned<String>>,
    #[serde(default)]
    pub money: Table<Spanned<String>>,
    pub max_bad: Option<Spanned<RawMaxBad>>,
    #[serde(default)]
    pub unique_by: Vec<Spanned<String>>,
    pub format: Option<Spanned<String>>,
    pub sheet: Option<Spanned<String>>,
    pub encoding: Option<Spanned<String>>,
    pub delimiter: Option<Spanned<String>>,
    pub decimal: Option<Spanned<String>>,
    pub thousands: Option<Spanned<String>>,
    #[serde(default)]
    pub strip: Vec<Spanned<String>>,
    #[serde(default)]
    pub negative_parentheses: bool,
    pub negative: Option<Spanned<String>>,
    pub zone: Option<Spanned<String>>,
    pub max_date: Option<Spanned<RawMaxDate>>,
    #[serde(default)]
    pub nulls: Vec<Spanned<String>>,
    pub sort: Option<Spanned<String>>,
    pub headers: Option<Spanned<String>>,
    pub header: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    pub columns: Table<RawHeaders>,
    #[serde(default)]
    pub optional: Vec<Spanned<String>>,
    #[serde(default)]
    pub skip_lines: u64,
    pub comment: Option<Spanned<String>>,
    #[serde(default)]
    pub footer: Vec<Spanned<String>>,
    #[serde(default)]
    pub pad: bool,
    pub quote: Option<Spanned<String>>,
    pub escape: Option<Spanned<String>>,
    pub quoting: Option<Spanned<String>>,
    #[serde(default)]
    pub space_around_quotes: bool,
    #[serde(rename = "where")]
    pub filter: Option<Spanned<String>>,
    #[serde(default)]
    pub keep: Vec<Spanned<RawKeep>>,
    #[serde(default)]
    pub types: Table<Spanned<String>>,
    pub aggregates: Option<Table<Spanned<String>>>,
}

/// The column of the id, the columns of its parts, or a column and the id's kind.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawKey {
    One(String),
    Parts(Vec<String>),
    Kind { column: String, kind: String },
}

/// `[identity]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawIdentity {
    #[serde(default)]
    pub name_by: Vec<Spanned<String>>,
    #[serde(default)]
    pub link_by: Vec<Spanned<String>>,
    #[serde(default)]
    pub at_most: Table<u32>,
    pub max_ids: Option<u32>,
    pub apart: Option<Spanned<String>>,
    pub erase: Option<Spanned<String>>,
    #[serde(default)]
    pub maps: Vec<RawMap>,
    #[serde(default)]
    pub kinds: Table<RawKind>,
}

/// One of `[identity.kinds]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawKind {
    pub is: Spanned<String>,
    #[serde(default = "yes")]
    pub defaults: bool,
    #[serde(default)]
    pub fold_plus: bool,
    pub max_keys: Option<u32>,
    #[serde(default)]
    pub block: Vec<Spanned<String>>,
    pub block_file: Option<Spanned<String>>,
}

/// One of `[[identity.maps]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMap {
    pub file: Spanned<String>,
    pub left: RawLink,
    pub right: RawLink,
}

/// A column of identifiers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLink {
    pub column: Spanned<String>,
    pub kind: Spanned<String>,
    pub split: Option<String>,
}

/// A column of merged ids, and what separates several in a cell.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawMerged {
    One(String),
    Several { column: String, split: Option<String> },
}

/// The column that says that a row is deleted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDeleted {
    pub column: Spanned<String>,
    pub is: RawWords,
}

/// A word, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawWords {
    One(String),
    Several(Vec<String>),
}

fn yes() -> bool {
    true
}

/// A column that orders rows, or a date and a time of day.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawLatest {
    One(String),
    Several(Vec<String>),
}

/// The last day that is no bad value, of all columns or of each that is named.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawMaxDate {
    All(String),
    Each(IndexMap<String, String>),
}

/// How many bad values each typed column may have, or each that is named.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawMaxBad {
    All(RawLimit),
    Each(IndexMap<String, RawLimit>),
}

/// A number or a percentage.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawLimit {
    Number(i64),
    Text(String),
}

/// `[rates]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRates {
    pub file: Spanned<String>,
}

/// One header, or several of which a file has one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawHeaders {
    One(String),
    Several(Vec<String>),
}

/// A source that is silently absent would lose customers without a word.
fn required_by_default() -> bool {
    true
}

/// `"column"` or `{ column = "new name" }`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawKeep {
    Same(String),
    Renamed(IndexMap<String, String>),
}

/// `[fields.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawField {
    pub from: Spanned<Vec<Spanned<String>>>,
    pub pick: Spanned<String>,
}

/// `[scores.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawScore {
    #[serde(default)]
    pub base: i64,
    pub clamp: Option<Spanned<(i64, i64)>>,
    pub needs_any: Spanned<Vec<Spanned<String>>>,
    pub points: Vec<RawPoints>,
    pub bands: Option<Vec<Spanned<RawBand>>>,
}

/// One rule of a score.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPoints {
    pub when: Spanned<String>,
    pub add: i64,
    #[serde(default)]
    pub because: String,
}

/// One band of a score.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawBand {
    pub at_least: Option<i64>,
    pub label: String,
}

/// `[output]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawOutput {
    pub columns: Vec<Spanned<String>>,
    pub provenance: Option<Spanned<bool>>,
}

/// One of `[[checks]]`. Which keys may be used together is checked later.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCheck {
    pub name: Option<Spanned<String>>,
    #[serde(default)]
    pub severity: Severity,
    pub that: Option<Spanned<String>>,
    pub for_at_least: Option<Spanned<String>>,
    pub rows_within: Option<Spanned<String>>,
    pub unique: Option<Spanned<String>>,
    pub column: Option<Spanned<String>>,
    pub accepted: Option<Spanned<Vec<RawLiteral>>>,
    pub nulls: Option<Spanned<bool>>,
}

/// An accepted value.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawLiteral {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

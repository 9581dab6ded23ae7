//! Every warning about what may be a mistake in a spec or its inputs, with its cure: the one list of them. Owns their names
//! and words; decides nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::{counted, grouped};

/// What may be a mistake. The run goes on, unless it is strict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
#[allow(missing_docs, reason = "fields are named as in docs/commands.md, which explains them")]
pub enum Warning {
    /// A file of the input folder belongs to no source.
    FileIgnored { file: String },
    /// A file matches a source, but its name is one that a system, an editor or an unfinished download leaves behind.
    FileLeftOver { file: String },
    /// A file of the input folder is the output of a run there.
    FileIsOutput { file: String },
    /// A file is not read because it is the same as another one of its source.
    FileDuplicate { source: String, file: String, duplicate_of: String },
    /// An optional source has no file.
    SourceAbsent { source: String },
    /// A required source has files but no rows, or none that its `where` lets through.
    SourceEmpty { source: String, filtered: u64 },
    /// Rows were rejected because their bytes are no text in the files' encodings.
    RowsUndecodable { source: String, rows: u64, encodings: String },
    /// A file that is read in another encoding is valid UTF-8, and not only ASCII.
    LooksUtf8 { source: String, file: String, encoding: String },
    /// A file has control characters of the range U+0080 to U+009F, which no text has.
    ControlCharacters { source: String, file: String, encoding: String },
    /// Two columns of the output differ only in case.
    ColumnsAlike { one: String, other: String },
    /// A file lacks an optional column, but has one whose name differs only in case.
    HeaderNear { source: String, file: String, header: String, column: String },
    /// No row of a source has more than the first field, though rows may be short.
    OneField { source: String, rows: u64 },
    /// Rows have an id with a character inside that nobody sees.
    IdsHidden { source: String, rows: u64 },
    /// Rows have a field that begins with spaces and a quote, which were taken for data.
    SpacedQuotes { source: String, rows: u64 },
    /// `as_of` is null, though an expression uses it; whether no source has a `latest_by` date at all.
    AsOfUnknown { undeclared: bool },
    /// More than one in a hundred of a column's values cannot be read, or any of a column that orders rows.
    BadValues { source: String, column: String, bad_values: u64, filled: u64, orders_rows: bool },
    /// The newest `latest_by` of a source is a day that has not come yet.
    FutureDate { source: String, column: String, day: String, file: String, line: u64 },
    /// A `try_cast` made null of texts.
    CastsLost { expression: String, lost: u64 },
    /// Hardly any customer of a source is in another one. `by` is the kind of id by which more would be.
    SourcesApart { source: String, ids: u64, other: String, shared: u64, by: Option<String>, would_share: u64 },
    /// Most rows of a source are of customers that get no profile.
    MostExcluded { source: String, rows: u64, excluded: u64 },
    /// Identifiers join nothing because what hangs on them would be a customer that holds too much.
    IdentitiesRefused { identifiers: u64 },
    /// Identifiers that are to be kept apart are one customer by a vendor's merge.
    ApartMerged { pairs: u64 },
    /// More than a tenth of a source's rows have no identifier that may join.
    ManyUnidentified { source: String, rows: u64, unidentified: u64 },
    /// A check of the spec that only warns has failed.
    CheckFailed { name: String, measured: String, wanted: String },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::FileIgnored { .. }
            | Self::FileLeftOver { .. }
            | Self::FileIsOutput { .. }
            | Self::FileDuplicate { .. }
            | Self::LooksUtf8 { .. }
            | Self::ControlCharacters { .. }
            | Self::HeaderNear { .. } => self.about_a_file(),
            Self::ColumnsAlike { one, other } => format!(
                "the columns `{one}` and `{other}` of the output differ only in case: many programs take them for one"
            ),
            Self::AsOfUnknown { undeclared: true } => {
                "`as_of` is null because no source has a latest_by date: set it with --as-of".to_owned()
            }
            Self::AsOfUnknown { undeclared: false } => {
                "`as_of` is null because no row has a latest_by date: set it with --as-of".to_owned()
            }
            Self::CastsLost { expression, lost } => format!(
                "{expression}: `try_cast` made null of {}: look at the texts, and say how they are written in `types` instead",
                counted(*lost, "text")
            ),
            Self::IdentitiesRefused { identifiers } => format!(
                "{} would have joined customers that hold too much by `at_most`, `max_ids` or `apart`, and joined nothing: they are in `refused.csv` as conflict, with the customers; block them, or raise the limit",
                counted(*identifiers, "identifier")
            ),
            Self::ApartMerged { pairs } => format!(
                "{} to keep apart: a vendor's own merge has made one customer of each, which stays; nothing else joins it",
                counted(*pairs, "pair")
            ),
            Self::ManyUnidentified { source, rows, unidentified } => format!(
                "{} of {} of source `{source}` have no identifier that may join, and are in no profile: they are in `rejects/{source}.csv` as no_identifier; look at what `refused.csv` says of their identifiers",
                grouped(*unidentified), counted(*rows, "row")
            ),
            Self::CheckFailed { name, measured, wanted } => {
                format!("check `{name}` failed: {measured}, expected {wanted}")
            }
            Self::BadValues { source, column, bad_values, filled, orders_rows } => {
                bad_values_in(source, column, *bad_values, *filled, *orders_rows)
            }
            Self::FutureDate { source, column, day, file, line } => format!(
                "`{column}` of source `{source}` says {day}, which has not come yet ({file} line {line}): such a row wins over all others; set `max_date` to make later days bad values"
            ),
            Self::SourcesApart { source, ids, other, shared, by, would_share } => {
                apart(source, *ids, other, *shared, by.as_deref(), *would_share)
            }
            Self::SourceAbsent { .. }
            | Self::SourceEmpty { .. }
            | Self::RowsUndecodable { .. }
            | Self::OneField { .. }
            | Self::IdsHidden { .. }
            | Self::SpacedQuotes { .. }
            | Self::MostExcluded { .. } => self.about_rows(),
        })
    }
}

impl Warning {
    fn about_a_file(&self) -> String {
        match self {
            Self::FileIgnored { file } => {
                format!("`{file}` matches no source and is not read: name it in a source's `files`, or move it away")
            }
            Self::FileLeftOver { file } => {
                format!("`{file}` is left over from a system, an editor or a download, by its name, and is not read")
            }
            Self::FileIsOutput { file } => format!("`{file}` is the output of a run and is not read"),
            Self::FileDuplicate { file, duplicate_of, .. } => {
                format!("`{file}` is the same as `{duplicate_of}` and is not read again: remove one")
            }
            Self::LooksUtf8 { file, encoding, .. } => {
                format!("{file}: it is valid UTF-8, but is read as {encoding}: is that its encoding?")
            }
            Self::ControlCharacters { file, encoding, .. } => format!(
                "{file}: read as {encoding} it has control characters that no text has: is it another encoding, such as windows-1252?"
            ),
            Self::HeaderNear { file, header, column, .. } => format!(
                "{file}: the optional column `{column}` is missing, but there is `{header}`: set `headers = \"any_case\"` if that is it"
            ),
            _ => String::new(),
        }
    }

    fn about_rows(&self) -> String {
        match self {
            Self::SourceAbsent { source } => format!("source `{source}` has no file"),
            Self::SourceEmpty { source, filtered: 0 } => format!("source `{source}` has files but no rows"),
            Self::SourceEmpty { source, filtered } => format!(
                "the `where` of source `{source}` leaves out all its {}: currencies are in lower case there, and bad values are null",
                counted(*filtered, "row")
            ),
            Self::RowsUndecodable { source, rows, encodings } => format!(
                "{source}: {} bytes that are no text in {encodings} and were rejected: is that the encoding of the files? Often it is `encoding = \"windows-1252\"`",
                rows_have(*rows)
            ),
            Self::OneField { source, .. } => format!(
                "{source}: no row has more than its first field: set `delimiter` if something else separates the fields"
            ),
            Self::IdsHidden { source, rows } => format!(
                "{source}: {} an id with a character inside that nobody sees, so that it is another id than it looks like",
                rows_have(*rows)
            ),
            Self::SpacedQuotes { source, rows } => format!(
                "{source}: {} a space before a quote, so that both are data: set `space_around_quotes = true` if they are not",
                rows_have(*rows)
            ),
            Self::MostExcluded { source, rows, excluded } => format!(
                "{} of {} of source `{source}` are of customers that no source of `population` knows, and are in no profile: do its ids look like theirs?",
                grouped(*excluded),
                counted(*rows, "row")
            ),
            _ => String::new(),
        }
    }
}

/// `1 row has`, `2 rows have`.
fn rows_have(rows: u64) -> String {
    format!("{} {}", counted(rows, "row"), if rows == 1 { "has" } else { "have" })
}

fn bad_values_in(source: &str, column: &str, bad_values: u64, filled: u64, orders_rows: bool) -> String {
    let follows = if orders_rows { ", so that their rows count as the oldest" } else { "" };
    format!(
        "{} of {} in column `{column}` of source `{source}` {} bad and became null{follows}: check its type, format and `max_date` in the spec; see rejects/{source}.csv",
        grouped(bad_values),
        counted(filled, "value"),
        if bad_values == 1 { "is" } else { "are" },
    )
}

fn apart(source: &str, ids: u64, other: &str, shared: u64, by: Option<&str>, would_share: u64) -> String {
    let meet = match shared {
        0 => "none is".to_owned(),
        1 => "1 is".to_owned(),
        n => format!("only {} are", grouped(n)),
    };
    let cure = match by {
        Some("prefix") => format!(
            "{} would be by the digits alone: set `strip_prefix`, list a kind `n = {{ is = \"number\" }}` in `[identity.kinds]` and use it in both keys (docs/cells.md)",
            grouped(would_share)
        ),
        Some(kind) => {
            format!(
                "{} would be if both keys were of one kind: list `k = {{ is = \"{kind}\" }}` in `[identity.kinds]` and use `k` in both keys (docs/cells.md)",
                grouped(would_share)
            )
        }
        None => "do both sources have the same system's ids?".to_owned(),
    };
    format!(
        "of the {} of source `{source}` {meet} in source `{other}`, and in the others no more: {cure}",
        counted(ids, "customer")
    )
}

//! How a source's files are written: what stands around the data, quotes, marks. Raw keys → checked values; looks at no
//! file.

use std::str::FromStr;

use toml::Spanned;

use super::raw::RawSource;
use super::{Delimiter, Encoding, FileFormat, Problem};

/// How a source's files are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileForm {
    /// Known by a file's first bytes when none is declared.
    pub format: Option<FileFormat>,
    /// The sheet of a workbook; the first visible one when none is named.
    pub sheet: Option<String>,
    pub encoding: Option<Encoding>,
    pub delimiter: Option<Delimiter>,
    pub quotes: Quotes,
    /// The names of the columns, for files without a header.
    pub header: Option<Vec<String>>,
    /// Whether names in headers may differ from the spec's in ASCII case.
    pub any_case: bool,
    /// Physical lines before the header.
    pub skip_lines: u64,
    /// Lines that begin so are no records.
    pub comment: Option<String>,
    /// Patterns of the lines that may end a file, `*` for anything.
    pub footer: Vec<String>,
    /// Whether records may lack fields at their end.
    pub pad: bool,
    /// Whether `bill-2` comes before `bill-10`.
    pub natural_order: bool,
    /// Cells that are null, trimmed, in every column.
    pub nulls: Vec<String>,
}

/// What quotes and backslashes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotes {
    /// Whether a quote as a field's first byte opens it.
    pub quote: bool,
    /// Whether a backslash escapes what follows.
    pub backslash: bool,
    /// Whether bytes between a closing quote and the delimiter are part of the field.
    pub lenient: bool,
    /// Whether spaces may stand around quotes.
    pub space_around: bool,
}

/// Most lines that a footer may have.
const MOST_FOOTER: usize = 20;

impl super::Source {
    /// Whether the records that end a file are its footer: one of them must look like it.
    pub fn is_footer(mut looks_like_it: impl ExactSizeIterator<Item = bool>) -> bool {
        looks_like_it.len() <= MOST_FOOTER && looks_like_it.any(|looks| looks)
    }

    pub fn has_footer(&self) -> bool {
        !self.form.footer.is_empty()
    }

    /// Whether a text looks like a footer's.
    pub fn is_footer_line(&self, raw: &[u8]) -> bool {
        let text = String::from_utf8_lossy(raw);
        let text = text.trim_start_matches('\u{feff}').trim().trim_matches('"').trim();
        self.form.footer.iter().any(|pattern| fits(pattern, text))
    }
}

/// Whether a text fits a pattern in which `*` is any text.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl Quotes {
    /// As in RFC 4180.
    #[cfg(test)]
    pub const STRICT: Self = Self { quote: true, backslash: false, lenient: false, space_around: false };
}

/// Checks the keys of a source that say how its files are written.
pub fn check(raw: &RawSource) -> Result<FileForm, Problem> {
    let RawSource { skip_lines, comment, pad, sort, headers, .. } = raw;
    Ok(FileForm {
        format: parse(raw.format.as_ref())?,
        sheet: raw.sheet.as_ref().map(|sheet| sheet.get_ref().clone()),
        encoding: parse(raw.encoding.as_ref())?,
        delimiter: parse(raw.delimiter.as_ref())?,
        quotes: quotes(raw)?,
        header: header(raw)?,
        any_case: word(headers.as_ref(), "headers", &[("exact", false), ("any_case", true)])?.unwrap_or(false),
        skip_lines: *skip_lines,
        comment: comment.as_ref().map(plain_start).transpose()?,
        footer: raw.footer.iter().map(|pattern| pattern.get_ref().clone()).collect(),
        pad: *pad,
        natural_order: word(sort.as_ref(), "sort", &[("name", false), ("natural", true)])?.unwrap_or(false),
        nulls: raw.nulls.iter().map(|null| null.get_ref().trim().to_owned()).collect(),
    })
}

fn quotes(raw: &RawSource) -> Result<Quotes, Problem> {
    let quote = word(raw.quote.as_ref(), "quote", &[("\"", true), ("none", false)])?.unwrap_or(true);
    let backslash = word(raw.escape.as_ref(), "escape", &[("backslash", true), ("double", false)])?.unwrap_or(false);
    let lenient = word(raw.quoting.as_ref(), "quoting", &[("strict", false), ("lenient", true)])?.unwrap_or(false);
    let stray = |key: &Option<Spanned<String>>| key.as_ref().map_or(0, |key| key.span().start);
    if lenient && (backslash || raw.space_around_quotes || !quote || raw.comment.is_some()) {
        let message = "`quoting = \"lenient\"` goes with no other key about quotes, nor with `comment`";
        return Err(Problem::new(stray(&raw.quoting), message));
    }
    if backslash && raw.delimiter.as_ref().is_some_and(|delimiter| delimiter.get_ref() == "\\") {
        return Err(Problem::new(stray(&raw.delimiter), "a backslash cannot both escape and separate fields"));
    }
    if raw.space_around_quotes && raw.delimiter.as_ref().is_some_and(|delimiter| delimiter.get_ref() == " ") {
        return Err(Problem::new(stray(&raw.delimiter), "with `space_around_quotes` a space cannot be the delimiter"));
    }
    if !quote && raw.space_around_quotes {
        return Err(Problem::new(stray(&raw.quote), "`space_around_quotes` needs quotes"));
    }
    Ok(Quotes { quote, backslash, lenient, space_around: raw.space_around_quotes })
}

fn header(raw: &RawSource) -> Result<Option<Vec<String>>, Problem> {
    let Some(names) = &raw.header else { return Ok(None) };
    if names.get_ref().is_empty() {
        return Err(Problem::new(names.span().start, "`header` is empty: name the columns in the order of the fields"));
    }
    Ok(Some(names.get_ref().clone()))
}

/// What begins a comment: no part of a field could be told from it if it were blank or a quote.
fn plain_start(text: &Spanned<String>) -> Result<String, Problem> {
    let start = text.get_ref();
    let plain = !start.is_empty() && start.len() <= 8 && !start.contains(['"', '\r', '\n']) && start.trim() == start;
    if plain {
        return Ok(start.clone());
    }
    Err(Problem::new(text.span().start, "`comment` is what a comment line begins with, such as \"#\""))
}

/// One of some words.
pub(super) fn word<T: Copy>(
    text: Option<&Spanned<String>>,
    key: &str,
    known: &[(&str, T)],
) -> Result<Option<T>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let found = known.iter().find(|(word, _)| word == text.get_ref()).map(|(_, value)| Some(*value));
    found.ok_or_else(|| {
        let words: Vec<String> = known.iter().map(|(word, _)| format!("{word:?}")).collect();
        Problem::new(text.span().start, format!("`{key}` is {}", words.join(" or ")))
    })
}

fn parse<T: FromStr<Err = String>>(text: Option<&Spanned<String>>) -> Result<Option<T>, Problem> {
    text.map(|t| t.get_ref().parse().map_err(|message: String| Problem::new(t.span().start, message))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        let yes = [
            ("Total", "Total"),
            ("Grand*", "Grand Totals (5)"),
            ("Copyright*sales*.", "Copyright (c) salesforce."),
            ("*", ""),
        ];
        assert!(yes.iter().all(|(pattern, text)| fits(pattern, text)));
        let no = [("Total", "Totals"), ("Grand*x", "Grand"), ("a*b*c", "ac"), ("ab*ab", "ab")];
        assert!(no.iter().all(|(pattern, text)| !fits(pattern, text)));
    }
}

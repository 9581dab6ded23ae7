//! Which field of a file's records is which declared column. Owns how names in headers are compared.

use std::collections::HashMap;
use std::path::Path;

use unicode_normalization::UnicodeNormalization;

use super::csv::{Dialect, FirstRecord, Head, HeadOf, find_head};
use super::text::Text;
use super::unpack;
use crate::error::{Error, Result};
use crate::spec::{Column, Delimiter, Source, did_you_mean};
use crate::value::is_hidden;

/// Where the declared columns are in a file's records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// Whether the delimiter was detected from this header: none was declared and it is not a comma.
    pub delimiter_found: bool,
    /// Fields in a record.
    pub width: usize,
    /// Index of the id's field.
    pub key: usize,
    /// Indexes of its further parts, if it has any.
    pub more_keys: Vec<usize>,
    /// Index of each declared column's field, in declared order; none for an optional one that the file lacks.
    pub columns: Vec<Option<usize>>,
    /// The same for the columns of the source's filter.
    pub filter: Vec<Option<usize>>,
    /// The same for the columns of its identifiers.
    pub links: Vec<Option<usize>>,
    /// All names as they are seen: a record that has them is the header again, and no data.
    pub names: Vec<String>,
    /// Names that differ only in case from those of columns that the file may lack, and does.
    pub near: Vec<(String, String)>,
    /// Whether they are the same in any case.
    pub any_case: bool,
    /// The field of each name, where records have names of their own.
    pub keys: Keys,
    /// Names that the spec does not declare.
    pub undeclared: Vec<String>,
    /// Names of the file that are declared ones only after normalisation, with those.
    pub normalised: Vec<(String, String)>,
    /// Offset in the file's text of the first byte of data.
    pub data_offset: u64,
    /// Physical line at that offset, from 1.
    pub data_line: u64,
}

/// Names to fields, for records that name their fields themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    exact: HashMap<String, Vec<usize>>,
    /// The same names as they are seen.
    seen: Vec<(String, usize)>,
    any_case: bool,
}

impl Keys {
    /// Keys of these columns, which are the fields.
    pub fn of(columns: &[&Column], any_case: bool) -> Self {
        let mut keys = Self { any_case, ..Self::default() };
        for (at, column) in columns.iter().enumerate() {
            for name in &column.headers {
                keys.exact.entry(name.clone()).or_default().push(at);
                keys.seen.push((visible(name), at));
            }
        }
        keys
    }

    /// The fields of a name: of one that is theirs exactly, else of one that is theirs but for what nobody sees.
    pub fn find(&self, name: &str) -> impl Iterator<Item = usize> {
        let exact = self.exact.get(name);
        let alike = exact.is_none().then(|| visible(name));
        let is_alike = move |known: &str| {
            alike.as_ref().is_some_and(|name| known == name || (self.any_case && known.eq_ignore_ascii_case(name)))
        };
        let alike = self.seen.iter().filter(move |(known, _)| is_alike(known)).map(|(_, at)| *at);
        exact.into_iter().flatten().copied().chain(alike)
    }

    pub fn is_exact(&self, name: &str) -> bool {
        self.exact.contains_key(name)
    }
}

impl Header {
    /// The header with the names of all fields.
    pub fn with_names(self, source: &Source, names: Vec<String>) -> Self {
        Self { names: names.iter().map(|name| visible(name)).collect(), any_case: source.form.any_case, ..self }
    }

    /// Whether a field has the name of its column.
    pub fn is_name(&self, at: usize, field: &str) -> bool {
        let Some(name) = self.names.get(at) else { return false };
        // Graphic characters are seen as they are: most fields differ in one of the first.
        let graphic = |b: &u8| b.is_ascii_graphic();
        let differs = |(a, b): (u8, u8)| !a.eq_ignore_ascii_case(&b);
        let pairs = field.bytes().zip(name.bytes()).take_while(|(a, b)| graphic(a) && graphic(b));
        if pairs.into_iter().any(differs) {
            return false;
        }
        let same = |field: &str| field == name || (self.any_case && field.eq_ignore_ascii_case(name));
        same(field) || (!field.bytes().all(|b| matches!(b, b'!'..=b'~')) && same(&visible(field)))
    }
}

/// A file whose header is to be read.
pub(super) struct HeaderOf<'a> {
    pub source: &'a Source,
    pub path: &'a Path,
    pub name: &'a str,
}

impl HeaderOf<'_> {
    /// Finds the delimiter, unless it is declared, and the columns.
    pub fn read(&self, text: &mut Text, declared: Option<Delimiter>) -> Result<(Dialect, Header)> {
        let form = &self.source.form;
        let dialect = Dialect {
            delimiter: declared.unwrap_or(Delimiter::Comma),
            quotes: form.quotes,
            comment: form.comment.clone().unwrap_or_default().into_bytes(),
        };
        let (is_declared, skip_lines, is_header) = (declared.is_some(), form.skip_lines, form.header.is_none());
        let of = HeadOf { dialect: &dialect, is_declared, skip_lines, is_header };
        let whole = if form.header.is_some() { 1 } else { self.wanted().count() };
        let fit = |first: &FirstRecord| match &form.header {
            Some(given) => usize::from(given.len() == first.fields.len()),
            None => self.known(&texts(&first.fields)),
        };
        let head = find_head(text, &of, whole, fit);
        let head = head.map_err(|e| unpack::unreadable(&self.source.name, self.path, self.name, e))?;
        self.understood(head, &dialect, declared)
    }

    fn understood(&self, head: Head, dialect: &Dialect, declared: Option<Delimiter>) -> Result<(Dialect, Header)> {
        let wrong = |line: u64, message: &str| Err(self.fault(&format!("`{}` line {line}: {message}", self.name)));
        match head {
            Head::Record { first, delimiter, found } => {
                let how = match delimiter {
                    d if declared.is_some() => format!(", read with the delimiter `{d}`"),
                    Delimiter::Comma => String::new(),
                    d => format!(", read with `{d}`"),
                };
                let header = match &self.source.form.header {
                    Some(given) => self.given(given, &first)?,
                    None => self.map(&first, &how)?,
                };
                Ok((dialect.with(delimiter), Header { delimiter_found: found, ..header }))
            }
            Head::Ambiguous(one, other) => Err(self.fault(&format!(
                "both `{one}` and `{other}` could be the delimiter of `{}`: set `delimiter` in the spec",
                self.name
            ))),
            Head::OpenQuote { line } => wrong(
                line,
                "a quote opens here and is never closed; close it, or set `quote = \"none\"` if quotes are part of the texts",
            ),
            Head::WrongQuote { line } => wrong(
                line,
                "a quote of the header is closed before the end of its field; close it there, set `delimiter` if another one separates the fields, or `quote = \"none\"` if quotes are part of the names",
            ),
            Head::Empty { end, lines } => match &self.source.form.header {
                Some(given) => Ok((
                    dialect.clone(),
                    self.given(given, &FirstRecord { fields: Vec::new(), start: end, end, lines: (lines, lines) })?,
                )),
                None => {
                    let skipped =
                        if self.source.form.skip_lines > 0 { " behind the lines of `skip_lines`" } else { "" };
                    Err(self.fault(&format!(
                        "`{}` has no header{skipped}: its first record must name the columns",
                        self.name
                    )))
                }
            },
        }
    }

    /// The columns that a header must have.
    fn wanted(&self) -> impl Iterator<Item = &Column> {
        self.source.all_columns().filter(|column| !column.optional)
    }

    /// How many of the declared columns are among the names.
    fn known(&self, names: &[String]) -> usize {
        self.wanted().filter(|column| !self.matches(column, names).is_empty()).count()
    }

    fn map(&self, first: &FirstRecord, how: &str) -> Result<Header> {
        let names = texts(&first.fields);
        let header = self.columns(&names, |column| self.missing(column, &first.fields, how))?;
        let (data_offset, data_line) = (first.end as u64, 1 + first.lines.1);
        Ok(Header { data_offset, data_line, ..header.with_names(self.source, names) })
    }

    /// The columns by the spec's own `header`.
    fn given(&self, names: &[String], first: &FirstRecord) -> Result<Header> {
        let missing = |column: &Column| self.fault(&format!("`header` names no column `{}`", column.name));
        let header = self.columns(names, missing)?.with_names(self.source, names.to_vec());
        Ok(Header { data_offset: first.start as u64, data_line: 1 + first.lines.0, ..header })
    }

    /// The columns of a file without lines, such as a table, whose fields have these names.
    pub fn table(&self, names: Vec<String>) -> Result<Header> {
        let missing = |column: &Column| {
            let near = did_you_mean(&column.name, names.iter().map(String::as_str));
            let wanted = column.headers.join("` or `");
            self.fault(&format!("`{}` has no column `{wanted}`{near}", self.name))
        };
        self.columns(&names, missing)
    }

    /// The columns of a file whose records name their fields: these names are in the first `records` of them. Each record
    /// may have another of a column's names, and one that a file may lack can still come later.
    pub fn keys(&self, names: &[String], records: u64) -> Result<Header> {
        let used = self.source.used_columns();
        let keys = Keys::of(&used, self.source.form.any_case);
        let places: Vec<Vec<usize>> = names.iter().map(|name| keys.find(name).collect()).collect();
        let is_there = |at: usize| places.iter().flatten().any(|place| *place == at);
        if let Some((_, column)) = used.iter().enumerate().find(|(at, column)| !column.optional && !is_there(*at)) {
            let near = did_you_mean(&column.name, names.iter().map(String::as_str));
            let wanted = column.headers.join("` or `");
            let is_key = column.name == self.source.key.name;
            let cure = if is_key { "" } else { "; if a record may lack it, name it in `optional`" };
            return Err(
                self.fault(&format!("the first {records} records of `{}` have no `{wanted}`{near}{cure}", self.name))
            );
        }
        let place = |column: &Column| used.iter().position(|known| known.name == column.name);
        let of_names = |fits: &dyn Fn(&str, &[usize]) -> bool| -> Vec<usize> {
            (0..names.len()).filter(|at| fits(&names[*at], &places[*at])).collect()
        };
        let alike = of_names(&|name, places| !places.is_empty() && !keys.is_exact(name));
        Ok(Header {
            width: used.len(),
            key: place(&self.source.key).unwrap_or_default(),
            more_keys: self.source.more_keys.iter().filter_map(place).collect(),
            columns: self.source.columns.iter().map(place).collect(),
            filter: self.source.filter.iter().flat_map(|filter| &filter.columns).map(place).collect(),
            links: self.source.links.iter().flat_map(|links| &links.columns).map(place).collect(),
            undeclared: of_names(&|_, places| places.is_empty()).into_iter().map(|at| names[at].clone()).collect(),
            normalised: alike.into_iter().map(|at| (names[at].clone(), used[places[at][0]].name.clone())).collect(),
            data_line: 1,
            keys,
            ..Header::default()
        })
    }

    /// Whether a column has this name.
    pub fn wants(&self, name: &str) -> bool {
        self.source.all_columns().any(|column| column.headers.iter().any(|wanted| wanted == name))
    }

    /// The columns of a file whose fields have these names.
    pub fn columns(&self, names: &[String], missing: impl Fn(&Column) -> Error) -> Result<Header> {
        let mut header = Header { width: names.len(), ..Header::default() };
        let mut find = |column: &Column| {
            let found = self.matches(column, names);
            match found[..] {
                [] if column.optional => Ok(None),
                [] => Err(missing(column)),
                [at] => {
                    if column.headers.iter().all(|wanted| *wanted != names[at] && !wanted.contains('#')) {
                        header.normalised.push((names[at].clone(), column.name.clone()));
                    }
                    Ok(Some(at))
                }
                [..] => Err(self.twice(column, names, &found)),
            }
        };
        let key = find(&self.source.key)?;
        let more_keys: Vec<usize> =
            self.source.more_keys.iter().map(&mut find).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        let columns = self.source.columns.iter().map(&mut find).collect::<Result<Vec<_>>>()?;
        let filter = self.source.filter.iter().flat_map(|filter| &filter.columns);
        let filter = filter.map(&mut find).collect::<Result<Vec<_>>>()?;
        let links = self.source.links.iter().flat_map(|links| &links.columns);
        let links = links.map(&mut find).collect::<Result<Vec<_>>>()?;
        let used: Vec<usize> =
            columns.iter().chain(&filter).chain(&links).chain([&key]).flatten().chain(&more_keys).copied().collect();
        let undeclared = names.iter().enumerate().filter(|(at, _)| !used.contains(at));
        header.undeclared = undeclared.map(|(_, name)| name.clone()).collect();
        let lower = |name: &str| visible(name).to_lowercase();
        for column in
            self.source.all_columns().filter(|column| column.optional && self.matches(column, names).is_empty())
        {
            let near = header.undeclared.iter().find(|name| column.headers.iter().any(|h| lower(h) == lower(name)));
            header.near.extend(near.map(|name| (name.clone(), column.name.clone())));
        }
        Ok(Header { key: key.unwrap_or(usize::MAX), more_keys, columns, filter, links, ..header })
    }

    /// The fields that may be the column: those with exactly one of its names, else those with one of them but for what
    /// nobody sees.
    fn matches(&self, column: &Column, names: &[String]) -> Vec<usize> {
        let any_case = self.source.form.any_case;
        let with = |same: &dyn Fn(&str, &str) -> bool| -> Vec<usize> {
            let mut found: Vec<usize> = column.headers.iter().flat_map(|wanted| at(wanted, names, same)).collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        let exact = with(&|name, wanted| name == wanted);
        if !exact.is_empty() {
            return exact;
        }
        with(&|name, wanted| {
            let (name, wanted) = (visible(name), visible(wanted));
            name == wanted || (any_case && name.eq_ignore_ascii_case(&wanted))
        })
    }

    fn twice(&self, column: &Column, names: &[String], found: &[usize]) -> Error {
        let first = found.first().map_or("", |at| names[*at].as_str());
        if found.iter().all(|at| names[*at] == first) {
            return self.fault(&format!(
                "the header of `{}` has the column `{first}` twice: remove or rename one, or say which with `columns = {{ \"{}\" = \"{first}#1\" }}`",
                self.name, column.name
            ));
        }
        let all: Vec<String> = found.iter().map(|at| format!("`{}`", names[*at])).collect();
        let all = all.join(" and ");
        self.fault(&format!(
            "the header of `{}` has {all} for the column `{}`: name one of them",
            self.name, column.name
        ))
    }

    fn missing(&self, column: &Column, names: &[Vec<u8>], how: &str) -> Error {
        let texts: Vec<String> = names.iter().map(|n| String::from_utf8_lossy(n).into_owned()).collect();
        let (wanted, column) = (column.headers.join("` or `"), column.headers.first().map_or("", String::as_str));
        let hint = if names.iter().any(|n| n.contains(&0)) {
            "; the header has NUL bytes: a UTF-16 file without a mark needs `encoding = \"utf-16le\"` or \"utf-16be\""
                .into()
        } else if names.iter().any(|n| std::str::from_utf8(n).is_err()) {
            "; the header is not UTF-8: set `encoding` in the spec".into()
        } else if let Some(near) = texts.iter().find(|name| visible(name).eq_ignore_ascii_case(&visible(column))) {
            format!("; `{near}` differs only in case: set `headers = \"any_case\"`")
        } else if let Some(near) =
            texts.iter().find(|name| visible(name).to_lowercase() == visible(column).to_lowercase())
        {
            format!("; `{near}` differs only in case: set `columns = {{ \"{column}\" = \"{near}\" }}`")
        } else if texts.iter().any(|name| name.trim_start().len() < name.len() && name.trim_start().starts_with('"')) {
            "; there are spaces before quotes, so that both are part of the names: set `space_around_quotes = true`"
                .into()
        } else if self.known(&texts) > 0 {
            did_you_mean(column, texts.iter().map(String::as_str))
        } else {
            // The first record may be a customer's row and not a header, so nothing of it may be in the message.
            "; none of the declared columns is there: is the first record a header? `skip_lines` leaves out lines above it, `header` names the columns of files without one, `delimiter` says what separates fields if it is not `,` `;` `|` or a tab"
                .into()
        };
        self.fault(&format!("column `{wanted}` is missing in the header of `{}`{how}{hint}", self.name))
    }

    pub fn fault(&self, message: &str) -> Error {
        Error::input(&self.source.name, message)
    }
}

fn texts(fields: &[Vec<u8>]) -> Vec<String> {
    fields.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect()
}

/// Where a wanted name is; `Name#2` is the second `Name`.
fn at(wanted: &str, names: &[String], same: &dyn Fn(&str, &str) -> bool) -> Vec<usize> {
    let all = |wanted: &str| -> Vec<usize> { (0..names.len()).filter(|at| same(&names[*at], wanted)).collect() };
    let whole = all(wanted);
    let numbered = wanted.rsplit_once('#').and_then(|(name, number)| Some((name, number.parse::<usize>().ok()?)));
    match numbered {
        Some((name, number)) if whole.is_empty() => {
            all(name).get(number.wrapping_sub(1)).copied().into_iter().collect()
        }
        _ => whole,
    }
}

/// A name as people see it: composed, without characters that nobody sees, with single spaces.
pub fn visible(name: &str) -> String {
    let seen: String = name.nfc().filter(|c| c.is_control() || !is_hidden(*c)).collect();
    // All white space looks the same, and at the ends like nothing.
    seen.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_they_are_seen() {
        assert_eq!(visible("Cafe\u{301}\u{200b}"), visible("Caf\u{e9}"));
        let names = ["Email", "Phone", "Email"].map(str::to_owned);
        let same = |a: &str, b: &str| a == b;
        assert_eq!(at("Email", &names, &same), [0, 2]);
        assert_eq!(at("Email#2", &names, &same), [2]);
        assert_eq!(at("Email#3", &names, &same), [0usize; 0]);
    }
}

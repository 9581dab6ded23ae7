//! How a source's files are written: encoding, delimiter, decimal mark. Owns their names; reads no file.

use std::fmt;
use std::str::FromStr;

use toml::Spanned;

use super::Problem;
use super::raw::RawSource;
use crate::value::DecimalMark;

/// How a file's bytes become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// Windows' Western European code page. A row with one of the five bytes that it does not define is rejected.
    Windows1252,
    /// ISO-8859-1: each byte is the character of its number.
    Latin1,
}

/// What separates the fields of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// Tab.
    Tab,
    /// `|`
    Pipe,
}

impl Encoding {
    const ALL: [(Self, &str); 5] = [
        (Self::Utf8, "utf-8"),
        (Self::Utf16Le, "utf-16le"),
        (Self::Utf16Be, "utf-16be"),
        (Self::Windows1252, "windows-1252"),
        (Self::Latin1, "latin1"),
    ];
}

impl Delimiter {
    /// All delimiters, in the order in which they are tried.
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe];

    /// Its byte in UTF-8.
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(encoding, _)| encoding == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
        known.map(|(encoding, _)| *encoding).ok_or_else(|| {
            format!("unknown encoding `{}`: use utf-8, utf-16le, utf-16be, windows-1252 or latin1", text.escape_debug())
        })
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comma => ",",
            Self::Semicolon => ";",
            Self::Tab => "tab",
            Self::Pipe => "|",
        })
    }
}

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "," => Ok(Self::Comma),
            ";" => Ok(Self::Semicolon),
            // A shell passes `\t` as two characters.
            "tab" | "\t" | "\\t" => Ok(Self::Tab),
            "|" => Ok(Self::Pipe),
            _ => Err(format!("`{}` is not a valid delimiter: use `,` `;` `tab` or `|`", text.escape_debug())),
        }
    }
}

/// What the spec declares about a source's files.
pub(super) struct Format {
    pub encoding: Option<Encoding>,
    pub delimiter: Option<Delimiter>,
    pub mark: DecimalMark,
}

/// Checks `encoding`, `delimiter` and `decimal` of a source.
pub(super) fn check(raw: &RawSource) -> Result<Format, Problem> {
    let mark = match raw.decimal.as_ref().map(|d| (d.get_ref().as_str(), d.span().start)) {
        None | Some((".", _)) => DecimalMark::Point,
        Some((",", _)) => DecimalMark::Comma,
        Some((_, at)) => return Err(Problem::new(at, "`decimal` must be \".\" or \",\"")),
    };
    Ok(Format { encoding: parse(raw.encoding.as_ref())?, delimiter: parse(raw.delimiter.as_ref())?, mark })
}

fn parse<T: FromStr<Err = String>>(text: Option<&Spanned<String>>) -> Result<Option<T>, Problem> {
    text.map(|t| t.get_ref().parse().map_err(|message: String| Problem::new(t.span().start, message))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (encoding, name) in Encoding::ALL {
            assert_eq!((encoding.to_string().as_str(), name.to_uppercase().parse()), (name, Ok(encoding)));
        }
        for delimiter in Delimiter::ALL {
            assert_eq!(delimiter.to_string().parse(), Ok(delimiter));
            assert_eq!(char::from(delimiter.byte()).to_string().parse(), Ok(delimiter));
        }
        assert_eq!("\\t".parse(), Ok(Delimiter::Tab));
        assert!("iso".parse::<Encoding>().is_err_and(|e| e.contains("latin1")));
        assert!(":".parse::<Delimiter>().is_err_and(|e| e.contains("`;`")));
    }
}

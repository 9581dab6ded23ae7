//! The names of file formats, encodings and delimiters. Looks at no file.

use std::fmt;
use std::str::FromStr;

/// What a file's records are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFormat {
    /// Fields between delimiters.
    Csv,
    /// A JSON object on each line.
    JsonLines,
    /// A JSON array of objects.
    Json,
    /// A sheet of an Excel workbook.
    Xlsx,
    /// Apache Parquet.
    Parquet,
}

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
    /// Any other encoding of the web, such as `macintosh` or `shift_jis`.
    Other(&'static encoding_rs::Encoding),
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
    /// Any other ASCII character but a quote or a line end.
    Other(u8),
}

impl FileFormat {
    const ALL: [(Self, &str); 5] = [
        (Self::Csv, "csv"),
        (Self::JsonLines, "jsonl"),
        (Self::Json, "json"),
        (Self::Xlsx, "xlsx"),
        (Self::Parquet, "parquet"),
    ];
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(known, _)| known == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for FileFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text).map(|(format, _)| *format);
        let names: Vec<&str> = Self::ALL.iter().map(|(_, name)| *name).collect();
        found.ok_or_else(|| format!("unknown format `{}`: use {}", text.escape_debug(), names.join(", ")))
    }
}

impl Encoding {
    const OWN: [(Self, &str); 5] = [
        (Self::Utf8, "utf-8"),
        (Self::Utf16Le, "utf-16le"),
        (Self::Utf16Be, "utf-16be"),
        (Self::Windows1252, "windows-1252"),
        (Self::Latin1, "latin1"),
    ];
}

impl Delimiter {
    /// Those that are looked for in a header, in the order in which they are tried.
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe];

    /// Its byte in UTF-8.
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
            Self::Other(byte) => byte,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, Self::OWN.iter().find(|(encoding, _)| encoding == self)) {
            (Self::Other(encoding), _) => f.write_str(&encoding.name().to_lowercase()),
            (_, known) => f.write_str(known.map_or("", |(_, name)| name)),
        }
    }
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.trim().to_lowercase();
        if let Some((encoding, _)) = Self::OWN.iter().find(|(_, own)| *own == name) {
            return Ok(*encoding);
        }
        // The web takes Latin-1 for Windows-1252; asked for by its own name it is what it says.
        if matches!(name.as_str(), "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin-1" | "l1") {
            return Ok(Self::Latin1);
        }
        match encoding_rs::Encoding::for_label_no_replacement(name.as_bytes()) {
            Some(known) if known == encoding_rs::UTF_8 => Ok(Self::Utf8),
            Some(known) if known == encoding_rs::UTF_16LE => Ok(Self::Utf16Le),
            Some(known) if known == encoding_rs::UTF_16BE => Ok(Self::Utf16Be),
            Some(known) if known == encoding_rs::WINDOWS_1252 => Ok(Self::Windows1252),
            Some(known) => Ok(Self::Other(known)),
            None => Err(format!(
                "unknown encoding `{}`: use utf-8, utf-16le, utf-16be, windows-1252, latin1 or another name that web browsers know, such as macintosh or shift_jis",
                text.escape_debug()
            )),
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.byte() {
            b'\t' => f.write_str("tab"),
            byte if byte.is_ascii_graphic() || byte == b' ' => write!(f, "{}", char::from(byte)),
            byte => write!(f, "\\x{byte:02x}"),
        }
    }
}

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let byte = match text.as_bytes() {
            [byte] => Some(*byte),
            // A shell hands `\t` over as it is.
            b"tab" | b"\\t" => Some(b'\t'),
            [b'\\', b'x', _, _] => u8::from_str_radix(&text[2..], 16).ok(),
            _ => None,
        };
        match byte {
            Some(b',') => Ok(Self::Comma),
            Some(b';') => Ok(Self::Semicolon),
            Some(b'\t') => Ok(Self::Tab),
            Some(b'|') => Ok(Self::Pipe),
            Some(byte) if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0) => Ok(Self::Other(byte)),
            _ => Err(format!(
                "`{}` is not a valid delimiter: use one ASCII character such as `,` `;` `|`, or `tab`, or `\\x01`",
                text.escape_debug()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (encoding, name) in Encoding::OWN {
            assert_eq!((encoding.to_string().as_str(), name.to_uppercase().parse()), (name, Ok(encoding)));
        }
        for delimiter in Delimiter::ALL {
            assert_eq!(delimiter.to_string().parse(), Ok(delimiter));
            assert_eq!(char::from(delimiter.byte()).to_string().parse(), Ok(delimiter));
        }
        assert_eq!("\\t".parse(), Ok(Delimiter::Tab));
        for (name, want) in
            [("cp1252", "windows-1252"), ("utf8", "utf-8"), ("ISO-8859-1", "latin1"), ("x-mac-roman", "macintosh")]
        {
            assert_eq!(name.parse::<Encoding>().map(|e| e.to_string()).as_deref(), Ok(want));
        }
        for (name, want) in [(":", b':'), ("\u{1}", 1), ("\\x01", 1), (" ", b' ')] {
            let delimiter: Delimiter = name.parse().expect("a delimiter");
            assert_eq!((delimiter.byte(), delimiter.to_string().parse()), (want, Ok(delimiter)));
        }
        for (format, name) in FileFormat::ALL {
            assert_eq!((format.to_string().as_str(), name.parse()), (name, Ok(format)));
        }
        assert!("xls".parse::<FileFormat>().is_err_and(|e| e.contains("jsonl")));
        assert!("iso".parse::<Encoding>().is_err_and(|e| e.contains("latin1")));
        assert!(
            ["\"", "\n", "é", "ab", ""].iter().all(|bad| bad.parse::<Delimiter>().is_err_and(|e| e.contains("`;`")))
        );
    }
}

//! How a file's records are written: the delimiter, what quotes and backslashes mean, what begins a comment.

use crate::spec::Delimiter;
use crate::spec::form::Quotes;

/// How the records of a file are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: Delimiter,
    pub quotes: Quotes,
    /// What a comment line begins with; empty when there are none.
    pub comment: Vec<u8>,
}

impl Dialect {
    /// Strict quotes, no comments.
    #[cfg(test)]
    pub fn of(delimiter: Delimiter) -> Self {
        Self { delimiter, quotes: Quotes::STRICT, comment: Vec::new() }
    }

    /// The same with another delimiter.
    pub fn with(&self, delimiter: Delimiter) -> Self {
        Self { delimiter, ..self.clone() }
    }

    /// Whether a block can be split at delimiters and line ends alone.
    pub fn is_plain(&self, block: &[u8]) -> bool {
        let Quotes { quote, backslash, .. } = self.quotes;
        let has_escape = backslash && memchr::memchr(b'\\', block).is_some();
        let has_comment = !self.comment.is_empty() && memchr::memmem::find(block, &self.comment).is_some();
        !has_escape && !has_comment && no_quotes(block, quote)
    }
}

/// Whether a block holds no quote, where quotes count, and no CR that is not followed by LF.
fn no_quotes(block: &[u8], quotes_count: bool) -> bool {
    let mut at = 0;
    while let Some(i) = memchr::memchr2(b'"', b'\r', &block[at..]) {
        let is_quote = block[at + i] == b'"';
        let crlf = !is_quote && block.get(at + i + 1) == Some(&b'\n');
        if (is_quote && quotes_count) || !(is_quote || crlf) {
            return false;
        }
        at += i + if is_quote { 1 } else { 2 };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_blocks_have_no_quote_and_no_lone_cr() {
        let mut dialect = Dialect::of(Delimiter::Comma);
        assert!(dialect.is_plain(b"a,b\r\nc\n"));
        assert!(![b"a\rb\n".as_slice(), b"a,\"\n", b"a\r"].iter().any(|block| dialect.is_plain(block)));
        dialect.comment = b"#".to_vec();
        assert!(dialect.is_plain(b"a\\\n") && !dialect.is_plain(b"#\n"));
        dialect.quotes = Quotes { quote: false, backslash: true, ..Quotes::STRICT };
        assert!(dialect.is_plain(b"a,\"\n") && !dialect.is_plain(b"a\\,\n"));
    }
}

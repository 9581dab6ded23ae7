//! Where a block of a file can be cut: at its last true record end. Owns what an open or a wrong quote makes impossible.

use memchr::{memchr, memchr2, memrchr2};

use super::dialect::Dialect;
use super::scanner::{Fields, Scanned, Scanner};

/// Where a block can be cut.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// One past the last true record end.
    pub record_end: Option<usize>,
    /// The quote that is still open at the end.
    pub open_quote: Option<usize>,
    /// A quote and the byte behind the one that closes it, on a later line: it is neither delimiter nor line end.
    pub wrong_quote: Option<(usize, usize)>,
}

/// Finds the last record end of a block that starts at a record's start.
pub fn cut(block: &[u8], dialect: &Dialect, end_of_file: bool) -> Cut {
    let quotes = dialect.quotes;
    if quotes.backslash || quotes.space_around || !dialect.comment.is_empty() {
        return scan(block, dialect, end_of_file);
    }
    if !quotes.quote {
        return Cut { record_end: last_line_end(block, 0, block.len()), ..Cut::default() };
    }
    by_quotes(block, dialect, end_of_file)
}

fn last_line_end(block: &[u8], from: usize, to: usize) -> Option<usize> {
    memrchr2(b'\n', b'\r', &block[from..to]).map(|i| from + i + 1)
}

/// Looks at quotes alone: most blocks have few.
fn by_quotes(block: &[u8], dialect: &Dialect, end_of_file: bool) -> Cut {
    let (delimiter, lenient) = (dialect.delimiter.byte(), dialect.quotes.lenient);
    let (mut record_end, mut from, mut search) = (None, 0, 0);
    while let Some(quote) = memchr(b'"', &block[search..]).map(|i| search + i) {
        if !opens_field(block, quote, delimiter, lenient) {
            search = quote + 1;
            continue;
        }
        record_end = last_line_end(block, from, quote).or(record_end);
        let Some(close) = closing_quote(block, quote + 1, end_of_file) else {
            return Cut { record_end, open_quote: Some(quote), wrong_quote: None };
        };
        (from, search) = (close + 1, close + 1);
        let is_right = block.get(close + 1).is_none_or(|b| *b == delimiter || matches!(b, b'\n' | b'\r'));
        if lenient || is_right {
            continue;
        }
        if memchr2(b'\n', b'\r', &block[quote..close]).is_some() {
            return Cut { record_end, open_quote: None, wrong_quote: Some((quote, close + 1)) };
        }
        // The line is rejected whole: no quote in it opens anything.
        search = memchr2(b'\n', b'\r', &block[close..]).map_or(block.len(), |i| close + i);
        from = search;
    }
    Cut { record_end: last_line_end(block, from, block.len()).or(record_end), ..Cut::default() }
}

/// Looks at every record.
fn scan(block: &[u8], dialect: &Dialect, end_of_file: bool) -> Cut {
    let scanner = Scanner::new(block, dialect, end_of_file);
    let (mut found, mut at, mut fields) = (Cut::default(), 0, Fields::default());
    loop {
        match scanner.record(at, &mut fields) {
            Scanned::Record { end, next, .. } => {
                // A record that ends with the block may go on in the next one.
                if next > end || end_of_file {
                    found.record_end = Some(next);
                }
                at = next;
            }
            Scanned::Unfinished { start } => {
                // What stands before it are whole lines.
                found.record_end = found.record_end.max(Some(start).filter(|start| *start > 0));
                return found;
            }
            Scanned::OpenQuote(quote) => return Cut { open_quote: Some(quote), ..found },
            Scanned::WrongQuote { opens, closes } => return Cut { wrong_quote: Some((opens, closes)), ..found },
        }
    }
}

fn opens_field(block: &[u8], quote: usize, delimiter: u8, lenient: bool) -> bool {
    let line_start = |at: usize| at == 0 || matches!(block[at - 1], b'\n' | b'\r');
    // Byte-order marks at a record's start are no data.
    let marked = || {
        let mut start = quote;
        while !lenient && block[..start].ends_with(b"\xEF\xBB\xBF") {
            start -= 3;
        }
        start < quote && line_start(start)
    };
    line_start(quote) || block[quote - 1] == delimiter || marked()
}

/// The quote that closes a field; a doubled quote does not. A quote that ends an unfinished block may be half of a
/// doubled one.
fn closing_quote(block: &[u8], mut from: usize, end_of_file: bool) -> Option<usize> {
    loop {
        let quote = from + memchr(b'"', &block[from..])?;
        match block.get(quote + 1) {
            Some(b'"') => from = quote + 2,
            Some(_) => return Some(quote),
            None => return end_of_file.then_some(quote),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Delimiter;
    use crate::spec::form::Quotes;
    use proptest::prelude::*;

    #[test]
    fn a_block_is_cut_only_at_a_true_record_end() {
        let comma = Dialect::of(Delimiter::Comma);
        let at = |text: &str| cut(text.as_bytes(), &comma, false);
        let open = |record_end, quote| Cut { record_end, open_quote: Some(quote), wrong_quote: None };
        assert_eq!(at("a,b\nc,d"), Cut { record_end: Some(4), ..Cut::default() });
        assert_eq!(at("a,\"b\nc\nd"), open(None, 2));
        assert_eq!(at("x\na,\"b\n\"\"c\",d\ne"), Cut { record_end: Some(14), ..Cut::default() });
        assert_eq!(at("x\na,5\" pipe\ny"), Cut { record_end: Some(12), ..Cut::default() });
        assert_eq!(at("x\n\"a\""), open(Some(2), 2));
        assert_eq!(at("a\rb"), Cut { record_end: Some(2), ..Cut::default() });
        assert_eq!(at("x\na,\"b\"c,\"d\ne,f\n"), Cut { record_end: Some(16), ..Cut::default() });
        assert_eq!(at("a,\"b\nc\"d\n"), Cut { wrong_quote: Some((2, 7)), ..Cut::default() });
        let semicolon = cut(b"a,\"b\nc;\"d\n", &Dialect::of(Delimiter::Semicolon), false);
        assert_eq!(semicolon, open(Some(5), 7));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// The fast way and the way through every record agree.
        #[test]
        fn both_ways_cut_alike(text in "[a,\"\n\r]{0,40}", end in any::<bool>()) {
            let dialect = Dialect { quotes: Quotes::STRICT, ..Dialect::of(Delimiter::Comma) };
            let (fast, slow) = (by_quotes(text.as_bytes(), &dialect, end), scan(text.as_bytes(), &dialect, end));
            prop_assert_eq!((fast.open_quote, fast.wrong_quote), (slow.open_quote, slow.wrong_quote));
            let content = |cut: Cut| cut.record_end.map_or(0, |at| text[..at].trim_end().len());
            if fast.open_quote.is_none() && fast.wrong_quote.is_none() && !end && !text.ends_with('\r') {
                prop_assert_eq!(content(fast), content(slow));
            }
        }
    }
}

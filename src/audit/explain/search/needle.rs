//! Whether bytes of a CSV file may have an id, in any form in which it can be written. Never says no to bytes that have
//! it.
//!
//! A field is its bytes, or, if it begins with a quote, the bytes up to the closing quote, in which a doubled quote
//! means one, and after it the rest. So an id without quotes is in one piece, except that one closing quote may split
//! it; of an id with quotes the longest piece between them is.

use memchr::memchr_iter;
use memchr::memmem::Finder;

/// An id to search for.
pub(super) struct Needle {
    finder: Finder<'static>,
}

impl Needle {
    pub fn new(id: &str) -> Self {
        let piece = id.split('"').max_by_key(|piece| piece.len()).unwrap_or_default();
        Self { finder: Finder::new(piece).into_owned() }
    }

    /// Whether the bytes may have the id.
    pub fn may_be_in(&self, bytes: &[u8]) -> bool {
        self.finder.find(bytes).is_some() || self.may_be_split_in(bytes)
    }

    /// Whether there is a quote between two bytes that are next to each other in the id.
    fn may_be_split_in(&self, bytes: &[u8]) -> bool {
        let splits = |quote: usize| match (quote.checked_sub(1).and_then(|i| bytes.get(i)), bytes.get(quote + 1)) {
            (Some(before), Some(after)) => self.finder.needle().windows(2).any(|pair| pair == [*before, *after]),
            _ => false,
        };
        memchr_iter(b'"', bytes).any(splits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_is_found_in_every_form() {
        let may = |id: &str, bytes: &str| Needle::new(id).may_be_in(bytes.as_bytes());
        assert!(may("c1", "a,c1,b") && may("c1", "\"c1\"") && may("c1", "x,\"c\"1,y") && may("a\"b", "\"a\"\"b\""));
        assert!(may("\"", "\"\"\"\"") && may("a\"b", "a\"b"));
        assert!(!may("c1", "c 1,c2,1") && !may("c1", "\"c\",\"1\"") && !may("a\"bc", "\"a\"\"bd\""));
    }

    proptest! {
        #[test]
        fn what_the_csv_crate_reads_as_the_id_is_never_missed(text in "[ab\", \n]{0,12}", id in "[ab\"]{1,4}") {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let holds = reader.records().flatten().any(|r| r.iter().any(|field| field.trim() == id));
            prop_assert!(!holds || Needle::new(&id).may_be_in(text.as_bytes()), "{text:?} {id:?}");
        }
    }
}

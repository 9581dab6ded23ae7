//! Functions of texts that engines have under other names or not at all: the same code for all that evaluate expressions.
//! Knows no expression.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::id::{IdKind, IdRule};

/// Which ends of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    Both,
    Leading,
    Trailing,
}

/// The text without any of these characters at its ends.
pub fn trim_characters<'a>(text: &'a str, characters: &str, ends: Ends) -> &'a str {
    let is_one = |c: char| characters.contains(c);
    match ends {
        Ends::Both => text.trim_matches(is_one),
        Ends::Leading => text.trim_start_matches(is_one),
        Ends::Trailing => text.trim_end_matches(is_one),
    }
}

/// `length` characters from the `start`th on, which is the first for 1; all of them when no length is given.
pub fn substring(text: &str, start: u32, length: Option<u32>) -> &str {
    let place = |characters: u32| text.char_indices().nth(characters as usize).map_or(text.len(), |(at, _)| at);
    let first = start.saturating_sub(1);
    let end = length.map_or(text.len(), |length| place(first.saturating_add(length)));
    &text[place(first)..end]
}

/// The `nth` part of a text between separators, from 1; an empty text if there are fewer.
pub fn split_part<'a>(text: &'a str, separator: &str, nth: u32) -> &'a str {
    text.split(separator).nth((nth as usize).saturating_sub(1)).unwrap_or_default()
}

/// Whether a spreadsheet runs a text as a formula when it opens a CSV file.
pub fn is_formula(text: &str) -> bool {
    matches!(text.as_bytes().first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'))
}

/// SHA-256 of a text's UTF-8, in lower-case hexadecimal digits.
pub fn sha256_hex(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// SHA-256 of an address as an id is kept; none if it is none. As Google matches addresses, dots before `@gmail.com` and
/// `@googlemail.com` do not count.
pub fn hash_email(text: &str, google: bool) -> Option<String> {
    let rule = IdRule { kind: IdKind::Email { fold_plus: false }, keep_null_words: true, ..IdRule::default() };
    let email = rule.read(text).ok()?;
    let (local, domain) = email.split_once('@')?;
    match domain {
        "gmail.com" | "googlemail.com" if google => Some(sha256_hex(&format!("{}@{domain}", local.replace('.', "")))),
        _ => Some(sha256_hex(&email)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert_eq!(substring("Z\u{fc}rich", 2, Some(2)), "\u{fc}r");
        assert_eq!(
            (substring("abc", 2, None), substring("abc", 4, Some(1)), substring("abc", 1, Some(0))),
            ("bc", "", "")
        );
        assert_eq!((substring("abc", 3, Some(u32::MAX)), substring("", 1, None)), ("c", ""));
        assert_eq!((split_part("a--b", "--", 2), split_part("a", "-", 2), split_part("-a", "-", 1)), ("b", "", ""));
    }

    #[test]
    fn addresses_are_hashed_as_they_are_kept() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex("abc"), abc);
        assert_eq!(hash_email(" Ann@X.org", false), Some(sha256_hex("ann@x.org")));
        assert_eq!(hash_email("a.nn@gmail.com", true), Some(sha256_hex("ann@gmail.com")));
        assert_eq!(hash_email("a.nn@gmail.com", false), Some(sha256_hex("a.nn@gmail.com")));
        assert_eq!((hash_email("a.nn@x.org", true), hash_email("ann", true)), (Some(sha256_hex("a.nn@x.org")), None));
    }
}

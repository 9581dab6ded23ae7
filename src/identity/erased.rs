//! Finds what is to be erased in texts: so that nothing shows it, and as the proof that nothing does. Owns what it means that a
//! text holds an identifier.

use std::collections::HashSet;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};

use super::kinds::Kinds;
use super::linked::Linked;
use crate::error::{Error, Result};
use crate::input::RAW_LIMIT;
use crate::spec::identity::Identity;
use crate::value::IdKind;

/// Identifiers that no output may show.
#[derive(Debug)]
pub struct Erased {
    kinds: Arc<Kinds>,
    /// The kinds of which there are values.
    of_kinds: Vec<usize>,
    values: HashSet<(usize, String)>,
    /// Addresses and phone numbers, which may stand anywhere in a text.
    within: Option<AhoCorasick>,
}

/// Kind and one form of each identifier of what is erased.
pub type ErasedIds = Vec<(usize, String)>;

impl Linked {
    /// The identifiers of all that is erased: those that are listed, and those of their customers.
    pub fn erased_ids(&self) -> ErasedIds {
        if self.lists.erase.is_empty() {
            return Vec::new();
        }
        let all = (0..self.ids.count() as u32).filter(|id| !self.ids.is_bad(*id) && self.must_not_show(*id));
        let mut all: ErasedIds = all.map(|id| (self.ids.kind(id), self.ids.text(id).into_owned())).collect();
        all.sort_unstable();
        all
    }
}

impl Erased {
    /// Fails with [`Error::Memory`] if there are too many to search for.
    pub fn new(identity: &Identity, kinds: &Arc<Kinds>, ids: &ErasedIds) -> Result<Self> {
        let is_within = |kind: usize| matches!(identity.kinds[kind].kind, IdKind::Email { .. } | IdKind::Phone);
        let within: Vec<&String> = ids.iter().filter(|(kind, _)| is_within(*kind)).map(|(_, value)| value).collect();
        let search = AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(&within);
        let search = search.map_err(|_| Error::Memory("there are too many identifiers to erase at once".into()))?;
        let mut of_kinds: Vec<usize> = ids.iter().map(|(kind, _)| *kind).collect();
        of_kinds.dedup();
        Ok(Self {
            kinds: kinds.clone(),
            of_kinds,
            values: ids.iter().cloned().collect(),
            within: (!within.is_empty()).then_some(search),
        })
    }

    /// Whether a text holds an identifier: in any form as the whole text or as one of its parts between `;`; an address or a
    /// phone number in its one form anywhere.
    pub fn is_in(&self, text: &str) -> bool {
        self.is_within(text) || self.is_whole(text) || text.split(';').any(|part| self.is_whole(part))
    }

    /// Whether a rejected row or cell may hold one: in any form between whatever may separate cells, or where it was cut off.
    pub fn may_be_in(&self, raw: &str) -> bool {
        let is_cut = raw.len() + 4 > RAW_LIMIT;
        let separators = [',', ';', '|', '\t', '"', '\'', ':', '{', '}', '[', ']', '\n', '\r', '\\'];
        is_cut || self.is_in(raw) || raw.contains("\\u") || raw.split(separators).any(|part| self.is_whole(part))
    }

    fn is_whole(&self, text: &str) -> bool {
        let of_kind = |kind: &usize| match self.kinds.read(*kind, text) {
            Some(value) => !value.is_empty() && self.values.contains(&(*kind, value.into_owned())),
            None => false,
        };
        self.of_kinds.iter().any(of_kind)
    }

    fn is_within(&self, text: &str) -> bool {
        let Some(search) = &self.within else { return false };
        let found = |text: &str| search.find_overlapping_iter(text).any(|at| stands_alone(text, at.start(), at.end()));
        // Addresses are kept in lower case; only ASCII is searched in any case.
        found(text) || (!text.is_ascii() && found(&text.to_lowercase()))
    }
}

/// Whether what is found is no part of a longer address or number.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let before = text[..start].chars().next_back();
    let mut after = text[end..].chars();
    let (next, second) = (after.next(), after.next());
    let goes_on = match next {
        Some('.') => second.is_some_and(is_word),
        Some(c) => is_word(c) || c == '-',
        None => false,
    };
    !goes_on && !before.is_some_and(|c| is_word(c) || matches!(c, '.' | '%' | '+' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_longer_addresses_are_others() {
        for (text, found) in [
            ("ann@x.io", true),
            ("write to ann@x.io.", true),
            ("(ann@x.io)", true),
            ("joann@x.io", false),
            ("ann@x.io.uk", false),
            ("ann@x.ionic", false),
            ("jo.ann@x.io", false),
        ] {
            let at = text.find("ann@x.io").expect("there");
            assert_eq!(stands_alone(text, at, at + 8), found, "{text}");
        }
    }
}

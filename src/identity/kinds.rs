//! What is known of each kind of identifier in a run: its form, and which values join nothing. Knows no rows.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::spec::form::fits;
use crate::spec::identity::{Identity, LinkKind};
use crate::value::IdKind;

/// The kinds of a spec, in its order.
#[derive(Debug)]
pub struct Kinds(Vec<Kind>);

#[derive(Debug)]
struct Kind {
    kind: IdKind,
    defaults: bool,
    max_keys: Option<u32>,
    /// Values that join nothing, in lower case (ASCII).
    blocked: HashSet<String>,
    /// The same with `*` in them.
    patterns: Vec<String>,
}

impl Kinds {
    /// `more` has for each kind the lines of its `block_file`.
    pub fn new(identity: &Identity, more: &[Vec<String>]) -> Self {
        let none = Vec::new();
        let more = more.iter().chain(std::iter::repeat(&none));
        Self(identity.kinds.iter().zip(more).map(|(kind, more)| Kind::new(kind, more)).collect())
    }

    /// The one form of an identifier; an empty text for an empty cell, none for one that is not of the kind.
    #[inline]
    pub fn read<'a>(&self, kind: usize, cell: &'a str) -> Option<Cow<'a, str>> {
        self.0[kind].kind.read(cell)
    }

    /// Whether an identifier in its one form joins nothing.
    pub fn blocks(&self, kind: usize, value: &str) -> bool {
        let Kind { kind, defaults, blocked, patterns, .. } = &self.0[kind];
        if *defaults && kind.is_nobody(value) {
            return true;
        }
        if blocked.is_empty() && patterns.is_empty() {
            return false;
        }
        let value = value.to_ascii_lowercase();
        blocked.contains(&value) || patterns.iter().any(|pattern| fits(pattern, &value))
    }

    /// In rows of how many keys a value may be; none for any number.
    pub fn max_keys(&self, kind: usize) -> Option<u32> {
        self.0[kind].max_keys
    }
}

impl Kind {
    fn new(spec: &LinkKind, more: &[String]) -> Self {
        let all = spec.block.iter().chain(more);
        let (patterns, plain): (Vec<&String>, Vec<&String>) = all.partition(|pattern| pattern.contains('*'));
        // An id may be copied from a file as it stands there, and means its one form.
        let forms = plain.iter().filter_map(|value| spec.kind.read(value)).map(Cow::into_owned);
        let blocked = plain.iter().map(ToString::to_string).chain(forms);
        Self {
            kind: spec.kind,
            defaults: spec.defaults,
            max_keys: spec.max_keys,
            blocked: blocked.map(|value| value.to_ascii_lowercase()).collect(),
            patterns: patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_forms_block() {
        let kind = |kind, block: &[&str], defaults| LinkKind {
            name: "k".into(),
            kind,
            defaults,
            max_keys: None,
            block: block.iter().map(ToString::to_string).collect(),
            block_file: None,
        };
        let salesforce = IdKind::SalesforceId;
        let email = IdKind::Email { fold_plus: false };
        let identity = Identity {
            kinds: vec![
                kind(email, &["*@agency.com", "Exact@X.io"], true),
                kind(salesforce, &["0013000000DQbn7"], false),
            ],
            link_by: Vec::new(),
            at_most: Vec::new(),
            max_ids: 100,
            maps: Vec::new(),
            apart: None,
            erase: None,
        };
        let kinds = Kinds::new(&identity, &[vec![], vec!["*AAF".into()]]);
        for (kind, value, want) in [
            (0, "a@agency.com", true),
            (0, "exact@x.io", true),
            (0, "noreply@x.io", true),
            (0, "a@x.io", false),
            (1, "0013000000DQbn7AAD", true),
            (1, "0013000000DQbn8AAF", true),
            (1, "000000000000000AAA", false),
        ] {
            assert_eq!(kinds.blocks(kind, value), want, "{value}");
        }
    }
}

//! The id of a source's rows: its columns and its kind. Raw keys → checked values.

use indexmap::IndexMap;
use toml::Spanned;

use super::Problem;
use super::check::Checked;
use super::raw::{RawIdentity, RawKey, RawSource};
use crate::value::{IdKind, IdRule};

/// Kinds of ids by their names in the spec; whether words for nothing are none of them.
pub type Kinds = IndexMap<String, (IdKind, bool)>;

/// The kinds of `[identity.kinds]`.
pub fn kinds(raw: &RawIdentity) -> Checked<Kinds> {
    let mut kinds = Kinds::new();
    for (name, kind) in &raw.kinds {
        let is = kind_of(kind.is.get_ref(), kind.fold_plus).ok_or_else(|| {
            let message = format!(
                "unknown `is` \"{}\": use salesforce_id, email, number, uuid, phone or text",
                kind.is.get_ref()
            );
            Problem::new(kind.is.span().start, message)
        })?;
        if kind.fold_plus && !matches!(is, IdKind::Email { .. }) {
            return Err(Problem::new(kind.is.span().start, "`fold_plus` is for emails"));
        }
        kinds.insert(name.get_ref().clone(), (is, kind.defaults));
    }
    Ok(kinds)
}

/// The kind that an `is` means.
fn kind_of(is: &str, fold_plus: bool) -> Option<IdKind> {
    Some(match is {
        "text" => IdKind::Text,
        "salesforce_id" => IdKind::SalesforceId,
        "email" => IdKind::Email { fold_plus },
        "number" => IdKind::Number,
        "uuid" => IdKind::Uuid,
        "phone" => IdKind::Phone,
        _ => return None,
    })
}

/// The column of a source's id, those of its further parts, and how it is read.
pub fn key(
    raw: &RawSource,
    of_profile: &Spanned<String>,
    kinds: &Kinds,
) -> Checked<(Spanned<String>, Vec<String>, IdRule)> {
    let rule =
        IdRule { keep_null_words: raw.keep_null_words, strip_prefix: raw.strip_prefix.clone(), ..IdRule::default() };
    let Some(key) = &raw.key else { return Ok((of_profile.clone(), Vec::new(), rule)) };
    let named = |name: &String| Spanned::new(key.span(), name.clone());
    match key.get_ref() {
        RawKey::One(column) => Ok((named(column), Vec::new(), rule)),
        RawKey::Parts(parts) => match parts.split_first() {
            Some((first, others)) if !others.contains(first) => Ok((named(first), others.to_vec(), rule)),
            Some(_) => Err(Problem::new(key.span().start, "`key` names a column twice")),
            None => Err(Problem::new(key.span().start, "`key` is empty: name the id's column")),
        },
        RawKey::Kind { column, kind } => {
            // A kind that is not listed is text, but for names that show another will.
            let near = super::did_you_mean(kind, kinds.keys().map(String::as_str));
            let is_word = kind_of(kind, false).is_some_and(|is| is != IdKind::Text);
            if !kinds.contains_key(kind) && (is_word || !near.is_empty()) {
                let cure = if is_word { format!(": add `{kind} = {{ is = \"{kind}\" }}`") } else { near };
                let message = format!("`[identity.kinds]` does not list the kind `{kind}`{cure}");
                return Err(Problem::new(key.span().start, message));
            }
            let (is, defaults) = kinds.get(kind).copied().unwrap_or((IdKind::Text, true));
            let keep_null_words = rule.keep_null_words || !defaults;
            Ok((named(column), Vec::new(), IdRule { kind: is, keep_null_words, ..rule }))
        }
    }
}

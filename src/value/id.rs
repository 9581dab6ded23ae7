//! Ids: what a customer's id is in a cell, by its kind. Owns when two ids are the same and which words are none; refuses ids
//! that a spreadsheet has rounded. Knows no columns.

use std::borrow::Cow;

/// What an id is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IdKind {
    /// Any text, byte for byte.
    #[default]
    Text,
    /// 18 characters; of 15 the last three are computed.
    SalesforceId,
    /// Lower case, without `mailto:`; without what stands behind a `+` if that is folded.
    Email { fold_plus: bool },
    /// Digits without leading zeros, and without a fraction of zeros.
    Number,
    /// Lower case, without braces.
    Uuid,
    /// `+` and digits.
    Phone,
}

/// How a source's ids are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdRule {
    pub kind: IdKind,
    /// Whether words such as `NULL` and `unknown` are ids.
    pub keep_null_words: bool,
    /// What is taken off the start.
    pub strip_prefix: Option<String>,
    /// Further cells that are no id.
    pub nulls: Vec<String>,
}

/// Why a cell is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoId {
    /// It is empty, or a word for nothing.
    Blank,
    /// A spreadsheet has written it as `6.89E+11`: its last digits are lost.
    Rounded,
    /// It is not of the kind.
    Bad,
}

impl IdRule {
    /// Whether an id stands in its cell as it is.
    pub fn is_verbatim(&self) -> bool {
        self.kind == IdKind::Text
    }

    /// The id of a cell.
    #[inline]
    pub fn read<'a>(&self, cell: &'a str) -> Result<Cow<'a, str>, NoId> {
        if self.is_plain(cell) {
            return Ok(Cow::Borrowed(cell));
        }
        self.read_any(cell)
    }

    /// Whether the cell is surely an id as it is: most are.
    #[inline]
    fn is_plain(&self, cell: &str) -> bool {
        let [first @ b'!'..=b'~', .., b'!'..=b'~'] = cell.as_bytes() else { return false };
        // With these begin formulas, rounded numbers and words for nothing.
        let could_be_none = matches!(
            first.to_ascii_lowercase(),
            b'=' | b'#' | b'-' | b'\\' | b'0'..=b'9' | b'n' | b'u' | b'a' | b'g' | b'v' | b't'
        );
        !could_be_none && self.kind == IdKind::Text && self.strip_prefix.is_none() && self.nulls.is_empty()
    }

    fn read_any<'a>(&self, cell: &'a str) -> Result<Cow<'a, str>, NoId> {
        let id = visible_ends(cell);
        if id.is_empty() || self.nulls.iter().any(|null| null == id) {
            return Err(NoId::Blank);
        }
        let id = visible_ends(of_formula(id));
        let prefix = self.strip_prefix.as_deref().unwrap_or_default();
        let id = visible_ends(id.strip_prefix(prefix).unwrap_or(id));
        if is_rounded(id) {
            return Err(NoId::Rounded);
        }
        if self.kind != IdKind::Text && !self.keep_null_words && is_null_word(id) {
            return Err(NoId::Blank);
        }
        let read = self.kind.form(id).ok_or(NoId::Bad)?;
        if read.is_empty() || (!self.keep_null_words && self.kind.is_nobody(&read)) {
            return Err(NoId::Blank);
        }
        Ok(read)
    }
}

impl IdKind {
    /// The one form of an identifier that a cell holds; an empty text for an empty cell, none for one that is not of the
    /// kind, or that a spreadsheet has rounded.
    #[inline]
    pub fn read<'a>(&self, cell: &'a str) -> Option<Cow<'a, str>> {
        let id = visible_ends(of_formula(visible_ends(cell)));
        if id.is_empty() {
            return Some(Cow::Borrowed(id));
        }
        if is_rounded(id) { None } else { self.form(id) }
    }

    /// The one form of a text without space around it.
    fn form<'a>(&self, id: &'a str) -> Option<Cow<'a, str>> {
        Some(match self {
            Self::Text => Cow::Borrowed(id),
            Self::SalesforceId => Cow::Owned(salesforce(id)?),
            Self::Email { fold_plus } => Cow::Owned(email(id, *fold_plus)?),
            Self::Number => Cow::Owned(number(id)?),
            Self::Uuid => Cow::Owned(uuid(id)?),
            Self::Phone => Cow::Owned(phone(id)?),
        })
    }

    /// Whether an id stands for nobody: a word for nothing, zeros, an address that many share.
    pub fn is_nobody(&self, id: &str) -> bool {
        is_null_word(id)
            || match self {
                Self::SalesforceId => id.starts_with("000000000000000"),
                Self::Email { .. } => id.split_once('@').is_some_and(|(local, _)| NOBODY.contains(&local)),
                Self::Text | Self::Number | Self::Uuid | Self::Phone => false,
            }
    }
}

/// Local parts of addresses that many share.
const NOBODY: [&str; 9] =
    ["noreply", "no-reply", "donotreply", "do-not-reply", "mailer-daemon", "postmaster", "test", "null", "none"];

/// Words for no value.
const WORDS: [&str; 16] = [
    "null",
    "nil",
    "none",
    "undefined",
    "nan",
    "na",
    "n/a",
    "#n/a",
    "unknown",
    "anonymous",
    "guest",
    "void",
    "test",
    "-1",
    "\\n",
    "",
];

fn is_null_word(id: &str) -> bool {
    // No word is longer, so that most ids cost one comparison.
    let is_zeros = || id.bytes().all(|b| matches!(b, b'0' | b'-'));
    (id.len() <= 9 && WORDS.iter().any(|word| id.eq_ignore_ascii_case(word)))
        || (matches!(id.as_bytes().first(), Some(b'0' | b'-')) && is_zeros())
}

/// The text without white space, control characters and characters that nobody sees at both ends. Most ids begin and end
/// with a printing ASCII character: these are returned at once.
#[inline]
fn visible_ends(cell: &str) -> &str {
    match cell.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => cell,
        _ => cell.trim_matches(|c: char| c.is_whitespace() || is_hidden(c)),
    }
}

/// Whether an id has a character inside that nobody sees.
#[inline]
pub fn has_hidden(id: &str) -> bool {
    // Without an early end the loop looks at many bytes at once.
    let is_plain = id.bytes().fold(true, |plain, b| plain & matches!(b, b' '..=b'~'));
    !is_plain && id.chars().any(is_hidden)
}

/// Control characters, and characters that take no room: zero-width ones, marks of direction, soft hyphens, byte-order
/// marks.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// `="00123"`, with which exports keep spreadsheets from dropping zeros, is `00123`.
fn of_formula(id: &str) -> &str {
    if !id.starts_with('=') {
        return id;
    }
    id.strip_prefix("=\"").and_then(|id| id.strip_suffix('"')).unwrap_or(id)
}

/// `6.89E+11`.
fn is_rounded(id: &str) -> bool {
    let Some((digits, exponent)) = id.split_once(['E', 'e']) else { return false };
    let all = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    whole.len() == 1 && all(whole) && all(fraction) && exponent.strip_prefix('+').is_some_and(all)
}

/// Source: Salesforce's published conversion. Each of the last three characters stands for five of the first 15, a bit for
/// each upper-case letter.
fn salesforce(id: &str) -> Option<String> {
    const CODES: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    if !matches!(id.len(), 15 | 18) || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let (id, suffix) = id.split_at(15);
    let mut id: Vec<u8> = id.bytes().collect();
    let code = |five: &[u8]| {
        let bits = five.iter().rev().fold(0, |bits, b| bits << 1 | usize::from(b.is_ascii_uppercase()));
        CODES[bits]
    };
    if !suffix.is_empty() {
        let suffix = suffix.to_ascii_uppercase();
        let has = |is: fn(&u8) -> bool| id.iter().any(is);
        if !(has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)) {
            for (five, code) in id.chunks_mut(5).zip(suffix.bytes()) {
                let bits = CODES.iter().position(|known| *known == code)?;
                for (at, b) in five.iter_mut().enumerate() {
                    *b = if bits >> at & 1 == 1 { b.to_ascii_uppercase() } else { b.to_ascii_lowercase() };
                }
            }
        }
        if id.chunks(5).map(code).ne(suffix.bytes()) {
            return None;
        }
    }
    let suffix: Vec<u8> = id.chunks(5).map(code).collect();
    id.extend(suffix);
    String::from_utf8(id).ok()
}

fn email(id: &str, fold_plus: bool) -> Option<String> {
    let id = id.to_lowercase();
    let id = id.strip_prefix("mailto:").unwrap_or(&id);
    let (local, domain) = id.split_once('@')?;
    let plain = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || ",;<>\"@".contains(c));
    let (host, top) = domain.rsplit_once('.')?;
    let local = if fold_plus { local.split('+').next().unwrap_or(local) } else { local };
    (plain(local) && plain(host) && plain(top)).then(|| format!("{local}@{domain}"))
}

fn number(id: &str) -> Option<String> {
    let (whole, fraction) = id.split_once('.').unwrap_or((id, "0"));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || fraction.is_empty() || !fraction.bytes().all(|b| b == b'0') {
        return None;
    }
    let short = whole.trim_start_matches('0');
    Some(if short.is_empty() { "0" } else { short }.to_owned())
}

fn uuid(id: &str) -> Option<String> {
    let id = id.strip_prefix('{').and_then(|id| id.strip_suffix('}')).unwrap_or(id).to_ascii_lowercase();
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    let hex = id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    (hex && groups == [8, 4, 4, 4, 12]).then_some(id)
}

fn phone(id: &str) -> Option<String> {
    let digits: String = id.chars().filter(|c| !c.is_whitespace() && !"()-./".contains(*c)).collect();
    let digits = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00"))?;
    ((7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())).then(|| format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: IdKind, cell: &str) -> Result<String, NoId> {
        IdRule { kind, ..IdRule::default() }.read(cell).map(Cow::into_owned)
    }

    fn all(kind: IdKind, cases: &[(&str, Result<&str, NoId>)]) {
        for (cell, want) in cases {
            assert_eq!(read(kind, cell), want.map(str::to_owned), "{kind:?} {cell:?}");
        }
    }

    #[test]
    fn text_is_kept_but_for_what_nobody_sees() {
        all(
            IdKind::Text,
            &[
                (" 00123\t", Ok("00123")),
                ("=\"00123\"", Ok("00123")),
                ("=A1", Ok("=A1")),
                ("\u{200e}a b\u{feff}", Ok("a b")),
                ("a\u{200b}b", Ok("a\u{200b}b")),
                ("\0a", Ok("a")),
                ("\u{200b}", Err(NoId::Blank)),
                ("NULL", Err(NoId::Blank)),
                ("#N/A", Err(NoId::Blank)),
                ("\\N", Err(NoId::Blank)),
                ("-", Err(NoId::Blank)),
                ("000-00", Err(NoId::Blank)),
                ("0012", Ok("0012")),
                ("-12", Ok("-12")),
                ("Testa", Ok("Testa")),
                ("1.23457E+11", Err(NoId::Rounded)),
                ("6E+11", Err(NoId::Rounded)),
                ("12E+11", Ok("12E+11")),
                ("1E5", Ok("1E5")),
            ],
        );
        let kept = IdRule { keep_null_words: true, strip_prefix: Some("CUST-".into()), ..IdRule::default() };
        assert_eq!(kept.read("CUST-null").as_deref(), Ok("null"));
        assert_eq!(kept.read("cust-1").as_deref(), Ok("cust-1"));
        assert_eq!(kept.read("CUST-").map(Cow::into_owned), Err(NoId::Blank));
        let nulls = IdRule { nulls: vec!["?".to_owned()], ..IdRule::default() };
        assert_eq!(nulls.read(" ? ").map(Cow::into_owned), Err(NoId::Blank));
    }

    #[test]
    fn ids_of_salesforce_have_18_characters() {
        all(
            IdKind::SalesforceId,
            &[
                ("0013000000DQbn7", Ok("0013000000DQbn7AAD")),
                ("0013000000DQbn7AAD", Ok("0013000000DQbn7AAD")),
                ("0013000000dqbn7aad", Ok("0013000000DQbn7AAD")),
                ("0013000000DQBN7AAD", Ok("0013000000DQbn7AAD")),
                ("0013000000DQbn7AAE", Err(NoId::Bad)),
                ("000000000000000AAA", Err(NoId::Blank)),
                ("0013000000DQbn", Err(NoId::Bad)),
                ("0013000000DQbn7-AD", Err(NoId::Bad)),
            ],
        );
    }

    #[test]
    fn other_kinds_have_one_form() {
        let email = IdKind::Email { fold_plus: false };
        all(
            email,
            &[
                (" Ann@Example.COM ", Ok("ann@example.com")),
                ("mailto:a+b@x.org", Ok("a+b@x.org")),
                ("noreply@x.org", Err(NoId::Blank)),
                ("a@b", Err(NoId::Bad)),
                ("a b@x.org", Err(NoId::Bad)),
                ("a@x.org;b@x.org", Err(NoId::Bad)),
                ("@x.org", Err(NoId::Bad)),
            ],
        );
        assert_eq!(read(IdKind::Email { fold_plus: true }, "a+b@x.org"), Ok("a@x.org".to_owned()));
        all(
            IdKind::Number,
            &[
                ("00123", Ok("123")),
                ("1001.0", Ok("1001")),
                ("0", Err(NoId::Blank)),
                ("1.5", Err(NoId::Bad)),
                ("1,234", Err(NoId::Bad)),
                ("6.89E+11", Err(NoId::Rounded)),
            ],
        );
        let uuid = "6F9619FF-8B86-D011-B42D-00CF4FC964FF";
        all(
            IdKind::Uuid,
            &[
                (uuid, Ok("6f9619ff-8b86-d011-b42d-00cf4fc964ff")),
                ("{6f9619ff-8b86-d011-b42d-00cf4fc964ff}", Ok("6f9619ff-8b86-d011-b42d-00cf4fc964ff")),
                ("6f9619ff", Err(NoId::Bad)),
            ],
        );
        all(
            IdKind::Phone,
            &[
                ("+49 (30) 123-456", Ok("+4930123456")),
                ("0049 30 123456", Ok("+4930123456")),
                ("030 123456", Err(NoId::Bad)),
                ("+1", Err(NoId::Bad)),
            ],
        );
    }
}

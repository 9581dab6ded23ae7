//! Changes single values, in ways that a strict reader must accept, or into values that it must refuse.

use std::sync::LazyLock;

use super::super::dice::Dice;
use super::super::rows::FILES;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    Text,
    Int,
    Float,
    Date,
}

/// A column of an export.
#[derive(Debug)]
pub(super) struct Column {
    pub name: &'static str,
    pub kind: Kind,
    /// Whether it decides which of a customer's rows is the latest.
    pub orders_rows: bool,
}

/// The columns of a source, by its index among the exports.
pub(super) fn columns(source: usize) -> &'static [Column] {
    static ALL: LazyLock<Vec<Vec<Column>>> = LazyLock::new(|| FILES.iter().map(|f| of_header(f.header)).collect());
    &ALL[source]
}

/// The columns of a header of the default profile.
pub(super) fn of_header(header: &'static str) -> Vec<Column> {
    let column = |name: &'static str| {
        let kind = match name {
            "customer_id" => Kind::Id,
            "employee_count" | "deal_value" | "mrr" | "total_sessions" | "features_used" | "usage_pct"
            | "total_tickets" | "open_tickets" | "nps_score" => Kind::Int,
            "avg_resolution_hrs" | "csat_score" => Kind::Float,
            _ if name.starts_with("last_") || name.ends_with("_date") || name.ends_with("_start") => Kind::Date,
            _ => Kind::Text,
        };
        let orders_rows = matches!(name, "last_contact" | "last_payment" | "last_active" | "last_ticket_date");
        Column { name, kind, orders_rows }
    };
    header.split(',').map(column).collect()
}

/// Changes a value; true if it has become a bad value.
pub(super) fn spoil(dice: &mut Dice, kind: Kind, field: &mut String) -> bool {
    let bad: &[&str] = match kind {
        Kind::Id => return false,
        Kind::Text => {
            dress_text(dice, field);
            return false;
        }
        Kind::Int => &["n/a", "12.5", "1,200", "9223372036854775808", " ", "--3", "\u{663}", "0x1F"],
        Kind::Float => &["n/a", "1,5", "inf", "NaN", "1e999", "\t", "1.2.3"],
        Kind::Date => &["2026-02-30", "31/12/2025", "2026-1-5", "0000-00-00", "2026-01-01T10:00:00", "soon", "  "],
    };
    match dice.below(150) {
        0 => {
            *field = dice.pick(bad).to_owned();
            return true;
        }
        1 if !field.is_empty() => *field = format!(" {field}\u{a0}"),
        2 if kind == Kind::Int && !field.is_empty() => *field = format!("+00{field}"),
        _ => {}
    }
    false
}

/// Adds commas, quotes, line breaks, letters of other alphabets or another case, all of which are valid data.
fn dress_text(dice: &mut Dice, field: &mut String) {
    *field = match (dice.below(60), field.as_str()) {
        (_, "") => return,
        (0, text) => format!("{text}, Inc."),
        (1, text) => format!("{text} \"the best\""),
        (2, text) => format!("{text}\nsecond line"),
        (3, text) => format!("{text}\r\nCRLF line"),
        (4, text) => format!(" {text} "),
        (5, text) => text.to_uppercase(),
        (6, text) => format!("Z\u{fc}rich {text} \u{4e16}\u{754c} \u{1f600}"),
        (7, _) => String::new(),
        (8, text) => format!("5\" {text}"),
        (9, text) => format!("={text}"),
        (10, "Past Due") => "past_due".to_owned(),
        _ => return,
    };
}

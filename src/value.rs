//! A cell: its type, its strict reading from text, its text in the outputs, its order. Never knows files or engines.

mod arrow;
mod cell;
mod declared;
mod id;
mod moment;
mod money;
mod number;
pub mod order;
mod render;
mod text;

pub use arrow::{arrow_type, type_of};
pub use cell::*;
pub use id::{IdKind, IdRule, NoId, has_hidden, is_hidden};
pub use money::{Currency, NoSum, Rates};
pub use number::{DecimalMark, Notation, decimal_to_float, read_decimal, round};
pub use render::{Cells, decimal_text};
pub use text::{Ends, hash_email, is_formula, sha256_hex, split_part, substring, trim_characters};

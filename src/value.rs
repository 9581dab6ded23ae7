//! A cell: its type, its strict reading from text, its text in the outputs, its order. Never knows files or engines.

mod arrow;
mod cell;
mod declared;
mod id;
mod moment;
mod number;
pub mod order;
mod render;
mod text;

pub use arrow::{arrow_type, type_of};
pub use cell::*;
pub use id::{IdKind, IdRule, NoId, has_hidden, is_hidden};
pub use number::{DecimalMark, Notation, read_decimal};
pub use render::Cells;
pub use text::{hash_email, sha256_hex, split_part, substring};

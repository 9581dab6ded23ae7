//! A cell: its type, its strict reading from text, its text in the outputs, its order. Never knows files or engines.

mod arrow;
mod cell;
pub mod order;
mod render;

pub use arrow::{arrow_type, type_of};
pub use cell::*;
pub use render::Cells;

//! Pictures and pages: shapes in pixels, scales with round ticks, templates that escape every value. Never knows what
//! the values mean.

mod scale;
mod shape;
mod template;

pub use scale::{Scale, ticks};
pub use shape::{Shape, pixel, shapes};
pub use template::{Safe, render};

//! What a picture is made of. Owns no colours or fonts: a shape only has the name of a class, which the page styles.

use onefold::Result;
use serde::Serialize;

use super::template::{Safe, render};

/// A shape and where it is, in pixels from the upper left.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Shape {
    /// A bar; its tip says what it shows.
    Bar { class: String, x: f64, y: f64, width: f64, height: f64, tip: String },
    /// A small square of the legend.
    Key { class: String, x: f64, y: f64 },
    /// A straight line.
    Line { class: &'static str, x1: f64, y1: f64, x2: f64, y2: f64 },
    /// Lines through points, `x,y x,y …`.
    Path { class: &'static str, points: String },
    /// An area with an outline in SVG's path syntax; its tip says what it shows.
    Area { class: String, outline: String, tip: String },
    /// A point on such lines.
    Dot { class: &'static str, x: f64, y: f64, tip: String },
    /// Text; `anchor` says which end of it is at `x`.
    Text { class: &'static str, x: f64, y: f64, anchor: &'static str, text: String },
}

impl Shape {
    pub fn bar(class: impl Into<String>, at: (f64, f64), size: (f64, f64), tip: impl Into<String>) -> Self {
        let ((x, y), (width, height)) = (at, size);
        let (x, y, width, height) = (pixel(x), pixel(y), pixel(width), pixel(height.max(0.0)));
        Self::Bar { class: class.into(), x, y, width, height, tip: tip.into() }
    }

    pub fn line(class: &'static str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> Self {
        Self::Line { class, x1: pixel(x1), y1: pixel(y1), x2: pixel(x2), y2: pixel(y2) }
    }

    /// Text with its middle at `x`.
    pub fn centred(class: &'static str, (x, y): (f64, f64), text: impl Into<String>) -> Self {
        Self::Text { class, x: pixel(x), y: pixel(y), anchor: "middle", text: text.into() }
    }

    /// Text that starts at `x`.
    pub fn text(class: &'static str, (x, y): (f64, f64), text: impl Into<String>) -> Self {
        Self::Text { class, x: pixel(x), y: pixel(y), anchor: "start", text: text.into() }
    }

    /// Text that ends at `x`.
    pub fn text_before(class: &'static str, (x, y): (f64, f64), text: impl Into<String>) -> Self {
        Self::Text { class, x: pixel(x), y: pixel(y), anchor: "end", text: text.into() }
    }
}

/// Rounds to tenths of a pixel, which is as fine as a screen shows.
pub fn pixel(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

/// The shapes as markup for the inside of an `svg` element.
pub fn shapes(shapes: &[Shape]) -> Result<Safe> {
    #[derive(Serialize)]
    struct Shapes<'a> {
        shapes: &'a [Shape],
    }
    render("shapes.svg", include_str!("shapes.svg"), &Shapes { shapes })
}

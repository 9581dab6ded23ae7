//! Tables of figures with a bar beside each: one look for stages, bands, coverage, nulls and bad values.

use serde::Serialize;

use crate::draw::{Safe, render};
use crate::error::Result;
use crate::words::{grouped, percent, share};

/// A line: figures and their bar.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Bar {
    /// What the figures are of.
    pub name: String,
    pub count: String,
    pub share: String,
    /// Length, of 100.
    pub length: f64,
    /// Names the bar's colour.
    pub class: &'static str,
}

impl Bar {
    /// So many of a whole.
    pub fn of(name: impl Into<String>, class: &'static str, part: u64, whole: u64) -> Self {
        Self::new(name, class, (grouped(part), share(part, whole)), percent(part, whole))
    }

    /// Figures and the length of their bar, of 100.
    pub fn new(name: impl Into<String>, class: &'static str, figures: (String, String), length: f64) -> Self {
        let length = (length.clamp(0.0, 100.0) * 10.0).round() / 10.0;
        Self { name: name.into(), count: figures.0, share: figures.1, length, class }
    }
}

/// Lines that are shown at once; the rest unfolds.
const AT_ONCE: usize = 12;

/// What a table of bars is about.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct About<'a> {
    /// What it shows; for screen readers, as a heading stands above it.
    pub caption: &'a str,
    /// The headings of name, count and share.
    pub columns: [&'a str; 3],
    /// What the lines are, many of them.
    pub lines: &'a str,
}

/// The bars as a table.
pub(super) fn table(about: About<'_>, bars: &[Bar]) -> Result<Safe> {
    #[derive(Serialize)]
    struct Table<'a> {
        about: About<'a>,
        first: &'a [Bar],
        more: &'a [Bar],
    }
    // A single line more takes no more room than the words that unfold it.
    let at_once = if bars.len() <= AT_ONCE + 1 { bars.len() } else { AT_ONCE };
    let (first, more) = bars.split_at(at_once);
    render("bars.html", include_str!("bars.html"), &Table { about, first, more })
}

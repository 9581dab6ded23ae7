//! Tables of numbers with a bar beside each, for stages, bands, coverage, nulls and bad values. Computes only shares.

use onefold::Result;
use serde::Serialize;

use crate::cli::tell::draw::{Safe, render};
use crate::cli::tell::words::{grouped, percent, share};

/// A line: numbers and their bar.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Bar {
    /// What the numbers are about.
    pub name: String,
    pub count: String,
    pub share: String,
    /// Length of the bar, from 0 to 100.
    pub length: f64,
    /// The bar's class, which decides its colour.
    pub class: &'static str,
}

impl Bar {
    /// A part of a whole, with its count and share.
    pub fn of(name: impl Into<String>, class: &'static str, part: u64, whole: u64) -> Self {
        Self::new(name, class, (grouped(part), share(part, whole)), percent(part, whole))
    }

    /// Two numbers as text, and the length of their bar from 0 to 100.
    pub fn new(name: impl Into<String>, class: &'static str, figures: (String, String), length: f64) -> Self {
        let length = (length.clamp(0.0, 100.0) * 10.0).round() / 10.0;
        Self { name: name.into(), count: figures.0, share: figures.1, length, class }
    }
}

/// Lines that are always shown; the others are in a part that can be opened.
const AT_ONCE: usize = 12;

/// What a table of bars shows.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct About<'a> {
    /// Its caption for screen readers; the page has a heading above it.
    pub caption: &'a str,
    /// The headings of name, count and share.
    pub columns: [&'a str; 3],
    /// What the lines are, in the plural.
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
    // A single further line needs no more room than the text that opens the rest.
    let at_once = if bars.len() <= AT_ONCE + 1 { bars.len() } else { AT_ONCE };
    let (first, more) = bars.split_at(at_once);
    render("bars.html", include_str!("bars.html"), &Table { about, first, more })
}

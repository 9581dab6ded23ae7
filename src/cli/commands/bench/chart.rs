//! The results as a picture: the stages of a run as stacked bars, the speed-up and the peak memory, by number of
//! shards. Measures nothing.

mod panels;

use std::path::{Path, PathBuf};

use onefold::Result;
use serde::Serialize;

use super::results::{About, Outcome, different};
use super::table::{self, Grid};
use crate::cli::tell::draw::{Safe, render, shapes};
use crate::cli::tell::words::counted;

/// The formats of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Svg,
    Html,
}

/// The values of the picture's template.
#[derive(Debug, Serialize)]
struct Picture {
    width: f64,
    height: f64,
    title: String,
    /// The lines below the title.
    lines: Vec<String>,
    verdict: String,
    same_bytes: bool,
    shapes: Safe,
    /// Whether dark colours are used if the reader's system is dark. A picture alone keeps its white background,
    /// because many viewers do not adapt theirs.
    follows_theme: bool,
}

/// The values of the page's template.
#[derive(Debug, Serialize)]
struct Page {
    title: String,
    width: f64,
    svg: Safe,
    figures: Grid,
    stages: Grid,
    notes: Vec<String>,
}

/// Parses the name of a chart's file for the command line.
pub fn file(name: &str) -> std::result::Result<PathBuf, String> {
    let path = PathBuf::from(name);
    form(&path).map(|_| path).ok_or_else(|| "the name must end in .svg or .html".to_owned())
}

fn form(path: &Path) -> Option<Form> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "svg" => Some(Form::Svg),
        "html" | "htm" => Some(Form::Html),
        _ => None,
    }
}

/// The content of the chart's file, in the format of its name.
pub fn draw(path: &Path, outcomes: &[Outcome], about: &About) -> Result<String> {
    let form = form(path).unwrap_or(Form::Svg);
    let svg = render("chart.svg", SVG, &picture(outcomes, about, form)?)?;
    match form {
        Form::Svg => Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", svg.as_str())),
        Form::Html => {
            let (figures, stages) = (table::figures(outcomes), table::stages(outcomes));
            let (title, width) = (title(about), panels::Frame::new(outcomes).width());
            let page = Page { title, width, svg, figures, stages, notes: table::notes(outcomes) };
            Ok(render("chart.html", HTML, &page)?.as_str().to_owned())
        }
    }
}

const SVG: &str = include_str!("chart/chart.svg");
const HTML: &str = include_str!("chart/chart.html");

fn picture(outcomes: &[Outcome], about: &About, form: Form) -> Result<Picture> {
    let frame = panels::Frame::new(outcomes);
    let [input, how] = table::setting(about);
    let lines = [input, how, machine(about)].iter().map(|line| shortened(line)).collect();
    Ok(Picture {
        width: frame.width(),
        height: panels::HEIGHT,
        title: title(about),
        lines,
        verdict: table::verdict(outcomes),
        same_bytes: different(outcomes).is_none(),
        shapes: shapes(&panels::all(&frame, outcomes))?,
        follows_theme: form == Form::Html,
    })
}

fn title(about: &About) -> String {
    format!("onefold {}: a run with different numbers of shards", about.onefold)
}

fn machine(about: &About) -> String {
    let super::machine::Machine { cpu, cores, memory_bytes } = &about.machine;
    let memory = memory_bytes.map(|bytes| format!(", {:.0} GB of memory", bytes as f64 / 1e9)).unwrap_or_default();
    let cpu = cpu.as_ref().map(|cpu| format!(" ({cpu})")).unwrap_or_default();
    format!("{}{cpu}{memory}", counted(*cores as u64, "core"))
}

/// A line cut to the width of the picture, because paths can be long.
fn shortened(line: &str) -> String {
    /// Characters that fit in the narrowest picture.
    const MOST: usize = 120;
    let chars: Vec<char> = line.chars().collect();
    match chars.len().checked_sub(MOST) {
        None | Some(0) => line.to_owned(),
        // The end is kept because it says more: a path's last folder, and the numbers.
        Some(more) => std::iter::once('…').chain(chars.into_iter().skip(more + 1)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::bench::results::tests::example;

    #[test]
    fn the_file_name_says_the_form() {
        assert!(file("a.svg").is_ok() && file("b/c.HTML").is_ok());
        assert!(file("a.png").is_err() && file("svg").is_err() && file("").is_err());
    }

    #[test]
    fn the_picture_is_well_formed_and_escaped() {
        let (outcomes, about) = example();
        let svg = draw(Path::new("a.svg"), &outcomes, &about).expect("a picture");
        let tree = roxmltree::Document::parse(&svg).expect("well-formed");
        let texts: Vec<&str> = tree.descendants().filter_map(|n| n.text()).collect();
        assert!(texts.iter().any(|t| t.contains("a <folder> & more: 4,000 rows")), "{texts:?}");
        assert!(texts.iter().any(|t| t.contains("THE OUTPUTS DIFFER")), "{texts:?}");
        // Two numbers of shards, each with two stages and the rest, and two bars of memory.
        let bars =
            tree.descendants().filter(|n| n.has_tag_name("rect") && n.children().any(|c| c.has_tag_name("title")));
        assert_eq!(bars.count(), 2 * 3 + 2);
    }

    #[test]
    fn the_page_is_well_formed_and_follows_the_theme() {
        let (outcomes, about) = example();
        let html = draw(Path::new("a.html"), &outcomes, &about).expect("a page");
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..roxmltree::ParsingOptions::default() };
        roxmltree::Document::parse_with_options(&html, options).expect("well-formed");
        assert!(html.contains("prefers-color-scheme: dark") && html.contains("<svg") && html.contains("<table"));
    }

    #[test]
    fn a_long_line_keeps_its_end() {
        let long = shortened(&("x".repeat(200) + "end"));
        assert!(long.starts_with('…') && long.ends_with("xend") && long.chars().count() == 120);
    }
}

//! The ledger as a picture per source: rows read, split by what became of them; used rows into
//! profiles. Reads only the manifest.

use onefold::Result;
use onefold::manifest::{Manifest, SourceLedger};
use serde::Serialize;

use crate::cli::tell::draw::{Safe, Shape, pixel, shapes};
use crate::cli::tell::words::{counted, grouped, share};

/// Width of a source's picture.
const WIDTH: f64 = 440.0;
/// Height of all rows that were read.
const ROWS: f64 = 60.0;
/// Top of the nodes, with a line of text above them.
const TOP: f64 = 26.0;
/// Where rows are split, and the width of a node.
const SPLIT: f64 = 170.0;
const NODE: f64 = 6.0;
/// Distance from one outcome to the next, so that each has room for its text.
const STEP: f64 = 22.0;

/// What may become of a row, and how many of these every table shows; the others are of identifiers.
const OUTCOMES: usize = 10;
const ALWAYS: usize = 6;

/// The values of the section's template.
#[derive(Debug, Serialize)]
pub(super) struct LedgerView {
    flows: Vec<Flow>,
    /// What became of rows, in the order of the table.
    names: Vec<&'static str>,
    lines: Vec<Line>,
    balances: bool,
}

/// A source's picture.
#[derive(Debug, Serialize)]
struct Flow {
    source: String,
    width: f64,
    height: f64,
    /// What the picture shows, as text.
    summary: String,
    picture: Safe,
}

/// A source's line in the table.
#[derive(Debug, Serialize)]
struct Line {
    source: String,
    cells: Vec<String>,
}

/// The ledger of a run.
pub(super) fn ledger(manifest: &Manifest) -> Result<LedgerView> {
    let profiles = |source: &str| manifest.customers.per_source.get(source).copied();
    let sources = &manifest.ledger.0;
    let of_linking = |at: usize| sources.values().any(|l| outcomes(l)[at].1 > 0);
    let shown: Vec<usize> = (0..OUTCOMES).filter(|at| *at < ALWAYS || of_linking(*at)).collect();
    Ok(LedgerView {
        names: shown.iter().map(|at| outcomes(&SourceLedger::default())[*at].0).collect(),
        flows: sources.iter().map(|(source, l)| flow(source, l, profiles(source))).collect::<Result<_>>()?,
        lines: sources.iter().map(|(source, l)| line(source, l, &shown, profiles(source))).collect(),
        balances: manifest.ledger.balance().is_ok(),
    })
}

/// What became of a source's rows, in the order of the picture.
fn outcomes(ledger: &SourceLedger) -> [(&'static str, u64); OUTCOMES] {
    [
        ("used", ledger.rows_used),
        ("superseded", ledger.rows_superseded),
        ("rejected", ledger.rows_rejected),
        ("excluded", ledger.rows_excluded),
        ("filtered", ledger.rows_filtered),
        ("blank", ledger.rows_blank),
        ("merged", ledger.rows_merged),
        ("deleted", ledger.rows_deleted),
        ("unidentified", ledger.rows_unidentified),
        ("erased", ledger.rows_erased),
    ]
}

fn line(source: &str, ledger: &SourceLedger, shown: &[usize], profiles: Option<u64>) -> Line {
    let bad_values = ledger.bad_values.values().sum();
    let outcomes = outcomes(ledger);
    let counts = shown.iter().map(|at| outcomes[*at].1);
    let cells = std::iter::once(ledger.rows_read).chain(counts).chain([bad_values]).map(grouped);
    let profiles = profiles.map_or_else(|| "–".to_owned(), grouped);
    Line { source: source.to_owned(), cells: cells.chain([profiles]).collect() }
}

fn flow(source: &str, ledger: &SourceLedger, profiles: Option<u64>) -> Result<Flow> {
    let read = ledger.rows_read;
    let parts: Vec<(&str, u64)> = outcomes(ledger).into_iter().filter(|(name, n)| *n > 0 || *name == "used").collect();
    let told: Vec<String> = parts.iter().map(|(name, n)| format!("{} {name}", grouped(*n))).collect();
    let known = profiles.map(|n| format!(", for {}", counted(n, "profile"))).unwrap_or_default();
    let mut drawn = vec![Shape::text("figure", (0.0, 16.0), format!("{} read", grouped(read)))];
    let mut height = TOP + ROWS;
    if read > 0 {
        drawn.push(Shape::bar("node read", (0.0, TOP), (NODE, ROWS), format!("{} read", counted(read, "row"))));
        let (mut from, mut to) = (TOP, TOP);
        for part in &parts {
            let thick = thickness(part.1, read);
            drawn.extend(outcome(*part, read, (from, to), thick));
            if let (("used", used), Some(profiles)) = (part, profiles) {
                drawn.extend(into_profiles((*used, profiles), read, to));
            }
            from += thick;
            to += thick.max(STEP - 8.0) + 8.0;
        }
        height = height.max(to - 4.0);
    }
    let summary = format!("{source}: {} read, of them {}{known}", counted(read, "row"), told.join(", "));
    Ok(Flow { source: source.to_owned(), width: WIDTH, height: pixel(height), summary, picture: shapes(&drawn)? })
}

/// How thick a number of rows is drawn; a few rows are at least a line.
fn thickness(rows: u64, read: u64) -> f64 {
    if rows == 0 { 0.0 } else { (rows as f64 / read as f64 * ROWS).max(1.5) }
}

/// The ribbon, node and text of one outcome.
fn outcome((name, rows): (&str, u64), read: u64, (from, to): (f64, f64), thick: f64) -> Vec<Shape> {
    let tip = format!("{} {name}, {} of the rows read", counted(rows, "row"), share(rows, read));
    let text_y = to + thick.max(STEP - 8.0) / 2.0 + 4.0;
    let text = format!("{} {name}", grouped(rows));
    let mut drawn = Vec::new();
    if rows > 0 {
        drawn.push(ribbon(format!("ribbon {name}"), (NODE, from, thick), (SPLIT, to, thick), tip.clone()));
        drawn.push(Shape::bar(format!("node {name}"), (SPLIT, to), (NODE, thick), tip));
    }
    let more = format!("{text}, {}", share(rows, read));
    drawn.push(Shape::text("label", (SPLIT + NODE + 8.0, text_y), if name == "used" { text } else { more }));
    drawn
}

/// The ribbon from the used rows to the profiles made from them.
fn into_profiles((used, profiles): (u64, u64), read: u64, top: f64) -> Vec<Shape> {
    let (from, to) = (thickness(used, read), thickness(profiles.min(used), read));
    let right = WIDTH - NODE;
    let tip = format!("{} for {}", counted(used, "used row"), counted(profiles, "profile"));
    let mut drawn = vec![Shape::text_before("figure", (WIDTH, 16.0), counted(profiles, "profile"))];
    if used > 0 {
        drawn.push(ribbon("ribbon profiles".to_owned(), (SPLIT + NODE, top, from), (right, top, to), tip.clone()));
        drawn.push(Shape::bar("node profiles", (right, top), (NODE, to), tip));
    }
    drawn
}

/// A band from one place to another; a place is x, top and thickness of the band.
fn ribbon(class: String, from: (f64, f64, f64), to: (f64, f64, f64), tip: String) -> Shape {
    let [x1, y1, h1, x2, y2, h2] = [from.0, from.1, from.2, to.0, to.1, to.2].map(pixel);
    let (middle, below, end) = (pixel((x1 + x2) / 2.0), pixel(y1 + h1), pixel(y2 + h2));
    let outline = format!(
        "M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2} L{x2} {end} C{middle} {end} {middle} {below} {x1} {below} Z"
    );
    Shape::Area { class, outline, tip }
}

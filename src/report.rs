//! The report of a run: one HTML file that holds all it shows. Reads the manifest, the rejects files and the Parquet file;
//! shows no customer's data.
//!
//! The page has no script and asks for nothing: figures → view models, one section a file → templates that escape every
//! value. It is well-formed XML too. It tells times, so it is no output: two runs with the same bytes have two reports.

mod bars;
mod checks;
mod figures;
mod files;
mod ledger;
mod profiles;
mod quality;
mod rejects;
mod scores;
mod skew;
mod timeline;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::draw::{Safe, render};
use crate::error::{Error, Result};
use crate::manifest::Manifest;
use crate::runs::{self, Which};
use crate::workspace::{self, MANIFEST_FILE, REPORT_FILE, WORK_FOLDER};

use profiles::Profiles;

/// Writes the report of the finished run in this output folder to `report.html` beside its manifest, whole or not at all;
/// where there is no finished run, that of the newest failed one. Gives its path.
///
/// # Errors
/// Those of [`write_of`].
pub fn write(output: &Path) -> Result<PathBuf> {
    write_of(output, &Which::Latest)
}

/// Writes the report of one of the runs in this output folder to `report.html` beside that run's manifest: for a failed
/// run, below `.onefold/failed/`. Gives its path.
///
/// # Errors
/// [`Error::NoRun`] and [`Error::Usage`] when there is no such run; [`Error::Output`] when a run holds the folder; I/O.
pub fn write_of(output: &Path, which: &Which) -> Result<PathBuf> {
    // Nothing is left in a folder that no run has written to.
    if ![WORK_FOLDER, MANIFEST_FILE].iter().any(|name| output.join(name).exists()) {
        return Err(Error::NoRun(output.to_owned()));
    }
    workspace::replace(output, || {
        let run = runs::find(output, which)?;
        let page = page(&run.manifest, &output.join(&run.folder))?;
        Ok((run.folder.join(REPORT_FILE), page.into_bytes()))
    })
}

/// What the page's template is given.
#[derive(Serialize)]
struct Page {
    style: Safe,
    head: figures::Head,
    sections: Vec<Section>,
}

#[derive(Serialize)]
struct Section {
    id: &'static str,
    name: &'static str,
    body: Safe,
}

/// The page of a run whose files are in `folder`.
fn page(manifest: &Manifest, folder: &Path) -> Result<String> {
    let profiles = Profiles::open(folder, manifest)?;
    let profiles = profiles.as_ref();
    let timeline = timeline::timeline(manifest)?;
    let ledger = ledger::ledger(manifest)?;
    let scores = scores::scores(manifest, profiles)?;
    let quality = quality::quality(manifest, profiles, rejects::reasons(folder, manifest)?)?;
    let shards = skew::shards(manifest)?;
    let (facts, files) = (figures::facts(manifest)?, files::files(manifest));
    let section = |id, name, body| Section { id, name, body };
    let sections = vec![
        section("timeline", "Timeline", render("timeline.html", include_str!("report/timeline.html"), &timeline)?),
        section("ledger", "Ledger", render("ledger.html", include_str!("report/ledger.html"), &ledger)?),
        section("scores", "Scores", render("scores.html", include_str!("report/scores.html"), &scores)?),
        section("quality", "Data quality", render("quality.html", include_str!("report/quality.html"), &quality)?),
        section(
            "checks",
            "Checks",
            render("checks.html", include_str!("report/checks.html"), &checks::checks(manifest))?,
        ),
        section("shards", "Shards", render("skew.html", include_str!("report/skew.html"), &shards)?),
        section("run", "Run", render("facts.html", include_str!("report/facts.html"), &facts)?),
        section("files", "Files", render("files.html", include_str!("report/files.html"), &files)?),
    ];
    let page =
        Page { style: Safe::constant(include_str!("report/style.css")), head: figures::head(manifest), sections };
    Ok(render("page.html", include_str!("report/page.html"), &page)?.as_str().to_owned())
}

#[cfg(test)]
mod tests;

//! The report of a run: one HTML file that needs no other. Reads the manifest, the rejects files and the Parquet file;
//! never shows a customer's data.
//!
//! The page has no script and loads nothing: numbers → view models, one file per section → templates that escape every
//! value. It is well-formed XML too. It is not an output, because it shows times: two runs with the same outputs have
//! different reports.

mod bars;
mod files;
mod head;
mod identity;
mod ledger;
mod profiles;
mod quality;
mod rejects;
mod rules;
mod scores;
mod skew;
mod timeline;

use std::path::{Path, PathBuf};

use onefold::manifest::{self, MANIFEST_FILE, Manifest, REPORT_FILE, WORK_FOLDER, Which};
use onefold::{Error, Result};
use serde::Serialize;

use crate::cli::tell::draw::{Safe, render};

use profiles::Profiles;

/// Writes the report of the finished run in this output folder, or of the newest failed one if there is none, to
/// `report.html` beside its manifest. Gives its path.
pub fn write(output: &Path) -> Result<PathBuf> {
    write_of(output, &Which::Latest)
}

/// Writes the report of one of the runs in this output folder to `report.html` beside that run's manifest: for a failed
/// run, in `.onefold/failed/`. Gives its path.
pub fn write_of(output: &Path, which: &Which) -> Result<PathBuf> {
    // Creates nothing in a folder that no run has written to.
    if ![WORK_FOLDER, MANIFEST_FILE].iter().any(|name| output.join(name).exists()) {
        return Err(Error::NoRun(output.to_owned()));
    }
    manifest::replace(output, || {
        let run = manifest::find(output, which)?;
        let page = page(&run.manifest, &output.join(&run.folder))?;
        Ok((run.folder.join(REPORT_FILE), page.into_bytes()))
    })
}

/// The values of the page's template.
#[derive(Serialize)]
struct Page {
    style: Safe,
    head: head::Head,
    sections: Vec<Section>,
}

#[derive(Serialize)]
struct Section {
    id: &'static str,
    name: &'static str,
    body: Safe,
}

/// The page for a run whose files are in `folder`.
fn page(manifest: &Manifest, folder: &Path) -> Result<String> {
    let profiles = Profiles::open(folder, manifest)?;
    let profiles = profiles.as_ref();
    let timeline = timeline::timeline(manifest)?;
    let ledger = ledger::ledger(manifest)?;
    let identity = identity::identity(manifest, folder)?;
    let scores = scores::scores(manifest, profiles)?;
    let quality = quality::quality(manifest, profiles, rejects::reasons(folder, manifest)?)?;
    let shards = skew::shards(manifest)?;
    let (facts, files) = (head::facts(manifest)?, files::files(manifest));
    let section = |id, name, body| Section { id, name, body };
    let mut sections = vec![
        section("timeline", "Timeline", render("timeline.html", include_str!("report/timeline.html"), &timeline)?),
        section("ledger", "Ledger", render("ledger.html", include_str!("report/ledger.html"), &ledger)?),
        section("scores", "Scores", render("scores.html", include_str!("report/scores.html"), &scores)?),
        section("quality", "Data quality", render("quality.html", include_str!("report/quality.html"), &quality)?),
        section(
            "checks",
            "Checks",
            render("checks.html", include_str!("report/checks.html"), &rules::rules(manifest))?,
        ),
        section("shards", "Shards", render("skew.html", include_str!("report/skew.html"), &shards)?),
        section("run", "Run", render("facts.html", include_str!("report/facts.html"), &facts)?),
        section("files", "Files", render("files.html", include_str!("report/files.html"), &files)?),
    ];
    if let Some(identity) = identity {
        let body = render("identity.html", include_str!("report/identity.html"), &identity)?;
        sections.insert(2, section("identity", "Identity", body));
    }
    let page = Page { style: Safe::constant(include_str!("report/style.css")), head: head::head(manifest), sections };
    Ok(render("page.html", include_str!("report/page.html"), &page)?.as_str().to_owned())
}

#[cfg(test)]
mod tests;

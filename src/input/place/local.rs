//! Which files belong to which source. Owns patterns, order and the hint for a missing file; opens nothing.

use std::fs;
use std::path::{Path, PathBuf};

use glob::Pattern;

use crate::error::{Error, Result};
use crate::spec::{Delimiter, Encoding, Source, Spec, did_you_mean};

/// Where the inputs are, and how they are written if the spec does not say.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The input folder.
    pub folder: PathBuf,
    /// `(source, file)`: files to read instead of those in the folder, in order.
    pub overrides: Vec<(String, PathBuf)>,
    /// Encoding of files without a byte-order mark whose source declares none.
    pub encoding: Option<Encoding>,
    /// Delimiter of files whose source declares none.
    pub delimiter: Option<Delimiter>,
}

impl Inputs {
    /// The files in a folder.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), overrides: Vec::new(), encoding: None, delimiter: None }
    }
}

/// A file that was found.
pub struct Located {
    pub path: PathBuf,
    /// Its name in messages.
    pub name: String,
}

/// The files found, by source.
pub struct Listing {
    pub sources: Vec<Vec<Located>>,
    pub unmatched: Vec<String>,
}

/// Finds each source's files, in byte order of file name.
pub fn discover(spec: &Spec, inputs: &Inputs) -> Result<Listing> {
    for (name, _) in &inputs.overrides {
        if !spec.sources.iter().any(|s| s.name == *name) {
            let near = did_you_mean(name, spec.sources.iter().map(|s| s.name.as_str()));
            return Err(Error::Usage(format!("--source: the profile has no source `{name}`{near}")));
        }
    }
    let needs_folder = spec.sources.iter().any(|s| !inputs.overrides.iter().any(|(name, _)| *name == s.name));
    let listing = if needs_folder { list(&inputs.folder, spec)? } else { Vec::new() };
    let mut matched = vec![false; listing.len()];
    let mut sources = Vec::new();
    for source in &spec.sources {
        let by_hand: Vec<&PathBuf> =
            inputs.overrides.iter().filter(|(n, _)| *n == source.name).map(|(_, f)| f).collect();
        sources.push(if by_hand.is_empty() {
            in_folder(source, inputs, &listing, &mut matched)?
        } else {
            once(&source.name, by_hand.into_iter().map(|file| named(file)).collect::<Result<_>>()?)?
        });
    }
    let is_csv = |name: &str| Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    let unmatched = listing.iter().zip(&matched).filter(|(name, known)| !**known && is_csv(name));
    Ok(Listing { sources, unmatched: unmatched.map(|(name, _)| name.clone()).collect() })
}

/// Fails for a file that is named twice: its rows would count twice.
fn once(source: &str, files: Vec<Located>) -> Result<Vec<Located>> {
    let again = files.iter().enumerate().find(|(at, file)| files[..*at].iter().any(|before| before.path == file.path));
    match again {
        Some((_, Located { name, .. })) => {
            Err(Error::Usage(format!("--source {source} names `{name}` twice: name it once")))
        }
        None => Ok(files),
    }
}

/// A file that `overrides` names: its absolute path is its name, so that it can be found again from the manifest.
fn named(file: &Path) -> Result<Located> {
    let path = fs::canonicalize(file).map_err(|e| Error::reading(file, e))?;
    let name = path.display().to_string();
    Ok(Located { path, name })
}

/// The folder's file names, in byte order.
fn list(folder: &Path, spec: &Spec) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).map_err(|e| Error::reading(folder, e))?;
    let (mut names, mut odd) = (Vec::new(), Vec::new());
    for entry in entries {
        let entry = entry.map_err(|e| Error::reading(folder, e))?;
        match entry.file_name().into_string() {
            Ok(name) => names.push(name),
            Err(name) => odd.push(name.to_string_lossy().into_owned()),
        }
    }
    // Rejects and the manifest could not name such a file, and leaving it out would silently lose its rows.
    for source in &spec.sources {
        let patterns = patterns(source)?;
        if let Some(name) = odd.iter().find(|n| patterns.iter().any(|p| p.matches(n))) {
            let message = format!("the name of `{}` is not UTF-8: rename the file", folder.join(name).display());
            return Err(Error::input(&source.name, message));
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn in_folder(source: &Source, inputs: &Inputs, listing: &[String], matched: &mut [bool]) -> Result<Vec<Located>> {
    let mut files = Vec::new();
    let patterns = patterns(source)?;
    for (name, matched) in listing.iter().zip(matched) {
        if patterns.iter().any(|p| p.matches(name)) {
            *matched = true;
            files.push(Located { path: inputs.folder.join(name), name: name.clone() });
        }
    }
    if !files.is_empty() || !source.required {
        return Ok(files);
    }
    let expected = source.files.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(" or ");
    let same_but_case = listing.iter().find(|name| {
        patterns
            .iter()
            .any(|p| p.matches_with(name, glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::new() }))
    });
    let hint = match same_but_case {
        Some(name) => format!("; `{name}` differs only in case: rename it"),
        None => format!("; add the file or name it with `--source {}=FILE`", source.name),
    };
    Err(Error::input(&source.name, format!("no file {expected} in `{}`{hint}", inputs.folder.display())))
}

fn patterns(source: &Source) -> Result<Vec<Pattern>> {
    let compile = |text: &String| {
        Pattern::new(text).map_err(|e| Error::input(&source.name, format!("`{text}` is not a valid file pattern: {e}")))
    };
    source.files.iter().map(compile).collect()
}

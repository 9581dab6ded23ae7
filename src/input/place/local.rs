//! Which files belong to which source. Owns patterns, order and the hint for a missing file; opens nothing.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

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
    /// Names of files in the folder that a run wrote: they match no source.
    pub(crate) outputs: Vec<String>,
}

impl Inputs {
    /// The files in a folder.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), overrides: Vec::new(), encoding: None, delimiter: None, outputs: Vec::new() }
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
    /// Files that match a source, but are left over from something else, by their names.
    pub left_over: Vec<String>,
    /// Files that match a source, but are outputs of a run.
    pub outputs: Vec<String>,
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
    let Names { files: listing, left_over } = if needs_folder { list(&inputs.folder, spec)? } else { Names::default() };
    let (outputs, listing): (Vec<String>, Vec<String>) =
        listing.into_iter().partition(|name| inputs.outputs.contains(name));
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
    let unmatched = unmatched.map(|(name, _)| name.clone()).collect();
    Ok(Listing { sources, unmatched, left_over: wanted(spec, left_over)?, outputs: wanted(spec, outputs)? })
}

/// The names that some source's patterns match.
fn wanted(spec: &Spec, names: Vec<String>) -> Result<Vec<String>> {
    let patterns = spec.sources.iter().map(|source| patterns(source)).collect::<Result<Vec<_>>>()?.concat();
    Ok(names.into_iter().filter(|name| patterns.iter().any(|p| p.matches_with(name, MATCHING))).collect())
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

/// The folder's file names, in byte order; with a pattern that has a `/` those of its folders too, as `folder/name`. What
/// browsers and systems leave behind is listed apart.
fn list(folder: &Path, spec: &Spec) -> Result<Names> {
    let deep = spec.sources.iter().flat_map(|source| &source.files).any(|pattern| pattern.contains('/'));
    let mut names = Names::default();
    let mut odd = Vec::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((path, before)) = folders.pop() {
        for entry in fs::read_dir(&path).map_err(|e| Error::reading(&path, e))? {
            let entry = entry.map_err(|e| Error::reading(&path, e))?;
            let name = match entry.file_name().into_string() {
                Ok(name) => format!("{before}{name}"),
                Err(name) => {
                    odd.push(format!("{before}{}", name.to_string_lossy()));
                    continue;
                }
            };
            // A link to a folder is not followed: it could lead back here.
            if deep && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push((entry.path(), format!("{name}/")));
            } else if is_left_over(&name) {
                names.left_over.push(name);
            } else {
                names.files.push(name);
            }
        }
    }
    // Rejects and the manifest could not name such a file, and leaving it out would silently lose its rows.
    for source in &spec.sources {
        let patterns = patterns(source)?;
        if let Some(name) = odd.iter().find(|n| patterns.iter().any(|p| p.matches_with(n, MATCHING))) {
            let message = format!("the name of `{}` is not UTF-8: rename the file", folder.join(name).display());
            return Err(Error::input(&source.name, message));
        }
    }
    names.files.sort_unstable();
    names.left_over.sort_unstable();
    Ok(names)
}

/// The names in a folder.
#[derive(Default)]
struct Names {
    files: Vec<String>,
    left_over: Vec<String>,
}

/// Whether a name is one that systems, editors and unfinished downloads leave beside real files.
fn is_left_over(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let starts = ["._", "~$", ".~lock."].iter().any(|start| name.starts_with(start));
    let ends = [".crdownload", ".part", ".partial", ".download", ".opdownload"].iter().any(|end| name.ends_with(end));
    starts || ends || matches!(name.as_str(), ".ds_store" | "thumbs.db" | "desktop.ini")
}

/// A star stays within a folder; `**` does not.
const MATCHING: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

/// Orders names so that runs of digits count as numbers: `bill-2` before `bill-10`. Equal ones are ordered by their bytes.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    loop {
        let order = match (left, right) {
            ([], _) | (_, []) => return left.len().cmp(&right.len()).then_with(|| a.cmp(b)),
            ([x, ..], [y, ..]) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (one, other) = (digits(&mut left), digits(&mut right));
                one.len().cmp(&other.len()).then_with(|| one.cmp(other))
            }
            ([x, ..], [y, ..]) => {
                let order = x.cmp(y);
                (left, right) = (&left[1..], &right[1..]);
                order
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Takes the digits at a text's start; gives them without leading zeros.
fn digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    let end = text.iter().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    *text = rest;
    let zeros = number.iter().position(|b| *b != b'0').unwrap_or(number.len());
    &number[zeros..]
}

fn in_folder(source: &Source, inputs: &Inputs, listing: &[String], matched: &mut [bool]) -> Result<Vec<Located>> {
    let mut files: Vec<Located> = Vec::new();
    let patterns = patterns(source)?;
    for (name, matched) in listing.iter().zip(matched) {
        if patterns.iter().any(|p| p.matches_with(name, MATCHING)) {
            *matched = true;
            files.push(Located { path: inputs.folder.join(name), name: name.clone() });
        }
    }
    if source.form.natural_order {
        files.sort_by(|a, b| natural(&a.name, &b.name));
    }
    if !files.is_empty() || !source.required {
        return Ok(files);
    }
    let expected = source.files.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(" or ");
    let same_but_case = listing
        .iter()
        .find(|name| patterns.iter().any(|p| p.matches_with(name, MatchOptions { case_sensitive: false, ..MATCHING })));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_in_names_are_numbers_when_asked_for() {
        let mut names = ["bill-10", "bill-2", "bill-02", "bill", "bill-2b", "cill-1", "bill-18446744073709551617"];
        names.sort_by(|a, b| natural(a, b));
        let sorted = ["bill", "bill-02", "bill-2", "bill-2b", "bill-10", "bill-18446744073709551617", "cill-1"];
        assert_eq!(names, sorted);
    }

    #[test]
    fn names_of_left_over_files() {
        let yes = ["._crm.csv", "a/~$crm.xlsx", ".DS_Store", "crm.csv.crdownload", ".~lock.crm.csv#", "crm.csv.part"];
        assert!(yes.iter().all(|name| is_left_over(name)));
        assert!(!["crm.csv", "_crm.csv", "part.csv", "crm.part.csv"].iter().any(|name| is_left_over(name)));
    }
}

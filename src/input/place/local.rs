//! Which files belong to which source. Owns patterns, order and the hint for a missing file; opens nothing.

use std::cmp::Ordering;
use std::collections::BTreeSet;
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
    /// Most bytes that a packed input may unpack to.
    pub max_unpacked: u64,
    /// Names of files in the folder that a run wrote: they match no source.
    pub(crate) outputs: Vec<String>,
}

impl Inputs {
    /// The files in a folder.
    pub fn of(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            overrides: Vec::new(),
            encoding: None,
            delimiter: None,
            max_unpacked: 1_000_000_000_000,
            outputs: Vec::new(),
        }
    }
}

/// A file that was found.
pub struct Located {
    pub path: PathBuf,
    /// Its name in messages.
    pub name: String,
    /// Which members are wanted, if it is an archive.
    pub members: Members,
}

/// Which members of an archive are wanted.
pub enum Members {
    All,
    /// The one of this name.
    Named(String),
    /// Those that match one of these patterns.
    Like(Vec<Pattern>),
}

impl Members {
    pub fn has(&self, name: &str) -> bool {
        match self {
            // What systems leave beside files they leave in archives too.
            Self::All => !is_left_over(name) && !name.split('/').any(|part| part == "__MACOSX"),
            Self::Named(one) => one == name,
            Self::Like(patterns) => {
                Self::All.has(name) && patterns.iter().any(|pattern| pattern.matches_with(name, MATCHING))
            }
        }
    }
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
    let Names { files: listing, left_over } = if needs_folder { list(inputs, spec)? } else { Names::default() };
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
            by_hand.into_iter().map(|file| named(file)).collect::<Result<_>>()?
        });
    }
    let unmatched = listing.iter().zip(&matched).filter(|(name, known)| !**known && is_data(name));
    let unmatched = unmatched.map(|(name, _)| name.clone()).collect();
    Ok(Listing { sources, unmatched, left_over: wanted(spec, left_over)?, outputs: wanted(spec, outputs)? })
}

/// The names that some source's patterns match.
fn wanted(spec: &Spec, names: Vec<String>) -> Result<Vec<String>> {
    let patterns = spec.sources.iter().map(|source| patterns(source)).collect::<Result<Vec<_>>>()?.concat();
    Ok(names.into_iter().filter(|name| patterns.iter().any(|(file, _)| file.matches_with(name, MATCHING))).collect())
}

/// A file that `overrides` names, or `archive!member`: its absolute path is its name, so that it can be found again from
/// the manifest.
fn named(file: &Path) -> Result<Located> {
    let (file, member) = split(file);
    let path = fs::canonicalize(&file).map_err(|e| Error::reading(&file, e))?;
    let archive = path.display().to_string();
    Ok(match member {
        Some(member) => Located { path, name: format!("{archive}!{member}"), members: Members::Named(member) },
        None => Located { path, name: archive, members: Members::All },
    })
}

/// Splits a path that names a member of an archive, as `archive.zip!member`, unless there is a file of that name.
fn split(path: &Path) -> (PathBuf, Option<String>) {
    let Some(text) = path.to_str().filter(|_| !path.exists()) else { return (path.to_owned(), None) };
    let mut splits = text.match_indices('!').map(|(at, _)| text.split_at(at));
    match splits.find(|(file, _)| Path::new(file).is_file()) {
        Some((file, member)) => (file.into(), member.strip_prefix('!').map(str::to_owned)),
        None => (path.to_owned(), None),
    }
}

/// The folder's file names, in byte order; with a pattern that has a `/` those of its folders too, as `folder/name`. What
/// browsers and systems leave behind is listed apart.
fn list(inputs: &Inputs, spec: &Spec) -> Result<Names> {
    let folder = &inputs.folder;
    let deep = spec
        .sources
        .iter()
        .flat_map(|source| &source.files)
        .any(|pattern| pattern.contains('/') || pattern.contains("**"));
    let mut names = Names::default();
    let mut odd = Vec::new();
    let mut folders = vec![(folder.clone(), String::new())];
    let mut searched: BTreeSet<PathBuf> = fs::canonicalize(folder).into_iter().collect();
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
            if deep && entry.path().is_dir() {
                // A link can lead back to a folder that was searched.
                let is_new = fs::canonicalize(entry.path()).is_ok_and(|real| searched.insert(real));
                if inputs.outputs.contains(&name) || !is_new {
                    continue;
                }
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
        if let Some(name) = odd.iter().find(|n| patterns.iter().any(|(file, _)| file.matches_with(n, MATCHING))) {
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
pub fn natural(a: &str, b: &str) -> Ordering {
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
    let patterns = patterns(source)?;
    let mut files = fitting(&patterns, "", inputs, listing, matched);
    // What was packed after the spec was written is still the same file.
    for packed in [".gz", ".zst", ".zip"] {
        if files.is_empty() {
            files = fitting(&patterns, packed, inputs, listing, matched);
        }
    }
    if source.form.natural_order {
        files.sort_by(|a, b| natural(&a.name, &b.name));
    }
    if !files.is_empty() || !source.required {
        return Ok(files);
    }
    let expected = source.files.iter().map(|f| format!("`{f}`")).collect::<Vec<_>>().join(" or ");
    let same_but_case = listing.iter().find(|name| {
        patterns.iter().any(|(file, _)| file.matches_with(name, MatchOptions { case_sensitive: false, ..MATCHING }))
    });
    let written = inputs.outputs.iter().find(|name| patterns.iter().any(|(file, _)| file.matches_with(name, MATCHING)));
    let hint = match same_but_case {
        _ if written.is_some() => {
            format!("; `{}` is the output of a run and is not read", written.map_or("", String::as_str))
        }
        Some(name) => format!("; `{name}` differs only in case: rename it"),
        None => format!("; add the file or name it with `--source {}=FILE`", source.name),
    };
    Err(Error::input(&source.name, format!("no file {expected} in `{}`{hint}", inputs.folder.display())))
}

/// The files that a pattern matches when this stands behind it.
fn fitting(
    patterns: &[Patterns],
    behind: &str,
    inputs: &Inputs,
    listing: &[String],
    matched: &mut [bool],
) -> Vec<Located> {
    let mut files = Vec::new();
    for (name, matched) in listing.iter().zip(matched) {
        let Some(stem) = name.strip_suffix(behind) else { continue };
        // A name with brackets is also itself.
        let fits = |file: &Pattern| file.matches_with(stem, MATCHING) || file.as_str() == stem;
        let fitting: Vec<_> = patterns.iter().filter(|(file, _)| fits(file)).collect();
        if fitting.is_empty() {
            continue;
        }
        *matched = true;
        // All members, if a pattern names none.
        let members: Option<Vec<Pattern>> = fitting.into_iter().map(|(_, member)| member.clone()).collect();
        let members = members.map_or(Members::All, Members::Like);
        files.push(Located { path: inputs.folder.join(name), name: name.clone(), members });
    }
    files
}

/// Whether a name is one of data that a source may have been meant to read.
fn is_data(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    [".csv", ".tsv", ".jsonl", ".ndjson", ".xlsx", ".parquet", ".zip"].iter().any(|end| stem.ends_with(end))
}

/// A pattern of files, and one of their members if they are archives of which not all are wanted.
type Patterns = (Pattern, Option<Pattern>);

fn patterns(source: &Source) -> Result<Vec<Patterns>> {
    let compile = |text: &str| {
        Pattern::new(text.trim_start_matches("./"))
            .map_err(|e| Error::input(&source.name, format!("`{text}` is not a valid file pattern: {e}")))
    };
    let both = |text: &String| match text.split_once('!') {
        Some((archive, member)) => Ok((compile(archive)?, Some(compile(member)?))),
        None => Ok((compile(text)?, None)),
    };
    source.files.iter().map(both).collect()
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

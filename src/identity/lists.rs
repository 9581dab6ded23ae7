//! The files that a spec names beside its sources: maps, pairs to keep apart, values to erase, values that join nothing.
//! Owns their form: small CSV files, of which every line must be whole.

use std::fs;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use sha2::{Digest, Sha256};

use super::collect::Collector;
use super::kinds::Kinds;
use crate::disk::{hex, sha256_of};
use crate::error::{Error, Result};
use crate::spec::identity::Identity;

/// A list as it was read.
#[derive(Debug, Clone)]
pub struct ListFile {
    /// Its name: in the input folder, or a path that was given by hand.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha256: String,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Of the map with this index.
    Map(usize),
    Apart,
    Erase,
    /// Of the kind with this index.
    Block(usize),
}

/// What the lists say, by the numbers that the collector gave; later by those of all identifiers.
#[derive(Debug, Default)]
pub struct Lists {
    pub maps: Vec<MapLine>,
    pub apart: Vec<(u32, u32)>,
    pub erase: Vec<u32>,
}

/// One line of a map.
#[derive(Debug, Clone, Copy)]
pub struct MapLine {
    pub left: u32,
    pub right: u32,
    /// Index of the map in the spec.
    pub map: u32,
    pub line: u64,
}

impl ListFile {
    /// Reads the files of a spec, and a further list of values to erase.
    ///
    /// Fails with [`Error::Io`] for one that cannot be read.
    pub fn read_all(identity: &Identity, folder: &Path, erase: Option<&Path>) -> Result<Vec<Self>> {
        let maps = identity.maps.iter().enumerate().map(|(at, map)| (map.file.clone(), Role::Map(at)));
        let apart = identity.apart.iter().map(|file| (file.clone(), Role::Apart));
        let listed = identity.erase.iter().map(|file| (file.clone(), Role::Erase));
        let block = identity.kinds.iter().enumerate();
        let block = block.filter_map(|(at, kind)| Some((kind.block_file.clone()?, Role::Block(at))));
        let named = maps.chain(apart).chain(listed).chain(block);
        let named = named.map(|(name, role)| Self::read(&folder.join(&name), name, role));
        let by_hand = erase.map(|path| Self::read(path, path.display().to_string(), Role::Erase));
        named.chain(by_hand).collect()
    }

    fn read(path: &Path, name: String, role: Role) -> Result<Self> {
        let (_, sha256) = sha256_of(path).map_err(|e| Error::reading(path, e))?;
        Ok(Self { name, path: path.to_owned(), sha256, role })
    }

    /// Its text. A map may be large: it is held only while it is used.
    fn text(&self) -> Result<String> {
        let bytes = fs::read(&self.path).map_err(|e| Error::reading(&self.path, e))?;
        if hex(&Sha256::digest(&bytes)) != self.sha256 {
            return Err(Error::List(format!(
                "`{}` changed while the run read it: run again when nothing writes to it",
                self.name
            )));
        }
        let mut text = String::from_utf8(bytes).map_err(|e| {
            let line = 1 + e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
            Error::List(format!("`{}` line {line}: it is not UTF-8: save the file as UTF-8", self.name))
        })?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(text)
    }

    /// Whether it lists what is to be erased.
    pub fn erases(&self) -> bool {
        self.role == Role::Erase
    }

    /// Kinds and values of a list of what is to be erased.
    pub fn erase_lines(&self) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        if self.erases() {
            // A run has read the same file without a fault.
            let _ = each_line(self, &["kind", "value"], |_, cells| {
                lines.push((cells[0].clone(), cells[1].clone()));
                Ok(())
            });
        }
        lines
    }

    /// For each kind the values of its `block_file`: a pattern a line, space around it left out.
    pub fn blocked(files: &[Self], kinds: usize) -> Result<Vec<Vec<String>>> {
        let mut blocked = vec![Vec::new(); kinds];
        for file in files {
            if let Role::Block(kind) = file.role {
                let text = file.text()?;
                let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
                blocked[kind].extend(lines.map(str::to_owned));
            }
        }
        Ok(blocked)
    }
}

impl Lists {
    /// Reads what the files say. Fails for a line that is not whole, an unknown kind, a bad value.
    pub fn collect(files: &[ListFile], identity: &Identity, kinds: &Kinds, into: &mut Collector) -> Result<Self> {
        let mut reading = Reading { identity, kinds, into, lists: Self::default() };
        for file in files {
            match file.role {
                Role::Map(at) => reading.map(at, file)?,
                Role::Apart => reading.apart(file)?,
                Role::Erase => reading.erase(file)?,
                Role::Block(_) => {}
            }
        }
        Ok(reading.lists)
    }

    /// The same by the numbers of all identifiers; `numbers` are those of the collector's.
    pub fn numbered(mut self, numbers: &[u32]) -> Self {
        let number = |of_list: &mut u32| *of_list = numbers[*of_list as usize];
        self.maps.iter_mut().flat_map(|line| [&mut line.left, &mut line.right]).for_each(number);
        self.apart.iter_mut().flat_map(|(a, b)| [a, b]).for_each(number);
        self.erase.iter_mut().for_each(number);
        self.erase.sort_unstable();
        self.erase.dedup();
        self
    }
}

/// The lists, while they are read.
struct Reading<'a> {
    identity: &'a Identity,
    kinds: &'a Kinds,
    into: &'a mut Collector,
    lists: Lists,
}

impl Reading<'_> {
    fn map(&mut self, at: usize, file: &ListFile) -> Result<()> {
        let map = &self.identity.maps[at];
        let (left, right) = (&map.left, &map.right);
        each_line(file, &[&left.column, &right.column], |line, cells| {
            // A cell that is null or bad joins nothing.
            let sides = (self.add(left.kind, &cells[0]), self.add(right.kind, &cells[1]));
            if let (Some(left), Some(right)) = sides {
                self.lists.maps.push(MapLine { left, right, map: at as u32, line });
            }
            Ok(())
        })
    }

    fn apart(&mut self, file: &ListFile) -> Result<()> {
        each_line(file, &["kind_a", "value_a", "kind_b", "value_b"], |line, cells| {
            let (a, a_form) = self.listed(file, line, &cells[0], &cells[1])?;
            let (b, b_form) = self.listed(file, line, &cells[2], &cells[3])?;
            if a_form == b_form {
                return Err(fault(file, line, "both identifiers are the same one"));
            }
            self.lists.apart.push((a, b));
            Ok(())
        })
    }

    fn erase(&mut self, file: &ListFile) -> Result<()> {
        each_line(file, &["kind", "value"], |line, cells| {
            let (value, _) = self.listed(file, line, &cells[0], &cells[1])?;
            self.lists.erase.push(value);
            Ok(())
        })
    }

    fn add(&mut self, kind: usize, cell: &str) -> Option<u32> {
        self.into.add(kind, cell, &mut true).map(|number| number as u32)
    }

    /// An identifier that must be one: its number, its kind and its one form.
    fn listed(&mut self, file: &ListFile, line: u64, kind: &str, cell: &str) -> Result<(u32, (usize, String))> {
        let at = self.identity.kinds.iter().position(|known| known.name == kind);
        let at = at.ok_or_else(|| fault(file, line, "its kind is not one of `name_by`"))?;
        let form = self.kinds.read(at, cell).filter(|value| !value.is_empty());
        let form = form.ok_or_else(|| fault(file, line, "its value is not one of its kind"))?.into_owned();
        let number = self.add(at, cell).ok_or_else(|| fault(file, line, "it has no value"))?;
        Ok((number, (at, form)))
    }
}

/// Calls `take` for each line with the cells of these columns, trimmed.
fn each_line(file: &ListFile, columns: &[&str], mut take: impl FnMut(u64, &[String]) -> Result<()>) -> Result<()> {
    let text = file.text()?;
    let line_of = |position: &csv::Position| line_of(&text, position);
    let unreadable = |e: &csv::Error| {
        let line = e.position().map_or(1, line_of);
        fault(file, line, "it has more or fewer fields than the header")
    };
    if let Some(line) = wrong_quote(&text) {
        return Err(fault(file, line, "a quote opens here and is not closed at the end of its field"));
    }
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| unreadable(&e))?.clone();
    let at = |name: &&str| {
        let found: Vec<usize> = (0..header.len()).filter(|at| header.get(*at) == Some(name)).collect();
        match found[..] {
            [at] => Ok(at),
            [] => Err(fault(file, 1, &format!("it has no column `{name}`"))),
            _ => Err(fault(file, 1, &format!("it has the column `{name}` twice"))),
        }
    };
    let places = columns.iter().map(at).collect::<Result<Vec<usize>>>()?;
    let mut record = StringRecord::new();
    let mut cells = Vec::new();
    while reader.read_record(&mut record).map_err(|e| unreadable(&e))? {
        let line = record.position().map_or(0, line_of);
        cells.clear();
        cells.extend(places.iter().map(|at| record.get(*at).unwrap_or_default().to_owned()));
        take(line, &cells)?;
    }
    Ok(())
}

/// The line of the first quote that opens a field and is not closed at the field's end.
fn wrong_quote(text: &str) -> Option<u64> {
    let (mut line, mut opened, mut is_start) = (1, None, true);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (opened, c) {
            (Some(_), '"') if chars.next_if_eq(&'"').is_some() => {}
            (Some(at), '"') => {
                if chars.peek().is_some_and(|next| !matches!(next, ',' | '\n' | '\r')) {
                    return Some(at);
                }
                opened = None;
            }
            (None, '"') if is_start => opened = Some(line),
            _ => {}
        }
        line += u64::from(c == '\n');
        is_start = opened.is_none() && matches!(c, ',' | '\n' | '\r');
    }
    opened
}

/// The line of a record: empty lines before it are none of it, though its position is theirs.
fn line_of(text: &str, position: &csv::Position) -> u64 {
    let rest = text.as_bytes().get(position.byte() as usize..).unwrap_or_default();
    let empty = rest.iter().take_while(|b| matches!(b, b'\n' | b'\r')).filter(|b| **b == b'\n').count();
    position.line() + empty as u64
}

fn fault(file: &ListFile, line: u64, why: &str) -> Error {
    Error::List(format!("`{}` line {line}: {why}", file.name))
}

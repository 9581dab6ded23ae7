//! Maps and lists, read for the witness. Their digests are proved before; what a run has refused is wrong here too.

use std::path::Path;

use super::{Cell, Witness};
use crate::audit::verify::wrong;
use crate::error::{Error, Result};
use crate::output::manifest::Manifest;
use crate::spec::identity::Identity;

/// What the lists say.
#[derive(Default)]
pub struct Lists {
    pub maps: Vec<(Cell, Cell)>,
    pub apart: Vec<(u32, u32)>,
    pub erase: Vec<u32>,
}

/// Texts of the lists, by what they are for.
pub struct Files {
    maps: Vec<String>,
    apart: Option<String>,
    erase: Vec<String>,
    block: Vec<Option<String>>,
}

impl Files {
    pub fn read(identity: &Identity, input: &Path, manifest: &Manifest) -> Result<Self> {
        let read = |name: &String| {
            let path = input.join(name);
            let text = std::fs::read_to_string(&path).map_err(|e| Error::reading(&path, e))?;
            Ok::<_, Error>(text.trim_start_matches('\u{feff}').to_owned())
        };
        let by_hand = manifest.options.erase.as_ref().map(|path| {
            let text = std::fs::read_to_string(path).map_err(|e| Error::reading(Path::new(path), e))?;
            Ok(text.trim_start_matches('\u{feff}').to_owned())
        });
        Ok(Self {
            maps: identity.maps.iter().map(|map| read(&map.file)).collect::<Result<_>>()?,
            apart: identity.apart.as_ref().map(read).transpose()?,
            erase: identity.erase.iter().map(read).chain(by_hand).collect::<Result<_>>()?,
            block: identity
                .kinds
                .iter()
                .map(|kind| kind.block_file.as_ref().map(read).transpose())
                .collect::<Result<_>>()?,
        })
    }

    /// For each kind the patterns of its file.
    pub fn blocked(&self) -> Vec<Vec<String>> {
        let lines = |text: &String| {
            let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
            lines.map(str::to_owned).collect()
        };
        self.block.iter().map(|text| text.as_ref().map(lines).unwrap_or_default()).collect()
    }

    pub fn lists(&self, witness: &mut Witness<'_>) -> Result<Lists> {
        let mut lists = Lists::default();
        let identity = witness.identity;
        for (map, text) in identity.maps.iter().zip(&self.maps) {
            for line in table(text, &[&map.left.column, &map.right.column])? {
                let sides = (witness.read(map.left.kind, &line[0]), witness.read(map.right.kind, &line[1]));
                lists.maps.extend(sides.0.zip(sides.1));
            }
        }
        let mut listed = |kind: &str, value: &str| {
            let kind = identity.kinds.iter().position(|known| known.name == kind);
            let cell = kind.and_then(|kind| witness.read(kind, value)).flatten();
            cell.ok_or_else(|| wrong("a list of identifiers has a line that a run refuses"))
        };
        if let Some(text) = &self.apart {
            for line in table(text, &["kind_a", "value_a", "kind_b", "value_b"])? {
                lists.apart.push((listed(&line[0], &line[1])?, listed(&line[2], &line[3])?));
            }
        }
        for text in &self.erase {
            for line in table(text, &["kind", "value"])? {
                lists.erase.push(listed(&line[0], &line[1])?);
            }
        }
        Ok(lists)
    }
}

/// The cells of these columns, line by line.
fn table(text: &str, columns: &[&str]) -> Result<Vec<Vec<String>>> {
    let unreadable = || wrong("a list of identifiers is no CSV with the columns that the spec names");
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|_| unreadable())?.clone();
    let at = |name: &&str| header.iter().position(|known| known == *name).ok_or_else(unreadable);
    let places = columns.iter().map(at).collect::<Result<Vec<usize>>>()?;
    let cells =
        |record: csv::StringRecord| places.iter().map(|at| record.get(*at).unwrap_or_default().to_owned()).collect();
    reader.records().map(|record| record.map(cells).map_err(|_| unreadable())).collect()
}

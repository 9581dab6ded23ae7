//! The rejects files as a list of reasons: how often each one is there, and where first. Reads file, line, column and
//! reason of each line; never keeps or shows the raw text beside them.

use std::fs::File;
use std::io;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};
use indexmap::IndexMap;
use onefold::manifest::{Manifest, REJECTS_FOLDER};
use onefold::{Error, Result};

/// One reason in one source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reason {
    pub source: String,
    pub reason: String,
    /// Empty if it is about complete rows.
    pub column: String,
    pub count: u64,
    pub first_file: String,
    pub first_line: String,
}

/// The reasons of all sources, first those for complete rows, the most frequent first; and the sources whose rejects
/// file is missing.
pub(super) fn reasons(folder: &Path, manifest: &Manifest) -> Result<(Vec<Reason>, Vec<String>)> {
    let (mut all, mut gone) = (Vec::new(), Vec::new());
    for (source, ledger) in &manifest.ledger.0 {
        if ledger.rows_rejected == 0 && ledger.bad_values.values().all(|n| *n == 0) {
            continue;
        }
        let path = folder.join(REJECTS_FOLDER).join(format!("{source}.csv"));
        match File::open(&path) {
            Ok(file) => read(file, source, &mut all).map_err(|e| Error::reading(&path, e))?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => gone.push(source.clone()),
            Err(e) => return Err(Error::reading(&path, e)),
        }
    }
    // Rejected rows come first, because a lost row is worse than a lost value.
    all.sort_by(|a, b| {
        let worse = (!a.column.is_empty()).cmp(&!b.column.is_empty());
        worse.then(b.count.cmp(&a.count)).then_with(|| place(a).cmp(&place(b)))
    });
    Ok((all, gone))
}

fn place(reason: &Reason) -> (&str, &str, &str) {
    (&reason.source, &reason.reason, &reason.column)
}

fn read(file: File, source: &str, all: &mut Vec<Reason>) -> io::Result<()> {
    let mut reader = ReaderBuilder::new().flexible(true).buffer_capacity(1 << 18).from_reader(file);
    let mut found: IndexMap<Vec<u8>, Reason> = IndexMap::new();
    let (mut record, mut key) = (ByteRecord::new(), Vec::new());
    while reader.read_byte_record(&mut record)? {
        let field = |at: usize| record.get(at).unwrap_or_default();
        key.clear();
        key.extend_from_slice(field(2));
        key.push(b'\n');
        key.extend_from_slice(field(3));
        if let Some(reason) = found.get_mut(&key) {
            reason.count += 1;
            continue;
        }
        let text = |at: usize| String::from_utf8_lossy(field(at)).into_owned();
        let (first_file, first_line, column, reason) = (text(0), text(1), text(2), text(3));
        let reason = Reason { source: source.to_owned(), reason, column, count: 1, first_file, first_line };
        found.insert(key.clone(), reason);
    }
    all.extend(found.into_values());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use onefold::manifest::SourceLedger;

    #[test]
    fn reasons_are_counted_with_their_first_place() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("rejects")).expect("a folder");
        let text = "file,line,column,reason,raw\na.csv,3,,blank_id,\",secret\"\na.csv,4,age,bad_value,x\n\
                    b.csv,2,age,bad_value,\"y\nz\"\n";
        std::fs::write(folder.path().join("rejects/s.csv"), text).expect("a file");
        let mut manifest = crate::cli::tell::report::tests::manifest();
        let dirty = SourceLedger { rows_rejected: 1, ..SourceLedger::default() };
        manifest.ledger.0 = [("s", dirty.clone()), ("t", dirty), ("clean", SourceLedger::default())]
            .map(|(name, ledger)| (name.to_owned(), ledger))
            .into();
        let (reasons, gone) = reasons(folder.path(), &manifest).expect("read");
        let told: Vec<_> = reasons.iter().map(|r| (r.reason.as_str(), r.column.as_str(), r.count)).collect();
        assert_eq!(told, [("blank_id", "", 1), ("bad_value", "age", 2)]);
        assert_eq!((reasons[1].first_file.as_str(), reasons[1].first_line.as_str()), ("a.csv", "4"));
        assert_eq!(gone, ["t"]);
        assert!(!format!("{reasons:?}").contains("secret"));
    }
}

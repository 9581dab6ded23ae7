//! The proof that no profile shows what was erased. Looks at every text of every profile; never tells what it has found.

use arrow::array::{ArrayRef, AsArray};

use crate::error::{Error, Result};
use crate::identity::Erased;
use crate::output::names::CSV_FILE;
use crate::output::provenance::PROVENANCE;
use crate::spec::identity::Identity;
use crate::spec::{BUILT_IN, Spec};
use crate::value::Type;
use crate::words::counted;

/// Columns in which something erased is shown.
pub struct Shown<'a> {
    erased: Option<&'a Erased>,
    /// Index and name of each column that is looked at, and how many profiles show something there.
    columns: Vec<(usize, &'a str, u64)>,
}

/// How many texts of a column show something.
pub fn count(erased: &Erased, column: &ArrayRef) -> u64 {
    let texts = column.as_string_opt::<i32>();
    texts.map_or(0, |texts| texts.iter().flatten().filter(|text| erased.is_in(text)).count() as u64)
}

/// Fails if the table of provenance shows something.
pub fn refuse_provenance(shown: u64) -> Result<()> {
    match shown {
        0 => Ok(()),
        shown => Err(Error::Check(format!(
            "`{PROVENANCE}.csv` would show what is erased, in `value` of {}: leave the column out of `from`, or list the rows' own identifiers too",
            counted(shown, "row")
        ))),
    }
}

impl<'a> Shown<'a> {
    pub fn new(spec: &'a Spec, erased: Option<&'a Erased>) -> Self {
        // Ids are those of customers that are not erased.
        let kinds = spec.identity.iter().flat_map(|identity| &identity.kinds).map(Identity::column_of);
        let of_ids: Vec<String> = kinds.chain([spec.key.clone()]).collect();
        let is_free = |name: &String| !of_ids.contains(name) && BUILT_IN.iter().all(|(built_in, _)| built_in != name);
        let columns = spec.output.iter().enumerate().filter(|(_, c)| c.ty == Type::Text && is_free(&c.name));
        Self { erased, columns: columns.map(|(at, column)| (at, column.name.as_str(), 0)).collect() }
    }

    /// Looks at a row group.
    pub fn see(&mut self, columns: &[ArrayRef]) {
        let Some(erased) = self.erased else { return };
        for (at, _, count) in &mut self.columns {
            *count += columns.get(*at).map_or(0, |column| self::count(erased, column));
        }
    }

    /// Fails if something was shown.
    pub fn refuse(&self) -> Result<()> {
        let shown: Vec<String> = self
            .columns
            .iter()
            .filter(|(.., count)| *count > 0)
            .map(|(_, name, count)| format!("`{name}` of {}", counted(*count, "profile")))
            .collect();
        if shown.is_empty() {
            return Ok(());
        }
        Err(Error::Check(format!(
            "`{CSV_FILE}` would show what is erased, in {}: leave the column out of the output, or list the rows' own identifiers too",
            shown.join(", ")
        )))
    }
}

//! The ledger: what became of every input row. Owns the rule that the counts of each source add up; counts nothing
//! itself.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// What became of a run's rows, by source in declared order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger(pub IndexMap<String, SourceLedger>);

/// What became of one source's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLedger {
    /// Records in its files, without headers and empty lines.
    pub rows_read: u64,
    /// Rows that are in a profile or that an aggregate used.
    pub rows_used: u64,
    /// Rows that were replaced by a later row of the same customer.
    pub rows_superseded: u64,
    /// Rows that could not be used.
    pub rows_rejected: u64,
    /// Rows of customers that get no profile.
    pub rows_excluded: u64,
    /// Rows that the source's `where` leaves out.
    pub rows_filtered: u64,
    /// Rows without any value.
    pub rows_blank: u64,
    /// Rows of ids that were merged into another.
    #[serde(default)]
    pub rows_merged: u64,
    /// Rows that their source says are deleted.
    #[serde(default)]
    pub rows_deleted: u64,
    /// Rows without an identifier that may join.
    #[serde(default)]
    pub rows_unidentified: u64,
    /// Rows of what is to be erased.
    #[serde(default)]
    pub rows_erased: u64,
    /// Lines that end a file and are no rows: they are not among those read.
    pub footer_rows: u64,
    /// For each typed column, values of accepted rows that are not valid and became null.
    pub bad_values: IndexMap<String, u64>,
}

impl Ledger {
    /// Checks that the used, superseded, rejected and excluded rows of every source add up to the rows read.
    ///
    /// # Errors
    /// A message with the counts of the first source for which they do not.
    pub fn balance(&self) -> Result<(), String> {
        match self.0.iter().find(|(_, l)| !l.balances()) {
            None => Ok(()),
            Some((source, l)) => Err(format!(
                "the ledger of `{source}` does not balance: {} read, {} used, {} superseded, {} rejected, {} excluded, {} filtered, {} blank, {} merged, {} deleted, {} unidentified, {} erased",
                l.rows_read,
                l.rows_used,
                l.rows_superseded,
                l.rows_rejected,
                l.rows_excluded,
                l.rows_filtered,
                l.rows_blank,
                l.rows_merged,
                l.rows_deleted,
                l.rows_unidentified,
                l.rows_erased
            )),
        }
    }
}

impl SourceLedger {
    fn balances(&self) -> bool {
        let out = self.rows_rejected + self.rows_excluded + self.rows_filtered + self.rows_blank;
        let linked = self.rows_merged + self.rows_deleted + self.rows_unidentified + self.rows_erased;
        self.rows_read == self.rows_used + self.rows_superseded + out + linked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_row_is_found() {
        let mut ledger = Ledger::default();
        let crm = SourceLedger {
            rows_read: 3,
            rows_used: 1,
            rows_superseded: 1,
            rows_rejected: 1,
            ..SourceLedger::default()
        };
        ledger.0.insert("crm".into(), crm.clone());
        assert_eq!(ledger.balance(), Ok(()));
        ledger.0.insert("billing".into(), SourceLedger { rows_read: 4, ..crm });
        assert!(ledger.balance().is_err_and(|e| e.contains("`billing` does not balance")));
    }
}

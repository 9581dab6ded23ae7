//! The ledger: every input row accounted for, or nothing is published.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// The account of a run's rows, by source in declared order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger(pub IndexMap<String, SourceLedger>);

/// The account of one source's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLedger {
    /// Records in its files, headers and empty lines not counted.
    pub rows_read: u64,
    /// Rows that a profile holds or that an aggregate counted.
    pub rows_used: u64,
    /// Rows that a later row of the same customer beat.
    pub rows_superseded: u64,
    /// Rows that could not be used.
    pub rows_rejected: u64,
    /// Rows of customers outside the population.
    pub rows_excluded: u64,
    /// Per typed column, values of accepted rows that did not parse and became null.
    pub bad_values: IndexMap<String, u64>,
}

impl Ledger {
    /// Whether every source's rows are all accounted for.
    ///
    /// # Errors
    /// The first source that is not, with its figures.
    pub fn balance(&self) -> Result<(), String> {
        match self.0.iter().find(|(_, l)| !l.balances()) {
            None => Ok(()),
            Some((source, l)) => Err(format!(
                "the ledger of `{source}` does not balance: {} read, {} used, {} superseded, {} rejected, {} excluded",
                l.rows_read, l.rows_used, l.rows_superseded, l.rows_rejected, l.rows_excluded
            )),
        }
    }
}

impl SourceLedger {
    fn balances(&self) -> bool {
        self.rows_read == self.rows_used + self.rows_superseded + self.rows_rejected + self.rows_excluded
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

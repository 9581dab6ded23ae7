//! Messy sample data: clean rows with the faults of real exports, and the ledger that a correct run must report. Owns
//! which faults there are and how often.

mod cells;
mod files;

use indexmap::IndexMap;
use serde::Serialize;

use super::dice::Dice;
use super::rows::{FILES, append_customer};
use crate::output::manifest::{Ledger, SourceLedger};

use cells::{Kind, columns, spoil};

pub(super) use files::{Layout, PARTS};

/// What a correct run reports: the contents of `expected.json`.
#[derive(Debug, Serialize)]
pub(super) struct Expected {
    /// Customers with at least one accepted row.
    customers: u64,
    /// As in the manifest.
    ledger: Ledger,
}

/// The texts of one batch, by source and file.
pub(super) type Texts = [[Vec<u8>; PARTS]; 4];

/// The share of customers that have rows in each source, in percent.
const KNOWN_BY: [u32; 4] = [92, 90, 88, 75];

/// One batch of customers, while it is made.
pub(super) struct Batch<'a> {
    layout: &'a Layout,
    dice: Dice,
    texts: Texts,
    expected: Expected,
}

impl<'a> Batch<'a> {
    pub fn new(layout: &'a Layout, dice: Dice) -> Self {
        Self { layout, dice, texts: [const { [const { Vec::new() }; PARTS] }; 4], expected: Expected::new() }
    }

    /// Writes all rows of one customer, and sometimes rows to be rejected between them.
    pub fn customer(&mut self, customer: u64) {
        let orphan = self.dice.percent(1);
        let zeros = self.dice.percent(3);
        let id = match (orphan, zeros) {
            (true, _) => format!("orphan_{customer:08}"),
            (_, true) => format!("{customer:010}"),
            _ => format!("cust_{customer:08}"),
        };
        let known: [bool; 4] = std::array::from_fn(|s| self.dice.percent(KNOWN_BY[s]));
        let known = match (orphan, known) {
            (true, _) => [false, true, false, false],
            (false, [false, false, false, false]) => [true, false, false, false],
            (false, known) => known,
        };
        let first = self.roll(customer);
        for (source, fields) in first.iter().enumerate().filter(|(s, _)| known[*s]) {
            self.row(source, &id, fields.clone());
            self.ledger(source).rows_used += 1;
            while self.dice.percent(12) {
                let mut again = self.roll(customer).swap_remove(source);
                self.change_date(source, fields, &mut again);
                self.row(source, &id, again);
                self.ledger(source).rows_superseded += 1;
            }
            self.maybe_reject(source, &id, fields);
        }
        self.expected.customers += 1;
    }

    pub fn finish(self) -> (Texts, Expected) {
        (self.texts, self.expected)
    }

    /// A clean row of each source, as fields.
    fn roll(&mut self, customer: u64) -> Vec<Vec<String>> {
        let mut texts = [const { Vec::new() }; 4];
        append_customer(customer, &mut self.dice, &mut texts);
        let fields = |text: &Vec<u8>| String::from_utf8_lossy(text).trim_end().split(',').map(str::to_owned).collect();
        texts.iter().map(fields).collect()
    }

    /// Gives a repeated row the first one's date, an older one, a newer one or none.
    fn change_date(&mut self, source: usize, first: &[String], again: &mut [String]) {
        let Some(at) = columns(source).iter().position(|c| c.orders_rows) else { return };
        again[at] = match self.dice.below(4) {
            0 => first[at].clone(),
            1 => "2022-12-31".to_owned(),
            2 => "2026-08-01".to_owned(),
            _ => again[at].clone(),
        };
    }

    /// Writes a row that is accepted, with some bad values and spaces around the id.
    fn row(&mut self, source: usize, id: &str, mut fields: Vec<String>) {
        fields[0] = match self.dice.below(40) {
            0 => format!(" {id}"),
            1 => format!("{id}\t "),
            2 => format!("\u{a0}{id}\u{2003}"),
            _ => id.to_owned(),
        };
        for (column, field) in columns(source).iter().zip(&mut fields) {
            if spoil(&mut self.dice, column.kind, field) {
                *self.ledger(source).bad_values.entry(column.name.to_owned()).or_default() += 1;
            }
        }
        self.ledger(source).rows_read += 1;
        let fields = fields.into_iter().map(String::into_bytes).collect();
        self.layout.write(source, fields, &mut self.dice, &mut self.texts[source]);
    }

    /// Sometimes writes a row that is rejected, always fewer than one in a hundred of the batch.
    fn maybe_reject(&mut self, source: usize, id: &str, fields: &[String]) {
        let due = self.dice.below(120) == 0;
        let ledger = self.ledger(source);
        if !due || (ledger.rows_rejected + 1) * 100 >= ledger.rows_read {
            return;
        }
        ledger.rows_rejected += 1;
        ledger.rows_read += 1;
        let mut fields: Vec<Vec<u8>> = fields.iter().map(|f| f.clone().into_bytes()).collect();
        fields[0] = id.as_bytes().to_vec();
        match self.dice.below(5) {
            0 => fields[0].clear(),
            1 => fields[0] = "\u{2003} ".as_bytes().to_vec(),
            2 => fields[1] = b"caf\xE9@mail.example".to_vec(),
            3 => fields.truncate(3),
            _ => fields.push(b"one more".to_vec()),
        }
        self.layout.write(source, fields, &mut self.dice, &mut self.texts[source]);
    }

    fn ledger(&mut self, source: usize) -> &mut SourceLedger {
        self.expected.ledger.0.entry(FILES[source].source().to_owned()).or_default()
    }
}

impl Expected {
    pub fn new() -> Self {
        let ledger = FILES.iter().map(|f| (f.source().to_owned(), empty_ledger(f.header))).collect();
        Self { customers: 0, ledger: Ledger(ledger) }
    }

    /// Adds the counts of another batch.
    pub fn add(&mut self, other: Self) {
        self.customers += other.customers;
        for (source, theirs) in other.ledger.0 {
            let ours = self.ledger.0.entry(source).or_default();
            ours.rows_read += theirs.rows_read;
            ours.rows_used += theirs.rows_used;
            ours.rows_superseded += theirs.rows_superseded;
            ours.rows_rejected += theirs.rows_rejected;
            theirs.bad_values.into_iter().for_each(|(column, n)| *ours.bad_values.entry(column).or_default() += n);
        }
    }
}

fn empty_ledger(header: &'static str) -> SourceLedger {
    let typed = cells::of_header(header).into_iter().filter(|c| !matches!(c.kind, Kind::Id | Kind::Text));
    let bad_values: IndexMap<String, u64> = typed.map(|c| (c.name.to_owned(), 0)).collect();
    SourceLedger { bad_values, ..SourceLedger::default() }
}

//! The columns that say which identifiers a customer has: its ids of each kind, and how each identifier came to it. Takes them
//! from the rows of the hidden source; finds nothing itself.

use arrow::array::ArrayRef;

use super::columns::Texts;
use super::index::Rows;
use crate::error::Result;
use crate::shard::damaged;
use crate::spec::identity::Identity;

/// The column behind those of the output, with how each identifier came to its customer. Specs cannot use names that begin
/// with `__`.
pub const IDENTITIES: &str = "__identities";

/// The columns, by name. Without rows, as when a spec is only tried, all are null.
pub(super) fn gather(
    identity: &Identity,
    rows: Option<&Rows<'_>>,
    customers: usize,
) -> Result<Vec<(String, ArrayRef)>> {
    let mut row_of = vec![None; customers];
    for (row, code) in rows.iter().flat_map(|rows| rows.codes.iter().enumerate()) {
        if let Some(place) = row_of.get_mut(*code as usize) {
            *place = Some(row);
        }
    }
    let names = identity.kinds.iter().map(Identity::column_of).chain([IDENTITIES.to_owned()]);
    let mut columns: Vec<(String, Texts)> = names.map(|name| (name, Texts::new(customers))).collect();
    for row in row_of {
        match row.zip(rows) {
            Some((row, rows)) => {
                let mut cells = rows.cells[row];
                for (_, texts) in &mut columns {
                    texts.push(cells.text().ok_or_else(damaged)?);
                }
            }
            None => columns.iter_mut().for_each(|(_, texts)| texts.push(None)),
        }
    }
    let finish = |(name, texts): (String, Texts)| {
        let array = texts.finish().map_err(|e| e.of(&format!("column `{name}`")))?;
        Ok((name, array))
    };
    columns.into_iter().map(finish).collect()
}

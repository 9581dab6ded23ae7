//! What changed between two outputs: customers added, removed and changed, by column, and the scores that changed most.
//! Reads both sides in order of id and never holds more than a few thousand rows of each.

mod align;
mod compare;
mod difference;
mod identity;
mod moves;
mod side;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::sync_channel;

use crate::error::Result;

use align::Walk;
use compare::Comparison;
use side::{ColumnPairs, OutputSide};

pub use difference::{
    Change, ColumnChanges, Customers, Diff, IdentityChanges, Move, Mover, Regrouped, Retyped, ScoreChanges, ScoreMoves,
    SideRecord,
};

/// Most batches of a side that wait while others are compared.
const WAITING: usize = 2;

/// Called for every change, in order of id and, for one customer, of column; it can end the comparison.
pub type Listener<'a> = &'a mut dyn FnMut(&Change<'_>) -> Result<ControlFlow<()>>;

/// Compares two outputs, each an output folder or a `profiles.parquet`, and lists for each score the `top` customers
/// whose score changed most.
///
/// Null and empty text are equal, as in the CSV. `idempotency_key` is not compared, because it changes with any other
/// field.
///
/// # Errors
/// [`crate::Error::NoRun`] for a side without a finished run, [`crate::Error::Verify`] for one that is not valid or not
/// sorted by id, [`crate::Error::Usage`] for sides whose id columns have different names, [`crate::Error::Io`] for one
/// that cannot be read; those of [`crate::manifest::recover`].
pub fn diff(old: &Path, new: &Path, top: usize) -> Result<Diff> {
    Sides::open(old, new)?.diff(top, None)
}

/// Two outputs that can be compared.
pub struct Sides {
    old: OutputSide,
    new: OutputSide,
    plan: ColumnPairs,
}

impl Sides {
    /// Opens both sides.
    ///
    /// # Errors
    /// [`crate::Error::NoRun`] for a side without a finished run, [`crate::Error::Verify`] for one that is not valid,
    /// [`crate::Error::Usage`] for sides whose id columns have different names, [`crate::Error::Io`] for one that
    /// cannot be read; those of [`crate::manifest::recover`].
    pub fn open(old: &Path, new: &Path) -> Result<Self> {
        let (old, new) = (OutputSide::open(old)?, OutputSide::open(new)?);
        let plan = ColumnPairs::new(&old, &new)?;
        Ok(Self { old, new, plan })
    }

    /// Name of the id column.
    pub fn id(&self) -> &str {
        &self.plan.id
    }

    /// Compares both sides. If the listener ends the comparison, the result covers what was compared so far.
    ///
    /// # Errors
    /// [`crate::Error::Verify`] for a side that cannot be decoded or is not sorted by id; [`crate::Error::Io`] for one
    /// that cannot be read; any error of the listener.
    pub fn diff(&self, top: usize, listener: Option<Listener<'_>>) -> Result<Diff> {
        let Self { old, new, plan } = self;
        let mut comparison = Comparison::new(old, new, plan, top, listener);
        let (old_columns, new_columns) = plan.projections();
        std::thread::scope(|scope| {
            let [(old_batches, olds), (new_batches, news)] = [(); 2].map(|()| sync_channel(WAITING));
            // A closed channel ends the reading of a side that is not needed any more.
            scope.spawn(|| old.read(&old_columns, old_batches));
            scope.spawn(|| new.read(&new_columns, new_batches));
            let mut walk = Walk::new(olds, news);
            while let Some(window) = walk.next()? {
                if comparison.compare(&window)?.is_break() {
                    break;
                }
            }
            Ok(())
        })?;
        let mut diff = comparison.finish();
        diff.identity = identity::changes(&old.identities(), &new.identities())?;
        Ok(diff)
    }
}

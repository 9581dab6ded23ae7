//! What changed between two outputs: customers added, gone and changed, by column, with the scores that moved most. Both
//! sides are sorted by id and stream past each other; memory holds a few thousand rows of each, however many there are.

mod align;
mod answer;
mod compare;
mod moves;
mod side;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::sync_channel;

use crate::error::Result;

use align::Walk;
use compare::Comparison;
use side::{Plan, Side};

pub use answer::{Change, ColumnChanges, Customers, Diff, Move, Mover, Retyped, ScoreChanges, ScoreMoves, SideRecord};

/// Batches of a side that wait while others are compared.
const WAITING: usize = 2;

/// Told of every change, in order of id and, within a customer, of column; may end the comparison.
pub type Listener<'a> = &'a mut dyn FnMut(&Change<'_>) -> Result<ControlFlow<()>>;

/// Compares two outputs, each an output folder or a `profiles.parquet`; names the `top` biggest movers of each score.
///
/// A null and an empty text are the same, as they are in the CSV. `idempotency_key` is not compared: it changes with
/// any other field.
///
/// # Errors
/// As [`Sides::open`] and [`Sides::diff`].
pub fn diff(old: &Path, new: &Path, top: usize) -> Result<Diff> {
    Sides::open(old, new)?.diff(top, None)
}

/// Two outputs that can be compared.
pub struct Sides {
    old: Side,
    new: Side,
    plan: Plan,
}

impl Sides {
    /// Opens both.
    ///
    /// # Errors
    /// [`crate::Error::NoRun`] for a side without a finished run, [`crate::Error::Verify`] for one that cannot be read,
    /// [`crate::Error::Usage`] for sides whose id columns have different names.
    pub fn open(old: &Path, new: &Path) -> Result<Self> {
        let (old, new) = (Side::open(old)?, Side::open(new)?);
        let plan = Plan::new(&old, &new)?;
        Ok(Self { old, new, plan })
    }

    /// Name of the id column.
    pub fn id(&self) -> &str {
        &self.plan.id
    }

    /// Compares them. When the listener ends the comparison, the result is of what was compared so far.
    ///
    /// # Errors
    /// [`crate::Error::Verify`] for a side that cannot be read or is not sorted by id; those of the listener.
    pub fn diff(&self, top: usize, listener: Option<Listener<'_>>) -> Result<Diff> {
        let Self { old, new, plan } = self;
        let mut comparison = Comparison::new(old, new, plan, top, listener);
        let (old_columns, new_columns) = plan.projections();
        std::thread::scope(|scope| {
            let [(old_batches, olds), (new_batches, news)] = [(); 2].map(|()| sync_channel(WAITING));
            // A side that is not needed any more is told so by its closed channel.
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
        Ok(comparison.finish())
    }
}

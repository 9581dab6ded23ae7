//! Compares the rows of a window, column by column for all rows at once. Owns what a changed value is; reads no file.

use std::ops::ControlFlow;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::cmp::distinct;
use arrow::compute::take;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use indexmap::IndexMap;

use super::Listener;
use super::align::{Pairing, Step, Window, ids};
use super::difference::{Change, Customers, Diff, SideRecord};
use super::moves::Moves;
use super::side::{ColumnPairs, OutputSide};
use crate::error::{Error, Result};
use crate::value::Cells;

/// The differences so far.
pub(super) struct Comparison<'a, 'l> {
    plan: &'a ColumnPairs,
    sides: (SideRecord, SideRecord),
    customers: Customers,
    /// How many values changed, for each compared column.
    changed: Vec<u64>,
    /// How scores changed, for each compared column that is a score.
    moves: Vec<Option<Moves>>,
    listener: Option<Listener<'l>>,
}

/// A column of a window with changed values.
struct Changed<'a> {
    name: &'a str,
    old: ArrayRef,
    new: ArrayRef,
    rows: BooleanBuffer,
}

impl<'a, 'l> Comparison<'a, 'l> {
    pub fn new(
        old: &OutputSide,
        new: &OutputSide,
        plan: &'a ColumnPairs,
        top: usize,
        listener: Option<Listener<'l>>,
    ) -> Self {
        let moves = plan.columns.iter().map(|column| {
            let is_score = column.same_type && (old.has_score(&column.name) || new.has_score(&column.name));
            let (_, field) = new.schema().fields().find(&column.name).filter(|_| is_score)?;
            Moves::new(field.data_type(), top)
        });
        Self {
            plan,
            sides: (old.record(), new.record()),
            customers: Customers::default(),
            changed: vec![0; plan.columns.len()],
            moves: moves.collect(),
            listener,
        }
    }

    /// Adds a window's rows.
    pub fn compare(&mut self, window: &Window) -> Result<ControlFlow<()>> {
        let pairs = window.pairing.as_ref().map_or(window.old.num_rows(), |pairing| pairing.old.len());
        let customers = select(window, 0)?.0;
        let mut changed: Vec<Changed<'a>> = Vec::new();
        let mut any = BooleanBuffer::new_unset(pairs);
        let plan = self.plan;
        for (at, column) in plan.columns.iter().enumerate().filter(|_| pairs > 0) {
            // The ids come first.
            let (old, new) = select(window, at + 1)?;
            let rows = if column.same_type { differing(&old, &new)? } else { differing_texts(&old, &new)? };
            let count = rows.count_set_bits() as u64;
            if count == 0 {
                continue;
            }
            self.changed[at] += count;
            any = &any | &rows;
            if let Some(moves) = &mut self.moves[at] {
                moves.take(customers.as_string(), &old, &new, &rows);
            }
            changed.push(Changed { name: &column.name, old, new, rows });
        }
        let differ = any.count_set_bits();
        self.customers.changed += differ as u64;
        self.customers.same += (pairs - differ) as u64;
        self.customers.gone += (window.old.num_rows() - pairs) as u64;
        self.customers.added += (window.new.num_rows() - pairs) as u64;
        match &mut self.listener {
            Some(listener) => tell(*listener, window, customers.as_string(), &any, &changed),
            None => Ok(ControlFlow::Continue(())),
        }
    }

    pub fn finish(self) -> Diff {
        let columns = self.plan.columns.iter().map(|c| c.name.clone());
        let changes: IndexMap<String, u64> = columns.zip(self.changed).collect();
        let scores = self.plan.columns.iter().zip(self.moves);
        let (old, new) = self.sides;
        Diff {
            old,
            new,
            id: self.plan.id.clone(),
            customers: self.customers,
            columns: self.plan.changes.clone(),
            changes,
            scores: scores.filter_map(|(column, moves)| Some(moves?.finish(&column.name))).collect(),
            identity: None,
        }
    }
}

/// One column of a window's pairs, for both sides.
fn select(window: &Window, column: usize) -> Result<(ArrayRef, ArrayRef)> {
    let (old, new) = (window.old.columns().get(column), window.new.columns().get(column));
    let (Some(old), Some(new)) = (old, new) else { return Err(Error::Bug("a compared column is missing".into())) };
    match &window.pairing {
        None => Ok((old.clone(), new.clone())),
        Some(Pairing { old: olds, new: news, .. }) => {
            let take = |array: &ArrayRef, rows| take(array, rows, None).map_err(|e| bug(&e));
            Ok((take(old, olds)?, take(new, news)?))
        }
    }
}

/// The rows whose values differ; null and empty text count as equal.
fn differing(old: &ArrayRef, new: &ArrayRef) -> Result<BooleanBuffer> {
    let differ = distinct(old, new).map_err(|e| bug(&e))?;
    let rows = differ.values();
    if *old.data_type() != DataType::Utf8 || (old.null_count() == 0 && new.null_count() == 0) {
        return Ok(rows.clone());
    }
    let (old, new) = (old.as_string::<i32>(), new.as_string::<i32>());
    let empty = |texts: &arrow::array::StringArray, row| texts.is_null(row) || texts.value(row).is_empty();
    let differ = |row: usize| rows.value(row) && !(empty(old, row) && empty(new, row));
    Ok(BooleanBuffer::collect_bool(rows.len(), differ))
}

/// The rows whose texts differ, for columns of different types.
fn differing_texts(old: &ArrayRef, new: &ArrayRef) -> Result<BooleanBuffer> {
    let (olds, news) = (Cells::new(old)?, Cells::new(new)?);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    Ok(BooleanBuffer::collect_bool(old.len(), |row| {
        text(&olds, row, &mut a);
        text(&news, row, &mut b);
        a != b
    }))
}

/// A cell's text; empty for null.
fn text(cells: &Cells<'_>, row: usize, into: &mut Vec<u8>) {
    into.clear();
    if !cells.is_null(row) {
        cells.write(row, into);
    }
}

/// Calls the listener for a window's changes, in order of id.
fn tell(
    listener: Listener<'_>,
    window: &Window,
    customers: &arrow::array::StringArray,
    any: &BooleanBuffer,
    changed: &[Changed<'_>],
) -> Result<ControlFlow<()>> {
    let cells: Vec<_> =
        changed.iter().map(|c| Ok((c, Cells::new(&c.old)?, Cells::new(&c.new)?))).collect::<Result<_>>()?;
    let (mut old, mut new) = (Vec::new(), Vec::new());
    let mut pair = |listener: Listener<'_>, row: usize| -> Result<ControlFlow<()>> {
        for (column, olds, news) in cells.iter().filter(|(c, ..)| any.value(row) && c.rows.value(row)) {
            text(olds, row, &mut old);
            text(news, row, &mut new);
            let change = Change::Changed { customer: customers.value(row), column: column.name, old: &old, new: &new };
            if listener(&change)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    };
    let mut pairs = 0;
    let steps = match &window.pairing {
        None => vec![Step::Pair; window.old.num_rows()],
        Some(pairing) => pairing.steps.clone(),
    };
    for step in steps {
        let flow = match step {
            Step::Gone(row) => listener(&Change::Gone { customer: ids(&window.old).value(row) })?,
            Step::Added(row) => listener(&Change::Added { customer: ids(&window.new).value(row) })?,
            Step::Pair => {
                pairs += 1;
                pair(listener, pairs - 1)?
            }
        };
        if flow.is_break() {
            return Ok(flow);
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn bug(error: &ArrowError) -> Error {
    Error::Bug(format!("comparing: {error}"))
}

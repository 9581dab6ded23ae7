//! `[fields]`: which of several kept values a profile takes, and where each comes from. Owns how they are compared; reads no
//! cell but those of the kept columns.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::compute::{cast, interleave};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};

use super::columns::{Columns, Texts};
use super::index::Index;
use crate::error::{Error, Result};
use crate::shard::ShardInput;
use crate::spec::Spec;
use crate::spec::fields::{Candidate, Field, Pick};
use crate::value::{Cells, Type};

/// The column with where the values of fields come from. Specs cannot use names that begin with `__`.
pub const PROVENANCE: &str = "__provenance";

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// For each kept column that a field may take: for each customer the row that gave its value.
pub(super) struct Origins<'a> {
    wanted: Vec<&'a str>,
    rows: HashMap<String, (usize, Vec<Option<u32>>)>,
}

impl<'a> Origins<'a> {
    pub fn new(spec: &'a Spec) -> Self {
        let wanted = spec.fields.iter().flat_map(|field| &field.from).map(|from| from.name.as_str()).collect();
        Self { wanted, rows: HashMap::new() }
    }

    /// Adds a kept column of a source.
    pub fn add(&mut self, name: &str, source: usize, rows: Vec<Option<u32>>) {
        if self.wanted.contains(&name) {
            self.rows.insert(name.to_owned(), (source, rows));
        }
    }
}

/// The fields as columns by name, and where their values come from if the spec asks for it.
pub(super) fn fields(
    spec: &Spec,
    index: &Index<'_>,
    input: &ShardInput,
    ready: &HashMap<String, ArrayRef>,
    origins: &Origins<'_>,
    customers: usize,
) -> Result<Vec<(String, ArrayRef)>> {
    let mut columns = Vec::new();
    let mut told = vec![String::new(); if spec.provenance { customers } else { 0 }];
    let places = if spec.provenance { places(spec, index, input)? } else { Vec::new() };
    for (number, field) in spec.fields.iter().enumerate() {
        let values = Values::new(spec, field, index, ready, origins)?;
        let won = values.won(field.pick, customers)?;
        for (customer, told) in told.iter_mut().enumerate() {
            for at in values.of(customer) {
                let place = &places[values.sources[at]];
                let row = values.rows[at][customer].unwrap_or_default() as usize;
                values.tell(
                    told,
                    (number, at),
                    customer,
                    won[customer] == Some(at),
                    place.get(row).copied().flatten(),
                )?;
            }
        }
        columns.push((field.name.clone(), values.take(&won)?));
    }
    if spec.provenance {
        let mut texts = Texts::new(customers);
        told.iter().for_each(|told| texts.push(Some(told.as_bytes())));
        columns.push((PROVENANCE.to_owned(), texts.finish().map_err(|e| e.of("where fields come from"))?));
    }
    Ok(columns)
}

/// For each source the places of its rows, which stand behind its declared columns; none of a source without fields.
fn places(spec: &Spec, index: &Index<'_>, input: &ShardInput) -> Result<Vec<Vec<Option<i64>>>> {
    let has_fields = |at: usize| spec.fields.iter().flat_map(|field| &field.from).any(|from| from.source == at);
    let of = |at: usize| {
        let (layout, declared) = (input.sources[at].layout(), spec.sources[at].columns.len());
        if !has_fields(at) || layout.types.len() == declared {
            return Ok(Vec::new());
        }
        let mut columns = Columns::new(layout, |column| column == declared, index.sources[at].cells.len());
        index.sources[at].cells.iter().try_for_each(|row| columns.push(*row))?;
        let arrays = columns.finish(&spec.sources[at])?;
        let places = arrays.get(&declared).and_then(|array| array.as_any().downcast_ref::<Int64Array>().cloned());
        Ok(places.map(|places| places.iter().collect()).unwrap_or_default())
    };
    (0..spec.sources.len()).map(of).collect()
}

/// The values that a field may take.
struct Values<'a> {
    arrays: Vec<ArrayRef>,
    /// For each of them its source, the row of each customer, and what orders the source's rows.
    sources: Vec<usize>,
    rows: Vec<&'a [Option<u32>]>,
    order: Vec<&'a [Option<i64>]>,
    /// What one unit of the order means in microseconds, 1 for ints too; the type of `latest_by`.
    units: Vec<(i64, Option<Type>)>,
}

impl<'a> Values<'a> {
    fn new(
        spec: &Spec,
        field: &Field,
        index: &'a Index<'_>,
        ready: &HashMap<String, ArrayRef>,
        origins: &'a Origins<'_>,
    ) -> Result<Self> {
        let lost = || Error::Bug(format!("a column of the field `{}` is lost", field.name));
        let mut values =
            Self { arrays: Vec::new(), sources: Vec::new(), rows: Vec::new(), order: Vec::new(), units: Vec::new() };
        for Candidate { name, source, .. } in &field.from {
            let (_, rows) = origins.rows.get(name).ok_or_else(lost)?;
            values.arrays.push(ready.get(name).cloned().ok_or_else(lost)?);
            values.sources.push(*source);
            values.rows.push(rows);
            values.order.push(&index.sources[*source].order);
            let source = &spec.sources[*source];
            let ty = source.latest_by.map(|at| source.columns[at].cell.ty);
            let is_day = ty == Some(Type::Date) && source.latest_time.is_none();
            let shown = if is_day || ty == Some(Type::Int) { ty } else { ty.map(|_| Type::Datetime) };
            values.units.push((if is_day { DAY } else { 1 }, shown));
        }
        Ok(values)
    }

    /// The values of a customer that are not null, by their number.
    fn of(&self, customer: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.arrays.len()).filter(move |at| self.arrays[*at].is_valid(customer))
    }

    /// What orders the row that gave a value.
    fn raw_order(&self, at: usize, customer: usize) -> Option<i64> {
        self.order[at].get(self.rows[at][customer]? as usize).copied().flatten()
    }

    /// The value that each customer takes.
    fn won(&self, pick: Pick, customers: usize) -> Result<Vec<Option<usize>>> {
        let moment =
            |at: usize, customer: usize| self.raw_order(at, customer).map(|n| n.saturating_mul(self.units[at].0));
        let dated = |newest: bool| {
            let one = |customer: usize| {
                // The first of equal ones.
                let moments = self.of(customer).map(|at| (moment(at, customer), Reverse(at)));
                if newest { moments.max() } else { moments.min_by_key(|(moment, Reverse(at))| (*moment, *at)) }
            };
            (0..customers).map(|customer| one(customer).map(|(_, Reverse(at))| at)).collect()
        };
        Ok(match pick {
            Pick::First => (0..customers).map(|customer| self.of(customer).next()).collect(),
            Pick::Newest => dated(true),
            Pick::Oldest => dated(false),
            Pick::Min | Pick::Max => self.by_value(pick == Pick::Max, customers)?,
        })
    }

    /// The least or greatest value of each customer.
    fn by_value(&self, greatest: bool, customers: usize) -> Result<Vec<Option<usize>>> {
        let bug = |e: arrow::error::ArrowError| Error::Bug(format!("comparing values of a field: {e}"));
        let converter = RowConverter::new(vec![SortField::new(self.arrays[0].data_type().clone())]).map_err(bug)?;
        let rows = self.arrays.iter().map(|array| converter.convert_columns(std::slice::from_ref(array)));
        let rows = rows.collect::<std::result::Result<Vec<_>, _>>().map_err(bug)?;
        let one = |customer: usize| {
            let values = self.of(customer).map(|at| (rows[at].row(customer), Reverse(at)));
            if greatest {
                values.max().map(|(_, Reverse(at))| at)
            } else {
                values.min_by_key(|(row, Reverse(at))| (*row, *at)).map(|(_, Reverse(at))| at)
            }
        };
        Ok((0..customers).map(one).collect())
    }

    /// The field as a column.
    fn take(&self, won: &[Option<usize>]) -> Result<ArrayRef> {
        let nulls = arrow::array::new_null_array(self.arrays[0].data_type(), 1);
        let arrays: Vec<&dyn Array> = self.arrays.iter().map(AsRef::as_ref).chain([nulls.as_ref()]).collect();
        let picked: Vec<(usize, usize)> = won
            .iter()
            .enumerate()
            .map(|(customer, at)| at.map_or((self.arrays.len(), 0), |at| (at, customer)))
            .collect();
        interleave(&arrays, &picked).map_err(|e| Error::Bug(format!("picking values of a field: {e}")))
    }

    /// Appends where a value comes from: field and column by their numbers, whether it won, source, file and line, its moment
    /// and itself as texts, each after its length.
    fn tell(
        &self,
        into: &mut String,
        (field, at): (usize, usize),
        customer: usize,
        won: bool,
        place: Option<i64>,
    ) -> Result<()> {
        let mut text = Vec::new();
        Cells::new(&self.arrays[at])?.write(customer, &mut text);
        let text = String::from_utf8_lossy(&text);
        let moment = self.moment(at, customer)?;
        let (place, source) = (place.unwrap_or_default(), self.sources[at]);
        let (file, line) = (place >> PLACE_BITS, place & ((1 << PLACE_BITS) - 1));
        // Writing to a text cannot fail.
        let _ = write!(
            into,
            "{field} {at} {} {source} {file} {line} {} {} {moment}{text}",
            u8::from(won),
            moment.len(),
            text.len()
        );
        Ok(())
    }

    /// The `latest_by` of the row that gave a value, as in the CSV; empty if there is none.
    fn moment(&self, at: usize, customer: usize) -> Result<String> {
        let (Some(order), Some(ty)) = (self.raw_order(at, customer), self.units[at].1) else {
            return Ok(String::new());
        };
        let ints: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![order]));
        let wanted = crate::value::arrow_type(ty);
        let days = |ints: &ArrayRef| cast(ints, &DataType::Int32);
        let array = match ty {
            Type::Date => days(&ints).and_then(|days| cast(&days, &wanted)),
            _ => cast(&ints, &wanted),
        };
        let array = array.map_err(|e| Error::Bug(format!("a moment of a field: {e}")))?;
        let mut text = Vec::new();
        Cells::new(&array)?.write(0, &mut text);
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Bits of a row's line in its place; the bits above are its file's number.
pub const PLACE_BITS: u32 = 40;

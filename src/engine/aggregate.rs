//! Sources with many rows per customer: their aggregates, one row per customer in the order of the shard's ids. Owns
//! how rows are grouped; computes no aggregate itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::ArrayRef;
use polars::prelude::{
    AllowedOptimizations, Column as PolarsColumn, DataFrame, DataType, Expr, IdxCa, IntoLazy, IntoSeries, LazyFrame,
    NewChunkedArray, Schema, Series, UdfSchema, col, lit,
};

use super::columns::Columns;
use super::compile::{Reducer, Reduction, Reductions, compile, lost, row};
use super::index::{REPLACED, Rows};
use super::reduce::{Task, by_name, reduce, schema};
use super::{Given, as_of_column, bug, frame, solid};
use crate::engine::bridge::{polars_type, to_polars};
use crate::error::Result;
use crate::shard::Layout;
use crate::spec::{AS_OF, Named, Source};

/// The column of the customers' codes, which gives the frame its height if it has no other column. Specs cannot use
/// names that begin with `__`.
const CODE: &str = "__code";

/// Bytes of one column's text that are put into one array, whose offsets have 32 bits.
const TEXT_PER_ARRAY: usize = 1 << 30;

/// Plans the aggregates of a source. A customer without a row gets nulls.
pub(super) fn plan(
    source: &Source,
    fields: &[Named],
    rows: &Rows<'_>,
    layout: &Layout,
    ids: &[&[u8]],
    given: &Given,
) -> Result<LazyFrame> {
    let Grouped { order, ends, known } = by_customer(&rows.codes, ids.len());
    let used = used(fields);
    let mut columns = columns(source, &used, rows, layout, &order)?;
    let codes = IdxCa::from_iter_values(CODE.into(), order.iter().map(|row| rows.codes[*row as usize]));
    columns.push(codes.into_series().into());
    if used.contains(&source.key.name.as_str()) && columns.iter().all(|c| c.name().as_str() != source.key.name) {
        let ids = super::ids(order.iter().map(|row| ids[rows.codes[*row as usize] as usize]))?;
        columns.push(to_polars(&source.key.name, &ids)?.into());
    }
    let mut rows = frame(order.len(), columns)?.lazy();
    if used.contains(&AS_OF) {
        rows = solid(rows.with_column(as_of_column(given.as_of)));
    }
    let mut reductions = Reductions::default();
    let mut exprs: Vec<Expr> =
        fields.iter().map(|f| compile(&f.value.expr, &mut reductions).alias(f.name.as_str())).collect();
    for field in with_casts(fields) {
        let of_rows = lost(&field.value.expr.casts_of_rows(), row);
        let of_rows = of_rows.map(|lost| reductions.reduce(Reducer::Sum, lost, None).cast(DataType::Int64));
        let of_groups = lost(&field.value.expr.casts(), |expr| compile(expr, &mut reductions));
        let both = of_rows.into_iter().chain(of_groups).reduce(|a, b| a + b);
        exprs.extend(both.map(|lost| lost.alias(lost_column(&field.name))));
    }
    let Reductions(reductions) = reductions;
    let values = reductions.iter().flat_map(|r| {
        let by = r.by.clone().map(|by| by.alias(by_name(&r.name)));
        std::iter::once(r.value.clone().alias(r.name.as_str())).chain(by)
    });
    let values: Vec<Expr> = values.chain([col(CODE)]).collect();
    let task = |r: &Reduction| Task { name: r.name.as_str().into(), reducer: r.reducer, by: r.by.is_some() };
    let tasks: Vec<Task> = reductions.iter().map(task).collect();
    let typed = tasks.clone();
    let types: Arc<dyn UdfSchema> = Arc::new(move |rows: &Schema| schema(rows, &typed));
    let rates = given.rates.clone().unwrap_or_default();
    let reduce = move |rows: DataFrame| reduce(&rows, &tasks, &ends, &rates);
    let mut groups = rows.select(values).map(reduce, AllowedOptimizations::empty(), Some(types), Some("reduce"));
    if used.contains(&AS_OF) {
        groups = solid(groups.with_column(as_of_column(given.as_of)));
    }
    let group = lit(IdxCa::from_iter_options("".into(), known.into_iter()).into_series());
    let lost = with_casts(fields).map(|field| lost_column(&field.name));
    let typed = fields.iter().map(|f| (f.name.clone(), polars_type(f.value.ty())));
    let typed = typed.chain(lost.map(|name| (name, DataType::Int64)));
    // Without rows the types are not known otherwise.
    let names = typed.map(|(name, ty)| col(name.as_str()).gather(group.clone(), false).cast(ty));
    Ok(groups.select(exprs).select(names.collect::<Vec<_>>()))
}

/// The fields with a text that is read as a value.
pub(super) fn with_casts(fields: &[Named]) -> impl Iterator<Item = &Named> {
    let has = |field: &&Named| !field.value.expr.casts().is_empty() || !field.value.expr.casts_of_rows().is_empty();
    fields.iter().filter(has)
}

/// The column that counts the texts of which an aggregate makes null, by the aggregate's name.
pub(super) fn lost_column(name: &str) -> String {
    format!("__lost_{name}")
}

/// The rows of a source, grouped by customer.
struct Grouped {
    /// The rows of each customer one after the other, in input order: it decides float sums and which of equal rows is
    /// last.
    order: Vec<u32>,
    /// Where the group of each customer with rows ends in `order`.
    ends: Vec<usize>,
    /// The number of each customer's group, if it has one.
    known: Vec<Option<u32>>,
}

fn by_customer(codes: &[u32], customers: usize) -> Grouped {
    let mut next = vec![0u32; customers + 1];
    let included = || codes.iter().enumerate().filter(|(_, code)| **code < REPLACED);
    included().for_each(|(_, code)| next[*code as usize + 1] += 1);
    let mut groups = 0;
    let known = next[1..].iter().map(|rows| (*rows > 0).then(|| (groups, groups += 1).0)).collect();
    for customer in 0..customers {
        next[customer + 1] += next[customer];
    }
    let ends = next.windows(2).filter(|pair| pair[0] < pair[1]).map(|pair| pair[1] as usize).collect();
    let mut order = vec![0; next[customers] as usize];
    for (row, code) in included() {
        let next = &mut next[*code as usize];
        order[*next as usize] = row as u32;
        *next += 1;
    }
    Grouped { order, ends, known }
}

/// The named columns of some rows, for Polars.
fn columns(
    source: &Source,
    names: &[&str],
    rows: &Rows<'_>,
    layout: &Layout,
    order: &[u32],
) -> Result<Vec<PolarsColumn>> {
    // Behind the declared columns a row may have its place.
    let is_named = |name: &str| names.contains(&name);
    let wanted = |column: usize| source.columns.get(column).is_some_and(|column| is_named(&column.name));
    let mut whole: BTreeMap<usize, Series> = BTreeMap::new();
    let mut take = |arrays: HashMap<usize, ArrayRef>| -> Result<()> {
        for (column, array) in arrays {
            let name = &source.columns[column].name;
            let piece = to_polars(name, &array)?;
            match whole.get_mut(&column) {
                Some(series) => series.append_owned(piece).map(drop).map_err(|e| bug(&e))?,
                None => drop(whole.insert(column, piece)),
            }
        }
        Ok(())
    };
    let mut piece = Columns::new(layout, wanted, order.len());
    for (done, row) in order.iter().enumerate() {
        if piece.most_text() > TEXT_PER_ARRAY {
            let next = Columns::new(layout, wanted, order.len() - done);
            take(std::mem::replace(&mut piece, next).finish(source)?)?;
        }
        piece.push(rows.cells[*row as usize])?;
    }
    take(piece.finish(source)?)?;
    Ok(whole.into_values().map(|series| series.rechunk().into()).collect())
}

fn used(fields: &[Named]) -> Vec<&str> {
    let mut names: Vec<&str> = fields.iter().flat_map(|f| &f.value.columns).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

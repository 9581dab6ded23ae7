//! Sources with many rows a customer: their aggregates, one row per customer in the order of the shard's ids.

use arrow::array::RecordBatch;
use polars::prelude::{
    Column as PolarsColumn, Expr, IdxCa, IntoLazy, IntoSeries, JoinArgs, JoinType, LazyFrame, MaintainOrderJoin,
    NewChunkedArray, col, lit,
};

use super::index::EXCLUDED;
use super::{as_of_column, column, frame};
use crate::error::Result;
use crate::spec::{AS_OF, Named, Source};

/// The customer's code; specs cannot use names that begin so.
const CODE: &str = "__code";

/// Plans the aggregates of a source. A customer without a row gets nulls.
pub(super) fn plan(
    source: &Source,
    fields: &[Named],
    codes: &[u32],
    rows: &[RecordBatch],
    customers: usize,
    as_of: Option<i32>,
) -> Result<LazyFrame> {
    let mut columns: Vec<PolarsColumn> = vec![code_column(codes.iter().copied())];
    for name in used(fields) {
        let index = match source.columns.iter().position(|c| c.name == *name) {
            Some(index) => index + 1,
            None if *name == source.key => 0,
            None => continue,
        };
        columns.push(column(name, rows, index)?);
    }
    let mut rows = frame(codes.len(), columns)?.lazy();
    if codes.contains(&EXCLUDED) {
        rows = rows.filter(col(CODE).neq(lit(EXCLUDED)));
    }
    if used(fields).any(|name| name == AS_OF) {
        rows = rows.with_column(as_of_column(as_of));
    }
    let exprs: Vec<Expr> = fields.iter().map(|f| f.value.expr.clone().alias(f.name.as_str())).collect();
    let names: Vec<Expr> = fields.iter().map(|f| col(f.name.as_str())).collect();
    // Groups keep their rows in input order, which fixes float sums and ties.
    let groups = rows.group_by_stable([col(CODE)]).agg(exprs);
    let all = frame(customers, vec![code_column(0..customers as u32)])?.lazy();
    let mut join = JoinArgs::new(JoinType::Left);
    join.maintain_order = MaintainOrderJoin::Left;
    Ok(all.join(groups, [col(CODE)], [col(CODE)], join).select(names))
}

fn used(fields: &[Named]) -> impl Iterator<Item = &String> {
    let mut names: Vec<&String> = fields.iter().flat_map(|f| &f.value.columns).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter()
}

fn code_column(codes: impl Iterator<Item = u32>) -> PolarsColumn {
    IdxCa::from_iter_values(CODE.into(), codes).into_series().into()
}

//! Expressions over one text column that holds few distinct texts, such as a plan or a state: evaluated once for each of
//! them, not for each row. Owns when that pays.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use foldhash::fast::FixedState;
use polars::prelude::{Expr, IdxCa, IntoLazy, IntoSeries, LazyFrame, NewChunkedArray, lit};

use super::frame;
use crate::error::Result;
use crate::interop::to_polars;
use crate::spec::{Named, Spec};

/// A text column as its distinct texts and a code for each row.
struct Distinct {
    texts: ArrayRef,
    codes: Vec<u32>,
}

/// Plans of the computed columns that depend on one such column, by name of the computed column.
pub(super) fn plan<'a>(spec: &'a Spec, ready: &HashMap<String, ArrayRef>) -> Result<BTreeMap<&'a str, LazyFrame>> {
    let mut columns: HashMap<&str, Option<Distinct>> = HashMap::new();
    let mut plans = BTreeMap::new();
    for computed in &spec.computed {
        let Some((name, array)) = only_text(computed, ready) else { continue };
        let distinct = columns.entry(name).or_insert_with(|| distinct(array.as_string()));
        if let Some(distinct) = distinct {
            let texts = frame(distinct.texts.len(), vec![to_polars(name, &distinct.texts)?.into()])?;
            let codes = IdxCa::from_iter_values("".into(), distinct.codes.iter().copied()).into_series();
            let value: Expr = computed.value.expr.clone().alias(computed.name.as_str());
            plans.insert(computed.name.as_str(), texts.lazy().select([value.gather(lit(codes), false)]));
        }
    }
    Ok(plans)
}

/// The one column that a computed column names, when it is text and ready.
fn only_text<'a>(computed: &'a Named, ready: &'a HashMap<String, ArrayRef>) -> Option<(&'a str, &'a ArrayRef)> {
    let mut names = computed.value.columns.iter();
    let (name, None) = (names.next()?, names.next()) else { return None };
    let array = ready.get(name)?;
    array.as_string_opt::<i32>().map(|_| (name.as_str(), array))
}

/// None when the texts are too many to pay.
fn distinct(texts: &StringArray) -> Option<Distinct> {
    let most = texts.len() / 8;
    let mut seen: HashMap<Option<&str>, u32, FixedState> = HashMap::with_hasher(FixedState::with_seed(0));
    let mut values = Vec::new();
    let mut codes = Vec::with_capacity(texts.len());
    for text in texts {
        let code = *seen.entry(text).or_insert_with(|| {
            values.push(text);
            values.len() as u32 - 1
        });
        if values.len() > most {
            return None;
        }
        codes.push(code);
    }
    Some(Distinct { texts: Arc::new(StringArray::from(values)), codes })
}

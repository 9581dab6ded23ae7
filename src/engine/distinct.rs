//! Expressions over one text column with few distinct texts, such as a plan or a state: evaluated once for each text,
//! not for each row. Owns when this is faster.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use foldhash::fast::FixedState;
use polars::prelude::{Expr, IdxCa, IntoLazy, IntoSeries, LazyFrame, NewChunkedArray, lit};

use super::compile::row;
use super::frame;
use crate::engine::bridge::to_polars;
use crate::error::Result;
use crate::spec::{Named, Spec};

/// A text column as its distinct texts and a code for each row.
struct Distinct {
    texts: ArrayRef,
    codes: Vec<u32>,
}

/// Plans of the computed columns that depend on one such column only, by their name.
pub(super) fn plan<'a>(spec: &'a Spec, ready: &HashMap<String, ArrayRef>) -> Result<BTreeMap<&'a str, LazyFrame>> {
    let mut columns: HashMap<&str, Option<Distinct>> = HashMap::new();
    let mut plans = BTreeMap::new();
    for computed in &spec.computed {
        let Some((name, array)) = only_text(computed, ready) else { continue };
        let distinct = columns.entry(name).or_insert_with(|| distinct(array.as_string()));
        if let Some(distinct) = distinct {
            let texts = frame(distinct.texts.len(), vec![to_polars(name, &distinct.texts)?.into()])?;
            let codes = IdxCa::from_iter_values("".into(), distinct.codes.iter().copied()).into_series();
            let value: Expr = row(&computed.value.expr).alias(computed.name.as_str());
            plans.insert(computed.name.as_str(), texts.lazy().select([value.gather(lit(codes), false)]));
        }
    }
    Ok(plans)
}

/// The only column that a computed column uses, if it is text and ready.
fn only_text<'a>(computed: &'a Named, ready: &'a HashMap<String, ArrayRef>) -> Option<(&'a str, &'a ArrayRef)> {
    let mut names = computed.value.columns.iter();
    let (name, None) = (names.next()?, names.next()) else { return None };
    let array = ready.get(name)?;
    array.as_string_opt::<i32>().map(|_| (name.as_str(), array))
}

/// None if there are too many distinct texts for this to be faster.
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

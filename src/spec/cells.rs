//! How a source's cells are written: types, marks of numbers, zone, last day. Raw keys → the cell types of its columns.

use chrono::NaiveDate;
use chrono_tz::Tz;
use indexmap::IndexMap;
use toml::Spanned;

use super::Problem;
use super::check::Checked;
use super::form::word;
use super::raw::{RawMaxDate, RawSource};
use crate::value::{CellType, DecimalMark, Notation, Type};

/// The declared types of a source's columns, by name.
pub fn read_types(raw: &RawSource, key: Option<&Spanned<String>>) -> Checked<IndexMap<String, CellType>> {
    let (notation, zone) = (notation(raw)?, zone(raw)?);
    let mut read = IndexMap::new();
    for (column, ty) in &raw.types {
        let cell = CellType::parse(ty.get_ref()).map_err(|why| unknown(ty, why))?;
        if key.is_some_and(|key| column.get_ref() == key.get_ref()) {
            return Err(Problem::new(column.span().start, "the id column is always text"));
        }
        read.insert(column.get_ref().clone(), CellType { notation: notation.clone(), zone, ..cell });
    }
    last_days(raw, &mut read)?;
    Ok(read)
}

fn unknown(ty: &Spanned<String>, why: Option<String>) -> Problem {
    let message = why.unwrap_or_else(|| {
        format!(
            "unknown type `{}`; use text, int, float, decimal(p,s), bool, date, datetime or time, with words or formats such as bool(YES|NO) or date(%d.%m.%Y)",
            ty.get_ref()
        )
    });
    Problem::new(ty.span().start, message)
}

fn notation(raw: &RawSource) -> Checked<Notation> {
    let decimal = word(raw.decimal.as_ref(), "decimal", &[(".", DecimalMark::Point), (",", DecimalMark::Comma)])?;
    let marks = [(",", ','), (".", '.'), ("'", '\''), (" ", ' ')];
    let thousands = word(raw.thousands.as_ref(), "thousands", &marks)?;
    let decimal = decimal.unwrap_or_default();
    let point = if decimal == DecimalMark::Comma { ',' } else { '.' };
    if let Some(mark) = raw.thousands.as_ref().filter(|_| thousands == Some(point)) {
        let message = "`thousands` and `decimal` are the same mark: no number could be told";
        return Err(Problem::new(mark.span().start, message));
    }
    let strip = raw.strip.iter().map(|what| match what.get_ref().trim() {
        "" => Err(Problem::new(what.span().start, "`strip` has an empty text")),
        text if text.contains(|c: char| c.is_ascii_digit()) => {
            Err(Problem::new(what.span().start, "`strip` has digits, which would be part of the number"))
        }
        text => Ok(text.to_owned()),
    });
    Ok(Notation {
        decimal,
        thousands,
        strip: strip.collect::<Checked<_>>()?,
        parentheses: raw.negative_parentheses,
        trailing: word(raw.negative.as_ref(), "negative", &[("leading", false), ("trailing", true)])?.unwrap_or(false),
    })
}

fn zone(raw: &RawSource) -> Checked<Option<Tz>> {
    let Some(zone) = &raw.zone else { return Ok(None) };
    let wrong = || {
        let message = format!("unknown zone `{}`: use a name of the IANA list, such as Europe/Berlin", zone.get_ref());
        Problem::new(zone.span().start, message)
    };
    zone.get_ref().parse().map(Some).map_err(|_| wrong())
}

/// Gives the columns their last day.
fn last_days(raw: &RawSource, types: &mut IndexMap<String, CellType>) -> Checked<()> {
    let Some(max) = &raw.max_date else { return Ok(()) };
    let wrong = |message: String| Problem::new(max.span().start, message);
    let day = |text: &String| {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        day.map(|day| day.to_epoch_days())
            .ok_or_else(|| wrong(format!("`max_date` is a day such as 2030-12-31, not `{text}`")))
    };
    let is_day = |cell: &CellType| matches!(cell.ty, Type::Date | Type::Datetime);
    match max.get_ref() {
        RawMaxDate::All(text) => {
            let day = day(text)?;
            if !types.values().any(is_day) {
                return Err(wrong("`max_date`: `types` has no date or datetime".to_owned()));
            }
            types.values_mut().filter(|cell| is_day(cell)).for_each(|cell| cell.max_day = Some(day));
        }
        RawMaxDate::Each(each) => {
            for (name, text) in each {
                let day = day(text)?;
                match types.get_mut(name).filter(|cell| is_day(cell)) {
                    Some(cell) => cell.max_day = Some(day),
                    None => return Err(wrong(format!("`max_date`: `types` has no date or datetime `{name}`"))),
                }
            }
        }
    }
    Ok(())
}

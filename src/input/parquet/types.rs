//! Which types of a Parquet file meet which types of a spec. A value must become the spec's exactly: a float is no decimal,
//! a moment no day.

use ::arrow::datatypes::DataType;

use crate::error::Result;
use crate::input::columns::{Header, HeaderOf};
use crate::spec::Column;
use crate::value::Type;

/// Fails for a column whose values cannot be those of the spec.
pub fn check(of: &HeaderOf<'_>, header: &Header, columns: &[(String, DataType)]) -> Result<()> {
    let source = of.source;
    let refuse = |column: &Column, found: &DataType, cure: &str| {
        let (name, ty) = (&column.name, column.cell.ty);
        Err(of.fault(&format!("column `{name}` of `{}` is {found} and cannot be {ty}: {cure}", of.name)))
    };
    let key = std::iter::once(&header.key).chain(&header.more_keys).filter_map(|at| columns.get(*at));
    if let Some((_, ty)) = key.into_iter().find(|(_, ty)| ty.is_floating()) {
        return refuse(&source.key, ty, "an id must be a text or an integer, of which nothing can be lost");
    }
    let links = source.links.iter().flat_map(|links| links.columns.iter().zip(&header.links));
    for (column, at) in links.clone() {
        if let Some((_, ty)) = at.and_then(|at| columns.get(at)).filter(|(_, ty)| ty.is_floating()) {
            return refuse(column, ty, "an id must be a text or an integer, of which nothing can be lost");
        }
    }
    let declared = source.columns.iter().zip(&header.columns).chain(links);
    let filter = source.filter.iter().flat_map(|filter| filter.columns.iter().zip(&header.filter));
    for (column, at) in declared.chain(filter).chain([(&source.key, &Some(header.key))]) {
        let Some((_, found)) = at.and_then(|at| columns.get(at)) else { continue };
        if !is_scalar(found) {
            return refuse(column, found, "name a column of single values");
        }
        if !meets(found, column.cell.ty) {
            return refuse(column, found, &format!("declare it {}", fitting(found)));
        }
    }
    Ok(())
}

fn is_scalar(ty: &DataType) -> bool {
    use DataType::{Binary, Boolean, Date32, Decimal128, Null, Time32, Time64, Timestamp, Utf8};
    ty.is_integer()
        || ty.is_floating()
        || matches!(
            ty,
            Boolean | Utf8 | Binary | Date32 | Decimal128(..) | Null | Time32(_) | Time64(_) | Timestamp(..)
        )
}

/// Whether each value of a type of the file is one of the declared type.
fn meets(found: &DataType, declared: Type) -> bool {
    // Texts are read like those of a CSV file; a column of nulls has no type.
    if matches!(found, DataType::Utf8 | DataType::Binary | DataType::Null) {
        return true;
    }
    match declared {
        Type::Text => true,
        Type::Int => found.is_integer() || matches!(found, DataType::Decimal128(_, 0)),
        Type::Float => found.is_numeric(),
        Type::Decimal(_, scale) => {
            found.is_integer()
                || matches!(found, DataType::Decimal128(_, s) if *s <= i8::try_from(scale).unwrap_or(i8::MAX))
        }
        Type::Bool => matches!(found, DataType::Boolean),
        Type::Date => matches!(found, DataType::Date32),
        Type::Datetime => matches!(found, DataType::Date32 | DataType::Timestamp(..)),
    }
}

/// The type to declare for a type of the file.
fn fitting(found: &DataType) -> String {
    match found {
        DataType::Boolean => "bool".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "datetime".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        ty if ty.is_integer() => "int".to_owned(),
        ty if ty.is_floating() => "float".to_owned(),
        _ => "text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use ::arrow::datatypes::TimeUnit;

    use super::*;

    #[test]
    fn nothing_of_a_value_may_be_lost() {
        use DataType::{Boolean, Date32, Decimal128, Float64, Int64, Timestamp, Utf8};
        let moment = Timestamp(TimeUnit::Microsecond, None);
        for (found, declared) in [
            (&Int64, Type::Int),
            (&Int64, Type::Decimal(10, 2)),
            (&Int64, Type::Float),
            (&Decimal128(10, 2), Type::Decimal(12, 2)),
            (&Date32, Type::Datetime),
            (&Utf8, Type::Date),
            (&moment, Type::Text),
        ] {
            assert!(meets(found, declared), "{found} {declared}");
        }
        for (found, declared) in [
            (&Float64, Type::Decimal(10, 2)),
            (&Float64, Type::Int),
            (&Decimal128(10, 3), Type::Decimal(12, 2)),
            (&moment, Type::Date),
            (&Int64, Type::Bool),
            (&Boolean, Type::Int),
        ] {
            assert!(!meets(found, declared), "{found} {declared}");
        }
        assert_eq!((fitting(&moment), fitting(&Decimal128(9, 3))), ("datetime".to_owned(), "decimal(9,3)".to_owned()));
    }
}

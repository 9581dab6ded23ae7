//! `cast` and `try_cast`, and the SQL names of the types. Refuses casts that do not mean the same in every engine.

use sqlparser::ast::{CastKind, DataType as SqlType, ExactNumberInfo};

use super::draft::Draft;
use super::{Checked, Fault};
use crate::spec::expr::Kind;
use crate::value::{Type, read_decimal};

/// The type that a SQL type name means.
pub fn sql_type(sql: &SqlType) -> Checked<Type> {
    match sql {
        SqlType::Int(None) | SqlType::Integer(None) | SqlType::BigInt(None) | SqlType::Int64 => Ok(Type::Int),
        SqlType::Double(_) | SqlType::DoublePrecision | SqlType::Float(_) | SqlType::Float64 => Ok(Type::Float),
        SqlType::Text | SqlType::String(None) | SqlType::Varchar(None) => Ok(Type::Text),
        SqlType::Bool | SqlType::Boolean => Ok(Type::Bool),
        SqlType::Date => Ok(Type::Date),
        SqlType::Timestamp(None, _) | SqlType::Datetime(None) => Ok(Type::Datetime),
        SqlType::Decimal(ExactNumberInfo::PrecisionAndScale(p, s))
            if (1..=38).contains(p) && (0..=*p as i64).contains(s) =>
        {
            // Both fit in a byte: they are at most 38.
            Ok(Type::Decimal(*p as u8, *s as u8))
        }
        other => Err(Fault::UnknownType(other.to_string()).into()),
    }
}

/// Checks a cast and gives its result.
pub fn cast(draft: Draft, kind: &CastKind, to: Type) -> Checked<Draft> {
    let Some(from) = draft.ty else { return Ok(draft.widen(to)) };
    if let (Type::Decimal(p, s), Some(text)) = (to, &draft.number)
        && read_decimal(text, p, s).is_some()
    {
        // A number literal is exactly the decimal that is written, and no literal of any type any more.
        return Ok(Draft { number: None, ..draft.widen(to) });
    }
    let same_everywhere = match (from, to) {
        _ if from == to => true,
        (Type::Text, _) if matches!(kind, CastKind::TryCast) => {
            return Ok(draft.wrap(to, |text| Kind::Read(Box::new(text))));
        }
        (Type::Text, _) => return Err(Fault::CastOfText(to).into()),
        (Type::Int | Type::Decimal(..), Type::Float) | (Type::Int | Type::Date, Type::Text) => true,
        (Type::Int, Type::Decimal(p, s)) if p - s < 19 => return Err(Fault::CastOfInt { scale: s }.into()),
        (Type::Int, Type::Decimal(..)) => true,
        (Type::Date, Type::Datetime) | (Type::Datetime, Type::Date) | (Type::Bool, Type::Int) => true,
        _ => false,
    };
    if !same_everywhere {
        return Err(Fault::CastDiffers { from, to }.into());
    }
    Ok(draft.wrap(to, |inner| Kind::Cast(Box::new(inner))))
}

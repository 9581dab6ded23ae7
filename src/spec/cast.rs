//! `cast` and `try_cast`, and the SQL names of our types. Allowed is what means the same in every engine.

use polars::prelude::{Column, Expr as Plan, Field, PolarsResult};
use sqlparser::ast::{CastKind, DataType as SqlType, ExactNumberInfo};

use super::sql::Node;
use crate::cell::{CellType, Type, read_decimal};
use crate::interop::{polars_type, read_column};

/// The type a SQL type name stands for.
pub(super) fn sql_type(sql: &SqlType) -> Result<Type, String> {
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
            // Both fit: the guard bounds them by 38.
            Ok(Type::Decimal(*p as u8, *s as u8))
        }
        other => Err(format!(
            "type `{other}` is not supported; use bigint, double, decimal(p,s), boolean, date, timestamp or text"
        )),
    }
}

/// Compiles a cast.
pub(super) fn cast(node: Node, kind: &CastKind, to: Type) -> Result<Node, String> {
    let Some(from) = node.ty else { return Ok(node.map_to(to, |e| e.cast(polars_type(to)))) };
    if let (Type::Decimal(p, s), Some(text)) = (to, &node.number)
        && read_decimal(text, p, s).is_some()
    {
        // A literal is the decimal that it is written as.
        return Ok(node.widen(to));
    }
    let same_everywhere = match (from, to) {
        _ if from == to => true,
        (Type::Text, _) if matches!(kind, CastKind::TryCast) => return Ok(node.map_to(to, |e| read_text(e, to))),
        (Type::Text, _) => return Err(format!("`cast` of text can fail on data: use `try_cast(… as {to})`")),
        (Type::Int | Type::Decimal(..), Type::Float) | (Type::Int | Type::Date, Type::Text) => true,
        (Type::Int, Type::Decimal(p, s)) if p - s < 19 => {
            return Err(format!("`cast` of an int needs 19 digits before the point: decimal({},{s})", 19 + s));
        }
        (Type::Int, Type::Decimal(..)) => true,
        (Type::Date, Type::Datetime) | (Type::Datetime, Type::Date) | (Type::Bool, Type::Int) => true,
        _ => false,
    };
    if !same_everywhere {
        return Err(format!("`cast` from {from} to {to} means different things in different engines"));
    }
    Ok(node.map_to(to, |e| e.cast(polars_type(to))))
}

/// Text read by the rules for source columns (contract §2); what is no such value is null.
fn read_text(text: Plan, ty: Type) -> Plan {
    let cell = CellType::of(ty);
    let read = move |column: Column| -> PolarsResult<Column> { read_column(&column, &cell) };
    text.map(read, move |_, field| Ok(Field::new(field.name().clone(), polars_type(ty))))
}

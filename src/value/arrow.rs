//! Which arrow type holds which type of cell, in built shards and in the outputs. Owns both directions, so that code
//! with an array can match on the cell type and the compiler finds every place that a new type must be added to.

use arrow::datatypes::{DataType, TimeUnit};

use super::Type;

/// The arrow type of a column.
pub fn arrow_type(ty: Type) -> DataType {
    match ty {
        Type::Int => DataType::Int64,
        Type::Float => DataType::Float64,
        // Precision and scale are at most 38.
        Type::Decimal(p, s) => DataType::Decimal128(p, s as i8),
        Type::Bool => DataType::Boolean,
        Type::Date => DataType::Date32,
        Type::Datetime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        // Offsets and bytes: views take 16 bytes per cell, more than most texts are long.
        Type::Text => DataType::Utf8,
    }
}

/// The type of an array's cells; none for an array type that no column has.
pub fn type_of(array: &DataType) -> Option<Type> {
    match array {
        DataType::Int64 => Some(Type::Int),
        DataType::Float64 => Some(Type::Float),
        DataType::Decimal128(p, s) => Some(Type::Decimal(*p, u8::try_from(*s).ok()?)),
        DataType::Boolean => Some(Type::Bool),
        DataType::Date32 => Some(Type::Date),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Some(Type::Datetime),
        DataType::Utf8 => Some(Type::Text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each type once; the `match` does not compile until a new type is added here.
    fn all() -> Vec<Type> {
        let next = |ty: Type| match ty {
            Type::Int => Some(Type::Float),
            Type::Float => Some(Type::Decimal(12, 2)),
            Type::Decimal(..) => Some(Type::Bool),
            Type::Bool => Some(Type::Date),
            Type::Date => Some(Type::Datetime),
            Type::Datetime => Some(Type::Text),
            Type::Text => None,
        };
        std::iter::successors(Some(Type::Int), |ty| next(*ty)).collect()
    }

    #[test]
    fn every_type_comes_back() {
        assert!(all().into_iter().all(|ty| type_of(&arrow_type(ty)) == Some(ty)));
        assert_eq!(type_of(&DataType::UInt8), None);
    }
}

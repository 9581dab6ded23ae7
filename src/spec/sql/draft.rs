//! An expression while it is being checked: its tree so far, with what later checks need. Owns literals and how a value
//! gets another type without loss.

use sqlparser::ast::{TypedString, Value};

use super::cast::sql_type;
use super::{Checked, Fault};
use crate::spec::expr::{Constant, Expr, Function, Kind};
use crate::value::{CellType, Type, Value as Cell, read_decimal};

/// Whether an expression has one value in all, one per row or one per customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    Constant,
    Row,
    Aggregate,
}

/// An expression while it is being checked.
#[derive(Debug, Clone)]
pub struct Draft {
    pub kind: Kind,
    /// None for a bare `NULL`.
    pub ty: Option<Type>,
    pub grain: Grain,
    /// The text of a numeric literal, for exact decimals.
    pub number: Option<String>,
}

impl Draft {
    pub fn null() -> Self {
        Self { kind: Kind::Null, ty: None, grain: Grain::Constant, number: None }
    }

    fn constant(value: Constant, ty: Type) -> Self {
        Self { kind: Kind::Constant(value), ty: Some(ty), grain: Grain::Constant, number: None }
    }

    /// The tree. A `NULL` that was given no type, as in `null is null`, is a text.
    pub fn into_expr(self) -> Expr {
        Expr { ty: self.ty.unwrap_or(Type::Text), kind: self.kind }
    }

    /// The draft as part of another node.
    pub fn wrap(self, ty: Type, outer: impl FnOnce(Expr) -> Kind) -> Self {
        let grain = self.grain;
        Self { kind: outer(self.into_expr()), ty: Some(ty), grain, number: None }
    }

    /// A function with the draft as its one argument.
    pub fn call(self, ty: Type, function: Function) -> Self {
        self.wrap(ty, |arg| Kind::Call(function, vec![arg]))
    }

    /// A function of two arguments.
    pub fn both(a: Self, b: Self, ty: Type, function: Function) -> Checked<Self> {
        Self::all(vec![a, b], ty, function)
    }

    /// A function of all these arguments.
    pub fn all(args: Vec<Self>, ty: Type, function: Function) -> Checked<Self> {
        let grain = args.iter().try_fold(Grain::Constant, |grain, arg| join(grain, arg.grain))?;
        let args = args.into_iter().map(Self::into_expr).collect();
        Ok(Self { kind: Kind::Call(function, args), ty: Some(ty), grain, number: None })
    }

    pub fn negate_if(self, negated: bool) -> Self {
        if negated { self.call(Type::Bool, Function::Not) } else { self }
    }

    /// The draft as a value of `ty`, exactly from its text if it is a number literal.
    pub fn widen(self, ty: Type) -> Self {
        match (self.ty, ty, &self.number) {
            (Some(from), to, _) if from == to => self,
            (None, ..) => Self { ty: Some(ty), ..self },
            (_, Type::Decimal(p, s), Some(text)) if let Some(value) = read_decimal(text, p, s) => {
                Self { kind: Kind::Constant(Constant::Decimal(value)), ty: Some(ty), ..self }
            }
            _ => self.wrap(ty, |inner| Kind::Cast(Box::new(inner))),
        }
    }
}

/// The grain of two drafts combined.
pub fn join(a: Grain, b: Grain) -> Checked<Grain> {
    match (a, b) {
        (Grain::Constant, other) | (other, Grain::Constant) => Ok(other),
        (a, b) if a == b => Ok(a),
        _ => Err(Fault::MixedGrain.into()),
    }
}

pub fn literal(value: &Value) -> Checked<Draft> {
    match value {
        Value::Null => Ok(Draft::null()),
        Value::Boolean(b) => Ok(Draft::constant(Constant::Bool(*b), Type::Bool)),
        Value::SingleQuotedString(text) => Ok(text_constant(text)),
        Value::Number(text, _) => number(text),
        other => Err(Fault::Literal(other.to_string()).into()),
    }
}

pub fn text_constant(text: &str) -> Draft {
    Draft::constant(Constant::Text(text.to_owned()), Type::Text)
}

pub fn number(text: &str) -> Checked<Draft> {
    // A cell `7.0` may be an int, a literal may not.
    let int = CellType::of(Type::Int).read(text).filter(|_| !text.contains('.'));
    let draft = if let Some(Cell::Int(value)) = int {
        Draft::constant(Constant::Int(value), Type::Int)
    } else if let Some(Cell::Float(value)) = CellType::of(Type::Float).read(text) {
        Draft::constant(Constant::Float(value), Type::Float)
    } else {
        return Err(Fault::NumberRange(text.to_owned()).into());
    };
    Ok(Draft { number: Some(text.to_owned()), ..draft })
}

/// `date '2026-01-31'` and `timestamp '2026-01-31 12:00:00'`.
pub fn typed_literal(typed: &TypedString) -> Checked<Draft> {
    let Value::SingleQuotedString(text) = &typed.value.value else {
        return Err(Fault::Literal(typed.to_string()).into());
    };
    let ty = sql_type(&typed.data_type)?;
    match CellType::of(ty).read(text) {
        Some(Cell::Date(days)) => Ok(Draft::constant(Constant::Date(days), ty)),
        Some(Cell::Datetime(micros)) => Ok(Draft::constant(Constant::Datetime(micros), ty)),
        _ => Err(Fault::InvalidLiteral(typed.to_string()).into()),
    }
}

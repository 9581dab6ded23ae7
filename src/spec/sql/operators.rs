//! Operators of the SQL subset. Owns the rule for combining two types; refuses to combine any others.

use sqlparser::ast::BinaryOperator as Op;

use super::draft::Draft;
use super::{Checked, Fault};
use crate::spec::expr::{Function, Kind};
use crate::value::Type;

/// Checks `left op right` and gives its result.
pub fn binary(left: Draft, op: &Op, right: Draft) -> Checked<Draft> {
    match op {
        Op::Eq => comparison(left, right, Function::Equal),
        Op::NotEq => comparison(left, right, Function::NotEqual),
        Op::Lt => comparison(left, right, Function::Less),
        Op::LtEq => comparison(left, right, Function::LessOrEqual),
        Op::Gt => comparison(left, right, Function::Greater),
        Op::GtEq => comparison(left, right, Function::GreaterOrEqual),
        Op::And => logic(left, right, "`and`", Function::And),
        Op::Or => logic(left, right, "`or`", Function::Or),
        Op::Plus => arithmetic(left, op, right, Function::Add),
        Op::Minus => arithmetic(left, op, right, Function::Subtract),
        Op::Multiply => arithmetic(left, op, right, Function::Multiply),
        Op::Divide => divide(left, right),
        Op::StringConcat => {
            let (left, right) = (check_text(left, "`||`")?, check_text(right, "`||`")?);
            Draft::both(left, right, Type::Text, Function::Concat)
        }
        other => Err(Fault::Operator(other.to_string()).into()),
    }
}

fn logic(left: Draft, right: Draft, what: &str, function: Function) -> Checked<Draft> {
    Draft::both(check_bool(left, what)?, check_bool(right, what)?, Type::Bool, function)
}

/// Checks a comparison of two values that share a type.
pub fn comparison(left: Draft, right: Draft, function: Function) -> Checked<Draft> {
    let (pair, ty) = unify(vec![left, right], "the two sides of a comparison")?;
    match ty {
        None => Err(Fault::NullComparison.into()),
        Some(_) => Draft::all(pair, Type::Bool, function),
    }
}

/// Gives all drafts one type: all have the same already, or integers are combined with floats or decimals.
pub fn unify(drafts: Vec<Draft>, what: &str) -> Checked<(Vec<Draft>, Option<Type>)> {
    let decimals = drafts.iter().any(|n| matches!(n.ty, Some(Type::Decimal(..))));
    let mut target: Option<Type> = None;
    for draft in &drafts {
        // Combined with decimals, a number literal is exactly the decimal that is written.
        let ty = if decimals { draft.number.as_deref().and_then(literal_type).or(draft.ty) } else { draft.ty };
        target = match (target, ty) {
            (known, None) => known,
            (None, ty) => ty,
            (Some(a), Some(b)) => Some(meet(a, b).ok_or_else(|| Fault::MixedTypes { what: what.to_owned(), a, b })?),
        };
    }
    let Some(ty) = target else { return Ok((drafts, None)) };
    Ok((drafts.into_iter().map(|n| n.widen(ty)).collect(), Some(ty)))
}

/// The type that holds both without loss, if there is one.
fn meet(a: Type, b: Type) -> Option<Type> {
    match (a, b) {
        _ if a == b => Some(a),
        (Type::Int, Type::Float) | (Type::Float, Type::Int) => Some(Type::Float),
        // 19 digits hold any 64-bit integer.
        (Type::Int, Type::Decimal(p, s)) | (Type::Decimal(p, s), Type::Int) => decimal((p - s).max(19), s),
        (Type::Decimal(p, s), Type::Decimal(q, t)) => decimal((p - s).max(q - t), s.max(t)),
        _ => None,
    }
}

/// A decimal with this many digits before and after the point, if it is not too long.
fn decimal(whole: u8, scale: u8) -> Option<Type> {
    let precision = whole.checked_add(scale).filter(|p| (1..=38).contains(p))?;
    Some(Type::Decimal(precision, scale))
}

/// The decimal type of a number literal; none for one with an exponent.
fn literal_type(text: &str) -> Option<Type> {
    let (whole, fraction) = text.trim_start_matches('-').split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().filter(u8::is_ascii_digit).count();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    let (whole, fraction) = (u8::try_from(digits(whole)).ok()?, u8::try_from(digits(fraction)).ok()?);
    if plain { decimal(whole.max(1), fraction) } else { None }
}

/// Returns a bool, fails for anything else.
pub fn check_bool(draft: Draft, what: &str) -> Checked<Draft> {
    match draft.ty {
        None | Some(Type::Bool) => Ok(draft.widen(Type::Bool)),
        Some(found) => Err(Fault::NeedsBool { what: what.to_owned(), found }.into()),
    }
}

/// Returns a text, fails for anything else.
pub fn check_text(draft: Draft, what: &str) -> Checked<Draft> {
    match draft.ty {
        None | Some(Type::Text) => Ok(draft.widen(Type::Text)),
        Some(found) => Err(Fault::NeedsText { what: what.to_owned(), found }.into()),
    }
}

fn arithmetic(left: Draft, op: &Op, right: Draft, function: Function) -> Checked<Draft> {
    let (pair, ty) = unify(vec![left, right], &format!("the two sides of `{op}`"))?;
    match (ty, function) {
        (Some(ty @ (Type::Int | Type::Float)), _) => Draft::all(pair, ty, function),
        (Some(Type::Decimal(..)), Function::Multiply) => Err(Fault::DecimalProduct.into()),
        (Some(Type::Decimal(p, s)), _) => {
            let wide = decimal(p - s + 1, s).ok_or_else(|| Fault::DecimalRange(op.to_string()))?;
            Draft::all(pair.into_iter().map(|side| side.widen(wide)).collect(), wide, function)
        }
        (Some(Type::Date | Type::Datetime), _) => Err(Fault::DateArithmetic(op.to_string()).into()),
        (Some(Type::Bool | Type::Text) | None, _) => {
            Err(Fault::Needs { what: format!("`{op}`"), wanted: "numbers" }.into())
        }
    }
}

/// Division of numbers is a float division everywhere.
fn divide(left: Draft, right: Draft) -> Checked<Draft> {
    for draft in [&left, &right] {
        if !matches!(draft.ty, Some(Type::Int | Type::Float | Type::Decimal(..))) {
            return Err(Fault::Needs { what: "`/`".into(), wanted: "numbers" }.into());
        }
    }
    Draft::both(as_float(left), as_float(right), Type::Float, Function::Divide)
}

fn as_float(draft: Draft) -> Draft {
    if draft.ty == Some(Type::Float) { draft } else { draft.wrap(Type::Float, |inner| Kind::Cast(Box::new(inner))) }
}

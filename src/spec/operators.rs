//! Operators of the SQL subset and the rule by which two types meet. Integer arithmetic never wraps, `/` by zero is null.

use polars::prelude::{
    ChunkApply, Column, DataType, Expr as Plan, Field, IntoColumn, PolarsResult, concat_str, polars_err,
};
use sqlparser::ast::BinaryOperator as Op;

use super::sql::{Node, join};
use crate::cell::Type;
use crate::interop::polars_type;

/// Compiles `left op right`.
pub(super) fn binary(left: Node, op: &Op, right: Node) -> Result<Node, String> {
    match op {
        Op::Eq => comparison(left, right, Plan::eq),
        Op::NotEq => comparison(left, right, Plan::neq),
        Op::Lt => comparison(left, right, Plan::lt),
        Op::LtEq => comparison(left, right, Plan::lt_eq),
        Op::Gt => comparison(left, right, Plan::gt),
        Op::GtEq => comparison(left, right, Plan::gt_eq),
        Op::And => Node::both(check_bool(left, "`and`")?, check_bool(right, "`and`")?, Type::Bool, Plan::and),
        Op::Or => Node::both(check_bool(left, "`or`")?, check_bool(right, "`or`")?, Type::Bool, Plan::or),
        Op::Plus | Op::Minus | Op::Multiply => arithmetic(left, op, right),
        Op::Divide => divide(left, right),
        Op::StringConcat => {
            let (left, right) = (check_text(left, "`||`")?, check_text(right, "`||`")?);
            Node::both(left, right, Type::Text, |a, b| concat_str([a, b], "", false))
        }
        other => Err(format!("operator `{other}` is not supported")),
    }
}

/// Compiles a comparison of two values that share a type.
pub(super) fn comparison(left: Node, right: Node, op: fn(Plan, Plan) -> Plan) -> Result<Node, String> {
    let (mut pair, ty) = unify(vec![left, right], "the two sides of a comparison")?;
    if ty.is_none() {
        return Err("NULL is compared with NULL: use `is null`".into());
    }
    match (pair.pop(), pair.pop()) {
        (Some(right), Some(left)) => Node::both(left, right, Type::Bool, op),
        _ => Err("a comparison needs two sides".into()),
    }
}

/// Gives all nodes one type: equal types, or an integer beside a float or decimal. Anything else is mixed.
pub(super) fn unify(nodes: Vec<Node>, what: &str) -> Result<(Vec<Node>, Option<Type>), String> {
    let decimals = nodes.iter().any(|n| matches!(n.ty, Some(Type::Decimal(..))));
    let mut target: Option<Type> = None;
    for node in &nodes {
        // Beside decimals a numeric literal is the decimal that it is written as.
        let ty = if decimals { node.number.as_deref().and_then(literal_type).or(node.ty) } else { node.ty };
        target = match (target, ty) {
            (known, None) => known,
            (None, ty) => ty,
            (Some(a), Some(b)) => Some(meet(a, b).ok_or_else(|| format!("{what} mix {a} and {b}: cast one side"))?),
        };
    }
    let Some(ty) = target else { return Ok((nodes, None)) };
    Ok((nodes.into_iter().map(|n| n.widen(ty)).collect(), Some(ty)))
}

/// The type that holds both without loss, where there is one.
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

/// A decimal with so many digits before and after the point, where there is one.
fn decimal(whole: u8, scale: u8) -> Option<Type> {
    let precision = whole.checked_add(scale).filter(|p| (1..=38).contains(p))?;
    Some(Type::Decimal(precision, scale))
}

/// The decimal type of a numeric literal; none for one with an exponent.
fn literal_type(text: &str) -> Option<Type> {
    let (whole, fraction) = text.trim_start_matches('-').split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().filter(u8::is_ascii_digit).count();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    let (whole, fraction) = (u8::try_from(digits(whole)).ok()?, u8::try_from(digits(fraction)).ok()?);
    if plain { decimal(whole.max(1), fraction) } else { None }
}

/// Passes a bool on, refuses anything else.
pub(super) fn check_bool(node: Node, what: &str) -> Result<Node, String> {
    match node.ty {
        Some(Type::Bool) => Ok(node),
        None => Ok(node.map_to(Type::Bool, |e| e.cast(DataType::Boolean))),
        Some(ty) => Err(format!("{what} needs a bool, not {ty}")),
    }
}

/// Passes a text on, refuses anything else.
pub(super) fn check_text(node: Node, what: &str) -> Result<Node, String> {
    match node.ty {
        Some(Type::Text) => Ok(node),
        None => Ok(node.map_to(Type::Text, |e| e.cast(DataType::String))),
        Some(ty) => Err(format!("{what} needs text, not {ty}")),
    }
}

fn arithmetic(left: Node, op: &Op, right: Node) -> Result<Node, String> {
    let (mut pair, ty) = unify(vec![left, right], &format!("the two sides of `{op}`"))?;
    let (Some(right), Some(left)) = (pair.pop(), pair.pop()) else { return Err(format!("`{op}` needs two sides")) };
    let apply = |a: Plan, b: Plan| match op {
        Op::Plus => a + b,
        Op::Minus => a - b,
        _ => a * b,
    };
    match (ty, op) {
        // 128 bits hold any sum, difference or product of two 64-bit integers.
        (Some(ty @ Type::Int), _) => Node::both(left, right, ty, |a, b| {
            narrow(apply(a.cast(DataType::Int128), b.cast(DataType::Int128)), op.to_string())
        }),
        (Some(ty @ Type::Float), _) => Node::both(left, right, ty, |a, b| finite(apply(a, b))),
        (Some(Type::Decimal(p, s)), Op::Plus | Op::Minus) => {
            let wide = decimal(p - s + 1, s).ok_or_else(|| format!("`{op}` can leave 38 digits: cast to double"))?;
            Node::both(left.widen(wide), right.widen(wide), wide, |a, b| apply(a, b).cast(polars_type(wide)))
        }
        (Some(Type::Decimal(..)), _) => Err("`*` of decimals is not exact: cast both sides to double".into()),
        (Some(Type::Date | Type::Datetime), _) => Err(format!("`{op}` of dates: use `days_between(a, b)`")),
        _ => Err(format!("`{op}` needs numbers")),
    }
}

/// Division of numbers is a float division everywhere; by zero it is null.
fn divide(left: Node, right: Node) -> Result<Node, String> {
    for node in [&left, &right] {
        if !matches!(node.ty, Some(Type::Int | Type::Float | Type::Decimal(..))) {
            return Err("`/` needs numbers".into());
        }
    }
    let grain = join(left.grain, right.grain)?;
    let (a, b) = (left.widen(Type::Float).expr, right.widen(Type::Float).expr);
    // By zero it is infinite or no number: null either way.
    Ok(Node { expr: finite(a / b), ty: Some(Type::Float), grain, number: None })
}

/// A float with NaN and infinity as null. A function, as an expression would name its argument twice, and a nest of them
/// would double at each step.
pub(super) fn finite(float: Plan) -> Plan {
    let only_finite = |column: Column| -> PolarsResult<Column> {
        Ok(column.f64()?.apply(|value| value.filter(|v| v.is_finite())).into_column())
    };
    float.map(only_finite, |_, field| Ok(Field::new(field.name().clone(), DataType::Float64)))
}

/// How the error of a number that is out of range begins; what it happened in follows, and a backtick.
pub(crate) const OUT_OF_RANGE: &str = "an integer left the 64-bit range in `";

/// A 128-bit integer as 64 bits; a value outside is an error, never a wrong number.
pub(super) fn narrow(wide: Plan, what: String) -> Plan {
    let to_int = move |column: Column| -> PolarsResult<Column> {
        let narrow = column.cast(&DataType::Int64)?;
        if narrow.null_count() > column.null_count() {
            return Err(polars_err!(ComputeError: "{OUT_OF_RANGE}{what}`"));
        }
        Ok(narrow)
    };
    wide.map(to_int, |_, field| Ok(Field::new(field.name().clone(), DataType::Int64)))
}

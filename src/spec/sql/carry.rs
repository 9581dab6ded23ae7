//! Which columns a value is taken from: those whose texts or amounts it carries, not those that it only depends on. Owns what
//! follows from that: a text has an order only where its type is declared, and amounts of money are never added up unnamed.

use super::draft::Draft;
use super::{Checked, Fault};
use crate::spec::Scope;
use crate::spec::expr::{Function, How, Kind};
use crate::value::Type;

/// The columns whose values this one may be, changed or not.
pub fn carried(kind: &Kind) -> Vec<&str> {
    match kind {
        Kind::Null | Kind::Constant(_) | Kind::Read(_) => Vec::new(),
        Kind::Column(name) => vec![name],
        Kind::Cast(inner) => carried(&inner.kind),
        Kind::Call(function, args) => {
            let taken = match function {
                Function::Coalesce
                | Function::Greatest
                | Function::Least
                | Function::Concat
                | Function::Add
                | Function::Subtract
                | Function::Multiply
                | Function::Divide => args.len(),
                Function::NullIf
                | Function::Lower
                | Function::Upper
                | Function::Trim(_)
                | Function::Replace
                | Function::Substring(..)
                | Function::SplitPart(_)
                | Function::Abs
                | Function::Round(_)
                | Function::Negate => 1,
                _ => 0,
            };
            args.iter().take(taken).flat_map(|arg| carried(&arg.kind)).collect()
        }
        Kind::Case { branches, otherwise } => {
            let results = branches.iter().map(|(_, result)| result).chain([&**otherwise]);
            results.flat_map(|result| carried(&result.kind)).collect()
        }
        Kind::Aggregate(aggregate) => match (aggregate.how, &aggregate.value) {
            (How::Min | How::Max | How::MinBy | How::MaxBy, Some(value)) => carried(&value.kind),
            _ => Vec::new(),
        },
    }
}

/// Fails for a text whose order would be that of bytes only because its type is not declared: `9` after `100`.
pub fn refuse_undeclared(scope: &Scope, kind: &Kind, ty: Option<Type>, what: &str) -> Checked<()> {
    if ty != Some(Type::Text) {
        return Ok(());
    }
    let undeclared = |name: &str| scope.undeclared.get(name).map(|cure| (name.to_owned(), cure.clone()));
    match carried(kind).into_iter().find_map(undeclared) {
        None => Ok(()),
        Some((column, cure)) => Err(Fault::Undeclared { what: what.to_owned(), column, cure }.into()),
    }
}

/// Fails for an amount of money where others would be added to it or compared with it, whatever their currencies.
pub fn refuse_money(scope: &Scope, kind: &Kind, what: &str) -> Checked<()> {
    match carried(kind).into_iter().find(|name| scope.money.contains_key(*name)) {
        None => Ok(()),
        Some(column) => Err(Fault::Money { what: what.to_owned(), column: column.to_owned() }.into()),
    }
}

/// The column of an amount's currency; the argument of a function for money must be an amount as it is in the file.
pub fn currency_of<'a>(scope: &'a Scope, amount: &Draft, function: &str) -> Checked<&'a str> {
    let currency = match &amount.kind {
        Kind::Column(name) => scope.money.get(name),
        _ => None,
    };
    currency.map(String::as_str).ok_or_else(|| Fault::NoMoney(function.to_owned()).into())
}

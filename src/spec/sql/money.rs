//! `sum_in`, `sums` and `sum_as`: sums of money, which name their currency. Owns their types; knows no rate.

use sqlparser::ast::{Expr as Ast, Value};

use super::aggregates::{of_rows, sum_type};
use super::carry::currency_of;
use super::draft::{Draft, Grain, text_constant};
use super::{Checked, Checker, Fault};
use crate::spec::expr::{Aggregate, Expr, Function, How, Kind};
use crate::value::{Currency, Type};

/// Checks a sum of money over the rows for which `filter` is true.
pub fn sum(checker: &mut Checker<'_>, name: &str, args: &[&Ast], filter: Option<Expr>) -> Checked<Draft> {
    let (amount, currency) = match (name, args) {
        ("sums", [amount]) => (amount, None),
        ("sum_in" | "sum_as", [amount, currency]) => (amount, Some(literal(name, currency)?)),
        _ => return Err(Fault::AggregateArguments(name.to_owned()).into()),
    };
    let amount = checker.aggregate_argument(amount)?;
    let of = Draft {
        kind: Kind::Column(currency_of(checker.scope, &amount, name)?.to_owned()),
        ty: Some(Type::Text),
        grain: Grain::Row,
        number: None,
    };
    let amount = of_rows(amount, name)?;
    let Type::Decimal(precision, scale) = amount.ty else { return Err(Fault::NoMoney(name.to_owned()).into()) };
    let (how, ty, by, filter) = match (name, currency) {
        ("sum_as", Some(currency)) => {
            if !checker.scope.has_rates {
                return Err(Fault::NoRates(name.to_owned()).into());
            }
            (How::SumAs(currency), Type::Decimal(38, scale), Some(of.into_expr()), filter)
        }
        (_, Some(currency)) => {
            let is_it = Draft::both(of, text_constant(currency.name()), Type::Bool, Function::Equal)?.into_expr();
            let both = match filter {
                Some(filter) => Expr { ty: Type::Bool, kind: Kind::Call(Function::And, vec![filter, is_it]) },
                None => is_it,
            };
            (How::Sum, sum_type(precision, scale)?, None, Some(both))
        }
        (_, None) => {
            // The sums of one customer must fit as those of decimals do.
            sum_type(precision, scale)?;
            (How::Sums, Type::Text, Some(of.into_expr()), filter)
        }
    };
    let kind = Kind::Aggregate(Box::new(Aggregate { how, value: Some(amount), by, filter }));
    Ok(Draft { kind, ty: Some(ty), grain: Grain::Aggregate, number: None })
}

fn literal(function: &str, ast: &Ast) -> Checked<Currency> {
    let text = match ast {
        Ast::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    };
    text.and_then(|text| Currency::read(text)).ok_or_else(|| Fault::NoCurrency(function.to_owned()).into())
}

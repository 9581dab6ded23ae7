//! Sums of money by currency: of each customer a text with all of them, or one amount in one currency. Knows no rate's file.

use polars::prelude::{
    DataType, Int128Chunked, IntoSeries, NewChunkedArray, PlSmallStr, PolarsResult, Series, StaticArray, StringChunked,
    polars_err,
};

use super::groups;
use crate::engine::fault::Fault;
use crate::value::{Currency, NoSum, Rates, decimal_text};

/// The sums of one customer, by currency.
type Sums = Vec<(Currency, i128)>;

/// The sum of each currency, in the order of their codes: `eur 12.00;usd 5.00`.
pub(super) fn sums(amounts: &Series, currencies: &Series, ends: &[usize]) -> PolarsResult<Series> {
    let (by_currency, scale) = by_currency(amounts, currencies, ends)?;
    let text = |sums: Sums| {
        let sums: Vec<String> = sums
            .into_iter()
            .map(|(currency, sum)| format!("{} {}", currency.name(), decimal_text(sum, scale)))
            .collect();
        (!sums.is_empty()).then(|| sums.join(";"))
    };
    let texts = by_currency.into_iter().map(text);
    Ok(StringChunked::from_iter_options(PlSmallStr::EMPTY, texts).into_series())
}

/// The sum of all amounts in one currency.
pub(super) fn sum_as(
    amounts: &Series,
    currencies: &Series,
    ends: &[usize],
    to: Currency,
    rates: &Rates,
) -> PolarsResult<Series> {
    let (by_currency, scale) = by_currency(amounts, currencies, ends)?;
    let sum = |sums: Sums| {
        let fault = |why| match why {
            NoSum::NoRate(from) => Fault::no_rate(from, to).into_polars(),
            NoSum::Long => Fault::Money.into_polars(),
        };
        if sums.is_empty() { Ok(None) } else { rates.sum(sums, to).map(Some).map_err(fault) }
    };
    let sums = by_currency.into_iter().map(sum).collect::<PolarsResult<Vec<_>>>()?;
    let sums = Int128Chunked::from_iter_options(PlSmallStr::EMPTY, sums.into_iter());
    Ok(sums.into_decimal_unchecked(38, scale).into_series())
}

/// For each group the sums by currency, and the digits behind the point of all of them.
fn by_currency(amounts: &Series, currencies: &Series, ends: &[usize]) -> PolarsResult<(Vec<Sums>, usize)> {
    let DataType::Decimal(_, scale) = amounts.dtype() else {
        return Err(polars_err!(ComputeError: "no money of {}", amounts.dtype()));
    };
    let (physical, codes) = (amounts.to_physical_repr(), currencies.str()?);
    let (amounts, codes) = (physical.i128()?.downcast_as_array(), codes.downcast_as_array());
    let sums = groups(ends).map(|group| {
        let mut sums = Sums::new();
        for row in group {
            let Some((amount, currency)) = amounts.get(row).zip(codes.get(row).and_then(Currency::read)) else {
                continue;
            };
            match sums.iter_mut().find(|(known, _)| *known == currency) {
                // The spec's check makes sure that the sum fits in 38 digits.
                Some((_, sum)) => *sum = sum.wrapping_add(amount),
                None => sums.push((currency, amount)),
            }
        }
        sums.sort_unstable();
        sums
    });
    Ok((sums.collect(), *scale))
}

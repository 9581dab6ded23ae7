//! Currencies and the rates between them. Owns what is a currency's code, and exact sums of amounts in another currency;
//! reads no file.

use std::collections::BTreeMap;

use arrow::datatypes::i256;

use super::number::read_decimal;

const LETTERS: usize = 26;

/// All codes of three letters, one after the other, so that a code is a piece of a text that is always there.
static CODES: [u8; LETTERS * LETTERS * LETTERS * 3] = codes();

const fn codes() -> [u8; LETTERS * LETTERS * LETTERS * 3] {
    let mut all = [0; LETTERS * LETTERS * LETTERS * 3];
    let mut at = 0;
    while at < LETTERS * LETTERS * LETTERS {
        all[at * 3] = b'a' + (at / LETTERS / LETTERS) as u8;
        all[at * 3 + 1] = b'a' + (at / LETTERS % LETTERS) as u8;
        all[at * 3 + 2] = b'a' + (at % LETTERS) as u8;
        at += 1;
    }
    all
}

/// A currency's code: three letters, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Currency(&'static str);

impl Currency {
    /// Reads three ASCII letters of any case, with white space around them.
    pub fn read(text: &str) -> Option<Self> {
        let [a, b, c] = text.trim().as_bytes() else { return None };
        let letter = |byte: &u8| byte.is_ascii_alphabetic().then(|| usize::from(byte.to_ascii_lowercase() - b'a'));
        let at = ((letter(a)? * LETTERS + letter(b)?) * LETTERS + letter(c)?) * 3;
        std::str::from_utf8(CODES.get(at..at + 3)?).ok().map(Self)
    }

    pub fn name(self) -> &'static str {
        self.0
    }
}

/// Most digits of a rate behind its point.
const RATE_SCALE: u8 = 18;

/// Rates from one currency to another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rates {
    /// For each pair, the rate times ten to the power of [`RATE_SCALE`].
    pairs: BTreeMap<(Currency, Currency), i128>,
}

/// Why amounts have no sum in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSum {
    /// There is no rate from this currency.
    NoRate(Currency),
    /// The sum has more than 38 digits.
    Long,
}

impl Rates {
    /// Adds a rate, a positive decimal number; what is wrong with it, if anything is.
    pub fn add(&mut self, from: &str, to: &str, rate: &str) -> Result<(), &'static str> {
        let code = |text: &str| Currency::read(text).ok_or("a currency is three letters");
        let pair = (code(from)?, code(to)?);
        let rate = read_decimal(rate.trim(), 36, RATE_SCALE).filter(|rate| *rate > 0);
        let rate = rate.ok_or("a rate is a positive number with at most 18 digits behind the point")?;
        match *self.pairs.entry(pair).or_insert(rate) == rate {
            true => Ok(()),
            false => Err("another line has another rate for the same pair"),
        }
    }

    /// The sum of amounts in a currency, in the unit of the amounts, exact until it is rounded half to even at the end.
    pub fn sum(&self, amounts: impl IntoIterator<Item = (Currency, i128)>, to: Currency) -> Result<i128, NoSum> {
        let one = i256::from_i128(10i128.pow(RATE_SCALE.into()));
        let mut sum = i256::ZERO;
        for (from, amount) in amounts {
            let rate = match self.pairs.get(&(from, to)) {
                _ if from == to => one,
                Some(rate) => i256::from_i128(*rate),
                None => return Err(NoSum::NoRate(from)),
            };
            let product = i256::from_i128(amount).checked_mul(rate).ok_or(NoSum::Long)?;
            sum = sum.checked_add(product).ok_or(NoSum::Long)?;
        }
        let (whole, rest) = (sum.checked_div(one).ok_or(NoSum::Long)?, sum.checked_rem(one).ok_or(NoSum::Long)?);
        let twice = rest.wrapping_abs().wrapping_add(rest.wrapping_abs());
        let is_odd = whole.wrapping_rem(i256::from_i128(2)) != i256::ZERO;
        let up = twice > one || (twice == one && is_odd);
        let step = i256::from_i128(if sum.is_negative() { -1 } else { 1 });
        let rounded = if up { whole.wrapping_add(step) } else { whole };
        let limit = 10i128.pow(38);
        rounded.to_i128().filter(|sum| (-limit + 1..limit).contains(sum)).ok_or(NoSum::Long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Currency {
        Currency::read(text).expect("a currency")
    }

    #[test]
    fn a_code_is_three_letters() {
        for (text, want) in [("usd", Some("usd")), (" EUR ", Some("eur")), ("Zzz", Some("zzz")), ("aaa", Some("aaa"))] {
            assert_eq!(Currency::read(text).map(Currency::name), want);
        }
        assert!(["", "us", "usdx", "u5d", "\u{20ac}", "\u{fc}bc"].iter().all(|text| Currency::read(text).is_none()));
    }

    #[test]
    fn sums_are_rounded_half_to_even_at_the_end() {
        let mut rates = Rates::default();
        rates.add("usd", "eur", "0.5").expect("a rate");
        rates.add("USD", "EUR", "0.50").expect("the same again");
        assert!(rates.add("usd", "eur", "0.6").is_err() && rates.add("usd", "eur", "-1").is_err());
        let sum = |amounts: &[(&str, i128)]| {
            rates.sum(amounts.iter().map(|(from, amount)| (code(from), *amount)), code("eur"))
        };
        assert_eq!(sum(&[("usd", 1), ("usd", 1)]), Ok(1), "not rounded one by one");
        assert_eq!(
            [sum(&[("usd", 1)]), sum(&[("usd", 3)]), sum(&[("usd", -1)]), sum(&[("usd", -3)])],
            [Ok(0), Ok(2), Ok(0), Ok(-2)]
        );
        assert_eq!(sum(&[("eur", 7), ("usd", 4)]), Ok(9));
        assert_eq!(sum(&[("gbp", 7)]), Err(NoSum::NoRate(code("gbp"))));
        assert_eq!(sum(&[("eur", 10i128.pow(38) - 1), ("eur", 1)]), Err(NoSum::Long));
    }
}

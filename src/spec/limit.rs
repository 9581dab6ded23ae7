//! How many rejected rows of a source, or bad values of a column, a run allows. Knows only their counts.

use std::fmt;
use std::str::FromStr;

use crate::value::read_decimal;

const BILLION: u64 = 1_000_000_000;

/// How many rejected rows of a source, or bad values of a column, a run allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// 10 or 1 %, whichever is more, but never more than half.
    Default,
    /// A number.
    Rows(u64),
    /// A percentage of the rows read, or of the values that are no nulls, in billionths of a percent, so that limits are exact.
    Percent(u64),
}

impl Limit {
    /// Whether this many of all are within the limit.
    pub fn allows(&self, rejected: u64, rows: u64) -> bool {
        match *self {
            Self::Default => rejected * 2 <= rows && (rejected <= 10 || Self::Percent(BILLION).allows(rejected, rows)),
            Self::Rows(limit) => rejected <= limit,
            Self::Percent(percent) => {
                u128::from(rejected) * 100 * u128::from(BILLION) <= u128::from(percent) * u128::from(rows)
            }
        }
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let bad = || format!("`{text}` is neither a number nor a percentage: use 100 or 0.5%");
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent = read_decimal(percent.trim(), 12, 9).and_then(|p| u64::try_from(p).ok());
                percent.filter(|p| *p <= 100 * BILLION).map(Self::Percent).ok_or_else(bad)
            }
            None => text.parse().map(Self::Rows).map_err(|_| bad()),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("max(10, 1%), at most half"),
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Percent(percent) => write!(f, "{}%", *percent as f64 / BILLION as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_the_larger_of_ten_rows_and_one_percent() {
        let limit = Limit::Default;
        assert!(
            limit.allows(10, 20)
                && !limit.allows(10, 19)
                && limit.allows(0, 0)
                && !limit.allows(11, 1000)
                && limit.allows(11, 1100)
        );
        assert_eq!("5%".parse(), Ok(Limit::Percent(5 * BILLION)));
        assert_eq!("0".parse(), Ok(Limit::Rows(0)));
        assert!("0.57%".parse::<Limit>().is_ok_and(|l| l.allows(57, 10_000) && !l.allows(58, 10_000)));
        assert!("-1".parse::<Limit>().is_err() && "101%".parse::<Limit>().is_err());
    }
}

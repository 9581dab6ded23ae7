//! What data can make of an expression that is an error and no value. Owns how such an error passes through Polars; Polars' own
//! errors can quote values, so that nothing else of them is told.

use polars::prelude::PolarsError;

use crate::error::Error;
use crate::value::Currency;

/// An error of an expression on the data, and the operator or function that had it.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(in crate::engine) enum Fault {
    #[error("an integer exceeded 64 bits in `{0}`: use double or decimal there")]
    Int(&'static str),
    #[error("a float exceeded the greatest double in `{0}`: look for a wrong number, or leave it out with `where`")]
    Float(&'static str),
    #[error("a sum of money has more than 38 digits")]
    Money,
    #[error("have none from `{from}` to `{to}`: add a line to the file that `[rates]` names")]
    NoRate { from: &'static str, to: &'static str },
}

impl Fault {
    pub fn no_rate(from: Currency, to: Currency) -> Self {
        Self::NoRate { from: from.name(), to: to.name() }
    }

    /// The only kind of Polars error that can hold another error.
    pub fn into_polars(self) -> PolarsError {
        PolarsError::from(std::io::Error::other(self))
    }

    /// The fault that Polars' error holds, if it holds one.
    fn of(error: &PolarsError) -> Option<Self> {
        match error {
            PolarsError::Context { error, .. } | PolarsError::ExprContext { error, .. } => Self::of(error),
            PolarsError::IO { error, .. } => error.get_ref()?.downcast_ref::<Self>().copied(),
            _ => None,
        }
    }
}

/// The error of a plan, without any data.
pub(in crate::engine) fn failed(error: &PolarsError) -> Error {
    match Fault::of(error) {
        Some(fault @ Fault::NoRate { .. }) => Error::Rates(fault.to_string()),
        Some(fault) => Error::Build(fault.to_string()),
        None => Error::Build(format!("an expression of the profile failed on the data ({})", kind(error))),
    }
}

/// The kind of a Polars error, which is all that is told of it.
pub(in crate::engine) fn kind(error: &PolarsError) -> String {
    let text = format!("{error:?}");
    text.split(['(', '{']).next().unwrap_or_default().trim().to_owned()
}

//! The retry policy: whether to try again, how often, and how long to wait. Neither waits nor reports itself.

use std::time::Duration;

use crate::error::Error;

/// When a failed attempt is followed by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts after the first.
    pub max_retries: u32,
    /// Wait before the first retry; each further one waits twice as long.
    pub first_wait: Duration,
}

/// A fault that lasts longer than a day is not transient.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

impl RetryPolicy {
    /// Whether another attempt follows the one with this number, from 1, which failed with this error.
    pub fn retries(&self, attempt: u32, error: &Error) -> bool {
        attempt <= self.max_retries && error.is_transient()
    }

    /// The wait after the attempt with this number, from 1.
    pub fn wait_after(&self, attempt: u32) -> Duration {
        self.first_wait.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1))).min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_only_the_transient_is_retried() {
        let policy = RetryPolicy { max_retries: 3, first_wait: Duration::from_secs(2) };
        assert_eq!([1, 2, 3].map(|a| policy.wait_after(a).as_secs()), [2, 4, 8]);
        assert!(policy.retries(3, &Error::Panic(String::new())));
        assert!(!policy.retries(4, &Error::Panic(String::new())));
        assert!(!policy.retries(1, &Error::Build(String::new())));
    }
}

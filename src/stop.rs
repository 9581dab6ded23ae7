//! A request to stop, checked between two pieces of work. Owns the flag; does not decide where it is checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// A request to stop, shared by all clones. Once made it stays.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// The flag itself, which a signal handler can set.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether a stop was requested.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails if a stop was requested.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if a stop was requested.
    pub fn check(&self) -> Result<()> {
        if self.is_asked() { Err(Error::Interrupted) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_clones_stop() {
        let stop = Stop::default();
        assert!(stop.clone().check().is_ok());
        stop.clone().flag().store(true, Ordering::Relaxed);
        assert!(matches!(stop.check(), Err(Error::Interrupted)));
    }
}

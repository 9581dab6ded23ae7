//! Ctrl-C and SIGTERM: the first asks the run to stop, the second ends the process at once.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};

use onefold::stop::Stop;
use onefold::{Error, Result};

/// The exit code of an interrupted command (contract §7).
pub const INTERRUPTED: u8 = 130;

/// Lets the signals ask through this flag.
pub fn watch(stop: &Stop) -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag unset.
        register_conditional_shutdown(signal, INTERRUPTED.into(), stop.flag())
            .and_then(|_| register(signal, stop.flag()))
            .map_err(|e| Error::Bug(format!("cannot watch for signals: {e}")))?;
    }
    Ok(())
}

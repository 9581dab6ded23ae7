//! Ctrl-C and SIGTERM: the first one requests the run to stop, the second one ends the process at once. Stops nothing
//! itself.

use onefold::{Error, Result, Stop};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};

/// The exit code of an interrupted command.
pub const INTERRUPTED: u8 = 130;

/// Lets the signals set this flag.
pub fn watch(stop: &Stop) -> Result<()> {
    for signal in [SIGINT, SIGTERM] {
        // In this order, so that the first signal finds the flag not set.
        register_conditional_shutdown(signal, INTERRUPTED.into(), stop.flag())
            .and_then(|_| register(signal, stop.flag()))
            .map_err(|e| Error::Bug(format!("cannot watch for signals: {e}")))?;
    }
    Ok(())
}

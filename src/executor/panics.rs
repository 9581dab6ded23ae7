//! Panics as errors: caught, described without data, kept off stderr, which belongs to the log.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Installs a panic hook that writes nothing and remembers where the panic was.
pub fn quiet_panics() {
    set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!("{}:{}", l.file(), l.line()));
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
}

/// Where the last panic was: file and line in our or a library's source.
pub fn last_panic() -> Option<String> {
    LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Runs `work`; a panic comes back as its description.
///
/// # Errors
/// The panic.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // What a panicking attempt leaves half-done is dropped with it: the next attempt starts from the shard's rows.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| describe(&*payload))
}

/// A drill's panic in its own words; of any other only the place, as its words can quote data.
fn describe(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    match text {
        Some(text) if text.starts_with("chaos: ") => text.to_owned(),
        _ => format!("a bug in onefold or a library, at {}", last_panic().unwrap_or_else(|| "an unknown place".into())),
    }
}

//! Panics as errors: caught and described without data. Keeps them off stderr, where the log goes.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

static LAST_PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Installs a panic hook that writes nothing and notes where the panic was.
pub fn quiet_panics() {
    set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!("{}:{}", l.file(), l.line()));
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }));
}

/// Where the last panic was: file and line in the source of onefold or a library.
pub fn last_panic() -> Option<String> {
    LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Runs `work` and turns a panic into a description of it.
///
/// # Errors
/// The description, if `work` panics: of an injected fault its text, else only where the panic was.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Whatever a panicking attempt has half done is dropped: the next attempt starts from the shard's rows.
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| describe(&*payload))
}

/// The text of a drill's panic; for any other panic only its place, because its text can quote data.
fn describe(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    match text {
        Some(text) if text.starts_with("chaos: ") => text.to_owned(),
        _ => format!("a bug in onefold or a library, at {}", last_panic().unwrap_or_else(|| "an unknown place".into())),
    }
}

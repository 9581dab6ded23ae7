//! The sizes of the thread pools, Polars' and rayon's own, which only the environment can set.
#![allow(unsafe_code)]

/// Limits the pools; must be the process's first act.
pub fn limit(threads: Option<usize>) {
    if let Some(threads) = threads {
        // SAFETY: no other thread exists yet, so none can read the environment at the same time.
        unsafe {
            std::env::set_var("POLARS_MAX_THREADS", threads.to_string());
            std::env::set_var("RAYON_NUM_THREADS", threads.to_string());
        }
    }
}

//! Sets the sizes of Polars' and rayon's thread pools, which is only possible through the environment. Starts no
//! thread.
#![allow(unsafe_code)]

/// Limits the pools. It must be called before any thread is started.
pub fn limit(threads: Option<usize>) {
    if let Some(threads) = threads {
        // SAFETY: no other thread exists yet, so none can read the environment at the same time.
        unsafe {
            std::env::set_var("POLARS_MAX_THREADS", threads.to_string());
            std::env::set_var("RAYON_NUM_THREADS", threads.to_string());
        }
    }
}

//! Auditors of a finished run: verify, explain, diff. They read what is published and write nothing.

pub mod diff;
pub mod explain;
pub mod verify;

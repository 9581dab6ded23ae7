//! Where input files are, and that they do not change while they are read. Knows local files only.

mod local;
mod open;

pub use local::Inputs;
pub(super) use local::{Listing, Located, Members, discover, natural};
pub use open::Stamp;
pub(super) use open::{Opened, open};

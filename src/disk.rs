//! Files that survive a crash: free space, digests, files written completely and synced. Never knows what is in them.

mod digest;
mod partitions;
mod space;
mod write;

pub use digest::{each_block, hex, sha256_of};
pub use partitions::{Partition, Partitions};
pub use space::require;
pub use write::{copy_file, create_parent, remove_file, remove_folder, replace_file, sync_folder, write_file};

//! Shards, from a row's hash to a built part on disk: routing, compact rows that wait in memory or on disk, the memory
//! limit, the pool with its retries and drills, checkpoints. Never knows what a profile is.

pub mod budget;
mod buffer;
pub mod checkpoint;
mod drill;
mod hash;
mod panics;
pub mod parts;
pub mod pool;
mod retry;
mod row;
mod shards;
mod spill;

pub use buffer::{ShardBuffers, SpillTo, ThreadRows};
pub use drill::{Drill, Drills};
pub use hash::shard_of;
pub use panics::{catch, quiet_panics};
pub use pool::{Attempt, Budget, Observer, ShardRun};
pub use retry::RetryPolicy;
pub use row::{Layout, RowReader};
pub(crate) use shards::damaged;
pub use shards::{ShardInput, Shards, SourceRows, rows_of};

/// Input bytes per shard: smaller shards build no faster, and many shards make the merge slower. ARCHITECTURE.md has
/// the measurements.
const BYTES_PER_SHARD: u64 = 16 << 20;

/// The default number of shards. It depends only on the input's size, never on the machine.
pub fn default_shards(input_bytes: u64) -> usize {
    usize::try_from(input_bytes.div_ceil(BYTES_PER_SHARD)).unwrap_or(usize::MAX).clamp(16, 4096)
}

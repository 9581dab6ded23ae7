//! Routing: which shard a row belongs to, and where it waits. Never knows what a column means.

mod buffer;
mod hash;
mod row;
mod shards;
mod spill;

pub use buffer::{Place, Routed, Segments, ShardBuffers, SpillTo};
pub use hash::shard_of;
pub use row::{Layout, RowReader};
pub(crate) use shards::damaged;
pub use shards::{ShardInput, Shards, SourceRows};

/// Input bytes that a shard is meant to hold: few enough to build as fast as smaller ones, enough to keep the merge from
/// having many runs; measured in ARCHITECTURE.md.
const BYTES_PER_SHARD: u64 = 16 << 20;

/// The default number of shards: it follows from the input's size alone, never from the machine.
pub fn default_shards(input_bytes: u64) -> usize {
    usize::try_from(input_bytes.div_ceil(BYTES_PER_SHARD)).unwrap_or(usize::MAX).clamp(16, 4096)
}

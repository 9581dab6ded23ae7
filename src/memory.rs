//! How a run shares out its memory limit among stages. Plain arithmetic over what was measured; owns no memory.

use sysinfo::System;

/// What a run takes whatever its size: the program, buffers of the sinks' files.
const FIXED: u64 = 90_000_000;

/// What a reading thread takes besides: a block, and its unquoted text.
const READING: u64 = 16 << 20;

/// Memory that building a shard takes, as a multiple of its routed rows: measured between 4 and 6 for the default
/// profile.
const BUILD_FACTOR: u64 = 7;

/// The part of the machine's memory that a run uses at most, in percent, unless it is told.
const DEFAULT_PERCENT: u64 = 70;

/// A run's memory limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// In bytes.
    pub limit: u64,
}

impl Memory {
    /// 70 % of what the machine has, or of what its control group allows when that is less.
    pub fn of_machine() -> Self {
        let mut system = System::new();
        system.refresh_memory();
        let group = system.cgroup_limits().map(|limits| limits.total_memory).filter(|total| *total > 0);
        let total = group.map_or(system.total_memory(), |group| group.min(system.total_memory()));
        Self { limit: total / 100 * DEFAULT_PERCENT }
    }

    /// Bytes of routed rows to hold before they go to disk, of `expected` bytes in `shards` shards: the rest is for
    /// building as many shards at a time as there are threads.
    pub fn routed(&self, expected: u64, shards: usize, threads: usize) -> u64 {
        let building = expected / shards.max(1) as u64 * BUILD_FACTOR * threads as u64;
        self.limit.saturating_sub(FIXED + READING * threads as u64 + building).max(self.limit / 8)
    }

    /// Bytes that shards may take while they are built, with so many bytes of routed rows in memory.
    pub fn building(&self, held: u64) -> u64 {
        self.limit.saturating_sub(FIXED + held)
    }

    /// Bytes that building a shard with so many bytes of routed rows takes.
    pub fn build(rows: u64) -> u64 {
        rows * BUILD_FACTOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_out_is_within_the_limit() {
        let memory = Memory { limit: 2_000_000_000 };
        let routed = memory.routed(3_500_000_000, 560, 2);
        assert!(routed > 1_500_000_000 && routed + 2 * Memory::build(6_250_000) + FIXED <= memory.limit, "{routed}");
        assert_eq!(Memory { limit: 8 }.routed(1 << 40, 1, 2), 1);
        assert_eq!(Memory { limit: 8 }.building(1), 0);
    }

    #[test]
    fn the_machine_has_memory() {
        assert!(Memory::of_machine().limit > 100_000_000);
    }
}

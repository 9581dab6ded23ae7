//! How a run divides its memory limit among stages, calculated from measurements. Allocates no memory.

use sysinfo::System;

/// Bytes that any run needs, whatever its size: the program, buffers of the output files.
const FIXED: u64 = 90_000_000;

/// Bytes that each reading thread needs in addition: a block, and its unquoted text.
const READING: u64 = 16 << 20;

/// Memory for building a shard, as a multiple of its routed rows: measured between 4 and 6 for the default profile.
const BUILD_FACTOR: u64 = 7;

/// The part of the machine's memory that a run uses at most by default, in percent.
const DEFAULT_PERCENT: u64 = 70;

/// A run's memory limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// In bytes.
    pub limit: u64,
}

impl Memory {
    /// 70 % of the machine's memory, or of its control group's limit if that is less.
    pub fn of_machine() -> Self {
        let mut system = System::new();
        system.refresh_memory();
        let group = system.cgroup_limits().map(|limits| limits.total_memory).filter(|total| *total > 0);
        let total = group.map_or(system.total_memory(), |group| group.min(system.total_memory()));
        Self { limit: total / 100 * DEFAULT_PERCENT }
    }

    /// Bytes of routed rows to hold in memory before they go to disk, if `expected` bytes in `shards` shards are
    /// expected: the rest is for building one shard per thread at the same time.
    pub fn routing_budget(&self, expected: u64, shards: usize, threads: usize) -> u64 {
        let building = expected / shards.max(1) as u64 * BUILD_FACTOR * threads as u64;
        self.limit.saturating_sub(FIXED + READING * threads as u64 + building).max(self.limit / 8)
    }

    /// Whether so many bytes may be held at once, beside what any run needs.
    pub fn holds(&self, bytes: u64) -> bool {
        bytes <= self.limit.max(FIXED)
    }

    /// Bytes for building shards, with `held` bytes of routed rows in memory.
    pub fn build_budget(&self, held: u64) -> u64 {
        self.limit.saturating_sub(FIXED + held)
    }

    /// Bytes needed to build a shard with `rows` bytes of routed rows.
    pub fn build_cost(rows: u64) -> u64 {
        rows * BUILD_FACTOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_within_the_limit() {
        let memory = Memory { limit: 2_000_000_000 };
        let routed = memory.routing_budget(3_500_000_000, 560, 2);
        assert!(
            routed > 1_500_000_000 && routed + 2 * Memory::build_cost(6_250_000) + FIXED <= memory.limit,
            "{routed}"
        );
        assert_eq!(Memory { limit: 8 }.routing_budget(1 << 40, 1, 2), 1);
        assert_eq!(Memory { limit: 8 }.build_budget(1), 0);
    }

    #[test]
    fn the_machine_has_memory() {
        assert!(Memory::of_machine().limit > 100_000_000);
    }
}

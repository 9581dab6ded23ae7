//! One drill and its text form, as `--chaos` accepts it. Owns the kinds of drills; applies none.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// One injected fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drill {
    /// A fault of a shard.
    Shard(usize, Fault),
    /// The process is killed in the publication, after this number of renames.
    KillPublish(usize),
    /// Random drills of any kind that succeed in the end: seed and number.
    Random(u64, usize),
}

/// What goes wrong with a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The first attempt fails.
    FailOnce,
    /// Every attempt fails.
    FailAlways,
    /// The first attempt panics.
    Panic,
    /// The first attempt takes this much longer.
    Slow(Duration),
    /// The process is killed when the shard ends.
    Kill,
    /// The first attempt's file loses its second half.
    Truncate,
    /// Bytes of the first attempt's file change.
    Corrupt,
    /// The first attempt's file is written to a full disk.
    FullDisk,
}

/// Most random drills; a greater number is surely a mistake.
const MOST_RANDOM: usize = 10_000;

impl Drill {
    /// The kinds of drills as they are written, for `--help` and errors.
    pub const KINDS: &str = "fail:N, fail:N:always, panic:N, slow:N:DURATION, kill:N, kill:publish, kill:publish:N, truncate:N, corrupt:N, enospc:N and random:SEED:COUNT";
}

impl FromStr for Drill {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a valid drill; valid drills are {}", Self::KINDS);
        let parts: Vec<&str> = text.split(':').collect();
        let fault = match parts[..] {
            ["kill", "publish"] => return Ok(Self::KillPublish(1)),
            ["kill", "publish", renames] => return renames.parse().map(Self::KillPublish).map_err(|_| bad()),
            ["random", seed, count] => {
                let count = count.parse().ok().filter(|count| *count <= MOST_RANDOM);
                return seed.parse().ok().zip(count).map(|(s, n)| Self::Random(s, n)).ok_or_else(bad);
            }
            ["fail", _] => Fault::FailOnce,
            ["fail", _, "always"] => Fault::FailAlways,
            ["panic", _] => Fault::Panic,
            ["slow", _, longer] => Fault::Slow(humantime::parse_duration(longer).map_err(|_| bad())?),
            ["kill", _] => Fault::Kill,
            ["truncate", _] => Fault::Truncate,
            ["corrupt", _] => Fault::Corrupt,
            ["enospc", _] => Fault::FullDisk,
            _ => return Err(bad()),
        };
        let shard = parts.get(1).and_then(|shard| shard.parse().ok()).ok_or_else(bad)?;
        Ok(Self::Shard(shard, fault))
    }
}

impl fmt::Display for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillPublish(1) => f.write_str("kill:publish"),
            Self::KillPublish(renames) => write!(f, "kill:publish:{renames}"),
            Self::Random(seed, count) => write!(f, "random:{seed}:{count}"),
            Self::Shard(shard, fault) => match fault {
                Fault::FailAlways => write!(f, "fail:{shard}:always"),
                Fault::Slow(longer) => write!(f, "slow:{shard}:{}", humantime::format_duration(*longer)),
                fault => write!(f, "{}:{shard}", fault.kind()),
            },
        }
    }
}

impl Drill {
    /// The drill that `CHAOS_FAIL_SHARD` sets: the shard's first attempt fails.
    pub fn fail_once(shard: usize) -> Self {
        Self::Shard(shard, Fault::FailOnce)
    }
}

impl Fault {
    fn kind(self) -> &'static str {
        match self {
            Self::FailOnce | Self::FailAlways => "fail",
            Self::Panic => "panic",
            Self::Slow(_) => "slow",
            Self::Kill => "kill",
            Self::Truncate => "truncate",
            Self::Corrupt => "corrupt",
            Self::FullDisk => "enospc",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drills_are_parsed_strictly_and_written_as_they_are_read() {
        for good in [
            "fail:3",
            "fail:0:always",
            "panic:1",
            "slow:2:5s",
            "slow:2:10ms",
            "kill:3",
            "kill:publish",
            "kill:publish:0",
            "truncate:3",
            "corrupt:3",
            "enospc:3",
            "random:42:5",
        ] {
            assert_eq!(good.parse::<Drill>().map(|d| d.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "fail",
            "fail:x",
            "fail:1:never",
            "panic:1:always",
            "slow:1",
            "slow:1:fast",
            "nap:1",
            "kill",
            "kill:",
            "kill:publish:x",
            "truncate:publish",
            "random:1",
            "random:1:999999",
            "enospc:1:2",
        ] {
            assert!(bad.parse::<Drill>().is_err_and(|e| e.contains(Drill::KINDS)), "{bad}");
        }
    }
}

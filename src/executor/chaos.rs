//! Drills: faults injected on request, so that healing can be seen. Owns their grammar and when each strikes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, Result};

/// One injected fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    shard: usize,
    fault: Fault,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fault {
    /// The first attempt fails.
    FailOnce,
    /// Every attempt fails.
    FailAlways,
    /// The first attempt panics.
    Panic,
    /// The first attempt takes so much longer.
    Slow(Duration),
}

/// The drills of a run.
#[derive(Debug, Clone, Default)]
pub struct Drills(Vec<Drill>);

impl Drills {
    /// Checks the drills against the number of shards.
    ///
    /// # Errors
    /// [`Error::Usage`] for a drill of a shard that does not exist.
    pub fn new(drills: Vec<Drill>, shards: usize) -> Result<Self> {
        match drills.iter().find(|d| d.shard >= shards) {
            None => Ok(Self(drills)),
            Some(drill) => {
                let (shard, last) = (drill.shard, shards.saturating_sub(1));
                Err(Error::Usage(format!(
                    "a drill names shard {shard}, but this run has shards 0 to {last}: choose one of them"
                )))
            }
        }
    }

    /// Lets the drills of an attempt strike.
    ///
    /// # Errors
    /// [`Error::Chaos`] when a drill says so.
    ///
    /// # Panics
    /// When a drill says so.
    #[expect(clippy::panic, clippy::disallowed_methods, reason = "a drill is a fault on purpose")]
    pub fn strike(&self, shard: usize, attempt: u32) -> Result<()> {
        let slow_first = |d: &&Drill| u8::from(!matches!(d.fault, Fault::Slow(_)));
        let mut drills: Vec<&Drill> = self.0.iter().filter(|d| d.shard == shard).collect();
        drills.sort_by_key(slow_first);
        for drill in drills {
            match (&drill.fault, attempt) {
                (Fault::Slow(longer), 1) => std::thread::sleep(*longer),
                (Fault::FailOnce, 1) => return Err(Error::Chaos(format!("failing shard {shard} on first attempt"))),
                (Fault::FailAlways, _) => return Err(Error::Chaos(format!("failing shard {shard} on every attempt"))),
                (Fault::Panic, 1) => panic!("chaos: panicking shard {shard} on first attempt"),
                _ => {}
            }
        }
        Ok(())
    }
}

impl FromStr for Drill {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let known = "known drills are fail:N, fail:N:always, panic:N and slow:N:DURATION";
        let bad = || format!("`{text}` is no drill; {known}");
        let mut parts = text.split(':');
        let (Some(kind), Some(shard)) = (parts.next(), parts.next()) else { return Err(bad()) };
        let shard = shard.parse().map_err(|_| bad())?;
        let fault = match (kind, parts.next(), parts.next()) {
            ("fail", None, None) => Fault::FailOnce,
            ("fail", Some("always"), None) => Fault::FailAlways,
            ("panic", None, None) => Fault::Panic,
            ("slow", Some(longer), None) => Fault::Slow(humantime::parse_duration(longer).map_err(|_| bad())?),
            _ => return Err(bad()),
        };
        Ok(Self { shard, fault })
    }
}

impl fmt::Display for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shard, fault } = self;
        match fault {
            Fault::FailOnce => write!(f, "fail:{shard}"),
            Fault::FailAlways => write!(f, "fail:{shard}:always"),
            Fault::Panic => write!(f, "panic:{shard}"),
            Fault::Slow(longer) => write!(f, "slow:{shard}:{}", humantime::format_duration(*longer)),
        }
    }
}

impl Drill {
    /// The drill of `CHAOS_FAIL_SHARD`: the shard's first attempt fails.
    pub fn fail_once(shard: usize) -> Self {
        Self { shard, fault: Fault::FailOnce }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drills_are_parsed_strictly() {
        for good in ["fail:3", "fail:0:always", "panic:1", "slow:2:5s", "slow:2:10ms"] {
            assert!(good.parse::<Drill>().is_ok(), "{good}");
        }
        for bad in ["", "fail", "fail:x", "fail:1:never", "panic:1:always", "slow:1", "slow:1:fast", "nap:1"] {
            assert!(bad.parse::<Drill>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_drill_strikes_its_shard_on_its_attempt() {
        let drills = Drills::new(vec![Drill::fail_once(3)], 4).expect("a shard that exists");
        let error = drills.strike(3, 1).expect_err("the drill strikes");
        assert_eq!(error.to_string(), "chaos: failing shard 3 on first attempt");
        assert!(drills.strike(3, 2).is_ok() && drills.strike(2, 1).is_ok());
        assert!(Drills::new(vec![Drill::fail_once(4)], 4).is_err());
    }
}

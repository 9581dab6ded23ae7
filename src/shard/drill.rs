//! Drills: faults injected on request, to test recovery. Owns when each happens and what it does; refuses a drill of a
//! shard that does not exist.

mod form;
mod random;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::error::{Error, Result};

use form::Fault;

pub use form::Drill;

/// The drills of a run.
#[derive(Debug, Clone)]
pub struct Drills {
    shards: Vec<(usize, Fault)>,
    /// After how many renames of the publication the process is killed.
    kill_publish: Vec<usize>,
    /// Called when a drill takes effect.
    tell: fn(&Drill),
}

impl Drills {
    /// Checks the drills against the number of shards, and chooses the random ones. `tell` is called just before a
    /// drill takes effect. Fails with [`Error::Usage`] for a drill of a shard that does not exist.
    pub fn new(drills: &[Drill], shards: usize, tell: fn(&Drill)) -> Result<Self> {
        let mut all = Self { shards: Vec::new(), kill_publish: Vec::new(), tell };
        for drill in drills {
            match drill {
                Drill::Shard(shard, _) if *shard >= shards => {
                    let last = shards.saturating_sub(1);
                    return Err(Error::Usage(format!(
                        "a drill is for shard {shard}, but this run has shards 0 to {last}: choose one of them"
                    )));
                }
                Drill::Random(seed, count) => random::drills(*seed, *count, shards).iter().for_each(|d| all.add(d)),
                drill => all.add(drill),
            }
        }
        Ok(all)
    }

    fn add(&mut self, drill: &Drill) {
        match drill {
            Drill::Shard(shard, fault) => self.shards.push((*shard, *fault)),
            Drill::KillPublish(renames) => self.kill_publish.push(*renames),
            Drill::Random(..) => {}
        }
    }

    /// Whether there is a drill for the shard: then it is built again, even if an earlier run left it.
    pub fn names(&self, shard: usize) -> bool {
        self.shards.iter().any(|(s, _)| *s == shard)
    }

    fn of(&self, shard: usize, strikes: impl Fn(Fault) -> bool) -> impl Iterator<Item = Fault> {
        let faults = self.shards.iter().filter(move |(s, _)| *s == shard).map(|(_, fault)| *fault);
        faults.filter(move |fault| strikes(*fault)).inspect(move |fault| (self.tell)(&Drill::Shard(shard, *fault)))
    }

    /// Applies the drills that come before an attempt's work: they fail with [`Error::Chaos`], panic or wait.
    #[expect(clippy::panic, clippy::disallowed_methods, reason = "a drill is a fault on purpose")]
    pub fn strike(&self, shard: usize, attempt: u32) -> Result<()> {
        for fault in self.of(shard, |fault| matches!(fault, Fault::Slow(_)) && attempt == 1) {
            if let Fault::Slow(longer) = fault {
                std::thread::sleep(longer);
            }
        }
        let now = |fault| match fault {
            Fault::FailOnce | Fault::Panic => attempt == 1,
            fault => fault == Fault::FailAlways,
        };
        match self.of(shard, now).next() {
            Some(Fault::FailOnce) => Err(Error::Chaos(format!("failing shard {shard} on first attempt"))),
            Some(Fault::FailAlways) => Err(Error::Chaos(format!("failing shard {shard} on every attempt"))),
            Some(Fault::Panic) => panic!("chaos: panicking shard {shard} on first attempt"),
            _ => Ok(()),
        }
    }

    /// Applies the drills to a first attempt's file, which is complete but not yet synced: they damage it, or fail as
    /// on a full disk.
    pub fn strike_file(&self, shard: usize, attempt: u32, file: &File) -> io::Result<()> {
        let now = |fault| attempt == 1 && matches!(fault, Fault::Truncate | Fault::Corrupt | Fault::FullDisk);
        for fault in self.of(shard, now) {
            let length = file.metadata()?.len();
            match fault {
                Fault::Truncate => file.set_len(length / 2)?,
                Fault::Corrupt => file.write_all_at(b"chaos: not what was written", length / 2)?,
                Fault::FullDisk => return Err(io::ErrorKind::StorageFull.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Ends the process as a crash would, if there is a drill for the end of this shard.
    pub fn strike_end(&self, shard: usize) {
        if self.of(shard, |fault| fault == Fault::Kill).next().is_some() {
            std::process::abort();
        }
    }

    /// Ends the process as a crash would, if there is a drill for this number of renames of the publication.
    pub fn strike_publication(&self, renames: usize) {
        if self.kill_publish.contains(&renames) {
            (self.tell)(&Drill::KillPublish(renames));
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drills(texts: &[&str], shards: usize) -> Result<Drills> {
        Drills::new(&texts.iter().map(|t| t.parse().expect("a drill")).collect::<Vec<_>>(), shards, |_| {})
    }

    #[test]
    fn a_drill_hits_its_shard_on_its_attempt() {
        let drills = drills(&["fail:3", "kill:publish"], 4).expect("shards that exist");
        let error = drills.strike(3, 1).expect_err("the drill fails the shard");
        assert_eq!(error.to_string(), "chaos: failing shard 3 on first attempt");
        assert!(drills.strike(3, 2).is_ok() && drills.strike(2, 1).is_ok());
        assert!(drills.names(3) && !drills.names(2));
    }

    #[test]
    fn a_drill_needs_its_shard() {
        assert!(drills(&["fail:4"], 4).is_err() && drills(&["corrupt:0"], 0).is_err());
        assert!(drills(&["random:1:50"], 4).is_ok_and(|d| (0..4).all(|shard| d.names(shard))));
        assert!(drills(&["random:1:50", "kill:publish"], 0).is_ok_and(|d| d.shards.is_empty()));
    }

    #[test]
    fn files_are_damaged_on_the_first_attempt_only() {
        let written = |drill: &str, attempt| {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("part");
            std::fs::write(&path, "0123456789").expect("written");
            let file = File::options().write(true).open(&path).expect("open");
            let struck = drills(&[drill], 1).expect("a drill").strike_file(0, attempt, &file);
            struck.map(|()| std::fs::read(&path).expect("bytes"))
        };
        assert_eq!(written("truncate:0", 1).expect("cut"), b"01234");
        assert!(written("corrupt:0", 1).expect("changed").starts_with(b"01234chaos"));
        assert_eq!(written("enospc:0", 1).expect_err("full").kind(), io::ErrorKind::StorageFull);
        for drill in ["truncate:0", "corrupt:0", "enospc:0", "fail:0", "kill:0"] {
            assert_eq!(written(drill, 2).expect("left alone"), b"0123456789");
        }
    }
}

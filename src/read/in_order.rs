//! What reading threads saw beside rows, put back into the order of the input. Owns how much of it may wait.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::SourceRead;
use crate::error::Result;
use crate::source::{BlockReport, InputFile, Rejects};
use crate::spec::Source;

/// Bytes of rejects that may wait for a block before them: a thread that is further ahead waits with them.
const MOST_WAITING: usize = 32 << 20;

/// Takes the reports of a source's blocks in any order.
pub(super) struct InOrder<'a> {
    tally: Mutex<Tally<'a>>,
    moved: Condvar,
    most_waiting: usize,
}

/// What was taken in order, and what waits.
struct Tally<'a> {
    source: &'a Source,
    files: &'a [InputFile],
    read: SourceRead,
    rows_of: Vec<u64>,
    /// Number of the block to take next, from 1.
    next: u64,
    /// File of the last block taken, and the line after it.
    place: Option<(usize, u64)>,
    waiting: BTreeMap<u64, (usize, BlockReport)>,
    waiting_bytes: usize,
    stopped: bool,
}

impl<'a> InOrder<'a> {
    pub fn new(source: &'a Source, files: &'a [InputFile], rejects: Rejects) -> Self {
        let bad_values = vec![0; source.columns.len()];
        let read = SourceRead { rows: 0, rejected: 0, bad_values, newest_day: None, rejects, files: Vec::new() };
        let tally = Tally {
            source,
            files,
            read,
            rows_of: vec![0; files.len()],
            next: 1,
            place: None,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            stopped: false,
        };
        Self { tally: Mutex::new(tally), moved: Condvar::new(), most_waiting: MOST_WAITING }
    }

    /// Takes a block's report. Waits when too much waits for a block before it; whoever has that block never waits.
    pub fn take(&self, number: u64, file: usize, report: BlockReport) -> Result<()> {
        let mut tally = self.lock();
        tally.waiting_bytes += report.size();
        tally.waiting.insert(number, (file, report));
        tally.take_waiting()?;
        self.moved.notify_all();
        while tally.waiting_bytes > self.most_waiting && tally.next < number && !tally.stopped {
            tally = self.moved.wait(tally).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Lets go of everybody who waits: a block before theirs will not come.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.moved.notify_all();
    }

    /// What all reports and the files' digests make.
    pub fn finish(self, digests: Vec<String>) -> SourceRead {
        let Tally { mut read, rows_of, .. } = self.tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        read.files = rows_of.into_iter().zip(digests).collect();
        read
    }

    /// A panic while the lock is held ends the run anyway: what it guards stays readable.
    fn lock(&self) -> MutexGuard<'_, Tally<'a>> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally<'_> {
    fn take_waiting(&mut self) -> Result<()> {
        while let Some((file, report)) = self.waiting.remove(&self.next) {
            self.waiting_bytes -= report.size();
            self.next += 1;
            let line = match self.place {
                Some((last, line)) if last == file => line,
                _ => self.files[file].header.data_line,
            };
            let read = &mut self.read;
            read.rows += report.rows;
            self.rows_of[file] += report.rows;
            read.rejected += report.rejected;
            read.bad_values.iter_mut().zip(&report.bad_values).for_each(|(all, n)| *all += n);
            read.newest_day = read.newest_day.max(report.newest_day(self.source));
            let after = read.rejects.add(self.source, &self.files[file].name, line, &report)?;
            self.place = Some((file, after));
        }
        Ok(())
    }
}

/// Stops everybody when its thread panics: the others would wait for its block for ever.
pub(super) struct StopOnPanic<'a, 'b>(pub &'a InOrder<'b>);

impl Drop for StopOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::cell::Value;
    use crate::source::{Inputs, RowSink, open, read_rows};
    use crate::spec::Spec;

    struct Nowhere;

    impl RowSink for Nowhere {
        fn begin(&mut self, _: &str) -> bool {
            false
        }
        fn put(&mut self, _: usize, _: Value<'_>) {}
        fn end(&mut self) {}
    }

    /// Calls `test` with an order that lets nothing wait, and a way to make the report of a block with one reject.
    fn with_order(
        test: impl FnOnce(&InOrder<'_>, &(dyn Fn() -> BlockReport + Sync)),
    ) -> (SourceRead, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("s.csv"), "id\n").expect("written");
        let text =
            "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\n[output]\ncolumns = [\"id\"]\n";
        let spec = Spec::parse(text, "p.toml").expect("a spec");
        let inputs = open(&spec, &Inputs::of(folder.path())).expect("inputs");
        let (source, files) = (&spec.sources[0], &inputs.sources[0]);
        let mut order = InOrder::new(source, files, Rejects::new(folder.path()).expect("rejects"));
        order.most_waiting = 0;
        test(&order, &|| read_rows(b"a\nb,c\n", source, &files[0].header, &mut Nowhere));
        (order.finish(vec!["digest".into()]), folder)
    }

    #[test]
    fn reports_in_any_order_are_told_in_order_and_nobody_waits_for_ever() {
        let handed_out = AtomicU64::new(0);
        let (read, folder) = with_order(|order, report| {
            std::thread::scope(|scope| {
                for thread in 0..4 {
                    let handed_out = &handed_out;
                    scope.spawn(move || {
                        loop {
                            let number = handed_out.fetch_add(1, Ordering::Relaxed) + 1;
                            if number > 400 {
                                return;
                            }
                            // Some threads fall behind with some blocks.
                            (0..(number * thread) % 7 * 1000).for_each(|_| std::hint::spin_loop());
                            order.take(number, 0, report()).expect("taken");
                        }
                    });
                }
            });
        });
        assert_eq!((read.rows, read.rejected, read.files), (800, 400, vec![(800, "digest".to_owned())]));
        let path = folder.path().join("out.csv");
        assert!(read.rejects.save(&path).expect("saved"));
        let lines: Vec<String> =
            std::fs::read_to_string(path).expect("text").lines().skip(1).map(str::to_owned).collect();
        let want: Vec<String> = (0..400).map(|i| format!("s.csv,{},,field_count,\"b,c\"", 3 + 2 * i)).collect();
        assert_eq!(lines, want);
    }

    #[test]
    fn a_thread_that_panics_lets_the_others_go() {
        with_order(|order, report| {
            std::thread::scope(|scope| {
                let waits = scope.spawn(|| order.take(2, 0, report()));
                let panics = scope.spawn(|| {
                    let _guard = StopOnPanic(order);
                    panic!("block 1 is never taken");
                });
                assert!(panics.join().is_err());
                assert!(waits.join().expect("no panic").is_ok());
            });
        });
    }
}

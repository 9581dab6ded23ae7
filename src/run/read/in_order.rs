//! Puts what reading threads report beside rows back into the order of the input. Owns how much of it may wait; reads
//! nothing.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::source::SourceRead;
use crate::error::Result;
use crate::input::{BlockReport, Doubts, FileAccount, Reason, Rejects, SourceAccount, SourceFiles, TailLine};
use crate::spec::Source;
use crate::stop::Stop;

/// Bytes of rejects that may wait for a block before them. A thread that would exceed this waits itself.
const MOST_WAITING: usize = 32 << 20;

/// Takes the reports of a source's blocks in any order.
pub(super) struct InOrder<'a> {
    taken: Mutex<Taken<'a>>,
    moved: Condvar,
    most_waiting: usize,
}

/// What was added in order, and what waits.
struct Taken<'a> {
    read: &'a SourceFiles,
    account: SourceAccount,
    rejects: Rejects,
    /// Bad values so far, for each declared column.
    bad_values: Vec<u64>,
    /// Values that are no nulls so far, likewise.
    filled: Vec<u64>,
    rows_of: Vec<u64>,
    starts: Vec<(u32, u64)>,
    /// Number of the next block, from 1.
    next: u64,
    /// Records at the end of what was taken of the file: perhaps its footer.
    tail: Vec<TailLine>,
    /// File of the last block, and the line after it.
    place: Option<(usize, u64)>,
    waiting: BTreeMap<u64, (usize, BlockReport)>,
    waiting_bytes: usize,
    stopped: bool,
}

impl<'a> InOrder<'a> {
    pub fn new(read: &'a SourceFiles, rejects: Rejects) -> Self {
        let taken = Taken {
            read,
            account: SourceAccount::default(),
            rejects,
            bad_values: vec![0; read.source.columns.len()],
            filled: vec![0; read.source.columns.len()],
            rows_of: vec![0; read.files.len()],
            starts: Vec::new(),
            next: 1,
            tail: Vec::new(),
            place: None,
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            stopped: false,
        };
        Self { taken: Mutex::new(taken), moved: Condvar::new(), most_waiting: MOST_WAITING }
    }

    /// Adds a block's report. Waits while too much waits for an earlier block; the thread that has that block never
    /// waits.
    pub fn take(&self, number: u64, file: usize, report: BlockReport) -> Result<()> {
        let mut taken = self.lock();
        taken.waiting_bytes += report.size();
        taken.waiting.insert(number, (file, report));
        taken.take_waiting()?;
        self.moved.notify_all();
        while taken.waiting_bytes > self.most_waiting && taken.next < number && !taken.stopped {
            taken = self.moved.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Ends all waiting, because an earlier block will not come.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.moved.notify_all();
    }

    /// The result of all reports, with what makes each file's encoding doubtful. All files must have been read to their end, so that their digests are known.
    pub fn finish(self, doubts: &[Doubts], stop: &Stop) -> Result<SourceRead> {
        let mut taken = self.taken.into_inner().unwrap_or_else(PoisonError::into_inner);
        taken.end_file()?;
        let Taken { read, mut account, rejects, bad_values, filled, rows_of, starts, .. } = taken;
        for ((at, file), rows) in read.files.iter().enumerate().zip(rows_of) {
            let digest = file.digest(stop)?.to_owned();
            let Doubts { looks_utf8, has_controls } = doubts.get(at).copied().unwrap_or_default();
            account.files.push(FileAccount { file: file.name.clone(), rows, digest, looks_utf8, has_controls });
        }
        let typed = |counts: Vec<u64>| {
            let counts = read.source.columns.iter().zip(counts).filter(|(column, _)| column.cell.can_be_bad());
            counts.map(|(column, count)| (column.name.clone(), count)).collect()
        };
        (account.bad_values, account.filled) = (typed(bad_values), typed(filled));
        account.first_bad = rejects.first_bad().clone();
        account.first_rejects = rejects.first_three().to_vec();
        Ok(SourceRead { account, rejects, starts })
    }

    /// Ignores that another thread panicked with the lock: the run ends anyway, and the value is still readable.
    fn lock(&self) -> MutexGuard<'_, Taken<'a>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken<'_> {
    fn take_waiting(&mut self) -> Result<()> {
        while let Some((file, report)) = self.waiting.remove(&self.next) {
            self.waiting_bytes -= report.size();
            self.next += 1;
            if self.place.is_some_and(|(last, _)| last != file) {
                self.end_file()?;
            }
            let line = self.place.map_or(self.read.files[file].header.data_line, |(_, line)| line);
            self.starts.push((file as u32, line));
            let after = self.take_block(file, line, report)?;
            self.place = Some((file, after));
        }
        Ok(())
    }

    /// Takes a block that begins at this line; gives the line behind it.
    fn take_block(&mut self, file: usize, line: u64, mut report: BlockReport) -> Result<u64> {
        let tail = report.take_tail(line);
        if report.has_others() {
            self.reject_tail(file)?;
        }
        self.tail.extend(tail);
        let SourceFiles { source, files, .. } = self.read;
        let account = &mut self.account;
        account.counts += report.counts;
        self.rows_of[file] += report.counts.rows;
        self.bad_values.iter_mut().zip(&report.bad_values).for_each(|(all, n)| *all += n);
        self.filled.iter_mut().zip(&report.filled).for_each(|(all, n)| *all += n);
        let newest = report.newest_day(source);
        if newest > account.newest_day {
            account.newest_day = newest;
            account.newest_place = Some((files[file].name.clone(), line + report.newest_line));
        }
        self.rejects.add(source, &files[file].name, line, &report)
    }

    /// The file of the last block is at its end: what it ends with is its footer, or rejected.
    fn end_file(&mut self) -> Result<()> {
        let Some((file, _)) = self.place.take() else { return Ok(()) };
        if Source::is_footer(self.tail.iter().map(|tail| tail.looks_like_it)) {
            self.account.footer += self.tail.len() as u64;
            self.tail.clear();
        }
        self.reject_tail(file)
    }

    fn reject_tail(&mut self, file: usize) -> Result<()> {
        for TailLine { line, raw, .. } in std::mem::take(&mut self.tail) {
            self.account.counts.rows += 1;
            self.rows_of[file] += 1;
            self.account.counts.rejected += 1;
            self.rejects.add_row(&self.read.files[file].name, line, Reason::FieldCount, &raw)?;
        }
        Ok(())
    }
}

/// Ends all waiting if its thread panics: the others would wait for its block for ever.
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
    use crate::input::{Inputs, RowSink, open, read_rows};
    use crate::spec::Spec;
    use crate::value::Value;

    struct Nowhere;

    impl RowSink for Nowhere {
        fn begin(&mut self, _: &str) -> bool {
            false
        }
        fn put(&mut self, _: usize, _: Value<'_>) {}
        fn end(&mut self) {}
    }

    /// Calls `test` with an order in which nothing may wait, and a function that makes the report of a block with one
    /// reject.
    fn with_order(
        test: impl FnOnce(&InOrder<'_>, &(dyn Fn() -> BlockReport + Sync)),
    ) -> (SourceRead, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("s.csv"), "id\n").expect("written");
        let text =
            "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s.csv\"]\n[output]\ncolumns = [\"id\"]\n";
        let spec = Spec::parse(text, "p.toml").expect("a spec");
        let inputs = open(&spec, &Inputs::of(folder.path())).expect("inputs");
        let read = &inputs.sources[0];
        let mut order = InOrder::new(read, Rejects::new(folder.path(), false).expect("rejects"));
        order.most_waiting = 0;
        test(&order, &|| read_rows(b"a\nb,c\n", &read.source, &read.files[0], &mut Nowhere));
        (order.finish(&[], &Stop::default()).expect("read"), folder)
    }

    #[test]
    fn reports_in_any_order_come_out_in_order_and_no_thread_waits_for_ever() {
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
                            // Some threads are late with some blocks.
                            (0..(number * thread) % 7 * 1000).for_each(|_| std::hint::spin_loop());
                            order.take(number, 0, report()).expect("taken");
                        }
                    });
                }
            });
        });
        let SourceAccount { counts, files, .. } = &read.account;
        assert_eq!((counts.rows, counts.rejected, files[0].rows, files.len()), (800, 400, 800, 1));
        let path = folder.path().join("out.csv");
        assert!(read.rejects.save(&path).expect("saved"));
        let lines: Vec<String> =
            std::fs::read_to_string(path).expect("text").lines().skip(1).map(str::to_owned).collect();
        let want: Vec<String> = (0..400).map(|i| format!("s.csv,{},,field_count,\"b,c\"", 3 + 2 * i)).collect();
        assert_eq!(lines, want);
    }

    #[test]
    fn a_thread_that_panics_ends_the_waiting_of_others() {
        with_order(|order, report| {
            std::thread::scope(|scope| {
                let waits = scope.spawn(|| order.take(2, 0, report()));
                let panics = scope.spawn(|| {
                    let _guard = StopOnPanic(order);
                    panic!("block 1 is never added");
                });
                assert!(panics.join().is_err());
                assert!(waits.join().expect("no panic").is_ok());
            });
        });
    }
}

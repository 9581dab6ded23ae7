//! Rows whose sources share no id → rows by customer. While sources are read, rows wait in pens and their identifiers are
//! collected; then customers are found, and each row goes on to its customer's shard. Owns this way; decides nothing about
//! customers itself.

mod nobody;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rayon::prelude::*;

use super::read::{BlockSink, Reader};
use crate::engine::PLACE_BITS;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::identity::{
    Block, BlockPlace, Collector, Customer, Erased, ErasedIds, Fate, IdentityRecord, Kinds, Linked, Linking, ListFile,
    Lists, Place, Reason, Refused, RefusedRecord, Rule, Starts, Store, Trace, customers, link, number, refused,
    resolve, state,
};
use crate::input::{LinkedCounts, LinkedRow, RowSink, SourceFiles};
use crate::shard::budget::Memory;
use crate::shard::{ShardBuffers, Shards, SpillTo, ThreadRows, rows_of, shard_of};
use crate::spec::identity::{Identity, Links};
use crate::spec::{Population, Spec};
use crate::stop::Stop;
use crate::value::Value;

pub(super) use nobody::Nobody;

/// Rows of all sources, and their identifiers, while sources are read.
pub(super) struct Pens<'a> {
    spec: &'a Spec,
    identity: Arc<Identity>,
    kinds: Arc<Kinds>,
    rows: ShardBuffers,
    collectors: Vec<Collector>,
    /// What the lists say, and who took it.
    listed: (Lists, Collector),
    pens: usize,
}

/// What one reading thread fills.
pub(super) struct Pen<'a> {
    rows: &'a mut ThreadRows,
    collector: &'a mut Collector,
    /// Where the identifiers of the current source are.
    links: Option<Links>,
    source: usize,
    /// The pen of the current block, and how many there are.
    pen: (usize, usize),
}

/// What linking has found, besides rows by shard.
pub(super) struct Outcome {
    /// Rows that go on to no shard, for each source.
    pub counts: Vec<LinkedCounts>,
    /// When linking began.
    pub begun: Instant,
    pub nobody: Nobody,
    pub refused: Refused,
    pub record: IdentityRecord,
    /// What is erased.
    pub erased: ErasedIds,
    /// Values whose links are void.
    pub void: u64,
    /// Pairs to keep apart that a vendor has merged.
    pub apart_merged: u64,
    /// For each source the file and first line of each of its blocks.
    pub starts: Vec<Vec<(u32, u64)>>,
}

impl<'a> Pens<'a> {
    /// Empty pens for `threads` threads. What exceeds the limits of `spill` goes to its folder.
    pub fn new(
        spec: &'a Spec,
        identity: &Arc<Identity>,
        lists: &[ListFile],
        pens: usize,
        threads: usize,
        spill: &SpillTo,
    ) -> Result<Self> {
        std::fs::create_dir_all(&spill.folder).map_err(|e| Error::working("create", &spill.folder, e))?;
        let kinds = Arc::new(Kinds::new(identity, &ListFile::blocked(lists, identity.kinds.len())?));
        let layouts = super::read::layouts(spec);
        let rows = ShardBuffers::new(layouts, vec![true; pens], threads, Some(spill));
        let most = usize::try_from(spill.limit).unwrap_or(usize::MAX) / 2 / threads.max(1);
        let collector = || Collector::new(&kinds, &spill.folder, most);
        // A list that cannot be used ends the run before anything is read.
        let mut of_lists = collector();
        let listed = Lists::collect(lists, identity, &kinds, &mut of_lists)?;
        let collectors = std::iter::repeat_with(collector).take(threads.max(1)).collect();
        let (identity, kinds, listed) = (identity.clone(), kinds.clone(), (listed, of_lists));
        Ok(Self { spec, identity, kinds, rows, collectors, listed, pens })
    }

    /// What each reading thread fills.
    pub fn threads(&mut self) -> Vec<Pen<'_>> {
        let pens = self.pens;
        let pen = |(rows, collector)| Pen { rows, collector, links: None, source: 0, pen: (0, pens) };
        self.rows.threads().iter_mut().zip(&mut self.collectors).map(pen).collect()
    }

    /// Finds the customers, and sends each row on to its shard in `buffers`.
    pub fn link(
        self,
        starts: Vec<Vec<(u32, u64)>>,
        buffers: &mut ShardBuffers,
        spill: &SpillTo,
        reader: &Reader<'_>,
    ) -> Result<Outcome> {
        let begun = Instant::now();
        let Self { spec, identity, kinds, rows, mut collectors, listed: (listed, of_lists), pens } = self;
        // The last is that of the lists.
        collectors.push(of_lists);
        let pool = crate::engine::pool();
        let linked = pool.install(|| {
            let store = Store::new(&spill.folder, spill.limit / 2);
            let (rows, numbers, ids) = number(collectors, &kinds, store)?;
            fits(reader.memory, ids.need(&rows))?;
            let (sources, lists) = (&spec.sources[..], listed.numbered(&numbers));
            Ok::<_, Error>(link(Linking { identity: &identity, sources, kinds: &kinds, rows, ids, lists }))
        })?;
        let shards = pool.install(|| shards_of(&linked, buffers.shards()));
        let way = Way {
            linked: &linked,
            pens: &rows.into_shards(),
            known: known(spec),
            next: AtomicUsize::new(0),
            count: pens,
            starts: spec.provenance.then_some(&starts[..]),
            shards: &shards,
            stop: &reader.settings.stop,
        };
        let (counts, traces, nobody) = together(way.send_all(buffers, spill)?, spec.sources.len());
        let (told, strays) = Trace::split(traces);
        let mut record = linked.record();
        let erased = linked.erased_ids();
        let search = Erased::new(&identity, &kinds, &erased)?;
        let refused = pool.install(|| refused(strays, &linked, &starts, &|value| search.is_in(value)))?;
        record.refused = reasons(&refused);
        let told: Vec<_> = told.into_iter().enumerate().collect();
        let hidden = spec.sources.len();
        let found =
            Customers { linked: &linked, starts: &starts, shards: &shards, stop: &reader.settings.stop, hidden };
        found.send_all(told, buffers, &mut record)?;
        linked.ids.check()?;
        let (void, apart_merged) = (linked.void_values(), linked.apart_merged());
        Ok(Outcome { begun, void, apart_merged, counts, nobody, refused, record, erased, starts })
    }
}

/// What all threads have sent on.
fn together(all: Vec<Sent>, sources: usize) -> (Vec<LinkedCounts>, Vec<Trace>, Nobody) {
    let mut counts = vec![LinkedCounts::default(); sources];
    let (mut traces, mut nobodies) = (Vec::new(), Vec::new());
    for Sent { counts: of_thread, trace, nobody } in all {
        counts.iter_mut().zip(of_thread).for_each(|(all, more)| add(all, more));
        traces.push(trace);
        nobodies.push(nobody);
    }
    (counts, traces, Nobody::joined(nobodies))
}

/// Fails if identifiers do not fit into memory, before they are linked.
fn fits(memory: Memory, need: u64) -> Result<()> {
    if memory.holds(need) {
        return Ok(());
    }
    let (need, limit) = (need.div_ceil(1_000_000), memory.limit / 1_000_000);
    Err(Error::Memory(format!(
        "the identifiers need {need} MB of memory, and the limit is {limit} MB: raise --memory-limit"
    )))
}

fn reasons(refused: &Refused) -> RefusedRecord {
    let mut counts = RefusedRecord::default();
    for line in refused {
        *match line.reason {
            Reason::Bad => &mut counts.bad,
            Reason::Blocked => &mut counts.blocked,
            Reason::Shared => &mut counts.shared,
            Reason::Conflict => &mut counts.conflict,
        } += 1;
    }
    counts
}

fn add(all: &mut LinkedCounts, more: LinkedCounts) {
    let LinkedCounts { merged, deleted, unidentified, erased } = more;
    all.merged += merged;
    all.deleted += deleted;
    all.unidentified += unidentified;
    all.erased += erased;
}

/// For each source whether its rows make a customer known.
fn known(spec: &Spec) -> Vec<bool> {
    let knows = |at: usize| match &spec.population {
        Population::Any => true,
        Population::KnownBy(sources) => sources.contains(&at),
    };
    (0..spec.sources.len()).map(knows).collect()
}

impl RowSink for Pen<'_> {
    fn begin(&mut self, _: &str) -> bool {
        false
    }

    fn begin_linked(&mut self, row: &LinkedRow<'_>) -> bool {
        let Some(links) = &self.links else { return false };
        // A row that may be nobody's keeps its text, for the rejects.
        let raw = if self.collector.take(links, row) { row.raw() } else { Cow::Borrowed(&b""[..]) };
        self.rows.begin_in(self.pen.0, nobody::shown(&raw).as_bytes())
    }

    fn put(&mut self, column: usize, value: Value<'_>) {
        RowSink::put(self.rows, column, value);
    }

    fn end(&mut self) {
        RowSink::end(self.rows);
    }
}

impl BlockSink for Pen<'_> {
    fn begin_source(&mut self, read: &SourceFiles) {
        self.links.clone_from(&read.source.links);
        self.source = read.at;
        self.collector.begin_source(read.at);
        ThreadRows::begin_source(self.rows, read.at);
    }

    fn begin_block(&mut self, number: u64) {
        self.pen.0 = (self.source + number as usize) % self.pen.1;
    }

    fn end_block(&mut self, file: usize, number: u64) -> Result<()> {
        self.collector.end_block(file, number)?;
        ThreadRows::end_block(self.rows, file, number)
    }
}

/// The way of rows from pens to shards.
struct Way<'a> {
    linked: &'a Linked,
    pens: &'a Shards,
    /// For each source whether its rows make a customer known.
    known: Vec<bool>,
    next: AtomicUsize,
    count: usize,
    /// Where blocks start, if rows carry their places.
    starts: Option<&'a Starts>,
    /// The shard of each group.
    shards: &'a [u16],
    stop: &'a Stop,
}

/// What one thread has sent on.
struct Sent {
    counts: Vec<LinkedCounts>,
    trace: Trace,
    nobody: Nobody,
}

impl Way<'_> {
    fn send_all(&self, buffers: &mut ShardBuffers, spill: &SpillTo) -> Result<Vec<Sent>> {
        let most = usize::try_from(spill.limit).unwrap_or(usize::MAX) / 4 / buffers.threads().len().max(1);
        let sent = std::thread::scope(|scope| {
            let start = |rows| scope.spawn(move || self.send(rows, spill, most));
            let running: Vec<_> = buffers.threads().iter_mut().map(start).collect();
            let joined = running.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            joined.collect::<Vec<Result<Sent>>>()
        });
        let mut sent = sent.into_iter().collect::<Result<Vec<Sent>>>()?;
        if let Some(first) = sent.first_mut() {
            first.trace.lists(self.linked);
        }
        Ok(sent)
    }

    /// Sends on the rows of pens until none is left.
    fn send(&self, rows: &mut ThreadRows, spill: &SpillTo, most: usize) -> Result<Sent> {
        let mut sent = Sent {
            counts: vec![LinkedCounts::default(); self.known.len()],
            trace: Trace::new(&spill.folder, most),
            nobody: Nobody::new(&spill.folder)?,
        };
        loop {
            let pen = self.next.fetch_add(1, Ordering::Relaxed);
            if pen >= self.count {
                return Ok(sent);
            }
            self.stop.check()?;
            let pieces = self.pens.pieces(pen)?;
            for of_block in pieces.chunk_by(|a, b| a.0 == b.0) {
                let (source, file, block) = of_block[0].0;
                let place = BlockPlace { source, file, block: block as u32 };
                let Some(block) = self.linked.rows.block(place) else { return Err(crate::shard::damaged()) };
                rows.begin_source(source as usize);
                let stored = of_block.iter().map(|(_, piece)| piece.as_slice());
                let count = self.send_block(block, stored, rows, &mut sent)?;
                rows.end_block(file as usize, of_block[0].0.2)?;
                sent.trace.settle()?;
                Event::Progress { bytes: 0, rows: count }.emit();
            }
            self.pens.free(pen);
        }
    }

    fn send_block<'p>(
        &self,
        block: Block<'_>,
        stored: impl Iterator<Item = &'p [u8]>,
        rows: &mut ThreadRows,
        sent: &mut Sent,
    ) -> Result<u64> {
        let (source, mut said) = (block.place.source as usize, block.rows());
        let layout = crate::shard::Layout::of(&self.linked.sources[source]);
        let counts = &mut sent.counts[source];
        let mut count = 0;
        for stored in stored.flat_map(rows_of) {
            let mut stored = stored?;
            let (order, raw) = stored.head(&layout).ok_or_else(crate::shard::damaged)?;
            let row = said.next().ok_or_else(crate::shard::damaged)?;
            let place = Place { source: block.place.source, block: block.place.block, line: row.line };
            count += 1;
            let fate = self.linked.fate(&row, source);
            sent.trace.row(self.linked, place, &row, fate);
            match fate {
                Fate::Erased => counts.erased += 1,
                Fate::Merged => counts.merged += 1,
                Fate::Deleted => counts.deleted += 1,
                Fate::Unidentified => {
                    counts.unidentified += 1;
                    sent.nobody.add(place, block.place.file, raw)?;
                }
                Fate::Of(group) => {
                    if self.known[source] {
                        self.linked.note(group, state::KNOWN);
                    }
                    let at = self.starts.map(|starts| row_place(starts, place));
                    rows.copy(self.shards[group as usize] as usize, &group.to_le_bytes(), order, stored.rest(), at);
                }
            }
        }
        Ok(count)
    }
}

/// The shard of each group, by its customer's id, which is the same in every run; numbers of groups are not.
fn shards_of(linked: &Linked, shards: usize) -> Vec<u16> {
    let one = |id: &mut String, group: u32| {
        if linked.groups[group as usize] != group || linked.names[group as usize] == u32::MAX {
            return 0;
        }
        id.clear();
        linked.spell(linked.names[group as usize], id);
        shard_of(id, shards) as u16
    };
    (0..linked.groups.len() as u32).into_par_iter().map_init(String::new, one).collect()
}

/// File and line of a row in one number.
fn row_place(starts: &Starts, place: Place) -> i64 {
    let (_, file, line) = resolve(place, starts);
    i64::from(file) << PLACE_BITS | line as i64
}

/// The customers on their way to their shards, as rows of a hidden source behind the others.
struct Customers<'a> {
    linked: &'a Linked,
    starts: &'a [Vec<(u32, u64)>],
    /// The shard of each group.
    shards: &'a [u16],
    stop: &'a Stop,
    hidden: usize,
}

impl Customers<'_> {
    fn send_all(
        &self,
        told: Vec<(usize, Vec<crate::disk::Partition>)>,
        buffers: &mut ShardBuffers,
        record: &mut IdentityRecord,
    ) -> Result<()> {
        let told = std::sync::Mutex::new(told);
        let next = || told.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        let counted = std::thread::scope(|scope| {
            let start = |rows| scope.spawn(|| self.send(rows, &next));
            let running: Vec<_> = buffers.threads().iter_mut().map(start).collect();
            let joined = running.into_iter().map(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            joined.collect::<Vec<Result<Counted>>>()
        });
        let mut all = Counted::default();
        counted.into_iter().try_for_each(|one| one.map(|one| all.add(&one)))?;
        all.record(&self.linked.identity, record);
        Ok(())
    }

    fn send(
        &self,
        rows: &mut ThreadRows,
        next: &dyn Fn() -> Option<(usize, Vec<crate::disk::Partition>)>,
    ) -> Result<Counted> {
        let mut counted = Counted::default();
        rows.begin_source(self.hidden);
        while let Some((part, told)) = next() {
            self.stop.check()?;
            customers(told, self.linked, self.starts, |Customer { group, id, ids, lines, rules, survivors }| {
                counted.see(rules, *survivors);
                if rows.begin_in(self.shards[*group as usize] as usize, &group.to_le_bytes()) {
                    rows.put(0, Value::Text(id));
                    for (at, ids) in ids.iter().enumerate() {
                        rows.put(1 + at, if ids.is_empty() { Value::Null } else { Value::Text(ids) });
                    }
                    rows.put(1 + ids.len(), Value::Text(lines));
                    rows.end();
                }
            })?;
            rows.end_block(0, part as u64)?;
        }
        Ok(counted)
    }
}

/// Published customers by size, and their identifiers by rule.
#[derive(Default)]
struct Counted {
    sizes: [u64; SIZES.len()],
    rules: Vec<u64>,
    /// Most survivors in one.
    largest: u64,
}

/// The names of sizes, each with the most identifiers that it means.
const SIZES: [(&str, usize); 7] =
    [("1", 1), ("2", 2), ("3", 3), ("4", 4), ("5-10", 10), ("11-100", 100), ("101-", usize::MAX)];

impl Counted {
    fn see(&mut self, rules: &[Option<Rule>], survivors: u64) {
        self.largest = self.largest.max(survivors);
        let size = rules.len();
        for rule in rules {
            let at = rule.map_or(0, |rule| usize::from(rule) + 1);
            if self.rules.len() <= at {
                self.rules.resize(at + 1, 0);
            }
            self.rules[at] += 1;
        }
        let at = SIZES.iter().position(|(_, most)| size <= *most).unwrap_or_default();
        self.sizes[at] += 1;
    }

    fn add(&mut self, other: &Self) {
        self.largest = self.largest.max(other.largest);
        self.sizes.iter_mut().zip(other.sizes).for_each(|(all, n)| *all += n);
        self.rules.resize(self.rules.len().max(other.rules.len()), 0);
        self.rules.iter_mut().zip(&other.rules).for_each(|(all, n)| *all += n);
    }

    fn record(self, identity: &Identity, record: &mut IdentityRecord) {
        record.sizes = SIZES.iter().zip(self.sizes).map(|((name, _), n)| ((*name).to_owned(), n)).collect();
        record.largest = self.largest;
        let names = crate::identity::rule_names(identity);
        let counts = self.rules.into_iter().chain(std::iter::repeat(0));
        record.rules = names.into_iter().zip(counts).collect();
    }
}

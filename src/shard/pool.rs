//! Runs the work of shards in one pool, with retries. Never knows what a profile is.
//!
//! Shards run as tasks of the engine's rayon pool, at most `threads` of them at the same time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rayon::ThreadPool;

use super::panics::catch;
use super::retry::RetryPolicy;
use crate::error::{Error, Result};
use crate::stop::Stop;

/// One attempt at a shard.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// From 1.
    pub attempt: u32,
    /// The worker that made it, from 0.
    pub worker: usize,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// The error's text, if it failed.
    pub error: Option<String>,
}

/// A shard's attempts and, if one succeeded, its result.
#[derive(Debug)]
pub struct ShardRun<T> {
    pub attempts: Vec<Attempt>,
    /// The last attempt's result, if it succeeded.
    pub result: Option<T>,
}

/// Is called when something happens to a shard: `started` from the worker, all others from the coordinating thread.
pub trait Observer<T>: Sync {
    /// An attempt begins.
    fn started(&self, shard: usize, attempt: u32);
    /// An attempt failed, and another will follow after the wait.
    fn retrying(&self, shard: usize, attempt: u32, error: &Error, wait: Duration);
    /// An attempt succeeded.
    fn ended(&self, shard: usize, attempt: u32, result: &T, elapsed: Duration);
    /// The shard failed, and no attempt will follow.
    fn failed(&self, shard: usize, attempts: u32, error: &Error);
}

/// How many shards may run at the same time.
pub struct Budget<'a> {
    /// Where they run.
    pub pool: &'a ThreadPool,
    /// The most shards that run at the same time; at least one.
    pub threads: usize,
    /// Memory for all of them together, in bytes; a single shard is started even if it needs more.
    pub memory: u64,
    /// Memory that a shard needs, in bytes.
    pub need: &'a (dyn Fn(usize) -> u64 + Sync),
    /// After a request to stop, no shard is started and no retry follows.
    pub stop: &'a Stop,
}

/// How often a request to stop is checked while a retry waits.
const LOOK: Duration = Duration::from_millis(100);

/// Runs `work(shard, attempt)` for these shards, each starting with this attempt, until all have succeeded or one has
/// used up its attempts.
///
/// Gives every shard's attempts, and the error that ended the run, if there was one; after it no shard is started.
pub fn run<T, W, O>(
    shards: &[(usize, u32)],
    budget: &Budget<'_>,
    policy: RetryPolicy,
    work: &W,
    observer: &O,
) -> (BTreeMap<usize, ShardRun<T>>, Option<Error>)
where
    T: Send,
    W: Fn(usize, u32) -> Result<T> + Sync,
    O: Observer<T>,
{
    let mut queue = Queue {
        ready: shards.iter().copied().collect(),
        waiting: Vec::new(),
        idle: (0..budget.threads.max(1)).collect(),
        running: 0,
        taken: 0,
        runs: shards.iter().map(|(shard, _)| (*shard, ShardRun { attempts: Vec::new(), result: None })).collect(),
        failure: None,
    };
    let (sender, receiver) = channel();
    budget.pool.in_place_scope(|scope| {
        loop {
            if budget.stop.is_asked() {
                queue.give_up(Error::Interrupted);
            }
            queue.wake(Instant::now());
            while let Some(Start { shard, attempt, worker }) = queue.next(budget) {
                let sender = sender.clone();
                scope.spawn(move |_| {
                    observer.started(shard, attempt);
                    let started_at = Utc::now();
                    let result = catch(|| work(shard, attempt)).unwrap_or_else(|panic| Err(Error::Panic(panic)));
                    // The receiver exists until every task has reported.
                    let _ = sender.send(Report { shard, attempt, worker, started_at, ended_at: Utc::now(), result });
                });
            }
            if queue.running == 0 && queue.waiting.is_empty() {
                break;
            }
            if let Some(report) = queue.receive(&receiver) {
                queue.taken -= (budget.need)(report.shard);
                queue.settle(report, policy, observer);
            }
        }
    });
    (queue.runs, queue.failure)
}

/// An attempt to start.
struct Start {
    shard: usize,
    attempt: u32,
    worker: usize,
}

/// How an attempt ended.
struct Report<T> {
    shard: usize,
    attempt: u32,
    worker: usize,
    started_at: DateTime<Utc>,
    ended_at: DateTime<Utc>,
    result: Result<T>,
}

struct Queue<T> {
    ready: VecDeque<(usize, u32)>,
    /// Retries that are not yet due. They occupy no worker.
    waiting: Vec<(Instant, usize, u32)>,
    /// Workers without a shard. A worker is a slot, not a thread: the pool's threads share their work.
    idle: BTreeSet<usize>,
    running: usize,
    /// Memory that the running shards need.
    taken: u64,
    runs: BTreeMap<usize, ShardRun<T>>,
    failure: Option<Error>,
}

impl<T> Queue<T> {
    /// The next shard to start, if there is one and memory for it.
    fn next(&mut self, budget: &Budget<'_>) -> Option<Start> {
        let need = (budget.need)(self.ready.front()?.0);
        if self.running > 0 && (self.running >= budget.threads || self.taken + need > budget.memory) {
            return None;
        }
        let worker = self.idle.pop_first()?;
        self.running += 1;
        self.taken += need;
        self.ready.pop_front().map(|(shard, attempt)| Start { shard, attempt, worker })
    }

    /// Moves due retries to the front, because they are the oldest work.
    fn wake(&mut self, now: Instant) {
        let ready = &mut self.ready;
        self.waiting.retain(|&(due, shard, attempt)| {
            if due <= now {
                ready.push_front((shard, attempt));
            }
            due > now
        });
    }

    /// Waits for a report, or until the next retry is due.
    fn receive(&self, receiver: &Receiver<Report<T>>) -> Option<Report<T>> {
        match self.waiting.iter().map(|w| w.0).min() {
            None => receiver.recv().ok(),
            Some(due) => receiver.recv_timeout(due.saturating_duration_since(Instant::now()).min(LOOK)).ok(),
        }
    }

    fn settle(&mut self, report: Report<T>, policy: RetryPolicy, observer: &impl Observer<T>) {
        let Report { shard, attempt, worker, started_at, ended_at, result } = report;
        self.idle.insert(worker);
        self.running -= 1;
        let run = self.runs.entry(shard).or_insert_with(|| ShardRun { attempts: Vec::new(), result: None });
        let error = result.as_ref().err().map(ToString::to_string);
        run.attempts.push(Attempt { attempt, worker, started_at, ended_at, error });
        match result {
            Ok(value) => {
                let elapsed = (ended_at - started_at).to_std().unwrap_or_default();
                observer.ended(shard, attempt, &value, elapsed);
                run.result = Some(value);
            }
            Err(error) if self.failure.is_none() && policy.retries(attempt, &error) => {
                let wait = policy.wait_after(attempt);
                observer.retrying(shard, attempt, &error, wait);
                self.waiting.push((Instant::now() + wait, shard, attempt + 1));
            }
            // The shard has attempts left, but the run was stopped.
            Err(error) if matches!(self.failure, Some(Error::Interrupted)) && error.is_transient() => {}
            Err(error) => {
                observer.failed(shard, attempt, &error);
                let cause = Box::new(error);
                self.give_up(Error::ShardFailed { shard_id: shard, attempts: attempt, cause });
            }
        }
    }

    /// Starts nothing more; the first reason is kept.
    fn give_up(&mut self, why: Error) {
        self.failure.get_or_insert(why);
        self.ready.clear();
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests;

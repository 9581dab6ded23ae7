use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};

use super::*;

/// Notes what happened, without times.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Observer<u32> for Log {
    fn started(&self, shard: usize, attempt: u32) {
        self.0.lock().expect("log").push(format!("start {shard}/{attempt}"));
    }
    fn retrying(&self, shard: usize, attempt: u32, error: &Error, wait: Duration) {
        self.0.lock().expect("log").push(format!("retry {shard}/{attempt} {error} {wait:?}"));
    }
    fn ended(&self, shard: usize, attempt: u32, result: &u32, _: Duration) {
        self.0.lock().expect("log").push(format!("end {shard}/{attempt} {result}"));
    }
    fn failed(&self, shard: usize, attempts: u32, error: &Error) {
        self.0.lock().expect("log").push(format!("failed {shard}/{attempts} {error}"));
    }
}

static POOL: LazyLock<ThreadPool> =
    LazyLock::new(|| rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool"));

fn budget(stop: &Stop) -> Budget<'_> {
    Budget { pool: &POOL, threads: 1, memory: u64::MAX, need: &|_| 0, stop }
}

/// Shards from 0, all starting with their first attempt.
fn all(shards: usize) -> Vec<(usize, u32)> {
    (0..shards).map(|shard| (shard, 1)).collect()
}

const POLICY: RetryPolicy = RetryPolicy { max_retries: 2, first_wait: Duration::from_millis(1) };

#[test]
fn a_transient_failure_is_retried_until_it_succeeds() {
    let log = Log::default();
    let work = |shard: usize, attempt: u32| {
        if attempt < 3 { Err(Error::Chaos("x".into())) } else { Ok(shard as u32 + attempt) }
    };
    let (runs, failure) = run(&all(1), &budget(&Stop::default()), POLICY, &work, &log);
    assert!(failure.is_none());
    assert_eq!(runs[&0].result, Some(3));
    assert_eq!(runs[&0].attempts.iter().map(|a| a.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    let want = ["start 0/1", "retry 0/1 chaos: x 1ms", "start 0/2", "retry 0/2 chaos: x 2ms", "start 0/3", "end 0/3 3"];
    assert_eq!(*log.0.lock().expect("log"), want);
}

#[test]
fn a_panic_is_that_shards_error_and_a_permanent_failure_ends_the_run() {
    let log = Log::default();
    let work =
        |_: usize, attempt: u32| if attempt == 1 { panic!("chaos: boom") } else { Err(Error::Build("wrong".into())) };
    let (runs, failure) = run(&all(3), &budget(&Stop::default()), POLICY, &work, &log);
    assert!(matches!(failure, Some(Error::ShardFailed { attempts: 2, .. })), "{failure:?}");
    assert!(runs.values().all(|r: &ShardRun<u32>| r.result.is_none()));
    let panicked = runs.values().flat_map(|r| &r.attempts).filter(|a| a.error.as_deref() == Some("panic: chaos: boom"));
    assert!(panicked.count() >= 1);
}

#[test]
fn a_waiting_retry_occupies_no_worker() {
    let log = Log::default();
    let done = AtomicU32::new(0);
    let policy = RetryPolicy { max_retries: 1, first_wait: Duration::from_millis(200) };
    let work = |shard: usize, attempt: u32| {
        if shard == 0 && attempt == 1 {
            return Err(Error::Chaos("x".into()));
        }
        Ok(done.fetch_add(1, Ordering::SeqCst))
    };
    let (runs, failure) = run(&all(4), &budget(&Stop::default()), policy, &work, &log);
    assert!(failure.is_none());
    // With one worker, the three others finish while shard 0 waits.
    assert_eq!(runs[&0].result, Some(3));
}

#[test]
fn no_shard_is_no_work() {
    let (runs, failure) = run(&all(0), &budget(&Stop::default()), POLICY, &|_, _| Ok(1), &Log::default());
    assert!(runs.is_empty() && failure.is_none());
}

#[test]
fn no_more_shards_run_than_fit_in_memory() {
    let (now, most) = (AtomicU32::new(0), AtomicU32::new(0));
    let work = |_: usize, _: u32| {
        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        (0..1000).for_each(|_| std::thread::yield_now());
        now.fetch_sub(1, Ordering::SeqCst);
        Ok(0)
    };
    // Shard 3 needs more than there is: it runs nevertheless, but alone.
    let need = |shard: usize| if shard == 3 { 100 } else { 6 };
    let stop = Stop::default();
    let budget = Budget { pool: &POOL, threads: 8, memory: 10, need: &need, stop: &stop };
    let (runs, failure) = run(&all(6), &budget, POLICY, &work, &Log::default());
    assert!(failure.is_none() && runs.values().all(|r| r.result.is_some()));
    assert_eq!(most.load(Ordering::SeqCst), 1);
}

#[test]
fn attempts_continue_from_a_given_number() {
    let log = Log::default();
    let work = |_: usize, attempt: u32| Ok(attempt);
    let (runs, failure) = run(&[(4, 3), (7, 1)], &budget(&Stop::default()), POLICY, &work, &log);
    assert!(failure.is_none());
    assert_eq!(runs.iter().map(|(shard, run)| (*shard, run.result)).collect::<Vec<_>>(), [(4, Some(3)), (7, Some(1))]);
    assert_eq!(runs[&4].attempts[0].worker, 0);
}

#[test]
fn a_request_to_stop_starts_nothing_more_and_ends_waits() {
    let (log, stop) = (Log::default(), Stop::default());
    let policy = RetryPolicy { max_retries: 1, first_wait: Duration::from_secs(3600) };
    let work = |shard: usize, _: u32| match shard {
        0 => Err(Error::Chaos("x".into())),
        1 => {
            stop.flag().store(true, Ordering::Relaxed);
            Ok(1)
        }
        _ => Ok(2),
    };
    let (runs, failure) = run(&all(4), &budget(&stop), policy, &work, &log);
    assert!(matches!(failure, Some(Error::Interrupted)), "{failure:?}");
    assert_eq!(runs.values().map(|r| r.result).collect::<Vec<_>>(), [None, Some(1), None, None]);
    assert_eq!(*log.0.lock().expect("log"), ["start 0/1", "retry 0/1 chaos: x 3600s", "start 1/1", "end 1/1 1"]);
}

//! Samples → results for each number of shards: median and spread, throughput, speed-up, whether the outputs were the
//! same. Prints nothing.

use indexmap::IndexMap;
use onefold::{Error, Result};
use serde::Serialize;

use super::machine::Machine;
use super::measure::{Sample, rounded};
use super::plan::Turn;

/// What all results have in common.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// Version of onefold.
    pub onefold: &'static str,
    /// The input as the user gave it.
    pub input: String,
    /// Input rows.
    pub rows: u64,
    /// Input bytes.
    pub bytes: u64,
    pub threads: usize,
    /// The value of `--memory-limit`; none for the default of `onefold run`.
    pub memory_limit: Option<u64>,
    /// Measured runs for each number of shards.
    pub runs: usize,
    /// Runs for each number of shards before those.
    pub warm_up: u16,
    pub machine: Machine,
}

/// The results for one number of shards: an object of the JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    pub shards: usize,
    /// Whether a run without `--shards` has this number.
    pub is_default: bool,
    /// Median wall time of a run's process.
    pub seconds_median: f64,
    pub seconds_min: f64,
    pub seconds_max: f64,
    /// Median absolute deviation.
    pub seconds_mad: f64,
    /// Every measured run, in order.
    pub seconds: Vec<f64>,
    /// Median of each stage, in order.
    pub stages: IndexMap<String, f64>,
    /// Input rows divided by the median time.
    pub rows_per_second: f64,
    /// Input in millions of bytes, divided by the median time.
    pub mb_per_second: f64,
    /// Median time of the baseline, divided by this median time.
    pub speedup: f64,
    /// Shards of the baseline: 1, or the fewest that were measured.
    pub baseline_shards: usize,
    /// Median of user and system time of all threads.
    pub cpu_seconds: Option<f64>,
    /// The most memory of any measured run.
    pub peak_memory_bytes: Option<u64>,
    /// Whether every run, including warm-up, wrote the same outputs as the very first run.
    pub same_bytes: bool,
    #[serde(flatten)]
    pub about: About,
}

impl About {
    /// From the samples: all runs read the same rows with the same number of threads, so the first one is used.
    pub fn new(input: String, samples: &[(Turn, Sample)], asked: Asked) -> Self {
        let (rows, bytes, threads) = samples.first().map(|(_, s)| (s.rows, s.bytes, s.threads)).unwrap_or_default();
        let Asked { runs, warm_up, memory_limit } = asked;
        let machine = Machine::here();
        Self { onefold: env!("CARGO_PKG_VERSION"), input, rows, bytes, threads, memory_limit, runs, warm_up, machine }
    }
}

/// What the user asked for with flags.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub runs: usize,
    pub warm_up: u16,
    pub memory_limit: Option<u64>,
}

/// The results for each number of shards, in this order.
pub fn outcomes(counts: &[usize], default: usize, samples: &[(Turn, Sample)], about: &About) -> Vec<Outcome> {
    let baseline = counts.iter().min().copied().unwrap_or(1);
    let timed = |shards: usize| samples.iter().filter(move |(t, _)| t.shards == shards && !t.warm_up).map(|(_, s)| s);
    let baseline_median = median(timed(baseline).map(|s| s.seconds));
    let first = samples.first().map(|(_, s)| &s.digests);
    let outcome = |shards: &usize| {
        let seconds: Vec<f64> = timed(*shards).map(|s| s.seconds).collect();
        let seconds_median = median(seconds.iter().copied());
        Outcome {
            shards: *shards,
            is_default: *shards == default,
            seconds_median,
            seconds_min: seconds.iter().copied().min_by(f64::total_cmp).unwrap_or_default(),
            seconds_max: seconds.iter().copied().max_by(f64::total_cmp).unwrap_or_default(),
            seconds_mad: median(seconds.iter().map(|s| (s - seconds_median).abs())),
            seconds,
            stages: stages(&timed(*shards).collect::<Vec<_>>()),
            rows_per_second: about.rows as f64 / seconds_median,
            mb_per_second: about.bytes as f64 / 1e6 / seconds_median,
            speedup: baseline_median / seconds_median,
            baseline_shards: baseline,
            cpu_seconds: all(timed(*shards).map(|s| s.cpu_seconds)).map(median),
            peak_memory_bytes: timed(*shards).filter_map(|s| s.peak_memory_bytes).max(),
            same_bytes: samples.iter().all(|(t, s)| t.shards != *shards || Some(&s.digests) == first),
            about: about.clone(),
        }
    };
    counts.iter().map(outcome).collect()
}

/// The JSON array that `--export-json` writes.
pub fn to_json(outcomes: &[Outcome]) -> Result<Vec<u8>> {
    let mut json = serde_json::to_vec_pretty(outcomes).map_err(|e| Error::Bug(format!("the bench's JSON: {e}")))?;
    json.push(b'\n');
    Ok(json)
}

/// The numbers of shards whose outputs differ, as a list; none if all are the same.
pub fn different(outcomes: &[Outcome]) -> Option<String> {
    let counts: Vec<String> = outcomes.iter().filter(|o| !o.same_bytes).map(|o| o.shards.to_string()).collect();
    (!counts.is_empty()).then(|| counts.join(", "))
}

/// The names of all stages, in order.
pub fn stage_names(outcomes: &[Outcome]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for name in outcomes.iter().flat_map(|o| o.stages.keys()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

impl Outcome {
    /// The part of the median that is in no stage: start and end of the process, and publishing.
    pub fn rest(&self) -> f64 {
        (self.seconds_median - self.stages.values().sum::<f64>()).max(0.0)
    }
}

/// Median of each stage; a run without the stage counts as 0.
fn stages(samples: &[&Sample]) -> IndexMap<String, f64> {
    let mut names: IndexMap<String, f64> = samples.iter().flat_map(|s| s.stages.clone()).collect();
    for (name, seconds) in &mut names {
        *seconds = median(samples.iter().map(|s| s.stages.get(name).copied().unwrap_or_default()));
    }
    names
}

fn all(values: impl Iterator<Item = Option<f64>>) -> Option<Vec<f64>> {
    values.collect()
}

/// The middle value, or the mean of the two middle ones, rounded to microseconds; 0 without values.
fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    let upper = values.get(values.len() / 2).copied().unwrap_or_default();
    let lower = values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    rounded(f64::midpoint(lower, upper))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Two measured runs with 2 shards and two with 8 after a warm-up, the latter twice as fast.
    pub fn example() -> (Vec<Outcome>, About) {
        let sample = |seconds: f64, digest: &str| Sample {
            seconds,
            cpu_seconds: Some(seconds * 1.5),
            stages: [("route".to_owned(), seconds / 4.0), ("build".to_owned(), seconds / 2.0)].into(),
            peak_memory_bytes: Some((seconds * 1e6) as u64),
            rows: 4000,
            bytes: 2_000_000,
            threads: 2,
            digests: [("profiles.csv".to_owned(), digest.to_owned())].into(),
        };
        let turn = |shards, warm_up| Turn { shards, warm_up };
        let samples = [
            (turn(8, true), sample(9.0, "a")),
            (turn(2, true), sample(9.0, "b")),
            (turn(2, false), sample(4.0, "a")),
            (turn(8, false), sample(1.0, "a")),
            (turn(8, false), sample(3.0, "a")),
            (turn(2, false), sample(4.0, "a")),
        ];
        let about = About::new("a <folder> & more".into(), &samples, Asked { runs: 2, warm_up: 1, memory_limit: None });
        (outcomes(&[8, 2], 8, &samples, &about), about)
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median([7.0]), 7.0);
        assert_eq!(median([]), 0.0);
    }

    #[test]
    fn figures_are_of_timed_runs_and_wall_against_wall() {
        let (outcomes, _) = example();
        let [eight, two] = outcomes.as_slice() else { panic!("two counts") };
        assert_eq!((eight.shards, two.shards), (8, 2));
        assert_eq!(
            (eight.seconds_median, eight.seconds_min, eight.seconds_max, eight.seconds_mad),
            (2.0, 1.0, 3.0, 1.0)
        );
        assert_eq!(eight.seconds, [1.0, 3.0]);
        assert_eq!((eight.speedup, two.speedup, eight.baseline_shards), (2.0, 1.0, 2));
        assert_eq!((eight.rows_per_second, eight.mb_per_second), (2000.0, 1.0));
        assert_eq!((eight.stages["route"], eight.rest(), eight.cpu_seconds), (0.5, 0.5, Some(3.0)));
        assert_eq!((eight.peak_memory_bytes, eight.is_default, two.is_default), (Some(3_000_000), true, false));
    }

    #[test]
    fn one_run_with_other_bytes_is_told_even_a_warm_up() {
        let (outcomes, _) = example();
        assert_eq!(different(&outcomes).as_deref(), Some("2"));
        assert_eq!(different(&outcomes[..1]), None);
    }

    #[test]
    fn the_json_is_an_array_of_flat_objects() {
        let json: serde_json::Value = serde_json::from_slice(&to_json(&example().0).expect("JSON")).expect("JSON");
        let first = json[0].as_object().expect("an object");
        for name in ["shards", "seconds_median", "rows_per_second", "speedup", "peak_memory_bytes", "same_bytes"] {
            assert!(first.contains_key(name), "{name}");
        }
        assert_eq!(json[1]["same_bytes"], false);
        assert_eq!(json[0]["threads"], 2);
        assert_eq!(json[0]["stages"]["build"], 1.0);
    }
}

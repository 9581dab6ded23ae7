//! The results of a drill as a table, for people. Counts nothing.

use std::fmt::Write;

use super::round::Results;
use crate::cli::tell::words::grouped;

pub fn of(tally: &Results) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(tally, &mut text);
    text
}

fn write(tally: &Results, text: &mut String) -> std::fmt::Result {
    let Results {
        rounds,
        healed,
        faults,
        runs,
        succeeded,
        killed,
        failed_cleanly,
        retried,
        resumed,
        lost,
        invented,
        harm,
    } = tally;
    let mut line = |what: &str, count: usize, more: String| {
        writeln!(text, "{}", format!("{what:<22}{:>12}  {more}", grouped(count as u64)).trim_end())
    };
    line("rounds", *rounds, String::new())?;
    line("faults injected", faults.values().sum(), String::new())?;
    for (kind, count) in faults {
        line(&format!("  {kind}"), *count, String::new())?;
    }
    line("runs", *runs, String::new())?;
    line("  succeeded", *succeeded, String::new())?;
    line("  killed", *killed, "ended by an injected crash; the outputs were complete, old or new".into())?;
    line("  failed cleanly", *failed_cleanly, "with a documented exit code; the outputs were complete".into())?;
    line("attempts retried", *retried, String::new())?;
    line("shards resumed", *resumed, "reused from the run before".into())?;
    line("rounds recovered", *healed, "same bytes as a run without faults, proved by verify".into())?;
    line("customers lost", *lost, String::new())?;
    line("customers invented", *invented, String::new())?;
    harm.iter().try_for_each(|harm| writeln!(text, "DAMAGE: {harm}"))
}

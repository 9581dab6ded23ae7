//! The drill's account, for people.

use std::fmt::Write;

use super::round::Tally;
use onefold::words::grouped;

/// The account as a table.
pub fn of(tally: &Tally) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(tally, &mut text);
    text
}

fn write(tally: &Tally, text: &mut String) -> std::fmt::Result {
    let Tally {
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
    line("  killed", *killed, "ended by an injected crash; old or new outputs stood there, whole".into())?;
    line("  failed cleanly", *failed_cleanly, "a documented exit code, whole outputs".into())?;
    line("attempts retried", *retried, String::new())?;
    line("shards resumed", *resumed, "taken over from the run before".into())?;
    line("rounds healed", *healed, "the bytes of an undisturbed run, proved by verify".into())?;
    line("customers lost", *lost, String::new())?;
    line("customers invented", *invented, String::new())?;
    harm.iter().try_for_each(|harm| writeln!(text, "HARM: {harm}"))
}

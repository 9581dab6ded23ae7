//! The longer texts of `--help`, by task, and what `onefold` alone prints. Refuses lines over 73 columns, which is what
//! a manual page has on a terminal of 80.

/// Printed by `onefold` alone: what to do first.
pub const FIRST_STEPS: &str = "\
onefold: many exports in, one trusted profile per customer out

Try it on sample data:
  onefold generate --customers 1000       writes sample_data
  onefold run                             sample_data → data_out
  onefold verify                          proves it from its files alone

Then on your own exports:
  onefold run --print-profile > my.toml   a spec: name files and columns
  onefold check --input exports --profile my.toml
  onefold run --input exports --profile my.toml --output profiles

All commands: onefold --help   One command: onefold run --help
";

/// At the end of `onefold -h`.
pub const SHORT: &str = "Examples and exit codes: onefold --help   First steps: onefold";

/// At the end of `onefold --help`.
pub const LONG: &str = "\
Make profiles:
  onefold run                             sample_data → data_out
  onefold run --input exports --output profiles

Make them yours:
  onefold run --print-profile > my.toml   a profile spec to start from
  onefold check --profile my.toml         do spec and files fit?
  onefold run --profile my.toml

Trust them:
  onefold verify                          proves it from its files alone
  onefold run --chaos fail:3              a shard fails and is retried
  onefold drill                           random faults do no damage
  onefold explain cust_00000042           where its values come from
  onefold diff last_week data_out         what a run changed
  onefold report                          the run as a web page

Know your machine:
  onefold generate --customers 1000000 --output million
  onefold bench --input million --shards 1,16

Exit codes:
    0 done                  6 verification or a check failed
    2 wrong usage           7 output folder in use, not writable or full
    3 profile spec invalid  8 not enough memory
    4 input unusable       70 a bug in onefold
    5 a shard failed      130 interrupted";

/// At the end of `onefold run --help`.
pub const RUN: &str = "\
Make profiles:
  onefold run                             sample_data → data_out
  onefold run --input exports --output profiles
  onefold run --source crm=today.csv      one source from another place

Make them yours:
  onefold run --print-profile > my.toml   a profile spec to start from
  onefold run --profile my.toml

Large inputs on a small machine: rows that do not fit wait on disk
  onefold run --memory-limit 2GB --threads 2

Dirty inputs:
  onefold run --max-rejects 5%            see data_out/rejects
  onefold run --safe-csv                  for spreadsheets

Unattended, every night:
  onefold run --log-format json --format json 2> log.jsonl > run.json

A test fault: shard 3 fails once and is retried; the output is the same
  onefold run --chaos fail:3 --retry-wait 100ms";

/// At the end of `onefold check --help`.
pub const CHECK: &str = "\
Before a first run: do the spec and the files fit?
  onefold check --input exports --profile my.toml

In a script: which files would be read?
  onefold check --input exports --format json

Exit codes: 0 a run can start, 3 profile spec invalid, 4 input unusable";

/// At the end of `onefold verify --help`.
pub const VERIFY: &str = "\
After a run, or at any time later:
  onefold verify
  onefold verify --input exports --output profiles

In a script, with the exit code alone:
  onefold verify --quiet && echo fine

Exit codes: 0 everything is proved, 4 no finished run, 6 something is not";

/// At the end of `onefold bench --help`.
pub const BENCH: &str = "\
How many shards are best on this machine?
  onefold bench                           the default shard counts
  onefold bench --shards 1,16 --runs 3    two counts, three runs each
  onefold bench --input exports --work-dir /mnt/disk

Keep the results:
  onefold bench --export-json b.json --export-chart b.svg

Each round runs every shard count once, in alternating order, so that a
busy machine affects all counts alike. The speed-up compares wall time
with 1 shard.

Exit codes: those of a run, and 6 if the outputs differ";

/// At the end of `onefold drill --help`.
pub const DRILL: &str = "\
Test that faults do no damage:
  onefold drill                           20 rounds on sample_data
  onefold drill --rounds 1000 --seed 7    more rounds, other faults
  onefold drill --input exports --profile my.toml --rounds 5

Each round starts with old outputs and up to three runs with random
faults: failing, panicking and slow shards, crashes when a shard ends or
between two renames, damaged files, a full disk. Then it runs without
faults until a run succeeds. After every run the outputs must be
complete, old or new. At the end they must equal those of a run without
faults, and `verify` must pass.

Exit codes: those of a run, and 6 if a fault did damage";

/// At the end of `onefold explain --help`.
pub const EXPLAIN: &str = "\
Why does this customer have these values and scores?
  onefold explain cust_00000042           a customer of the last run
  onefold explain -- -17                  an id that starts with a dash

In a script: the rules behind each score
  onefold explain cust_00000042 --json | jq .scores

The inputs must not have changed since the run: the profile is built
again from them and compared with the published one.

Exit codes: 0 explained, 4 no such customer or no finished run, 6 the
inputs have changed or give another profile";

/// At the end of `onefold diff --help`.
pub const DIFF: &str = "\
What did the last run change, and whose scores changed most?
  onefold diff last_week data_out
  onefold diff last_week data_out --json --top 3

Every change, one per line:
  onefold diff last_week data_out --csv > changes.csv

Null and empty text count as equal. `idempotency_key` is not compared,
because it changes with any other field. Which columns are scores is read
from the manifests beside the profiles.

Exit codes: 0 with or without differences, 4 no finished run, 6 profiles
that cannot be read";

/// At the end of `onefold report --help`.
pub const REPORT: &str = "\
The last run as a web page (every run writes it too):
  onefold report                          data_out/report.html
  onefold report --output profiles

Why did it fail?
  onefold report --failed                 the newest run that failed

Exit codes: 0 written, 2 no run with this id, 4 no run at all, 7 the
folder cannot be written to";

/// At the end of `onefold generate --help`.
pub const GENERATE: &str = "\
Data to try onefold with:
  onefold generate --customers 1000

At the size of your own data:
  onefold generate --customers 1000000 --output million

As dirty as real exports, with the counts of a correct run:
  onefold generate --messy --customers 2000 --output messy

With many rows per customer, and the profile spec for them:
  onefold generate --profile events --customers 500 --output events
  onefold run --input events --profile events/profile.toml";

/// At the end of `onefold completions --help`.
pub const COMPLETIONS: &str = "\
For bash:
  d=~/.local/share/bash-completion/completions
  mkdir -p $d && onefold completions bash > $d/onefold

For zsh:
  onefold completions zsh > \"${fpath[1]}/_onefold\"

For fish:
  onefold completions fish > ~/.config/fish/completions/onefold.fish";

/// At the end of `onefold man --help`.
pub const MAN: &str = "\
Read it:
  onefold man | man -l -

Install it for yourself:
  onefold man --dir ~/.local/share/man/man1";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::Cli;

    /// The lines of all texts that show a command, and the command in each, without what is for the shell or the
    /// reader.
    fn examples() -> Vec<(String, String)> {
        let mut all = Cli::command();
        all.build();
        let texts =
            all.get_subcommands().chain([&all]).filter_map(|c| c.get_after_long_help().map(ToString::to_string));
        let texts: Vec<String> = texts.chain([FIRST_STEPS.to_owned()]).collect();
        let lines = texts.iter().flat_map(|text| text.lines()).filter(|line| line.starts_with("  onefold "));
        let command = |line: &str| {
            let ends = ["  ", " > ", " 2> ", " | ", " && "];
            ends.iter().fold(line.trim(), |text, end| text.split(end).next().unwrap_or_default()).to_owned()
        };
        lines.map(|line| (line.to_owned(), command(line))).collect()
    }

    #[test]
    fn every_example_can_be_parsed_and_fits() {
        let examples = examples();
        assert!(examples.len() > 30, "{}", examples.len());
        for (line, command) in examples {
            assert!(line.chars().count() <= 73, "{line}");
            let parsed = Cli::try_parse_from(command.split_whitespace());
            assert!(parsed.is_ok(), "{command}: {}", parsed.err().map(|e| e.to_string()).unwrap_or_default());
        }
    }
}

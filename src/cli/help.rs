//! The longer texts of `--help`, by task, and what `onefold` alone says. Texts only, within 73 columns: a manual page on a
//! terminal of 80 has no more.

/// `onefold` alone: what to do first.
pub const FIRST_STEPS: &str = "\
onefold: many exports in, one trusted profile per customer out

Try it on sample data:
  onefold generate --customers 1000       writes sample_data
  onefold run                             sample_data → data_out
  onefold verify                          proves it from the files alone

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
  onefold check --profile my.toml         does it fit the headers?
  onefold run --profile my.toml

Trust them:
  onefold verify                          proof from the files alone
  onefold run --chaos fail:3              a shard fails, a retry heals it
  onefold drill                           random faults, and no harm
  onefold explain cust_00000042           where its values are from
  onefold diff last_week data_out         what a run changed
  onefold report                          the run as a page

Know your machine:
  onefold generate --customers 1000000 --output million
  onefold bench --input million --shards 1,16

Exit codes:
    0 done                  5 a shard failed for good
    2 wrong usage           6 verification or a check failed
    3 profile spec invalid  7 output folder busy, not writable or full
    4 input unusable       70 our bug    130 interrupted";

/// At the end of `onefold run --help`.
pub const RUN: &str = "\
Make profiles:
  onefold run                             sample_data → data_out
  onefold run --input exports --output profiles
  onefold run --source crm=today.csv      one source from elsewhere

Make them yours:
  onefold run --print-profile > my.toml   a profile spec to start from
  onefold run --profile my.toml

Large inputs on a small machine: the same bytes, rows wait on disk
  onefold run --memory-limit 2GB --threads 2

Dirty inputs:
  onefold run --max-rejects 5%            see data_out/rejects
  onefold run --safe-csv                  for spreadsheets

Unattended, every night:
  onefold run --log-format json --format json 2> log.jsonl > run.json

A drill: shard 3 fails once, a retry heals it, the same bytes
  onefold run --chaos fail:3 --retry-wait 100ms";

/// At the end of `onefold check --help`.
pub const CHECK: &str = "\
Before a first run: are the spec and all headers as they must be?
  onefold check --input exports --profile my.toml

In a script: which files would be read?
  onefold check --input exports --format json

Exit codes: 0 a run can begin, 3 the spec is wrong, 4 an input is unusable";

/// At the end of `onefold verify --help`.
pub const VERIFY: &str = "\
After a run, or whenever somebody doubts its outputs:
  onefold verify
  onefold verify --input exports --output profiles

In a script, where the exit code says it all:
  onefold verify --quiet && echo fine

Exit codes: 0 every proof holds, 4 no finished run, 6 a proof fails";

/// At the end of `onefold bench --help`.
pub const BENCH: &str = "\
What do shards gain here?
  onefold bench                           the default shard counts
  onefold bench --shards 1,16 --runs 3    two counts, three runs each
  onefold bench --input exports --work-dir /mnt/disk

Results to keep:
  onefold bench --export-json b.json --export-chart b.svg

Each round runs every shard count once, forward and backward in turn, so
that a noisy machine favours none. The speed-up is wall against wall,
against 1 shard of the same bench.

Exit codes: those of a run, and 6 when the outputs' bytes differ";

/// At the end of `onefold drill --help`.
pub const DRILL: &str = "\
Does any fault do harm?
  onefold drill                           20 rounds on sample_data
  onefold drill --rounds 1000 --seed 7    many, other ones
  onefold drill --input exports --profile my.toml --rounds 5

Each round starts with old outputs and up to three runs with random
faults: failing, panicking and slow shards, crashes as a shard ends or
between two renames, files cut short or changed on disk, a full disk.
Then it runs without faults until a run succeeds. After every run the
outputs must be the old ones or the new ones, whole; after the last they
must be the bytes of an undisturbed run, and `verify` must prove them.

Exit codes: those of a run, and 6 when a fault did harm";

/// At the end of `onefold explain --help`.
pub const EXPLAIN: &str = "\
Why does this customer have these values and scores?
  onefold explain cust_00000042           a customer of the last run
  onefold explain -- -17                  an id that begins with a dash

In a script: the rules that fired
  onefold explain cust_00000042 --json | jq .scores

The inputs must be the files that the run read: the profile is built
again from them and compared with the published one.

Exit codes: 0 explained, 4 no such customer or no finished run, 6 the
inputs have changed or the profile is not what they give";

/// At the end of `onefold diff --help`.
pub const DIFF: &str = "\
What did the last run change, and whose scores moved most?
  onefold diff last_week data_out
  onefold diff last_week data_out --json --top 3

Every change, a line each:
  onefold diff last_week data_out --csv > changes.csv

Null and empty text are the same. `idempotency_key` is not compared, as
it changes with any other field. Scores are those of the manifests beside
the profiles.

Exit codes: 0 whether or not there are differences, 4 no finished run, 6
profiles that cannot be read";

/// At the end of `onefold report --help`.
pub const REPORT: &str = "\
The last run as a page, for a browser; a run writes it too:
  onefold report                          data_out/report.html
  onefold report --output profiles

Why did it fail?
  onefold report --failed                 the newest run that failed

Exit codes: 0 written, 2 no run of that name, 4 no run at all, 7 the
folder cannot be written to";

/// At the end of `onefold generate --help`.
pub const GENERATE: &str = "\
Something to try onefold on:
  onefold generate --customers 1000

At the size of your own data:
  onefold generate --customers 1000000 --output million

As dirty as real exports are, with the ledger of a correct run:
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

    /// The texts of all commands, and their commands up to what is for the shell or for the reader.
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

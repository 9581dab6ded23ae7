//! `onefold run`: flags → settings → the library → a summary at the end.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{Datelike, NaiveDate};
use clap::Args;
use onefold::manifest::{Manifest, REPORT_FILE};
use onefold::spec::{Delimiter, Encoding, Spec};
use onefold::{Drill, Error, Limit, Result, Settings};

use crate::cli::commands::report;
use crate::cli::os::signals;
use crate::cli::tell::out::{OutputFormat, say};
use crate::cli::tell::summary;
use crate::cli::tell::telemetry_flags::TelemetryArgs;
use crate::cli::{Verbosity, help};

/// Flags of `onefold run`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Inputs and outputs", after_long_help = help::RUN)]
pub struct RunArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Folder of the outputs
    #[arg(long, value_name = "DIR", default_value = "data_out")]
    output: PathBuf,
    /// Print the profile spec that a run would use, and do not run
    #[arg(long)]
    print_profile: bool,
    /// In the CSV, put `'` before text that a spreadsheet would run as a formula
    #[arg(long)]
    safe_csv: bool,
    /// Begin the CSV with a byte-order mark, by which Excel knows that it is UTF-8
    #[arg(long)]
    csv_bom: bool,
    /// Rejected rows allowed per source, as a number or a percentage [default: 10 or 1%, whichever is more, and at most
    /// half]
    #[arg(long, value_name = "N|P%")]
    max_rejects: Option<Limit>,
    /// Bad values allowed per typed column, as a number or a percentage of its values [default: as many as there are]
    #[arg(long, value_name = "N|P%")]
    max_bad: Option<Limit>,
    /// Fail when there is a warning, before anything is published
    #[arg(long)]
    strict: bool,
    /// Publish even if there is no profile
    #[arg(long)]
    allow_empty: bool,
    /// Replace files in the output folder that onefold did not write
    #[arg(long)]
    force: bool,
    /// The date that `as_of` means in the spec [default: the newest latest_by value of the inputs]
    #[arg(long, value_name = "DATE", value_parser = date)]
    as_of: Option<NaiveDate>,
    /// Values to erase, beside those that the spec lists: a CSV file with the columns kind and value
    #[arg(long, value_name = "FILE")]
    erase: Option<PathBuf>,
    /// Number of shards; does not change the result [default: one per 16 MiB of input, at least 16]
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Work")]
    shards: Option<usize>,
    /// Shards built at the same time [default: one per core]
    #[arg(long, value_name = "N", value_parser = at_least_one, help_heading = "Work")]
    threads: Option<usize>,
    /// Memory to use, such as 2GB or 1.5GiB; rows that do not fit wait on disk [default: 70% of the machine's or its
    /// cgroup's]
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Work")]
    memory_limit: Option<u64>,
    /// Retries of a shard after its first attempt
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Work")]
    max_retries: u32,
    /// Wait before the first retry; doubles with each further one
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = humantime::parse_duration, help_heading = "Work")]
    retry_wait: Duration,
    #[arg(long, value_name = "DRILL", help = format!("Inject a fault to test recovery: {}; repeatable", Drill::KINDS), help_heading = "Work")]
    chaos: Vec<Drill>,
    /// As `--chaos fail:N`
    #[arg(long, value_name = "N", env = "CHAOS_FAIL_SHARD", hide = true)]
    chaos_fail_shard: Option<String>,
    /// Start from scratch: reuse nothing from an earlier run, and run even if the outputs are up to date
    #[arg(long, help_heading = "Work")]
    fresh: bool,
    #[command(flatten)]
    format: OutputFormat,
    /// Do not write report.html
    #[arg(long, help_heading = "Inputs and outputs")]
    no_report: bool,
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

/// Flags that name the inputs and the profile.
#[derive(Debug, Args)]
pub struct InputArgs {
    /// Folder of the input files
    #[arg(long, value_name = "DIR", default_value = "sample_data")]
    input: PathBuf,
    /// Profile spec (TOML) [default: the built-in one, see `onefold run --print-profile`]
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// A file of a source, instead of those in the input folder; repeatable
    #[arg(long, value_name = "NAME=FILE", value_parser = source_file)]
    source: Vec<(String, PathBuf)>,
    /// Encoding of files without a byte-order mark, if the spec does not name one: utf-8, windows-1252, latin1, utf-16le or
    /// another that web browsers know [default: utf-8]
    #[arg(long, value_name = "NAME")]
    encoding: Option<Encoding>,
    /// Delimiter, if the spec does not name one: any ASCII character, or `tab` [default: detected from the header]
    #[arg(long, value_name = "CHAR")]
    delimiter: Option<Delimiter>,
    /// Most that one packed file or member of an archive may unpack to
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "1TB")]
    max_unpacked: u64,
}

impl InputArgs {
    /// The profile spec.
    pub fn spec(&self) -> Result<Spec> {
        let Some(file) = &self.profile else { return Spec::default_profile() };
        Spec::parse(&read_spec(file)?, &file.display().to_string())
    }

    /// The settings of a run with these inputs and defaults otherwise.
    pub fn settings(&self, output: &Path) -> Result<Settings> {
        let mut settings = Settings::new(self.spec()?, &self.input, output);
        let Self { input: _, profile: _, source, encoding, delimiter, max_unpacked } = self;
        settings.inputs.overrides.clone_from(source);
        settings.inputs.max_unpacked = *max_unpacked;
        (settings.inputs.encoding, settings.inputs.delimiter) = (*encoding, *delimiter);
        Ok(settings)
    }

    /// The same flags, for a process in the same folder.
    pub fn to_args(&self) -> Vec<OsString> {
        self.args(self.profile.as_deref(), &self.source)
    }

    /// The same flags, with another profile and other files for `--source`.
    pub fn args(&self, profile: Option<&Path>, source: &[(String, PathBuf)]) -> Vec<OsString> {
        let Self { input, profile: _, source: _, encoding, delimiter, max_unpacked } = self;
        let profile = profile.map(|file| joined("--profile=", file));
        let encoding = encoding.iter().map(|e| OsString::from(format!("--encoding={e}")));
        let delimiter = delimiter.iter().map(|d| OsString::from(format!("--delimiter={d}")));
        let sources = source.iter().map(|(name, file)| joined(&format!("--source={name}="), file));
        let folder = std::iter::once(joined("--input=", input));
        let most = std::iter::once(OsString::from(format!("--max-unpacked={max_unpacked}")));
        folder.chain(profile).chain(encoding).chain(delimiter).chain(most).chain(sources).collect()
    }

    /// The profile spec's file, if `--profile` is given.
    pub fn profile(&self) -> Option<&Path> {
        self.profile.as_deref()
    }

    /// The files that `--source` names.
    pub fn by_hand(&self) -> &[(String, PathBuf)] {
        &self.source
    }

    pub fn folder(&self) -> &Path {
        &self.input
    }

    /// The inputs as the user gave them.
    pub fn describe(&self) -> String {
        let Self { input, profile, source, encoding, delimiter, max_unpacked: _ } = self;
        let profile = profile.iter().map(|file| format!(", profile {}", file.display()));
        let by_hand = source.iter().map(|(name, file)| format!(", {name}={}", file.display()));
        let encoding = encoding.iter().map(|e| format!(", encoding {e}"));
        let delimiter = delimiter.iter().map(|d| format!(", delimiter {d}"));
        let folder = std::iter::once(input.display().to_string());
        folder.chain(by_hand).chain(profile).chain(encoding).chain(delimiter).collect()
    }
}

/// A flag and its file, joined by `=`, so that a file name that starts with `-` is not taken as a flag.
fn joined(flag: &str, file: &Path) -> OsString {
    let mut arg = OsString::from(flag);
    arg.push(file);
    arg
}

impl RunArgs {
    /// The value of `--threads`.
    pub fn threads(&self) -> Option<usize> {
        self.threads
    }

    pub fn run(&self, verbosity: &Verbosity, run_id: &str) -> Result<()> {
        if self.print_profile {
            let text = self
                .input
                .profile
                .as_deref()
                .map_or_else(|| Ok(Spec::default_profile()?.text().to_owned()), read_spec)?;
            return say(&text);
        }
        let settings = self.settings(run_id)?;
        signals::watch(&settings.stop)?;
        self.telemetry.started(&settings)?;
        let done = onefold::run(&settings);
        let told = done.as_ref().map_or(Ok(()), |manifest| self.tell(verbosity, manifest, run_id));
        self.telemetry.ended(&settings, &done);
        done.and(told)
    }

    /// Writes the report and prints the summary of a run that was published or had nothing to do.
    fn tell(&self, verbosity: &Verbosity, manifest: &Manifest, run_id: &str) -> Result<()> {
        let is_new = manifest.run_id == run_id;
        // Publishing removes the old run's report, so one that exists is about these outputs.
        let is_there = !is_new && self.output.join(REPORT_FILE).exists();
        let page = if self.no_report || is_there { None } else { report::after_run(&self.output) };
        let text = || match is_new {
            true => summary::of(manifest, &self.input.input, &self.output, page.as_deref()),
            false => summary::up_to_date(manifest, &self.output),
        };
        self.format.say(verbosity, text, manifest)
    }

    fn settings(&self, run_id: &str) -> Result<Settings> {
        let Self {
            input,
            output,
            print_profile: _,
            safe_csv,
            csv_bom,
            max_rejects,
            max_bad,
            strict,
            allow_empty,
            force,
            as_of,
            erase,
            shards,
            threads,
            memory_limit,
            max_retries,
            retry_wait,
            chaos,
            chaos_fail_shard,
            fresh,
            format: _,
            no_report: _,
            telemetry: _,
        } = self;
        let mut settings = input.settings(output)?;
        settings.run_id = Some(run_id.to_owned());
        (settings.safe_csv, settings.csv_bom) = (*safe_csv, *csv_bom);
        settings.reject_limit = max_rejects.unwrap_or(settings.reject_limit);
        (settings.bad_limit, settings.strict) = (*max_bad, *strict);
        (settings.allow_empty, settings.force) = (*allow_empty, *force);
        settings.as_of = *as_of;
        settings.erase.clone_from(erase);
        settings.shards = *shards;
        settings.threads = threads.unwrap_or(settings.threads);
        settings.memory_limit = *memory_limit;
        settings.fresh = *fresh;
        settings.retry.max_retries = *max_retries;
        settings.retry.first_wait = *retry_wait;
        let failing = chaos_fail_shard.as_deref().map(failing_shard).transpose()?.flatten();
        settings.drills = failing.into_iter().chain(chaos.iter().cloned()).collect();
        Ok(settings)
    }
}

/// The drill that `CHAOS_FAIL_SHARD` sets, if it is not empty.
fn failing_shard(text: &str) -> Result<Option<Drill>> {
    let wrong = |_| Error::Usage(format!("CHAOS_FAIL_SHARD is `{text}`: set it to the number of a shard, or unset it"));
    if text.is_empty() { Ok(None) } else { text.parse().map(|shard| Some(Drill::fail_once(shard))).map_err(wrong) }
}

fn read_spec(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|cause| Error::Spec {
        origin: file.display().to_string(),
        line: None,
        message: format!("cannot be read: {cause}"),
    })
}

fn date(text: &str) -> std::result::Result<NaiveDate, String> {
    // chrono alone would accept fewer digits and signs too.
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = text.parse().ok().filter(|day: &NaiveDate| plain && day.year() > 0);
    day.ok_or_else(|| "not a date: use YYYY-MM-DD".to_owned())
}

/// More shards than this would be smaller than what is stored about them.
const MOST: usize = 65_536;

/// A number of shards, threads or runs.
pub fn at_least_one(text: &str) -> std::result::Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=MOST).contains(n));
    number.ok_or_else(|| format!("not a number from 1 to {MOST}"))
}

/// A number of bytes.
pub fn size(text: &str) -> std::result::Result<u64, String> {
    text.parse::<bytesize::ByteSize>()
        .map(|s| s.as_u64())
        .map_err(|_| "not a size: use 2GB, 512MiB or a number of bytes".to_owned())
}

/// A source and a file, as in `crm=exports/crm.csv`.
pub fn source_file(text: &str) -> std::result::Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("use NAME=FILE, such as crm=exports/crm.csv")?;
    Ok((name.to_owned(), file.into()))
}

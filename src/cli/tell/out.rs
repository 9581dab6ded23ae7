//! Standard output: text for people or one JSON value. Does not fail when the reader closes the pipe, because it has
//! enough then.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use onefold::{Error, Result};
use serde::Serialize;

use crate::cli::Verbosity;

/// The flag of commands that print a result.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputFormat {
    /// Format of the result on stdout
    ///
    /// json: one value; it is printed with --quiet too
    #[arg(long, value_enum, default_value_t = Form::Text, value_name = "FORMAT", help_heading = crate::cli::MESSAGES)]
    format: Form,
}

/// Format of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Text for people
    Text,
    /// One JSON value
    Json,
}

impl OutputFormat {
    /// The same, or JSON if the command's own flag asks for it.
    pub fn or_json(self, json: bool) -> Self {
        if json { Self { format: Form::Json } } else { self }
    }

    /// Prints the result in the chosen format.
    pub fn say(
        self,
        verbosity: &Verbosity,
        text: impl FnOnce() -> String,
        json: &(impl Serialize + ?Sized),
    ) -> Result<()> {
        match self.format {
            Form::Text if verbosity.quiet => Ok(()),
            Form::Text => say(&text()),
            Form::Json => {
                let json =
                    serde_json::to_string_pretty(json).map_err(|e| Error::Bug(format!("the summary as JSON: {e}")))?;
                say(&(json + "\n"))
            }
        }
    }
}

/// Writes text to standard output.
pub fn say(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Output(format!("cannot write to standard output: {error}; the command itself has succeeded")))
        }
        _ => Ok(()),
    }
}

//! Standard output: a text for people or one JSON value. A reader that closes the pipe is content with what it has: that is
//! no error.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use serde::Serialize;

use onefold::{Error, Result};

use super::Talk;

/// The flag of commands that tell what they did.
#[derive(Debug, Clone, Copy, Args)]
pub struct Told {
    /// Form of the summary on stdout
    ///
    /// json is one value, printed with --quiet too.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT", help_heading = super::MESSAGES)]
    format: Format,
}

/// Form of a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A text for people
    Text,
    /// One JSON value
    Json,
}

impl Told {
    /// The same, as JSON when a command's own flag asks for it.
    pub fn or_json(self, json: bool) -> Self {
        if json { Self { format: Format::Json } } else { self }
    }

    /// Says what the command did, in the form that was asked for.
    pub fn say(self, talk: &Talk, text: impl FnOnce() -> String, json: &(impl Serialize + ?Sized)) -> Result<()> {
        match self.format {
            Format::Text if talk.quiet => Ok(()),
            Format::Text => say(&text()),
            Format::Json => {
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
            Err(Error::Output(format!("cannot write to standard output: {error}; what the command did stands")))
        }
        _ => Ok(()),
    }
}

//! `onefold completions`: prints shell completions. Installs none.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};
use onefold::Result;

use crate::cli::tell::out::say;
use crate::cli::{Cli, help};

/// Flags of `onefold completions`.
#[derive(Debug, Args)]
#[command(after_long_help = help::COMPLETIONS)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArgs {
    pub fn run(&self) -> Result<()> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "onefold", &mut script);
        say(&String::from_utf8_lossy(&script))
    }
}

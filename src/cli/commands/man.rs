//! `onefold man`: the manual as pages for `man`, made from the help texts. Has no texts of its own.

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use onefold::{Error, Result};

use crate::cli::tell::out::say;
use crate::cli::{Cli, help};

/// Flags of `onefold man`.
#[derive(Debug, Args)]
#[command(after_long_help = help::MAN)]
pub struct ManArgs {
    /// Write one page per command into this folder; it is created if it does not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl ManArgs {
    pub fn run(&self) -> Result<()> {
        match &self.dir {
            None => say(&String::from_utf8_lossy(&page(&onefold())?)),
            Some(dir) => write_all(dir),
        }
    }
}

/// The command with its subcommands, without `help`, which needs no page.
fn onefold() -> Command {
    let mut all = Cli::command().disable_help_subcommand(true);
    all.build();
    all
}

/// Writes `onefold.1`, `onefold-run.1` and so on.
fn write_all(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).map_err(|e| Error::writing("create", dir, e))?;
    let all = onefold();
    for command in all.get_subcommands().chain([&all]) {
        let file = dir.join(Man::new(command.clone()).get_filename());
        fs::write(&file, page(command)?).map_err(|e| Error::writing("write", &file, e))?;
    }
    Ok(())
}

/// A page in the usual order. The examples keep their lines, which clap_mangen alone would join.
fn page(command: &Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    write_page(command, &mut page).map_err(|e| Error::Bug(format!("the manual page: {e}")))?;
    Ok(page)
}

fn write_page(command: &Command, page: &mut Vec<u8>) -> io::Result<()> {
    let man = Man::new(command.clone());
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    let mut examples = Roff::new();
    examples.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in command.get_after_long_help().map(ToString::to_string).unwrap_or_default().lines() {
        examples.text([roman(line)]);
    }
    examples.control("fi", []).to_writer(page)
}

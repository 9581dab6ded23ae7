//! `onefold check`: the spec and the headers, without a run.

use std::path::Path;

use clap::Args;

use onefold::Result;
use onefold::source::InputFile;
use onefold::spec::{Delimiter, Encoding};

use super::{Talk, out::say, run::InputArgs};

/// Flags of `onefold check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    input: InputArgs,
}

/// How a file is written, where that is not as usual.
fn form(file: &InputFile) -> String {
    let InputFile { name, encoding, header, .. } = file;
    if (*encoding, header.delimiter) == (Encoding::Utf8, Delimiter::Comma) {
        return String::new();
    }
    let by = if header.delimiter_found { ", by its header" } else { "" };
    format!("  {name} is {encoding}, its delimiter is `{}`{by}\n", header.delimiter)
}

impl CheckArgs {
    /// Carries out the command.
    pub fn run(&self, talk: &Talk) -> Result<()> {
        let settings = self.input.settings(Path::new(""))?;
        let inputs = onefold::check(&settings)?;
        let mut text = format!("profile `{}`: {} output columns\n", settings.spec.name, settings.spec.output.len());
        for (source, files) in settings.spec.sources.iter().zip(&inputs.sources) {
            let bytes: u64 = files.iter().map(|f| f.bytes).sum();
            text += &format!(
                "{}: {} file(s), {bytes} bytes, {} columns read\n",
                source.name,
                files.len(),
                source.columns.len() + 1
            );
            for file in files {
                text += &form(file);
            }
            for file in files.iter().filter(|f| !f.header.undeclared.is_empty()) {
                text += &format!(
                    "  {} has columns that the profile does not use: {}\n",
                    file.name,
                    file.header.undeclared.join(", ")
                );
            }
        }
        for file in &inputs.unmatched {
            text += &format!("`{file}` matches no source\n");
        }
        if talk.quiet { Ok(()) } else { say(&text) }
    }
}

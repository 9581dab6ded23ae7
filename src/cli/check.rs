//! `onefold check`: the spec and the headers, without a run.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use onefold::source::{InputFile, OpenInputs};
use onefold::spec::{Delimiter, Encoding, Spec};
use onefold::{Result, words};

use super::{Talk, help, out::Told, run::InputArgs};

/// Flags of `onefold check`.
#[derive(Debug, Args)]
#[command(after_long_help = help::CHECK)]
pub struct CheckArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    told: Told,
}

impl CheckArgs {
    /// Carries out the command.
    pub fn run(&self, talk: &Talk) -> Result<()> {
        let settings = self.input.settings(Path::new(""))?;
        let inputs = onefold::check(&settings)?;
        self.told.say(talk, || text(&settings.spec, &inputs), &json(&settings.spec, &inputs))
    }
}

fn text(spec: &Spec, inputs: &OpenInputs) -> String {
    let mut text = format!("profile `{}`: {} output columns\n", spec.name, spec.output.len());
    for (source, files) in spec.sources.iter().zip(&inputs.sources) {
        let size = words::bytes(files.iter().map(|f| f.bytes).sum());
        let (count, columns) = (files.len(), source.columns.len() + 1);
        let s = if count == 1 { "" } else { "s" };
        text += &format!("{}: {count} file{s}, {size}, {columns} columns read\n", source.name);
        for file in files {
            text += &form(file);
        }
        for file in files.iter().filter(|f| !f.header.undeclared.is_empty()) {
            let columns = file.header.undeclared.join(", ");
            text += &format!("  {} has columns that the profile does not use: {columns}\n", file.name);
        }
    }
    for file in &inputs.unmatched {
        text += &format!("`{file}` matches no source\n");
    }
    text
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

fn json(spec: &Spec, inputs: &OpenInputs) -> Value {
    let sources = spec.sources.iter().zip(&inputs.sources).map(|(source, files)| {
        let file = |f: &InputFile| {
            json!({
                "file": f.name,
                "bytes": f.bytes,
                "encoding": f.encoding.to_string(),
                "delimiter": f.header.delimiter.to_string(),
                "unused_columns": f.header.undeclared,
            })
        };
        let files = files.iter().map(file);
        json!({"source": source.name, "columns_read": source.columns.len() + 1, "files": files.collect::<Vec<_>>()})
    });
    json!({
        "profile": spec.name,
        "output_columns": spec.output.iter().map(|column| &column.name).collect::<Vec<_>>(),
        "sources": sources.collect::<Vec<_>>(),
        "unmatched_files": inputs.unmatched,
    })
}

//! `onefold check`: checks the spec and the headers without a run. Reads no data.

use std::path::Path;

use clap::Args;
use onefold::{Checked, CheckedFile, CheckedSource, Delimiter, Encoding, Result};
use serde_json::{Value, json};

use crate::cli::commands::run::InputArgs;
use crate::cli::tell::out::OutputFormat;
use crate::cli::tell::words::{bytes, counted};
use crate::cli::{Verbosity, help};

/// Flags of `onefold check`.
#[derive(Debug, Args)]
#[command(after_long_help = help::CHECK)]
pub struct CheckArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    format: OutputFormat,
}

impl CheckArgs {
    pub fn run(&self, verbosity: &Verbosity) -> Result<()> {
        let settings = self.input.settings(Path::new(""))?;
        let checked = onefold::check(&settings)?;
        let name = settings.spec.name();
        self.format.say(verbosity, || text(name, &checked), &json(name, &checked))
    }
}

fn text(profile: &str, checked: &Checked) -> String {
    let mut text = format!("profile `{profile}`: {} output columns\n", checked.output_columns.len());
    for CheckedSource { name, columns, files, .. } in &checked.sources {
        let size = bytes(files.iter().map(|f| f.bytes).sum());
        let files_in_words = counted(files.len() as u64, "file");
        text += &format!("{name}: {files_in_words}, {size}, {} columns read\n", columns.len());
        for file in files {
            text += &form(file);
        }
        for file in files.iter().filter(|f| !f.unused_columns.is_empty()) {
            let columns = file.unused_columns.join(", ");
            text += &format!("  {} has columns that the profile does not use: {columns}\n", file.name);
        }
    }
    for (source, column) in &checked.short_years {
        text += &format!(
            "`{column}` of source `{source}` has years of two digits: 00 to 69 are 2000 to 2069, 70 to 99 are 1970 to 1999\n"
        );
    }
    for (file, other) in &checked.duplicates {
        text += &format!("`{file}` is the same as `{other}` and is not read again\n");
    }
    for file in &checked.unmatched {
        text += &format!("`{file}` matches no source\n");
    }
    text
}

/// A file's format, encoding and delimiter, if they are not CSV, UTF-8 and a comma.
fn form(file: &CheckedFile) -> String {
    let CheckedFile { name, format, encoding, delimiter, delimiter_found, .. } = file;
    let by = if *delimiter_found { ", detected from the header" } else { "" };
    match (encoding, delimiter) {
        (Some(Encoding::Utf8), Some(Delimiter::Comma)) => String::new(),
        (Some(encoding), Some(delimiter)) => format!("  {name} is {encoding}, its delimiter is `{delimiter}`{by}\n"),
        (Some(Encoding::Utf8), None) | (None, _) => format!("  {name} is {format}\n"),
        (Some(encoding), None) => format!("  {name} is {format} in {encoding}\n"),
    }
}

fn json(profile: &str, checked: &Checked) -> Value {
    let sources = checked.sources.iter().map(|CheckedSource { name, columns, files, .. }| {
        let file = |f: &CheckedFile| {
            json!({
                "file": f.name,
                "bytes": f.bytes,
                "format": f.format.to_string(),
                "encoding": f.encoding.map(|encoding| encoding.to_string()),
                "delimiter": f.delimiter.map(|delimiter| delimiter.to_string()),
                "unused_columns": f.unused_columns,
            })
        };
        json!({"source": name, "columns_read": columns.len(), "files": files.iter().map(file).collect::<Vec<_>>()})
    });
    json!({
        "profile": profile,
        "output_columns": checked.output_columns,
        "sources": sources.collect::<Vec<_>>(),
        "unmatched_files": checked.unmatched,
        "short_years": checked.short_years.iter().map(|(source, column)| json!({"source": source, "column": column})).collect::<Vec<_>>(),
        "duplicates": checked.duplicates.iter().map(|(file, other)| json!({"file": file, "duplicate_of": other})).collect::<Vec<_>>(),
    })
}

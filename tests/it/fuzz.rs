//! Fuzzing with properties: each runs a fixed number of cases, or for `ONEFOLD_FUZZ_SECONDS` by hand. Any bytes as
//! input, any text as a spec.

#![allow(clippy::print_stdout, reason = "fuzzing by hand says how much it tried")]

use std::fs;

use onefold::spec::{Delimiter, Encoding, Spec};
use onefold::{Error, Settings};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use crate::mess::{SPEC, delimiter, encoded, encoding, for_a_while, messy_bytes, messy_rows, scratch};
use crate::packing;
use crate::workdir::{default_text, project};

/// What a source can say about its files.
const FORMS: [&str; 10] = [
    "",
    "",
    "quote = \"none\"",
    "escape = \"backslash\"",
    "quote = \"none\"\nescape = \"backslash\"\ncomment = \"#\"",
    "quoting = \"lenient\"",
    "space_around_quotes = true\ncomment = \"a\"",
    "pad = true\nfooter = [\"a*\", \"1\"]",
    "footer = [\"*\"]\nskip_lines = 1\nheader = [\"id\", \"t\", \"n\"]",
    "where = \"n > 5 or t is null\"\nheaders = \"any_case\"",
];

/// A run of any bytes ends with profiles that `verify` proves, or with an unusable input.
fn runs_or_refuses(
    bytes: &[u8],
    written: Option<(Encoding, Delimiter)>,
    form: &str,
    block_size: usize,
) -> TestCaseResult {
    let folder = scratch();
    fs::create_dir(folder.path().join("in")).expect("a folder");
    fs::write(folder.path().join("in/s.csv"), bytes).expect("written");
    let spec = Spec::parse(&SPEC.replace("keep =", &format!("{form}\nkeep =")), "p.toml").expect("a spec");
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    let mut settings = Settings::new(spec, &input, &output);
    (settings.inputs.encoding, settings.inputs.delimiter) = written.unzip();
    (settings.shards, settings.block_size) = (Some(2), block_size);
    settings.reject_limit = "100%".parse().expect("a limit");
    match onefold::run(&settings) {
        Ok(_) => drop(onefold::verify(&input, &output).map_err(|e| TestCaseError::fail(e.to_string()))?),
        Err(Error::Input { .. } | Error::NoProfile(_)) => {}
        Err(other) => return Err(TestCaseError::fail(other.to_string())),
    }
    Ok(())
}

/// The same below a header.
fn rows_run_or_refuse(
    bytes: &[u8],
    (encoding, delimiter): (Encoding, Delimiter),
    form: &str,
    block_size: usize,
) -> TestCaseResult {
    let head = "id~t~n\n".replace('~', &char::from(delimiter.byte()).to_string());
    let bytes = [&encoded(&head, encoding), bytes].concat();
    runs_or_refuses(&bytes, Some((encoding, delimiter)), form, block_size)
}

#[test]
fn any_bytes_are_proved_or_refused() {
    let inputs =
        (messy_bytes(40), messy_rows(), (encoding(), delimiter()), prop::sample::select(FORMS.to_vec()), 1usize..40);
    for_a_while(300, inputs, |(bytes, rows, written, form, block_size)| {
        let (encoding, delimiter) = written;
        rows_run_or_refuse(&bytes, written, form, block_size)?;
        let rows = rows.replace('~', &char::from(delimiter.byte()).to_string());
        rows_run_or_refuse(&encoded(&rows, encoding), written, form, block_size)
    });
}

/// Bytes that begin like a form, whole or damaged.
fn formed() -> impl Strategy<Value = Vec<u8>> {
    let cell = prop_oneof![3 => "[a-c]{0,3}", 1 => "[0-9]{1,3}", 1 => "[a-c,\"{}:\\\\\n\u{e9}]{0,4}", 1 => Just(String::new())];
    let rows = prop::collection::vec(prop::collection::vec(cell, 3), 0..12);
    let kind = prop_oneof![4 => Just(0), 3 => Just(1), 2 => Just(2)];
    let change = (any::<prop::sample::Index>(), any::<u8>(), kind);
    (rows, prop::sample::select(packing::FORMS.to_vec()), change).prop_map(|(rows, name, (at, byte, kind))| {
        let table = (["id", "t", "n"].map(str::to_owned).to_vec(), rows);
        let mut bytes = packing::form(name, &table);
        let at = at.index(bytes.len());
        match kind {
            0 => {}
            1 => bytes[at] = byte,
            _ => bytes.truncate(at),
        }
        bytes
    })
}

/// A text between JSON's marks.
fn json_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just("{\"id\": \"a\", \"t\": \"b\", \"n\": 1}"), 2 => Just("{\"id\": \"b\", \"n\": 1.5}"), 3 => Just("\n"), 2 => Just(","), 1 => Just("["),
        1 => Just("]"), 1 => Just("{\"t\": {\"x\": [1, {\"id\": 2}]}}"), 1 => Just("\""), 1 => Just("{"), 1 => Just("}"), 1 => Just("\\"),
        1 => Just("{\"id\": 1, \"id\": 2}"), 1 => Just("{\"id\": \"\\ud800\"}"), 1 => Just("{}"), 1 => Just(" null "), 1 => Just("\r"),
    ];
    let start = prop::sample::select(vec![
        "{\"id\": \"c\", \"t\": null, \"n\": 7}\n",
        "[{\"id\": \"c\", \"t\": \"\", \"n\": 7},\n",
    ]);
    (start, prop::collection::vec(piece, 0..14))
        .prop_map(|(start, pieces)| (start.to_owned() + &pieces.concat()).into_bytes())
}

#[test]
fn any_form_is_proved_or_refused() {
    let keys = [
        "optional = [\"t\", \"n\"]",
        "where = \"n > 5 or t is null\"\noptional = [\"t\"]",
        "pad = true\nfooter = [\"a*\", \"b\"]",
        "unique_by = [\"t\"]",
    ];
    let inputs = (formed(), json_text(), prop::sample::select(keys.to_vec()), 1usize..60);
    for_a_while(300, inputs, |(bytes, json, keys, block_size)| {
        runs_or_refuses(&bytes, None, keys, block_size)?;
        runs_or_refuses(&json, None, keys, block_size)
    });
}

/// A text is a valid spec or refused as a spec, and nothing else, whatever is in it.
fn parses_or_is_refused(text: &str) -> TestCaseResult {
    match Spec::parse(text, "fuzz.toml") {
        Ok(_) | Err(Error::Spec { .. }) => Ok(()),
        Err(other) => Err(TestCaseError::fail(format!("{other:?}"))),
    }
}

/// What is put into the default spec: keys, values, SQL, and what breaks each; one per line.
const WORDS: &str = r#"[sources.x]
[
]
{
}
"
'
''
"""
=
,
\
#
_
encoding = "latin1"
delimiter = "\t"
decimal = ","
keep
types
aggregates
latest_by
sum(
count(*)
count(distinct
max_by(
filter (where
case when
then
else
end
cast(
 as decimal(38,38))
 as bigint)
not
and
is null
between
in (
like
||
date '2026-02-30'
9223372036854775808
-9223372036854775808
1e400
0.1
%
*
/
-
as_of
sources
idempotency_key
null
true
select 1
(select 1)
x.y
a::int
interval '1 day'
decimal(0,0)
date(%d)
int
float
(((((((((((((((((((((
)))))"#;

fn piece() -> impl Strategy<Value = String> {
    let words: Vec<&str> = WORDS.lines().chain(["\n", " ", "\0", "\u{feff}", "\u{1f40e}"]).collect();
    let word = prop::sample::select(words).prop_map(str::to_owned);
    prop_oneof![4 => word, 1 => ".{0,6}", 1 => any::<char>().prop_map(String::from)]
}

/// The default spec after a few cuts, copies and insertions.
fn mutated() -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0usize..24, 0..4, piece());
    prop::collection::vec(change, 1..6).prop_map(|changes| {
        let mut chars: Vec<char> = default_text().chars().collect();
        for (at, from, length, kind, piece) in changes {
            let (at, from) = (at.index(chars.len() + 1), from.index(chars.len() + 1));
            let part = |start: usize| start..(start + length).min(chars.len());
            match kind {
                0 => drop(chars.splice(at..at, piece.chars())),
                1 => drop(chars.splice(part(at), piece.chars())),
                2 => drop(chars.drain(part(at))),
                _ => {
                    let copy = chars[part(from)].to_vec();
                    chars.splice(at..at, copy);
                }
            }
        }
        chars.into_iter().collect()
    })
}

#[test]
fn any_text_is_a_spec_or_refused() {
    for_a_while(300, prop::collection::vec(piece(), 0..40), |pieces| parses_or_is_refused(&pieces.concat()));
}

#[test]
fn a_broken_default_spec_is_a_spec_or_refused() {
    for_a_while(300, mutated(), |text| parses_or_is_refused(&text));
}

/// An expression is compiled or refused, whatever is in it.
#[test]
fn any_expression_is_compiled_or_refused() {
    for_a_while(500, prop::collection::vec(piece(), 0..12), |pieces| {
        let sql = toml_string(&pieces.join(" "));
        parses_or_is_refused(&format!(
            "[profile]\nname = \"p\"\nkey = \"id\"\n[sources.s]\nfiles = [\"s\"]\nkeep = [\"t\"]\n[sources.m]\nfiles = [\"m\"]\n\
             types = {{ n = \"int\" }}\naggregates = {{ a = {sql} }}\n[computed]\nc = {sql}\n[output]\ncolumns = [\"id\", \"c\"]\n"
        ))
    });
}

fn toml_string(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[test]
fn the_corpus_of_specs() {
    let mut files = 0;
    for entry in fs::read_dir(project().join("tests/corpus/spec")).expect("a folder").flatten() {
        let text = fs::read(entry.path()).expect("a file");
        let text = String::from_utf8_lossy(&text);
        parses_or_is_refused(&text).unwrap_or_else(|e| panic!("{:?}: {e}", entry.path()));
        files += 1;
    }
    assert!(files >= 5, "{files}");
}

//! The file with rates between currencies: `from,to,rate`, a line for each pair. Owns its checks; computes nothing.

use std::fs;
use std::sync::Arc;

use csv::StringRecord;
use sha2::{Digest, Sha256};

use super::Inputs;
use crate::disk::hex;
use crate::error::{Error, Result};
use crate::spec::Spec;
use crate::value::Rates;

/// Rates as they were read.
#[derive(Debug, Clone)]
pub struct RatesFile {
    /// Its name in the input folder.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    pub rates: Arc<Rates>,
}

/// Reads the rates that a spec names; none if it names none. Fails with [`Error::Rates`] for a file without the three
/// columns, a currency or a rate that is none, and two rates for one pair.
pub fn read_rates(spec: &Spec, inputs: &Inputs) -> Result<Option<RatesFile>> {
    let Some(name) = &spec.rates else { return Ok(None) };
    let path = inputs.folder.join(name);
    let bytes = fs::read(&path).map_err(|e| Error::reading(&path, e))?;
    let rates = parse(&bytes).map_err(|why| Error::Rates(format!("`{name}`{why}")))?;
    Ok(Some(RatesFile { name: name.clone(), sha256: hex(&Sha256::digest(&bytes)), rates: Arc::new(rates) }))
}

/// The rates of a file's text; what is wrong, and where.
fn parse(bytes: &[u8]) -> std::result::Result<Rates, String> {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
    let wrong = |line: u64, why: &str| format!(" line {line}: {why}");
    let unreadable =
        |e: &csv::Error| wrong(e.position().map_or(1, csv::Position::line), "it is no CSV of three columns");
    let header = reader.headers().map_err(|e| unreadable(&e))?.clone();
    let at = |name: &str| {
        let at = header.iter().position(|column| column.eq_ignore_ascii_case(name));
        at.ok_or_else(|| wrong(1, &format!("it has no column `{name}`: use from,to,rate")))
    };
    let (from, to, rate) = (at("from")?, at("to")?, at("rate")?);
    let mut rates = Rates::default();
    for record in reader.records() {
        let record: StringRecord = record.map_err(|e| unreadable(&e))?;
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let line = record.position().map_or(0, csv::Position::line);
        rates.add(cell(from), cell(to), cell(rate)).map_err(|why| wrong(line, why))?;
    }
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_has_its_line() {
        assert!(parse(b"\xEF\xBB\xBFrate,From,to\n1.08, usd ,EUR\n").is_ok());
        for (text, why) in [
            ("from,to\n", " line 1: it has no column `rate`"),
            ("from,to,rate\nusd,eur\n", " line 2: it is no CSV"),
            ("from,to,rate\nusd,eur,1\nusd,euro,1\n", " line 3: a currency is three letters"),
            ("from,to,rate\nusd,eur,0\n", " line 2: a rate is a positive number"),
            ("from,to,rate\nusd,eur,1\nusd,eur,1.1\n", " line 3: another line has another rate"),
        ] {
            let told = parse(text.as_bytes()).expect_err(text);
            assert!(told.starts_with(why), "{told}");
        }
    }
}

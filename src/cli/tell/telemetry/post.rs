//! Sends telemetry: as a POST to a receiver, or as a line in a file. Owns how long that may take; never shows a
//! header's value or a password in a URL.

use std::fmt;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use onefold::{Error, Result};
use serde_json::Value;
use ureq::Agent;

/// A receiver that does not answer delays a finished run no longer than this.
const ANSWER: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(2);
/// Most time for all requests of a run.
const ALL: Duration = Duration::from_secs(20);

/// Names and values of headers to send.
pub type Headers = Vec<(String, String)>;

/// The address of a receiver.
#[derive(Clone, PartialEq, Eq)]
pub struct Receiver {
    url: String,
}

impl Receiver {
    /// A receiver at this URL; `path` is added if the URL has none or, with `always`, if it does not end with it.
    pub fn new(url: &str, path: &str, always: bool) -> std::result::Result<Self, String> {
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let bad = || "not the URL of a receiver: use http://HOST:PORT or https://HOST".to_owned();
        let (host, at) = rest.map(|rest| rest.split_once('/').unwrap_or((rest, ""))).ok_or_else(bad)?;
        if host.is_empty() || ureq::http::Uri::try_from(url).is_err() {
            return Err(bad());
        }
        let add = if always { !url.ends_with(path) } else { at.is_empty() };
        let url = if add { format!("{}{path}", url.trim_end_matches('/')) } else { url.to_owned() };
        Ok(Self { url })
    }
}

/// Without the user's name and password.
impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.url.split_once("://").map(|(scheme, rest)| (scheme, rest.split_once('@'))) {
            Some((scheme, Some((_, rest)))) => write!(f, "{scheme}://{rest}"),
            _ => f.write_str(&self.url),
        }
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receiver({self})")
    }
}

/// Posts JSON bodies in order, until one is not accepted.
pub fn send(to: &Receiver, headers: &Headers, bodies: &[Value]) -> Result<()> {
    let config = Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        // A redirect would send the headers to another address than the given one.
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("onefold/", env!("CARGO_PKG_VERSION")))
        .build();
    let agent = Agent::new_with_config(config);
    let begun = Instant::now();
    let failed = |cause: String| Error::Telemetry(format!("cannot post to `{to}`: {cause}"));
    for body in bodies {
        let left = ALL.saturating_sub(begun.elapsed()).min(ANSWER);
        if left.is_zero() {
            return Err(failed(format!("it took longer than {} seconds", ALL.as_secs())));
        }
        let bytes = serde_json::to_vec(body).map_err(|e| Error::Bug(format!("telemetry: {e}")))?;
        let mut request = agent.post(&to.url).content_type("application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.config().timeout_global(Some(left)).build().send(&bytes);
        let status = answer.map_err(|e| failed(e.to_string()))?.status();
        if !status.is_success() {
            return Err(failed(format!("it answered {status}")));
        }
    }
    Ok(())
}

/// Headers in the form of `OTEL_EXPORTER_OTLP_HEADERS`, `name=value,name=value`, values percent-encoded. An error does
/// not show the value.
pub fn headers(text: &str) -> Result<Headers> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let bad = |at: usize| {
        let message = format!("cannot use header {at} of OTEL_EXPORTER_OTLP_HEADERS: write it as name=value");
        Error::Telemetry(message)
    };
    let header = |(at, pair): (usize, &str)| {
        let (name, value) = pair.split_once('=').ok_or_else(|| bad(at + 1))?;
        let value = decode(value.trim()).ok_or_else(|| bad(at + 1))?;
        let is_name = |name: &str| ureq::http::HeaderName::try_from(name).is_ok();
        let is_value = |value: &str| ureq::http::HeaderValue::try_from(value).is_ok();
        let name = name.trim();
        if is_name(name) && is_value(&value) { Ok((name.to_owned(), value)) } else { Err(bad(at + 1)) }
    };
    pairs.enumerate().map(header).collect()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

/// Appends JSON as a line to a file, which is created with its folder if necessary. Fails if the file has something
/// else than lines of JSON objects.
pub fn append(path: &Path, event: &Value) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| Error::writing("create", folder, e))?;
    }
    let open = File::options().read(true).append(true).create(true).open(path);
    let mut file = open.map_err(|e| Error::writing("open", path, e))?;
    let mut first = [0];
    let read = file.read(&mut first).map_err(|e| Error::writing("read", path, e))?;
    if read > 0 && first != *b"{" {
        let message = format!(
            "cannot append to `{}`: it has something else than lines of JSON; choose another file",
            path.display()
        );
        return Err(Error::Telemetry(message));
    }
    // Written in one piece, so that lines of two runs do not mix.
    file.write_all(format!("{event}\n").as_bytes()).map_err(|e| Error::writing("append to", path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_completed_and_checked() {
        let otlp = |url: &str| Receiver::new(url, "/v1/traces", true).map(|r| r.url);
        assert_eq!(otlp("http://h:4318").as_deref(), Ok("http://h:4318/v1/traces"));
        assert_eq!(otlp("https://h/otlp/").as_deref(), Ok("https://h/otlp/v1/traces"));
        assert_eq!(otlp("http://h/v1/traces").as_deref(), Ok("http://h/v1/traces"));
        let lineage = |url: &str| Receiver::new(url, "/api/v1/lineage", false).map(|r| r.url);
        assert_eq!(lineage("http://h:5000/").as_deref(), Ok("http://h:5000/api/v1/lineage"));
        assert_eq!(lineage("http://h/custom?key=1").as_deref(), Ok("http://h/custom?key=1"));
        assert!(
            ["h:4318", "ftp://h", "http://", "http:///v1/traces", "http://a b"].iter().all(|url| otlp(url).is_err())
        );
    }

    #[test]
    fn a_password_is_not_shown() {
        let receiver = Receiver::new("http://me:secret@h/x", "/y", false).expect("a receiver");
        assert_eq!(format!("{receiver} {receiver:?}"), "http://h/x Receiver(http://h/x)");
    }

    #[test]
    fn headers_are_decoded_and_never_quoted() {
        let some = headers("api-key=a%20b, x = y=z ,").expect("headers");
        assert_eq!(some, [("api-key", "a b"), ("x", "y=z")].map(|(k, v)| (k.to_owned(), v.to_owned())));
        for wrong in ["secret", "a=%2", "a=%zz", "b c=secret", "a=secret%0A"] {
            let error = headers(wrong).expect_err("no headers").to_string();
            assert!(error.contains("header 1") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn lines_are_appended_and_other_files_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("new/events.jsonl");
        append(&file, &serde_json::json!({"a": 1})).expect("appended");
        append(&file, &serde_json::json!({"a": 2})).expect("appended");
        assert_eq!(fs::read_to_string(&file).expect("text"), "{\"a\":1}\n{\"a\":2}\n");
        fs::write(&file, "id,name\n").expect("written");
        let error = append(&file, &serde_json::json!({})).expect_err("refused").to_string();
        assert!(error.contains("something else than lines of JSON"), "{error}");
        assert_eq!(fs::read_to_string(&file).expect("text"), "id,name\n");
    }
}

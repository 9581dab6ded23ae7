//! Numbers as text for people: counts, shares, seconds, bytes, times. Computes no number.

use bytesize::ByteSize;
use chrono::{DateTime, Utc};

pub use onefold::words::{counted, grouped};

/// A percentage; a part that is neither none nor all is never rounded to 0 % or 100 %.
pub fn share(part: u64, whole: u64) -> String {
    match (part, percent(part, whole)) {
        (0, _) => "0 %".to_owned(),
        (part, _) if part == whole => "100 %".to_owned(),
        (_, percent) if percent < 0.1 => "<0.1 %".to_owned(),
        (_, percent) if percent > 99.9 => ">99.9 %".to_owned(),
        (_, percent) => format!("{percent:.1} %"),
    }
}

/// A percentage as a number, for the length of a bar.
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// `41 ms`, `1.24 s`, `12.4 s`, `3 min 20 s`, `2 h 5 min`.
pub fn seconds(seconds: f64) -> String {
    match seconds.max(0.0) {
        s if s < 0.9995 => format!("{:.0} ms", s * 1e3),
        s if s < 9.995 => format!("{s:.2} s"),
        s if s < 119.95 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.0} min {:.0} s", (s / 60.0).floor(), (s % 60.0).floor()),
        s => format!("{:.0} h {:.0} min", (s / 3600.0).floor(), (s % 3600.0 / 60.0).floor()),
    }
}

/// `1.2 MB`.
pub fn bytes(bytes: u64) -> String {
    ByteSize(bytes).display().si().to_string()
}

/// A manifest's time.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

/// A manifest's time as milliseconds since 1970.
pub fn millis(text: &str) -> Option<f64> {
    time(text).map(|time| time.timestamp_millis() as f64)
}

/// A manifest's time for people: `24 Nov 2026, 05:33:12 UTC`.
pub fn moment(text: &str) -> String {
    time(text).map_or_else(|| text.to_owned(), |time| time.format("%-d %b %Y, %H:%M:%S UTC").to_string())
}

/// A text cut to a number of characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_none_or_all() {
        let shares = [(0, 10), (1, 100_000), (1, 8), (99_999, 100_000), (5, 5), (0, 0)].map(|(p, w)| share(p, w));
        assert_eq!(shares, ["0 %", "<0.1 %", "12.5 %", ">99.9 %", "100 %", "0 %"]);
    }

    #[test]
    fn seconds_have_the_unit_that_fits() {
        let texts = [0.0, 0.0412, 1.239, 12.44, 200.0, 7500.0].map(seconds);
        assert_eq!(texts, ["0 ms", "41 ms", "1.24 s", "12.4 s", "3 min 20 s", "2 h 5 min"]);
    }

    #[test]
    fn times_are_read_and_written() {
        assert_eq!(moment("2026-11-04T05:33:12.120Z"), "4 Nov 2026, 05:33:12 UTC");
        assert_eq!((millis("1970-01-01T00:00:01.005Z"), millis("now")), (Some(1005.0), None));
        assert_eq!((cut("héllo", 2), cut("hé", 2)), ("hé…".to_owned(), "hé".to_owned()));
    }
}

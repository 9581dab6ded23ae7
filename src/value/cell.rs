//! One cell's type and its strict reading from text. Knows no files, no columns and no Polars.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike};
use chrono_tz::Tz;

use super::moment::{Format, Moment};
use super::money::Currency;
use super::number::{DecimalMark, Notation, read_decimal, read_float, read_int};

/// The type of a column in the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// 64-bit signed integer.
    Int,
    /// 64-bit IEEE float; never NaN or infinite.
    Float,
    /// Exact decimal of `precision` digits, `scale` of them after the point.
    Decimal(u8, u8),
    /// True or false.
    Bool,
    /// Calendar day, years 0001 to 9999.
    Date,
    /// Instant in microseconds, UTC.
    Datetime,
    /// UTF-8 text.
    Text,
}

/// How a source column's text is read: a type, and what its texts look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellType {
    /// The type it is read as.
    pub ty: Type,
    /// Formats of a date, a datetime or a time of day, of which the first that fits is used; ISO when there is none.
    pub formats: Vec<Format>,
    /// How numbers are written.
    pub notation: Notation,
    /// The words for true and false, in any case; `true`, `false`, `1` and `0` when there are none.
    pub words: Option<(String, String)>,
    /// The zone of datetimes that say none; UTC when there is none.
    pub zone: Option<Tz>,
    /// The last day that is no bad value, in days since 1970-01-01.
    pub max_day: Option<i32>,
    /// Whether it is a time of day: kept as text, it can only be the second part of a `latest_by`.
    pub is_clock: bool,
    /// Whether it is a currency's code: kept as three letters in lower case.
    pub is_currency: bool,
}

/// A typed value, borrowed from the text it was read from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// Text, unchanged.
    Text(&'a str),
    /// `int`.
    Int(i64),
    /// `float`, finite.
    Float(f64),
    /// `decimal`, unscaled: 1.25 with scale 2 is 125.
    Decimal(i128),
    /// `bool`.
    Bool(bool),
    /// `date`: days since 1970-01-01.
    Date(i32),
    /// `datetime`: microseconds since 1970-01-01T00:00:00Z.
    Datetime(i64),
}

impl Value<'_> {
    /// A number that orders like the value, if its type can order rows; none, which comes first, for null.
    #[inline]
    pub fn order(self) -> Option<i64> {
        match self {
            Self::Date(days) => Some(days.into()),
            Self::Datetime(n) | Self::Int(n) => Some(n),
            _ => None,
        }
    }
}

impl CellType {
    /// Text, read unchanged.
    pub const TEXT: Self = Self::of(Type::Text);

    /// A type, read in its default format.
    pub const fn of(ty: Type) -> Self {
        let formats = Vec::new();
        Self {
            ty,
            formats,
            notation: Notation::PLAIN,
            words: None,
            zone: None,
            max_day: None,
            is_clock: false,
            is_currency: false,
        }
    }

    /// Reads one field. Empty is null; `None` is a bad value.
    #[inline(always)]
    pub fn read<'a>(&self, field: &'a str) -> Option<Value<'a>> {
        if field.is_empty() {
            return Some(Value::Null);
        }
        // Most cells are texts, which need no call.
        if self.ty == Type::Text && !self.is_clock && !self.is_currency {
            return Some(Value::Text(field));
        }
        self.read_other(field)
    }

    fn read_other<'a>(&self, field: &'a str) -> Option<Value<'a>> {
        let text = trim(field);
        match self.ty {
            Type::Text if self.is_currency => Currency::read(text).map(|code| Value::Text(code.name())),
            Type::Text if text.is_empty() => None,
            Type::Text => self.read_clock(text).map(|_| Value::Text(field)),
            Type::Int => self.notation.read(text, read_int).map(Value::Int),
            Type::Float => self.notation.read(text, read_float).map(Value::Float),
            Type::Decimal(p, s) => self.notation.read(text, |t| read_decimal(t, p, s)).map(Value::Decimal),
            Type::Bool => self.read_bool(text).map(Value::Bool),
            Type::Date => self.read_date(text).map(Value::Date),
            Type::Datetime => self.read_datetime(text).map(Value::Datetime),
        }
    }

    /// Reads a value that has a type already, in the file or by its form: ISO dates, decimal points, whatever the format of
    /// the column's texts is. A day is its midnight, and a midnight is a day. A moment that ends with `Z` is in UTC.
    pub fn read_typed<'a>(&self, text: &'a str) -> Option<Value<'a>> {
        let numbers = |format: &&Format| matches!(format, Format::Epoch { .. } | Format::Excel);
        if text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-')
            && self.formats.iter().any(|format| numbers(&format))
        {
            // A number of seconds or of days, as the format says.
            let formats = self.formats.iter().filter(numbers).cloned().collect();
            let typed = Self { formats, notation: Notation::PLAIN, ..self.clone() }.read(text);
            if typed.is_some() {
                return typed;
            }
        }
        let plain = Self { zone: self.zone, max_day: self.max_day, ..Self::of(self.ty) };
        match self.ty {
            Type::Text => self.read(text),
            Type::Date if text.len() > 10 => plain.read(text.trim_end_matches('Z').strip_suffix(" 00:00:00")?),
            Type::Datetime if text.len() == 10 => {
                self.instant(iso_date(text.as_bytes())?.and_hms_opt(0, 0, 0)?, None).map(Value::Datetime)
            }
            Type::Datetime => {
                let (local, offset) = text.strip_suffix('Z').map_or((text, None), |local| (local, Some(0)));
                let local = NaiveDateTime::parse_from_str(local, "%Y-%m-%d %H:%M:%S%.f").ok()?;
                self.instant(local, offset).map(Value::Datetime)
            }
            _ => plain.read(text),
        }
    }

    /// Whether a text can be a bad value of it.
    pub fn can_be_bad(&self) -> bool {
        self.ty != Type::Text || self.is_clock || self.is_currency
    }

    /// Whether the century of a date is a rule and not in its text.
    pub fn has_short_year(&self) -> bool {
        self.formats.iter().any(Format::has_short_year)
    }

    /// Microseconds since midnight of a time of day; null counts as midnight.
    pub fn read_clock(&self, text: &str) -> Option<i64> {
        let text = trim(text);
        if text.is_empty() {
            return Some(0);
        }
        let moment = self.formats.iter().find_map(|format| format.read(text))?;
        let time = moment.local.time();
        Some(i64::from(time.num_seconds_from_midnight()) * 1_000_000 + i64::from(time.nanosecond() / 1000))
    }

    /// Reads a text in a format. A spreadsheet's number of a day has the source's decimal mark.
    fn by(&self, format: &Format, text: &str) -> Option<Moment> {
        match format {
            Format::Excel if self.notation.decimal == DecimalMark::Comma => {
                (!text.contains('.')).then(|| format.read(&text.replace(',', ".")))?
            }
            _ => format.read(text),
        }
    }

    /// The day of a text; a spreadsheet's number of a day has no fraction.
    fn day(&self, format: &Format, text: &str) -> Option<NaiveDate> {
        let local = self.by(format, text)?.local;
        (*format != Format::Excel || local.time() == NaiveTime::MIN).then(|| local.date())
    }

    fn read_bool(&self, text: &str) -> Option<bool> {
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        match (&self.words, text) {
            (Some((yes, _)), _) if is(yes) => Some(true),
            (Some((_, no)), _) if is(no) => Some(false),
            (Some(_), _) => None,
            (None, "1") => Some(true),
            (None, "0") => Some(false),
            (None, _) if is("true") => Some(true),
            (None, _) if is("false") => Some(false),
            (None, _) => None,
        }
    }

    fn read_date(&self, text: &str) -> Option<i32> {
        let date = match self.formats.as_slice() {
            [] => iso_date(text.as_bytes())?,
            formats => formats.iter().find_map(|format| self.day(format, text))?,
        };
        let days = date.to_epoch_days();
        (in_range(date) && self.max_day.is_none_or(|max| days <= max)).then_some(days)
    }

    fn read_datetime(&self, text: &str) -> Option<i64> {
        match self.formats.as_slice() {
            [] => iso_moment(text).and_then(|(local, offset)| self.instant(local, offset)),
            formats => {
                let moment = formats.iter().find_map(|format| self.by(format, text))?;
                self.instant(moment.local, moment.offset)
            }
        }
    }

    /// Microseconds since 1970-01-01 UTC. A local time that its zone skips is none; one that it repeats is the earlier.
    fn instant(&self, local: NaiveDateTime, offset: Option<i32>) -> Option<i64> {
        let utc = match (offset, self.zone) {
            (Some(offset), _) => local.checked_sub_signed(TimeDelta::seconds(offset.into()))?,
            (None, None) => local,
            (None, Some(zone)) => in_zone(zone, local)?,
        };
        let micros = utc.and_utc().timestamp_micros();
        let date = DateTime::from_timestamp_micros(micros)?.date_naive();
        (in_range(date) && self.max_day.is_none_or(|max| date.to_epoch_days() <= max)).then_some(micros)
    }
}

/// The earliest moment with this local time in a zone; none if the zone skips it.
fn in_zone(zone: Tz, local: NaiveDateTime) -> Option<NaiveDateTime> {
    const LAST: i32 = 2099;
    if local.year() <= LAST {
        return Some(zone.from_local_datetime(&local).earliest()?.naive_utc());
    }
    // The tables of zones end with this century. The rules after it are those of its last years, by days of the week: they
    // are the same in a year that begins on the same day and is as long.
    let same = |year: &i32| {
        let first = |year: i32| NaiveDate::from_ymd_opt(year, 1, 1);
        let (one, other) = (first(*year)?, first(local.year())?);
        (one.weekday() == other.weekday() && one.leap_year() == other.leap_year()).then_some(*year)
    };
    let like = (LAST - 27..=LAST).rev().find_map(|year| same(&year))?;
    let there = local.with_year(like)?;
    let offset = there - zone.from_local_datetime(&there).earliest()?.naive_utc();
    local.checked_sub_signed(offset)
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int => f.write_str("int"),
            Self::Float => f.write_str("float"),
            Self::Decimal(p, s) => write!(f, "decimal({p},{s})"),
            Self::Bool => f.write_str("bool"),
            Self::Date => f.write_str("date"),
            Self::Datetime => f.write_str("datetime"),
            Self::Text => f.write_str("text"),
        }
    }
}

/// The text without Unicode white space at both ends. Most fields begin and end with a printing ASCII character: these
/// are returned at once.
#[inline]
pub fn trim(field: &str) -> &str {
    match field.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => field,
        _ => field.trim(),
    }
}

/// Reads `YYYY-MM-DD`; the day must exist.
pub fn iso_date(text: &[u8]) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let digits = [y1, y2, y3, y4, m1, m2, d1, d2];
    digits.iter().all(|d| d.is_ascii_digit()).then_some(())?;
    let number = |ds: &[&u8]| ds.iter().fold(0u32, |n, d| n * 10 + u32::from(**d - b'0'));
    NaiveDate::from_ymd_opt(number(&[y1, y2, y3, y4]) as i32, number(&[m1, m2]), number(&[d1, d2]))
        .filter(|d| in_range(*d))
}

/// Reads RFC 3339, or `YYYY-MM-DD HH:MM:SS` without a zone; chrono alone would allow single digits, spaces and other signs
/// too. Gives the local time, and its offset if it has one.
fn iso_moment(text: &str) -> Option<(NaiveDateTime, Option<i32>)> {
    let (date, time) = text.as_bytes().split_at_checked(10)?;
    let day = iso_date(date)?;
    let [separator, h1, h2, b':', m1, m2, b':', s1, s2, zone @ ..] = time else { return None };
    [h1, h2, m1, m2, s1, s2].iter().all(|d| d.is_ascii_digit()).then_some(())?;
    match (separator, zone) {
        (b' ', []) => {
            let number = |a: &u8, b: &u8| u32::from(a - b'0') * 10 + u32::from(b - b'0');
            Some((day.and_hms_opt(number(h1, h2), number(m1, m2), number(s1, s2))?, None))
        }
        (b'T' | b't', _) if text.is_ascii() => {
            let moment = DateTime::parse_from_rfc3339(text).ok()?;
            // chrono reads a leap second as one that is longer than a second.
            let local = Some(moment.naive_local()).filter(|local| local.nanosecond() < 1_000_000_000)?;
            Some((local, Some(moment.offset().local_minus_utc())))
        }
        _ => None,
    }
}

fn in_range(date: NaiveDate) -> bool {
    (1..=9999).contains(&date.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(ty: &str, text: &'a str) -> Option<Value<'a>> {
        CellType::parse(ty).expect("a type").read(text)
    }

    #[test]
    fn typed_values_are_strict() {
        for (ty, text, want) in [
            ("int", "007", Some(Value::Int(7))),
            ("int", " +5\u{2003}", Some(Value::Int(5))),
            ("int", "-0", Some(Value::Int(0))),
            ("int", "42.0", Some(Value::Int(42))),
            ("int", "42.5", None),
            ("int", "9223372036854775808", None),
            ("int", "-9223372036854775808", Some(Value::Int(i64::MIN))),
            ("int", " ", None),
            ("int", "", Some(Value::Null)),
            ("int", "1_0", None),
            ("float", "1.", Some(Value::Float(1.0))),
            ("float", ".5e1", Some(Value::Float(5.0))),
            ("float", ".", None),
            ("float", "inf", None),
            ("float", "NaN", None),
            ("float", "1e999", None),
            ("bool", "TrUe", Some(Value::Bool(true))),
            ("bool", "0", Some(Value::Bool(false))),
            ("bool", "yes", None),
            ("date", "2024-02-29", Some(Value::Date(19782))),
            ("date", "2023-02-29", None),
            ("date", "0000-01-01", None),
            ("date", "2024-2-9", None),
            ("date", "2024-02-29T00:00:00", None),
            ("date(%d.%m.%Y)", "29.02.2024", Some(Value::Date(19782))),
            ("datetime", "1970-01-01 00:00:01", Some(Value::Datetime(1_000_000))),
            ("datetime", "1970-01-01T01:00:01+01:00", Some(Value::Datetime(1_000_000))),
            ("datetime", "1970-01-01", None),
            ("datetime", "1970-01-01  0:00:01", None),
            ("datetime", "1970-01-01 00:00:60", None),
            ("datetime", "1970-01-01 00:00:01Z", None),
            ("datetime", "1970-01-01T00:00:01", None),
            ("datetime", "1970-01-01T00:00:01\u{2212}01:00", None),
            ("datetime", "9999-12-31T23:59:60Z", None),
            ("datetime", "2016-12-31T23:59:60Z", None),
            ("bool(WAHR|falsch)", "wahr", Some(Value::Bool(true))),
            ("bool(WAHR|falsch)", "true", None),
            ("date(excel|%d.%m.%Y)", "45293", Some(Value::Date(19724))),
            ("date(excel|%d.%m.%Y)", "45293.5", None),
            ("date(excel|%d.%m.%Y)", "2.1.2024", Some(Value::Date(19724))),
            ("datetime(epoch_ms)", "1500", Some(Value::Datetime(1_500_000))),
            ("datetime(%Y-%m-%dT%H:%M%z)", "1970-01-01T02:00+02:00", Some(Value::Datetime(0))),
            ("decimal(12,2)", "1.5", Some(Value::Decimal(150))),
            ("decimal(12,2)", "-.05", Some(Value::Decimal(-5))),
            ("decimal(12,2)", "1.505", None),
            ("decimal(3,2)", "10.00", None),
            ("text", " a ", Some(Value::Text(" a "))),
        ] {
            assert_eq!(read(ty, text), want, "{ty} {text:?}");
        }
    }

    #[test]
    fn a_comma_can_be_the_decimal_mark() {
        for (ty, text, want) in [
            ("float", "1,5", Some(Value::Float(1.5))),
            ("float", "-,5e-1", Some(Value::Float(-0.05))),
            ("float", "7", Some(Value::Float(7.0))),
            ("float", "1.5", None),
            ("float", "1.234,5", None),
            ("float", "1,234,5", None),
            ("float", "1 234,5", None),
            ("decimal(12,2)", "1234,50", Some(Value::Decimal(123_450))),
            ("decimal(12,2)", "1234.50", None),
            ("decimal(12,2)", "1,505", None),
            ("int", "1,5", None),
            ("text", "1.5", Some(Value::Text("1.5"))),
        ] {
            let notation = Notation { decimal: DecimalMark::Comma, ..Notation::PLAIN };
            let cell = CellType { notation, ..CellType::parse(ty).expect("a type") };
            assert_eq!(cell.read(text), want, "{ty} {text:?}");
        }
        assert_eq!(read("float", "1,5"), None);
    }

    #[test]
    fn typed_values_are_read_whatever_the_format() {
        for (ty, text, want) in [
            ("date(%d.%m.%Y)", "2024-02-29", Some(Value::Date(19782))),
            ("date", "2024-02-29 00:00:00", Some(Value::Date(19782))),
            ("date", "2024-02-29 00:00:01", None),
            ("datetime(%d/%m/%Y %H:%M)", "1970-01-01 00:00:01.25", Some(Value::Datetime(1_250_000))),
            ("datetime", "1970-01-02", Some(Value::Datetime(86_400_000_000))),
            ("int", "12", Some(Value::Int(12))),
            ("text", "true", Some(Value::Text("true"))),
            ("date", "", Some(Value::Null)),
        ] {
            assert_eq!(CellType::parse(ty).expect("a type").read_typed(text), want, "{ty} {text:?}");
        }
        let notation = Notation { decimal: DecimalMark::Comma, ..Notation::PLAIN };
        let comma = CellType { notation, ..CellType::of(Type::Decimal(5, 2)) };
        assert_eq!(comma.read_typed("1.5"), Some(Value::Decimal(150)));
    }

    #[test]
    fn floats_reach_their_ends() {
        assert_eq!(read("float", "1e308"), Some(Value::Float(1e308)));
        assert_eq!(read("float", "5e-324"), Some(Value::Float(f64::from_bits(1))));
        assert_eq!(read("float", "1e309"), None);
        let Some(Value::Float(zero)) = read("float", "-0.0") else { panic!("a float") };
        assert!(zero == 0.0 && zero.is_sign_negative());
    }

    #[test]
    fn formats_are_read() {
        assert_eq!(read("datetime(%d/%m/%Y %H:%M)", "01/01/1970 00:01"), Some(Value::Datetime(60_000_000)));
        assert_eq!(read("date(%b %e, %Y)", "Jan 2, 1970"), Some(Value::Date(1)));
        assert_eq!(read("date(%Y%m%d)", "19700103"), Some(Value::Date(2)));
    }

    #[test]
    fn a_zone_has_hours_that_are_skipped_and_repeated() {
        let cell = CellType { zone: Some(chrono_tz::Europe::Berlin), ..CellType::of(Type::Datetime) };
        let read = |text| match cell.read(text) {
            Some(Value::Datetime(micros)) => Some(micros / 1_000_000),
            _ => None,
        };
        let utc = |text| match CellType::of(Type::Datetime).read(text) {
            Some(Value::Datetime(micros)) => Some(micros / 1_000_000),
            _ => None,
        };
        assert_eq!(read("2026-03-29 02:30:00"), None, "skipped");
        assert_eq!(read("2026-10-25 02:30:00"), utc("2026-10-25 00:30:00"), "the earlier");
        assert_eq!(read("2026-07-01 12:00:00"), utc("2026-07-01 10:00:00"));
        assert_eq!(read("2026-07-01T12:00:00Z"), utc("2026-07-01 12:00:00"), "it says its zone");
        assert_eq!(cell.read_typed("2026-07-01 12:00:00Z"), CellType::of(Type::Datetime).read("2026-07-01 12:00:00"));
        assert_eq!(cell.read_typed("2026-07-01 12:00:00"), CellType::of(Type::Datetime).read("2026-07-01 10:00:00"));
    }

    #[test]
    fn a_day_behind_the_last_one_is_bad() {
        for ty in [Type::Date, Type::Datetime] {
            let cell = CellType { max_day: Some(19782), ..CellType::of(ty) };
            let time = if ty == Type::Date { "" } else { " 23:59:59" };
            assert!(
                cell.read(&format!("2024-02-29{time}")).is_some() && cell.read(&format!("2024-03-01{time}")).is_none()
            );
        }
    }

    #[test]
    fn a_time_of_day_counts_from_midnight() {
        let clock = |ty: &str, text| CellType::parse(ty).expect("a type").read_clock(text);
        assert_eq!(clock("time", "01:00"), Some(3_600_000_000));
        assert_eq!(clock("time", " 00:00:01.5 "), Some(1_500_000));
        assert_eq!(clock("time(%I:%M %p)", "1:00 PM"), Some(46_800_000_000));
        assert_eq!((clock("time", ""), clock("time", "25:00")), (Some(0), None));
    }
}

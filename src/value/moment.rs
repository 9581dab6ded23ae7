//! Dates and times in a format: strftime's codes, read strictly. Owns which codes there are and what they accept; refuses
//! formats that could be read two ways. Knows no columns.

mod codes;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use super::number::read_int;
use codes::{check, codes, packed, refuse_offset, refuse_zone};

/// A format, ready to read by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Codes and the text between them.
    Codes(Vec<Item>),
    /// Seconds, or thousandths of a second, since 1970-01-01 UTC.
    Epoch { millis: bool },
    /// Days since 1899-12-30, as spreadsheets count from March 1900 on.
    Excel,
}

/// A part of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Literal(char),
    /// One or more spaces.
    Space,
    /// A number of at least and at most so many digits; with 0 at least, one digit may have a space before it.
    Number(Part, u8, u8),
    /// `%b`, `%B`: a month in English, short or whole.
    MonthName,
    /// `%a`, `%A`: a day of the week in English, short or whole; it is read over.
    DayName,
    /// `%p`: `AM` or `PM`, in any case.
    HalfDay,
    /// `%f` behind a point, or `%.f`: up to nine digits of a second, with the point.
    Fraction,
    /// `%z`: `Z`, `+02:00`, `+0200` or `+02`.
    Offset,
    /// `%Z`: `Z`, `UTC` or `GMT`.
    Zone,
}

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Year,
    /// `%y`: 70 to 99 are 1970 to 1999, 00 to 69 are 2000 to 2069.
    ShortYear,
    Month,
    Day,
    Hour,
    Hour12,
    Minute,
    Second,
}

/// What was read: a time without an offset is local, in whatever zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub local: NaiveDateTime,
    /// Seconds east of UTC, if the text says them.
    pub offset: Option<i32>,
}

impl Format {
    /// Reads a format; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        // Cells have no spaces at their ends when they are read.
        let text = text.trim();
        match text {
            "epoch_s" => return Ok(Self::Epoch { millis: false }),
            "epoch_ms" => return Ok(Self::Epoch { millis: true }),
            "excel" => return Ok(Self::Excel),
            _ => {}
        }
        let mut items = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '%' => {
                    let code = chars.next().ok_or("`%` at the end of a format means nothing")?;
                    let code = if matches!(code, '.' | ':') {
                        format!("{code}{}", chars.next().unwrap_or(' '))
                    } else {
                        code.to_string()
                    };
                    items.extend(codes(&code)?);
                }
                c if c.is_whitespace() => {
                    if items.last() != Some(&Item::Space) {
                        items.push(Item::Space);
                    }
                }
                c => items.push(Item::Literal(c)),
            }
        }
        refuse_offset(&items)?;
        let items = packed(items);
        refuse_zone(&items)?;
        check(&items)?;
        Ok(Self::Codes(items))
    }

    /// Whether it has `%y`, whose century is a rule and not in the text.
    pub fn has_short_year(&self) -> bool {
        matches!(self, Self::Codes(items) if items.iter().any(|item| matches!(item, Item::Number(Part::ShortYear, ..))))
    }

    /// Whether it says a time of day.
    pub fn has_time(&self) -> bool {
        let of_time = |item: &Item| matches!(item, Item::Number(Part::Hour | Part::Hour12, ..));
        match self {
            Self::Codes(items) => items.iter().any(of_time),
            Self::Epoch { .. } | Self::Excel => true,
        }
    }

    /// Whether it says a day.
    pub fn has_date(&self) -> bool {
        let of_day = |item: &Item| matches!(item, Item::Number(Part::Day, ..));
        match self {
            Self::Codes(items) => items.iter().any(of_day),
            Self::Epoch { .. } | Self::Excel => true,
        }
    }

    /// The order of day and month where both are numbers: two formats of one column must agree in it.
    pub fn day_comes_first(&self) -> Option<bool> {
        let Self::Codes(items) = self else { return None };
        let place =
            |wanted: Part| items.iter().position(|item| matches!(item, Item::Number(part, ..) if *part == wanted));
        let year = place(Part::Year).or(place(Part::ShortYear))?;
        let (day, month) = (place(Part::Day)?, place(Part::Month)?);
        // Behind a year nobody writes the day first.
        (year > day.min(month)).then_some(day < month)
    }

    /// Whether two digits of a year come first, or another part does though the year has two digits; none for years of four.
    pub fn short_year_first(&self) -> Option<bool> {
        let Self::Codes(items) = self else { return None };
        let mut numbers = items.iter().filter_map(|item| match item {
            Item::Number(part, ..) => Some(*part),
            _ => None,
        });
        self.has_short_year().then(|| numbers.next() == Some(Part::ShortYear))
    }

    /// Whether it has an offset or a zone.
    pub fn has_offset(&self) -> bool {
        matches!(self, Self::Codes(items) if items.iter().any(|item| matches!(item, Item::Offset | Item::Zone)))
    }

    /// Whether a text of digits alone can be of both formats, so that the first would take what the second means.
    pub fn is_mixed_up_with(&self, other: &Self) -> bool {
        let digits = |format: &Self| match format {
            Self::Codes(items) => items.iter().try_fold(0, |all, item| match item {
                Item::Number(_, _, most) => Some(all + u32::from(*most)),
                _ => None,
            }),
            Self::Epoch { .. } | Self::Excel => Some(0),
        };
        let (Some(a), Some(b)) = (digits(self), digits(other)) else { return false };
        match (self, other) {
            // A spreadsheet's days have seven digits at most, and so many seconds are weeks.
            (Self::Excel, Self::Codes(_)) | (Self::Codes(_), Self::Excel) => a.max(b) < 8,
            (Self::Excel, Self::Epoch { .. }) | (Self::Epoch { .. }, Self::Excel) => false,
            (Self::Codes(_), Self::Codes(_)) => a == b,
            _ => true,
        }
    }

    /// Reads a text; none when it is not written so, or there is no such moment.
    pub fn read(&self, text: &str) -> Option<Moment> {
        match self {
            Self::Codes(items) => read_items(items, text),
            Self::Epoch { millis } => {
                let number = read_int(text)?;
                let moment = if *millis {
                    DateTime::from_timestamp_millis(number)
                } else {
                    DateTime::from_timestamp_secs(number)
                };
                let local = moment?.naive_utc();
                // Perhaps the next format is meant.
                (1..=9999).contains(&local.year()).then_some(Moment { local, offset: Some(0) })
            }
            Self::Excel => Some(Moment { local: excel(text)?, offset: None }),
        }
    }
}

/// The numbers of a moment, while it is read.
struct Read {
    year: i32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    afternoon: Option<bool>,
    offset: Option<i32>,
}

fn read_items(items: &[Item], text: &str) -> Option<Moment> {
    let mut read =
        Read { year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0, nanos: 0, afternoon: None, offset: None };
    let mut rest = text;
    for item in items {
        rest = read.take(*item, rest)?;
    }
    if !rest.is_empty() {
        return None;
    }
    let hour = match read.afternoon {
        None => read.hour,
        Some(_) if !(1..=12).contains(&read.hour) => return None,
        Some(afternoon) => read.hour % 12 + if afternoon { 12 } else { 0 },
    };
    let day = NaiveDate::from_ymd_opt(read.year, read.month, read.day)?;
    let time = NaiveTime::from_hms_nano_opt(hour, read.minute, read.second, read.nanos)?;
    Some(Moment { local: day.and_time(time), offset: read.offset })
}

impl Read {
    /// Reads an item off the text's start; gives the rest.
    fn take<'a>(&mut self, item: Item, text: &'a str) -> Option<&'a str> {
        match item {
            Item::Literal(c) => text.strip_prefix(c),
            Item::Space => {
                let rest = text.trim_start();
                (rest.len() < text.len()).then_some(rest)
            }
            Item::Number(part, least, most) => {
                let padded = text.strip_prefix(' ').filter(|_| least == 0);
                let most = if padded.is_some() { 1 } else { most };
                let (number, rest) = number(padded.unwrap_or(text), least.max(1), most)?;
                self.set(part, number);
                Some(rest)
            }
            Item::MonthName => {
                let (at, rest) = name(text, &MONTHS)?;
                self.month = at as u32 + 1;
                Some(rest)
            }
            Item::DayName => name(text, &DAYS).map(|(_, rest)| rest),
            Item::HalfDay => {
                let (half, rest) = text.split_at_checked(2)?;
                self.afternoon = match half.to_ascii_lowercase().as_str() {
                    "am" => Some(false),
                    "pm" => Some(true),
                    _ => return None,
                };
                Some(rest)
            }
            Item::Fraction => {
                let Some(digits) = text.strip_prefix('.') else { return Some(text) };
                let length = digits.bytes().take_while(u8::is_ascii_digit).count();
                // Microseconds are kept, so that further digits mean nothing.
                let nanos = format!("{:0<9}", digits.get(..length.min(9)).filter(|digits| !digits.is_empty())?);
                self.nanos = nanos.parse().ok()?;
                digits.get(length..)
            }
            Item::Offset => {
                let (offset, rest) = offset(text)?;
                self.offset = Some(offset);
                Some(rest)
            }
            Item::Zone => {
                let rest = ["UTC", "GMT", "Z"].iter().find_map(|zone| text.strip_prefix(zone))?;
                self.offset.get_or_insert(0);
                Some(rest)
            }
        }
    }

    fn set(&mut self, part: Part, number: u32) {
        match part {
            Part::Year => self.year = number as i32,
            Part::ShortYear => self.year = number as i32 + if number >= 70 { 1900 } else { 2000 },
            Part::Month => self.month = number,
            Part::Day => self.day = number,
            Part::Hour | Part::Hour12 => self.hour = number,
            Part::Minute => self.minute = number,
            Part::Second => self.second = number,
        }
    }
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// A name in English, whole or its first three letters, in any case.
fn name<'a>(text: &'a str, names: &[&str]) -> Option<(usize, &'a str)> {
    let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (word, rest) = text.split_at_checked(length)?;
    let word = word.to_ascii_lowercase();
    let at = names.iter().position(|name| word == *name || (word.len() == 3 && name.starts_with(&word)))?;
    Some((at, rest))
}

fn number(text: &str, least: u8, most: u8) -> Option<(u32, &str)> {
    let length = text.bytes().take(most.into()).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(length).filter(|_| length >= usize::from(least))?;
    // A further digit would belong to the number.
    let ends = !rest.starts_with(|c: char| c.is_ascii_digit()) || (least == most && most > 1);
    Some((digits.parse().ok()?, rest)).filter(|_| ends)
}

/// `Z`, or hours and minutes with a sign; less than a day.
fn offset(text: &str) -> Option<(i32, &str)> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return Some((0, rest));
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = number(&text[1..], 2, 2)?;
    let (minutes, rest) = match rest.strip_prefix(':') {
        Some(minutes) => number(minutes, 2, 2)?,
        None if rest.starts_with(|c: char| c.is_ascii_digit()) => number(rest, 2, 2)?,
        None => (0, rest),
    };
    (hours < 24 && minutes < 60).then_some((sign * (hours * 3600 + minutes * 60) as i32, rest))
}

/// A spreadsheet's day number, with its time as a fraction, rounded to thousandths of a second. Days before March 1900 have
/// other numbers there, because spreadsheets know a 29th of February 1900.
fn excel(text: &str) -> Option<NaiveDateTime> {
    const DAY: u128 = 86_400_000;
    let (days, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(days) || !all_digits(fraction) {
        return None;
    }
    let days: u64 = days.parse().ok().filter(|days| (61..2_958_466).contains(days))?;
    // As text, because a double of a day is no more exact than half a millisecond.
    let fraction = if fraction.is_empty() { "0" } else { &fraction[..fraction.len().min(20)] };
    let unit = 10u128.pow(fraction.len() as u32);
    let millis = (fraction.parse::<u128>().ok()? * DAY + unit / 2) / unit;
    let start = NaiveDate::from_ymd_opt(1899, 12, 30)?.and_time(NaiveTime::MIN);
    start.checked_add_signed(TimeDelta::milliseconds(i64::try_from(u128::from(days) * DAY + millis).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Option<String> {
        let moment = Format::parse(format).expect(format).read(text)?;
        let offset = moment.offset.map(|offset| format!(" {offset}")).unwrap_or_default();
        Some(format!("{}{offset}", moment.local.format("%Y-%m-%d %H:%M:%S%.f")))
    }

    #[test]
    fn digits_are_strict() {
        for (format, text, want) in [
            ("%d.%m.%Y", "26.06.2026", Some("2026-06-26 00:00:00")),
            ("%d.%m.%Y", "6.6.2026", Some("2026-06-06 00:00:00")),
            ("%d.%m.%Y", "26.06.26", None),
            ("%d.%m.%Y", "026.06.2026", None),
            ("%F", "24-01-02", None),
            ("%F", "2024-1-02", None),
            ("%Y%m%d", "20240112", Some("2024-01-12 00:00:00")),
            ("%Y%m%d", "2024012", None),
            ("%b %d, %Y", "jan 2, 24", None),
            ("%b %d, %Y", "JAN 2, 2024", Some("2024-01-02 00:00:00")),
            ("%A, %B %e %Y", "Tuesday, January  2 2024", Some("2024-01-02 00:00:00")),
            ("%d%b%Y", "2Jan2024", Some("2024-01-02 00:00:00")),
            ("%y%m%d", "690101", Some("2069-01-01 00:00:00")),
            ("%m/%d/%y", "1/2/70", Some("1970-01-02 00:00:00")),
            ("%Y-%m-%d %H:%M:%S", "2024-01-02 23:59:60", None),
            ("%Y-%m-%d %H:%M", "2024-01-02 9:05", Some("2024-01-02 09:05:00")),
            ("%Y-%m-%d %H:%M", "2024-01-02 9:5", None),
            ("%Y-%m-%d", "2023-02-29", None),
            ("%Y-%m-%d", "2024-01-02 ", None),
        ] {
            assert_eq!(read(format, text).as_deref(), want, "{format} {text}");
        }
    }

    #[test]
    fn times_zones_and_numbers() {
        for (format, text, want) in [
            ("%m/%d/%Y %I:%M %p", "1/2/2024 12:05 am", Some("2024-01-02 00:05:00")),
            ("%m/%d/%Y %I:%M%p", "1/2/2024 1:05PM", Some("2024-01-02 13:05:00")),
            ("%m/%d/%Y %I:%M %p", "1/2/2024 13:05 PM", None),
            ("%Y-%m-%dT%H:%M:%S%.f%z", "2024-01-02T03:04:05.5+02:00", Some("2024-01-02 03:04:05.500 7200")),
            ("%Y-%m-%dT%H:%M:%S%z", "2024-01-02T03:04:05-0530", Some("2024-01-02 03:04:05 -19800")),
            ("%Y-%m-%dT%H:%M:%S%z", "2024-01-02T03:04:05Z", Some("2024-01-02 03:04:05 0")),
            ("%Y-%m-%dT%H:%M:%S%z", "2024-01-02T03:04:05", None),
            ("%Y-%m-%dT%H:%M:%SZ", "2024-01-02T03:04:05Z", Some("2024-01-02 03:04:05 0")),
            ("%d %b %Y %H:%M:%S %Z%z", "02 Jan 2024 03:04:05 GMT+0100", Some("2024-01-02 03:04:05 3600")),
            ("%a %b %d %Y %R %Z", "Tue Jan 02 2024 03:04 UTC", Some("2024-01-02 03:04:00 0")),
            ("epoch_s", "1704164645", Some("2024-01-02 03:04:05 0")),
            ("epoch_ms", "1704164645250", Some("2024-01-02 03:04:05.250 0")),
            ("epoch_ms", "1.7e12", None),
            ("excel", "45293", Some("2024-01-02 00:00:00")),
            ("excel", "45293.5", Some("2024-01-02 12:00:00")),
            ("excel", "60", None),
        ] {
            assert_eq!(read(format, text).as_deref(), want, "{format} {text}");
        }
    }

    #[test]
    fn formats_that_could_mislead_are_refused() {
        for (format, why) in [
            ("%Y-%m-%dT%H:%M:%S+02:00", "%z"),
            ("%Y-%m-%d %H:%M GMT+0100", "%z"),
            ("%Y-%m-%d %H:%M-0500", "%z"),
            ("%Q", "is not read"),
            ("%d.%m", "a year, a month and a day"),
            ("%Y-%m-%d %I:%M", "%I and %p"),
            ("%Y-%m-%d %S", "without an hour"),
            ("%Y %Y-%m-%d", "twice"),
            ("", "a year"),
        ] {
            assert!(Format::parse(format).is_err_and(|e| e.contains(why)), "{format}");
        }
        let first = |format: &str| Format::parse(format).expect("a format").day_comes_first();
        assert_eq!(
            (first("%d/%m/%Y"), first("%m/%d/%y"), first("%Y-%m-%d"), first("%b %d %Y")),
            (Some(true), Some(false), None, None)
        );
    }
}

//! One cell's type and its strict reading from text. Knows no files, no columns and no Polars.

use std::fmt::{self, Write};

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};

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

/// How a source column's text is read: a type, and a format if the spec gives one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellType {
    /// The type it is read as.
    pub ty: Type,
    /// strftime format of a date or datetime; ISO when none.
    pub format: Option<String>,
    /// The decimal mark of a float or decimal.
    pub mark: DecimalMark,
}

/// What separates a number's fraction. No other separators are allowed between digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalMark {
    /// `1.5`
    Point,
    /// `1,5`
    Comma,
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
        Self { ty, format: None, mark: DecimalMark::Point }
    }

    /// Reads a type as the spec writes it: `int`, `decimal(12,2)`, `date(%d.%m.%Y)`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, args) = match text.split_once('(') {
            Some((name, rest)) => (name.trim(), Some(rest.strip_suffix(')')?)),
            None => (text.trim(), None),
        };
        let plain = |ty| args.is_none().then_some(Self::of(ty));
        match name {
            "text" => plain(Type::Text),
            "int" => plain(Type::Int),
            "float" => plain(Type::Float),
            "bool" => plain(Type::Bool),
            "date" | "datetime" => {
                let ty = if name == "date" { Type::Date } else { Type::Datetime };
                let cell = Self { format: args.map(str::to_owned), ..Self::of(ty) };
                cell.reads_its_own_format().then_some(cell)
            }
            "decimal" => {
                let (precision, scale) = args?.split_once(',')?;
                let (p, s) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
                (1..=38).contains(&p).then_some(())?;
                (s <= p).then_some(Self::of(Type::Decimal(p, s)))
            }
            _ => None,
        }
    }

    /// Reads one field. Empty is null; `None` is a bad value.
    #[inline]
    pub fn read<'a>(&self, field: &'a str) -> Option<Value<'a>> {
        if field.is_empty() {
            return Some(Value::Null);
        }
        if self.ty == Type::Text {
            return Some(Value::Text(field));
        }
        let text = trim(field);
        match self.ty {
            Type::Text => Some(Value::Text(field)),
            Type::Int => read_int(text).map(Value::Int),
            Type::Float => self.with_point(text, read_float).map(Value::Float),
            Type::Decimal(p, s) => self.with_point(text, |t| read_decimal(t, p, s)).map(Value::Decimal),
            Type::Bool => read_bool(text).map(Value::Bool),
            Type::Date => self.read_date(text).map(Value::Date),
            Type::Datetime => self.read_datetime(text).map(Value::Datetime),
        }
    }

    /// Reads a value that has a type already, in the file or by its form: ISO dates, decimal points, whatever the format of
    /// the column's texts is. A day is its midnight, and a midnight is a day.
    pub fn read_typed<'a>(&self, text: &'a str) -> Option<Value<'a>> {
        let plain = Self::of(self.ty);
        let moment = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok();
        match self.ty {
            Type::Date if text.len() > 10 => plain.read(text.strip_suffix(" 00:00:00")?),
            Type::Datetime if text.len() == 10 => {
                let day = iso_date(text.as_bytes())?.and_hms_opt(0, 0, 0)?;
                Some(Value::Datetime(day.and_utc().timestamp_micros()))
            }
            Type::Datetime => {
                let moment = moment(text).filter(|moment| in_range(moment.date()))?;
                Some(Value::Datetime(moment.and_utc().timestamp_micros()))
            }
            _ => plain.read(text),
        }
    }

    /// Reads a number with a decimal point. If the mark is a comma, a text with a point is not a number.
    #[inline]
    fn with_point<T>(&self, text: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        match self.mark {
            DecimalMark::Point => read(text),
            DecimalMark::Comma if text.contains('.') => None,
            DecimalMark::Comma => read(&text.replace(',', ".")),
        }
    }

    /// Whether a moment written in the format is read back the same; one with a mistake or without a year is not.
    fn reads_its_own_format(&self) -> bool {
        let Some(format) = &self.format else { return true };
        if StrftimeItems::new(format).any(|item| item == Item::Error) {
            return false;
        }
        let day = NaiveDate::from_ymd_opt(2021, 10, 29).unwrap_or_default();
        let moment = day.and_hms_opt(23, 48, 57).unwrap_or_default();
        let mut text = String::new();
        // A format that cannot be written, such as one with a time zone, cannot be read back either.
        if write!(text, "{}", moment.format(format)).is_err() {
            return false;
        }
        match self.ty {
            Type::Date => NaiveDate::parse_from_str(&text, format) == Ok(day),
            _ => NaiveDateTime::parse_from_str(&text, format).is_ok_and(|read| (moment - read).num_minutes() == 0),
        }
    }

    fn read_date(&self, text: &str) -> Option<i32> {
        let date = match &self.format {
            None => iso_date(text.as_bytes())?,
            Some(format) => NaiveDate::parse_from_str(text, format).ok()?,
        };
        in_range(date).then(|| date.to_epoch_days())
    }

    fn read_datetime(&self, text: &str) -> Option<i64> {
        let naive = match &self.format {
            Some(format) => NaiveDateTime::parse_from_str(text, format).ok()?,
            None => iso_moment(text)?,
        };
        // A leap second can move a moment past the end of the last year.
        let micros = naive.and_utc().timestamp_micros();
        DateTime::from_timestamp_micros(micros).filter(|t| in_range(t.date_naive())).map(|_| micros)
    }
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

/// Reads RFC 3339, or `YYYY-MM-DD HH:MM:SS` in UTC; chrono alone would allow single digits, spaces and other signs too.
fn iso_moment(text: &str) -> Option<NaiveDateTime> {
    let (date, time) = text.as_bytes().split_at_checked(10)?;
    let day = iso_date(date)?;
    let [separator, h1, h2, b':', m1, m2, b':', s1, s2, zone @ ..] = time else { return None };
    [h1, h2, m1, m2, s1, s2].iter().all(|d| d.is_ascii_digit()).then_some(())?;
    match (separator, zone) {
        (b' ', []) => {
            let number = |a: &u8, b: &u8| u32::from(a - b'0') * 10 + u32::from(b - b'0');
            day.and_hms_opt(number(h1, h2), number(m1, m2), number(s1, s2))
        }
        (b'T' | b't', _) if text.is_ascii() => DateTime::parse_from_rfc3339(text).ok().map(|t| t.naive_utc()),
        _ => None,
    }
}

fn in_range(date: NaiveDate) -> bool {
    (1..=9999).contains(&date.year())
}

fn read_int(text: &str) -> Option<i64> {
    // `i64::from_str` accepts exactly `[+-]?[0-9]+` within range.
    text.parse().ok()
}

fn read_float(text: &str) -> Option<f64> {
    // `f64::from_str` also accepts `inf`, `infinity` and `nan`, which have other letters than an exponent's `e`.
    let plain = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|x: &f64| plain && x.is_finite())
}

fn read_bool(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Reads `[+-]?` digits, with at most `scale` of them after the point and at most `precision` in all.
pub fn read_decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let valid = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let enough = !(whole.is_empty() && fraction.is_empty()) && fraction.len() <= scale.into();
    (valid(whole) && valid(fraction) && enough).then_some(())?;
    let padding = std::iter::repeat_n(b'0', usize::from(scale) - fraction.len());
    let mut value = 0i128;
    for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
        value = value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    let limit = 10i128.pow(precision.into());
    (value < limit).then_some(if negative { -value } else { value })
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
            ("int", "42.0", None),
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
            let cell = CellType { mark: DecimalMark::Comma, ..CellType::parse(ty).expect("a type") };
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
        let comma = CellType { mark: DecimalMark::Comma, ..CellType::of(Type::Decimal(5, 2)) };
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
    fn unknown_types_are_none() {
        for bad in [
            "date(dd.mm.yyyy)",
            "date(%d.%m)",
            "date(%Q.%m.%Y)",
            "datetime(%Y-%m-%d)",
            "datetime(%Y-%m-%dT%H:%M:%S%:z)",
            "date()",
            "integer",
            "decimal",
            "decimal(2,3)",
            "decimal(39,2)",
            "int(4)",
            "date(",
            "",
        ] {
            assert_eq!(CellType::parse(bad), None, "{bad}");
        }
    }
}

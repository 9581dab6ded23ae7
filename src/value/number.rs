//! Numbers as people and programs write them: marks between digits, signs, currency. Owns what is a number and what only looks
//! like one; everything else is bad.

/// What separates a number's fraction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DecimalMark {
    /// `1.5`
    #[default]
    Point,
    /// `1,5`
    Comma,
}

/// How a source writes numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notation {
    pub decimal: DecimalMark,
    /// What separates groups of three digits before the fraction; a space is any space of Unicode.
    pub thousands: Option<char>,
    /// What may stand once at either end, such as a currency's sign.
    pub strip: Vec<String>,
    /// Whether `(5)` is -5.
    pub parentheses: bool,
    /// Whether `5-` is -5.
    pub trailing: bool,
}

impl Notation {
    /// Digits, a sign and a decimal point.
    pub const PLAIN: Self =
        Self { decimal: DecimalMark::Point, thousands: None, strip: Vec::new(), parentheses: false, trailing: false };

    /// Whether a number stands as it is read, but for the decimal mark.
    fn is_plain(&self) -> bool {
        self.thousands.is_none() && self.strip.is_empty() && !self.parentheses && !self.trailing
    }

    /// Gives a number with a decimal point and nothing else to `read`.
    #[inline]
    pub fn read<T>(&self, text: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        match self.decimal {
            DecimalMark::Point if self.is_plain() => read(text),
            _ => read(&self.plain(text)?),
        }
    }

    fn plain(&self, text: &str) -> Option<String> {
        if self.is_plain() {
            return self.with_point(text);
        }
        let (sign, digits) = self.ends(text)?;
        Some(format!("{sign}{}", self.with_point(&self.without_groups(digits)?)?))
    }

    /// The sign, and what stands between signs, currencies and parentheses.
    fn ends<'a>(&self, text: &'a str) -> Option<(&'static str, &'a str)> {
        let (mut rest, mut negative, mut signs) = (text.trim(), false, 0);
        // What was taken off the start, and off the end.
        let mut stripped = (false, false);
        if self.parentheses && rest.starts_with('(') && rest.ends_with(')') && rest.len() > 2 {
            (rest, negative, signs) = (rest[1..rest.len() - 1].trim(), true, 1);
        }
        loop {
            if let Some(inner) = rest.strip_prefix(['-', '+', '\u{2212}']).filter(|_| signs == 0) {
                negative = !rest.starts_with('+');
                (rest, signs) = (inner.trim_start(), 1);
            } else if let Some(inner) = rest.strip_suffix('-').filter(|_| self.trailing && signs == 0) {
                (rest, negative, signs) = (inner.trim_end(), true, 1);
            } else if let Some(inner) = self.stripped(|what| rest.strip_prefix(what)).filter(|_| !stripped.0) {
                (rest, stripped.0) = (inner.trim_start(), true);
            } else if let Some(inner) = self.stripped(|what| rest.strip_suffix(what)).filter(|_| !stripped.1) {
                (rest, stripped.1) = (inner.trim_end(), true);
            } else if self.parentheses && signs == 0 && rest.starts_with('(') && rest.ends_with(')') && rest.len() > 2 {
                // `$(5.00)`.
                (rest, negative, signs) = (rest[1..rest.len() - 1].trim(), true, 1);
            } else {
                break;
            }
        }
        // No digit at either end: whatever is there is not known.
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
        (digit(rest.chars().next()) && digit(rest.chars().next_back()))
            .then_some((if negative { "-" } else { "" }, rest))
    }

    /// A text without the first of the texts to strip that `without` takes off.
    fn stripped<'a>(&self, without: impl Fn(&str) -> Option<&'a str>) -> Option<&'a str> {
        self.strip.iter().filter(|what| !what.is_empty()).find_map(|what| without(what))
    }

    /// The number without the marks of its groups, if those stand where they must.
    fn without_groups(&self, text: &str) -> Option<String> {
        let Some(mark) = self.thousands else { return Some(text.to_owned()) };
        let is_mark = |c: char| c == mark || (mark == ' ' && c.is_whitespace()) || (mark == '\'' && c == '\u{2019}');
        let point = if self.decimal == DecimalMark::Comma { ',' } else { '.' };
        let (whole, fraction) = text.split_at(text.find([point, 'e', 'E']).unwrap_or(text.len()));
        let groups: Vec<&str> = whole.split(is_mark).collect();
        let digits = |group: &&str| group.bytes().all(|b| b.is_ascii_digit());
        let (first, others) = groups.split_first()?;
        let sound =
            others.is_empty() || ((1..=3).contains(&first.len()) && others.iter().all(|group| group.len() == 3));
        (sound && groups.iter().all(digits)).then(|| groups.concat() + fraction)
    }

    fn with_point(&self, text: &str) -> Option<String> {
        match self.decimal {
            DecimalMark::Point => Some(text.to_owned()),
            // A text with a point is not a number where commas are the mark.
            DecimalMark::Comma if text.contains('.') => None,
            DecimalMark::Comma => Some(text.replace(',', ".")),
        }
    }
}

/// Reads `[+-]?` digits within 64 bits; behind them may stand a fraction of zeros, as spreadsheets and pandas write integers.
pub fn read_int(text: &str) -> Option<i64> {
    // `i64::from_str` accepts exactly `[+-]?[0-9]+` within range.
    text.parse().ok().or_else(|| {
        let (whole, fraction) = text.split_once('.')?;
        let zeros = !fraction.is_empty() && fraction.bytes().all(|b| b == b'0');
        whole.parse().ok().filter(|_| zeros)
    })
}

pub fn read_float(text: &str) -> Option<f64> {
    // `f64::from_str` also accepts `inf`, `infinity` and `nan`, which have other letters than an exponent's `e`.
    let plain = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|x: &f64| plain && x.is_finite())
}

/// The double that is nearest to a decimal with `scale` digits behind the point.
pub fn decimal_to_float(unscaled: i128, scale: u8) -> f64 {
    const EXACT: u128 = 1 << f64::MANTISSA_DIGITS;
    // Both numbers are exact doubles then, and one division rounds once.
    if unscaled.unsigned_abs() <= EXACT && scale <= 22 {
        return unscaled as f64 / 10f64.powi(scale.into());
    }
    format!("{unscaled}e-{scale}").parse().unwrap_or_default()
}

/// A double rounded to at most 15 digits behind the point, halves away from zero.
pub fn round(value: f64, digits: u32) -> f64 {
    let factor = 10f64.powi(digits as i32);
    let wide = value * factor;
    if wide.is_finite() { wide.round() / factor } else { value }
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

    fn decimal(notation: &Notation, text: &str) -> Option<i128> {
        notation.read(text, |text| read_decimal(text, 12, 2))
    }

    #[test]
    fn numbers_as_people_write_them() {
        let strip = ["\u{20ac}", "$", "%", "EUR"].map(str::to_owned).to_vec();
        let english = Notation { thousands: Some(','), strip: strip.clone(), parentheses: true, ..Notation::PLAIN };
        let german =
            Notation { decimal: DecimalMark::Comma, thousands: Some('.'), strip, trailing: true, ..Notation::PLAIN };
        for (notation, text, want) in [
            (&english, "1,011.50", Some(101_150)),
            (&english, "1011.5", Some(101_150)),
            (&english, "$1,234,567.89", Some(123_456_789)),
            (&english, "-$5.00", Some(-500)),
            (&english, "$-5", Some(-500)),
            (&english, "($5.00)", Some(-500)),
            (&english, "$(5.00)", Some(-500)),
            (&english, "(-5)", None),
            (&english, "12.5 %", Some(1250)),
            (&english, "10,00", None),
            (&english, "1,0111.5", None),
            (&english, "1,,011", None),
            (&english, ",100", None),
            (&english, "5-", None),
            (&english, "5 GBP", None),
            (&english, "$$5", None),
            (&english, "$-$5", None),
            (&english, "(5%)$", None),
            (&english, "$", None),
            (&english, "1e3", None),
            (&german, "1.299,00", Some(129_900)),
            (&german, "1.29", None),
            (&german, "10,00 \u{20ac}", Some(1000)),
            (&german, "EUR 10,00", Some(1000)),
            (&german, "12,50-", Some(-1250)),
            (&german, "(5)", None),
        ] {
            assert_eq!(decimal(notation, text), want, "{text}");
        }
        let french = Notation { decimal: DecimalMark::Comma, thousands: Some(' '), ..Notation::PLAIN };
        assert_eq!(decimal(&french, "1\u{202f}234,5"), Some(123_450));
        let swiss = Notation { thousands: Some('\''), ..Notation::PLAIN };
        assert_eq!((decimal(&swiss, "1'234.5"), decimal(&swiss, "1\u{2019}234")), (Some(123_450), Some(123_400)));
        assert_eq!(french.read("1 234,0", read_int), Some(1234));
    }

    #[test]
    fn integers_may_have_a_fraction_of_zeros() {
        assert_eq!(
            ["12.0", "-7.000", "12.", "12.5", ".0", "1e3"].map(read_int),
            [Some(12), Some(-7), None, None, None, None]
        );
    }
}

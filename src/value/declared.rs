//! Types as a spec writes them: `decimal(12,2)`, `date(%d.%m.%Y|%F)`, `bool(YES|NO)`. Owns their names; says what is wrong
//! with one.

use super::cell::{CellType, Type};
use super::moment::Format;

impl CellType {
    /// Reads a type. The error is what is wrong with it, if it has a known name; the caller says which there are.
    pub fn parse(text: &str) -> Result<Self, Option<String>> {
        let (name, args) = match text.split_once('(') {
            Some((name, rest)) => (name.trim(), Some(rest.strip_suffix(')').ok_or(None)?)),
            None => (text.trim(), None),
        };
        let plain = |ty| if args.is_none() { Ok(Self::of(ty)) } else { Err(None) };
        match name {
            "text" => plain(Type::Text),
            "int" => plain(Type::Int),
            "float" => plain(Type::Float),
            "bool" => Ok(Self { words: args.map(words).transpose()?, ..Self::of(Type::Bool) }),
            "decimal" => decimal(args.ok_or(None)?).map(Self::of).ok_or(None),
            "date" => Ok(Self { formats: formats(args, Type::Date)?, ..Self::of(Type::Date) }),
            "datetime" => Ok(Self { formats: formats(args, Type::Datetime)?, ..Self::of(Type::Datetime) }),
            "time" => {
                let args = args.unwrap_or("%H:%M:%S%.f|%H:%M");
                Ok(Self { formats: formats(Some(args), Type::Text)?, is_clock: true, ..Self::of(Type::Text) })
            }
            _ => Err(None),
        }
    }
}

fn decimal(args: &str) -> Option<Type> {
    let (precision, scale) = args.split_once(',')?;
    let (p, s) = (precision.trim().parse().ok()?, scale.trim().parse().ok()?);
    ((1..=38).contains(&p) && s <= p).then_some(Type::Decimal(p, s))
}

/// The words for true and false.
fn words(args: &str) -> Result<(String, String), Option<String>> {
    let wrong = || Some("`bool` takes the words for true and false, as in `bool(YES|NO)`".to_owned());
    let (yes, no) = args.split_once('|').ok_or_else(wrong)?;
    let (yes, no) = (yes.trim(), no.trim());
    let sound = !yes.is_empty() && !no.is_empty() && !no.contains('|') && !yes.eq_ignore_ascii_case(no);
    if sound { Ok((yes.to_owned(), no.to_owned())) } else { Err(wrong()) }
}

/// The formats of a date, a datetime or (of no type of its own) a time of day.
fn formats(args: Option<&str>, ty: Type) -> Result<Vec<Format>, Option<String>> {
    let Some(args) = args else { return Ok(Vec::new()) };
    let formats = args.split('|').map(|format| {
        let wrong = |why: &str| Some(format!("the format `{}`: {why}", format.escape_debug()));
        let read = Format::parse(format).map_err(|why| wrong(&why))?;
        match ty {
            Type::Datetime if !read.has_time() => Err(wrong("it says no time of day: use `date(…)`")),
            Type::Date | Type::Datetime if !read.has_date() => Err(wrong("it says no day")),
            Type::Text if read.has_date() => Err(wrong("a time of day has no day")),
            Type::Text if read.has_offset() => {
                Err(wrong("a time of day has no offset: read day and time as one datetime"))
            }
            _ => Ok(read),
        }
    });
    let formats = formats.collect::<Result<Vec<_>, _>>()?;
    let orders: Vec<bool> = formats.iter().filter_map(Format::day_comes_first).collect();
    if orders.contains(&true) && orders.contains(&false) {
        let message = "one format has the day before the month and another behind it: `01/02` would be either";
        return Err(Some(message.to_owned()));
    }
    let pairs =
        || formats.iter().enumerate().flat_map(|(at, one)| formats[at + 1..].iter().map(move |other| (one, other)));
    if pairs().any(|(one, other)| one.is_mixed_up_with(other)) {
        let message = "two formats are of digits alone: nobody can say which of them a number is";
        return Err(Some(message.to_owned()));
    }
    let years: Vec<bool> = formats.iter().filter_map(Format::short_year_first).collect();
    if years.contains(&true) && years.contains(&false) {
        let message = "one format has a year of two digits first and another has it last: `01/02/03` would be either";
        return Err(Some(message.to_owned()));
    }
    Ok(formats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_type_is_said() {
        for bad in ["integer", "decimal", "decimal(2,3)", "decimal(39,2)", "int(4)", "date(", "", "text(5)"] {
            assert_eq!(CellType::parse(bad), Err(None), "{bad}");
        }
        for (bad, why) in [
            ("date(dd.mm.yyyy)", "a year, a month and a day"),
            ("date(%d.%m)", "a year, a month and a day"),
            ("date(%Q.%m.%Y)", "`%Q` is not read"),
            ("date()", "a year, a month and a day"),
            ("datetime(%Y-%m-%d)", "it says no time of day: use `date(…)`"),
            ("datetime(%Y-%m-%dT%H:%M:%S+02:00)", "write %z"),
            ("date(%d/%m/%Y|%m/%d/%Y)", "`01/02` would be either"),
            ("date(%d/%m/%y|%y/%m/%d)", "`01/02/03` would be either"),
            ("date(%d%m%Y|%Y%m%d)", "digits alone"),
            ("datetime(epoch_s|epoch_ms)", "digits alone"),
            ("date(excel|%y%m%d)", "digits alone"),
            ("datetime(%F %T UTC)", "write %Z"),
            ("datetime(%Y-%m-%dT%H:%M:%S.000Z)", "write %Z"),
            ("datetime(%F %T GMT+2)", "write %z"),
            ("time(%H:%M %z)", "has no offset"),
            ("bool(yes)", "`bool(YES|NO)`"),
            ("bool(Y|y)", "`bool(YES|NO)`"),
            ("time(%Y-%m-%d %H:%M)", "has no day"),
        ] {
            let told = CellType::parse(bad);
            assert!(matches!(&told, Err(Some(told)) if told.contains(why)), "{bad}: {told:?}");
        }
        assert!(CellType::parse("datetime(%Y-%m-%dT%H:%M:%S%:z|epoch_ms)").is_ok());
        assert!(
            CellType::parse("datetime(%Y%m%dT%H%M%SZ|excel|epoch_s)").is_ok()
                && CellType::parse("date(%Y%m%d|excel)").is_ok()
        );
    }
}

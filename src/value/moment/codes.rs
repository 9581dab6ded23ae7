//! What the codes of a format mean, and which formats are refused because a text would be read wrongly or two ways. Reads no text.

use super::{Item, Part};

/// The parts that a code stands for.
pub(super) fn codes(code: &str) -> Result<Vec<Item>, String> {
    let two = |part| Item::Number(part, 1, 2);
    let exact = |part| Item::Number(part, 2, 2);
    let colon = Item::Literal(':');
    Ok(match code {
        "Y" => vec![Item::Number(Part::Year, 4, 4)],
        "y" => vec![exact(Part::ShortYear)],
        "m" => vec![two(Part::Month)],
        "d" => vec![two(Part::Day)],
        "e" => vec![Item::Number(Part::Day, 0, 2)],
        "H" => vec![two(Part::Hour)],
        "I" => vec![two(Part::Hour12)],
        "M" => vec![exact(Part::Minute)],
        "S" => vec![exact(Part::Second)],
        "F" => vec![
            Item::Number(Part::Year, 4, 4),
            Item::Literal('-'),
            exact(Part::Month),
            Item::Literal('-'),
            exact(Part::Day),
        ],
        "T" => vec![exact(Part::Hour), colon, exact(Part::Minute), colon, exact(Part::Second)],
        "R" => vec![exact(Part::Hour), colon, exact(Part::Minute)],
        "b" | "B" | "h" => vec![Item::MonthName],
        "a" | "A" => vec![Item::DayName],
        "p" | "P" => vec![Item::HalfDay],
        ".f" => vec![Item::Fraction],
        "z" | ":z" => vec![Item::Offset],
        "Z" => vec![Item::Zone],
        "%" => vec![Item::Literal('%')],
        other => {
            return Err(format!(
                "`%{other}` is not read: use %Y %y %m %d %e %b %B %a %A %H %I %p %M %S %.f %z %Z %F %T %R, or epoch_s, epoch_ms, excel"
            ));
        }
    })
}

/// Fails for an offset that is written as text: it would be read over, and each time would be wrong by it.
pub(super) fn refuse_offset(items: &[Item]) -> Result<(), String> {
    let text: String = items.iter().map(|item| if let Item::Literal(c) = item { *c } else { '\0' }).collect();
    for (at, sign) in text.char_indices().filter(|(_, c)| matches!(c, '+' | '-' | '\u{2212}')) {
        let digits: String =
            text[at + sign.len_utf8()..].chars().take_while(|c| c.is_ascii_digit() || *c == ':').collect();
        if digits.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!(
                "the offset `{sign}{digits}` stands in the format as text, and no time would be moved by it: write %z"
            ));
        }
    }
    Ok(())
}

/// Fails for UTC that is written as text behind a time: it would be read over, and the source's zone taken instead.
pub(super) fn refuse_zone(items: &[Item]) -> Result<(), String> {
    let has_time = items.iter().any(|item| matches!(item, Item::Number(Part::Hour | Part::Hour12, ..)));
    let text: String = items.iter().map(|item| if let Item::Literal(c) = item { *c } else { ' ' }).collect();
    let mut words = text.split(|c: char| !c.is_alphabetic());
    match words.find(|word| ["z", "utc", "gmt"].contains(&word.to_ascii_lowercase().as_str())).filter(|_| has_time) {
        Some(word) => Err(format!("`{word}` stands in the format as text, and would be read over: write %Z, or %z")),
        None => Ok(()),
    }
}

/// Numbers that nothing separates have all their digits.
pub(super) fn packed(mut items: Vec<Item>) -> Vec<Item> {
    let is_number = |item: Option<&Item>| matches!(item, Some(Item::Number(..)));
    for at in 0..items.len() {
        let touches = is_number(items.get(at + 1)) || (at > 0 && is_number(items.get(at - 1)));
        if let Item::Number(part, 1.., most) = items[at]
            && touches
        {
            items[at] = Item::Number(part, most, most);
        }
    }
    // A `T` between a day and an hour separates them too, and `Z` behind a time says that it is UTC.
    let last = items.len().saturating_sub(1);
    if last > 0 && items[last] == Item::Literal('Z') && matches!(items[last - 1], Item::Number(..) | Item::Fraction) {
        items[last] = Item::Zone;
    }
    items
}

/// Fails for a format without a whole day, or with something twice.
pub(super) fn check(items: &[Item]) -> Result<(), String> {
    let count = |fits: &dyn Fn(&Item) -> bool| items.iter().filter(|item| fits(item)).count();
    let part = |wanted: &'static [Part]| count(&|item| matches!(item, Item::Number(part, ..) if wanted.contains(part)));
    let month = part(&[Part::Month]) + count(&|item| *item == Item::MonthName);
    let (year, day, hour) =
        (part(&[Part::Year, Part::ShortYear]), part(&[Part::Day]), part(&[Part::Hour, Part::Hour12]));
    let twelve = part(&[Part::Hour12]);
    if year > 1 || month > 1 || day > 1 || hour > 1 {
        return Err("it says a year, a month, a day or an hour twice".to_owned());
    }
    if (year, month, day) != (1, 1, 1) && (year + month + day > 0 || hour == 0) {
        return Err("it needs a year, a month and a day".to_owned());
    }
    if twelve != count(&|item| *item == Item::HalfDay) {
        return Err("%I and %p go together".to_owned());
    }
    if hour == 0 && part(&[Part::Minute, Part::Second]) + count(&|item| *item == Item::Fraction) > 0 {
        return Err("it has minutes or seconds without an hour".to_owned());
    }
    if hour == 1 && part(&[Part::Minute]) == 0 && part(&[Part::Second]) > 0 {
        return Err("it has seconds without minutes".to_owned());
    }
    Ok(())
}

//! The records of inputs that are not CSV, for the verification: JSON by `serde_json`, sheets by `calamine`, Parquet by
//! `parquet`, with values as arrow displays them. Never uses the run's own reader.

use std::io::{self, BufRead, BufReader, Read};

use arrow::array::{Array, ArrayRef, AsArray, StructArray, make_array};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use calamine::{DataRef, Xlsx};
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::customers::is_of;
use super::decode::Decoded;
use super::records::Row;
use super::unpacked::Packed;
use crate::spec::{Column, Encoding, Source};

/// A value: its text, and what it is.
type Value = (String, Form);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Text,
    /// It has a type already.
    Typed,
    /// An object or a list.
    Nested,
    /// It is no text.
    Broken,
}

/// The values of a record by name, or nothing when it is not sound.
type Named = Option<Vec<(String, Value)>>;

/// Calls `visit` with the records of a JSON file; their fields are those of `columns`.
pub(super) fn json(
    file: &Packed<'_>,
    encoding: Encoding,
    is_array: bool,
    source: &Source,
    columns: &[&Column],
    visit: &mut dyn FnMut(&Row),
) -> io::Result<()> {
    let mut text = BufReader::new(Decoded::new(file.bytes()?, encoding)?);
    if is_array {
        let mut whole = Vec::new();
        text.read_to_end(&mut whole)?;
        for object in objects(&whole) {
            visit(&row(object_of(object), std::str::from_utf8(object).is_ok(), source, columns));
        }
        return Ok(());
    }
    let mut line = Vec::new();
    while text.read_until(b'\n', &mut line)? > 0 {
        let object = super::records::unmarked(line.trim_ascii()).trim_ascii();
        if !object.is_empty() {
            visit(&row(object_of(object), std::str::from_utf8(object).is_ok(), source, columns));
        }
        line.clear();
    }
    Ok(())
}

/// The objects of an array, by counting braces outside of strings.
fn objects(array: &[u8]) -> Vec<&[u8]> {
    let (mut found, mut depth, mut start, mut in_string, mut escaped) = (Vec::new(), 0, 0, false, false);
    for (at, byte) in array.iter().enumerate() {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' if in_string => escaped = true,
            b'"' if depth > 0 => in_string = !in_string,
            _ if in_string => {}
            b'{' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    found.push(&array[start..=at]);
                }
            }
            _ => {}
        }
    }
    found
}

fn object_of(bytes: &[u8]) -> Named {
    let mut values = Vec::new();
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let whole = Object { before: String::new(), depth: 0, values: &mut values }
        .deserialize(&mut parser)
        .is_ok_and(|sound| sound);
    (whole && parser.end().is_ok()).then_some(values)
}

struct Object<'a> {
    before: String,
    /// Objects around this one; a record with more than 100 is refused.
    depth: usize,
    values: &'a mut Vec<(String, Value)>,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut sound = true;
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            let (name, raw) = (format!("{}{name}", self.before), value.get());
            let value = match raw.chars().next() {
                Some('"') => {
                    serde_json::from_str(raw).map_or_else(|_| (String::new(), Form::Broken), |text| (text, Form::Text))
                }
                Some('n') => Value::default(),
                Some('{' | '[') => (raw.to_owned(), Form::Nested),
                _ => (raw.to_owned(), Form::Typed),
            };
            self.values.push((name.clone(), value));
            if raw.starts_with('{') {
                let inner = Object { before: format!("{name}."), depth: self.depth + 1, values: self.values };
                sound &= self.depth < 100
                    && inner.deserialize(&mut serde_json::Deserializer::from_str(raw)).unwrap_or(false);
            }
        }
        Ok(sound)
    }
}

/// A record whose fields are these columns; a column with two values makes it unsound.
fn row(named: Named, valid: bool, source: &Source, columns: &[&Column]) -> Row {
    let mut row = Row { valid, sound: named.is_some(), ..Row::default() };
    let named = named.unwrap_or_default();
    for column in columns {
        let exact = |name: &str| columns.iter().any(|any| any.headers.iter().any(|header| header == name));
        let of = |name: &str| match exact(name) {
            true => column.headers.iter().any(|header| header == name),
            false => is_of(column, name, source.form.any_case),
        };
        let found: Vec<&(String, Value)> = named.iter().filter(|(name, _)| of(name)).collect();
        // An object of the column's name is its value only if no name within it is the column's too.
        let has_inner = |outer: &str| found.iter().any(|(name, _)| name.starts_with(&format!("{outer}.")));
        let is_outer = |(name, (_, form)): &&(String, Value)| *form == Form::Nested && has_inner(name);
        let mut values = found.iter().copied().filter(|value| !is_outer(value)).map(|(_, value)| value);
        let (text, form) = values.next().cloned().unwrap_or_default();
        // An object or a list is nobody's id.
        let links = source.links.as_ref().map_or(0, |links| links.columns.len());
        let is_key = row.fields.len() < links.max(1 + source.more_keys.len());
        row.sound &= values.next().is_none() && form != Form::Broken && !(is_key && form == Form::Nested);
        row.fields.push(text.into_bytes());
        row.typed.push(form == Form::Typed);
    }
    row
}

/// Calls `visit` with the rows of a Parquet file; their fields are those of `columns`.
pub(super) fn parquet(
    file: &Packed<'_>,
    source: &Source,
    columns: &[&Column],
    visit: &mut dyn FnMut(&Row),
) -> io::Result<()> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file.seekable()?, options);
    for batch in reader.and_then(ParquetRecordBatchReaderBuilder::build).map_err(io::Error::other)? {
        let mut leaves: Vec<(String, ArrayRef, Vec<ArrayRef>)> = Vec::new();
        let batch = StructArray::from(batch.map_err(io::Error::other)?);
        flatten(&batch, "", &[], &mut leaves);
        for at in 0..batch.len() {
            let (mut values, mut valid) = (Vec::new(), true);
            for (name, array, outer) in &leaves {
                let is_null = array.is_null(at) || outer.iter().any(|outer| outer.is_null(at));
                if is_null || !columns.iter().any(|column| is_of(column, name, source.form.any_case)) {
                    continue;
                }
                match value(array, at) {
                    Some(value) => values.push((name.clone(), value)),
                    None => valid = false,
                }
            }
            visit(&row(Some(values), valid, source, columns));
        }
    }
    Ok(())
}

/// The columns that hold values, each with the structures around it.
fn flatten(of: &StructArray, before: &str, outer: &[ArrayRef], leaves: &mut Vec<(String, ArrayRef, Vec<ArrayRef>)>) {
    for (field, array) in of.fields().iter().zip(of.columns()) {
        let name = format!("{before}{}", field.name());
        match array.as_struct_opt() {
            Some(inner) => flatten(inner, &format!("{name}."), &[outer, std::slice::from_ref(array)].concat(), leaves),
            None => leaves.push((name, array.clone(), outer.to_vec())),
        }
    }
}

/// A moment is stored in UTC; displayed in a zone it would need a list of zones.
fn without_zone(array: &ArrayRef) -> Option<ArrayRef> {
    let DataType::Timestamp(unit, Some(_)) = array.data_type() else { return Some(array.clone()) };
    let data = array.to_data().into_builder().data_type(DataType::Timestamp(*unit, None)).build().ok()?;
    Some(make_array(data))
}

/// A value, as arrow displays it; none for bytes that are no text.
fn value(array: &ArrayRef, at: usize) -> Option<Value> {
    let plain = |text: &str| Some((text.to_owned(), Form::Text));
    match array.data_type() {
        DataType::Utf8 => plain(array.as_string::<i32>().value(at)),
        DataType::Binary => std::str::from_utf8(array.as_binary::<i32>().value(at)).ok().and_then(plain),
        ty => {
            let shown = array_value_to_string(&without_zone(array)?, at).ok()?;
            Some(match ty {
                DataType::Timestamp(_, zone) => {
                    (shown.replace('T', " ").replace('Z', "") + if zone.is_some() { "Z" } else { "" }, Form::Typed)
                }
                DataType::Time32(_) | DataType::Time64(_) => (shown, Form::Text),
                ty if ty.is_floating() => {
                    (shown.parse::<f64>().map_or(shown, |number| number.to_string()), Form::Typed)
                }
                _ => (shown, Form::Typed),
            })
        }
    }
}

/// Calls `visit` with the rows of a sheet that have a value, with the number of each, from 1.
pub(super) fn sheet(file: &Packed<'_>, sheet: &str, visit: &mut dyn FnMut(u64, Row)) -> io::Result<()> {
    let mut workbook =
        calamine::open_workbook_from_rs::<Xlsx<_>, _>(BufReader::new(file.seekable()?)).map_err(io::Error::other)?;
    let mut cells = workbook.worksheet_cells_reader(sheet).map_err(io::Error::other)?;
    let (mut row, mut at) = (empty(), 0);
    while let Some(cell) = cells.next_cell().map_err(io::Error::other)? {
        let (line, column) = cell.get_position();
        if line != at && !row.fields.is_empty() {
            visit(u64::from(at) + 1, std::mem::replace(&mut row, empty()));
        }
        at = line;
        let (text, form) = text(cell.get_value());
        if text.is_empty() {
            continue;
        }
        row.fields.resize(row.fields.len().max(column as usize + 1), Vec::new());
        row.typed.resize(row.fields.len(), false);
        row.fields[column as usize] = text.into_bytes();
        row.typed[column as usize] = form == Form::Typed;
    }
    if !row.fields.is_empty() {
        visit(u64::from(at) + 1, row);
    }
    Ok(())
}

fn empty() -> Row {
    Row { valid: true, sound: true, ..Row::default() }
}

fn text(value: &DataRef<'_>) -> Value {
    match value {
        DataRef::Empty => Value::default(),
        DataRef::String(text) | DataRef::DurationIso(text) => (text.clone(), Form::Text),
        DataRef::SharedString(text) => ((*text).to_owned(), Form::Text),
        DataRef::Int(number) => (number.to_string(), Form::Typed),
        DataRef::Float(number) if number.abs() < 1e15 => (format!("{number}"), Form::Typed),
        // A spreadsheet keeps no more digits than 15.
        DataRef::Float(number) => (format!("{number:E}").replace('E', "E+"), Form::Typed),
        DataRef::Bool(truth) => (truth.to_string(), Form::Typed),
        DataRef::DateTimeIso(text) => (text.replace('T', " ").replace('Z', "").replace(" 00:00:00", ""), Form::Typed),
        DataRef::Error(error) => (error.to_string(), Form::Text),
        DataRef::DateTime(moment) => {
            // Days since 1899-12-30 for all dates behind February 1900; parts of a day are thousandths of a second.
            let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
            let serial = moment.as_f64();
            match (hour, minute, second, milli) {
                _ if !moment.is_duration() && !(0.0..2_958_466.0).contains(&serial) => {
                    (serial.to_string(), Form::Typed)
                }
                _ if moment.is_duration() => {
                    let (sign, seconds) =
                        (if serial < 0.0 { "-" } else { "" }, (serial.abs() * 86_400.0).round() as u64);
                    (format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60), Form::Typed)
                }
                _ if (0.0..1.0).contains(&serial) => {
                    (format!("{hour:02}:{minute:02}:{second:02}{fraction}"), Form::Typed)
                }
                (0, 0, 0, 0) => (date, Form::Typed),
                _ => (format!("{date} {hour:02}:{minute:02}:{second:02}{fraction}"), Form::Typed),
            }
        }
    }
}

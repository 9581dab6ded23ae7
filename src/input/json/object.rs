//! One JSON object as fields: names to places, values to text. Owns how values are written: numbers as they stand in the
//! file, lists as JSON. Refuses an object that names a column twice.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::input::columns::Keys;

/// The fields of an object.
#[derive(Debug, Default)]
pub struct Fields {
    pub text: String,
    pub bounds: Vec<(usize, usize)>,
    pub typed: Vec<bool>,
    seen: Vec<Seen>,
    /// So many of the first fields are the id's.
    ids: usize,
}

/// What was seen of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Nothing,
    /// An object of this name: a name within it may be the field's too, and then counts.
    Object(String),
    Value,
}

impl Fields {
    pub fn new(width: usize, ids: usize) -> Self {
        Self {
            text: String::new(),
            bounds: vec![(0, 0); width],
            typed: vec![false; width],
            seen: vec![Seen::Nothing; width],
            ids,
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        self.bounds.fill((0, 0));
        self.typed.fill(false);
        self.seen.fill(Seen::Nothing);
    }

    /// Sets a field; false when it was set before, its text is no text, or it is an id and no single value.
    fn set(&mut self, at: usize, path: &str, value: &RawValue) -> bool {
        let (start, raw) = (self.text.len(), value.get());
        if at < self.ids && raw.starts_with(['{', '[']) {
            return false;
        }
        let now = if raw.starts_with('{') { Seen::Object(path.to_owned()) } else { Seen::Value };
        let is_new = match &self.seen[at] {
            Seen::Nothing => true,
            Seen::Object(outer) => path.strip_prefix(outer.as_str()).is_some_and(|inner| inner.starts_with('.')),
            Seen::Value => false,
        };
        self.seen[at] = now;
        if !is_new {
            return false;
        }
        self.typed[at] = false;
        match raw.as_bytes().first() {
            Some(b'"') => match serde_json::from_str::<Text<'_>>(raw) {
                Ok(Text(text)) => self.text.push_str(&text),
                Err(_) => return false,
            },
            Some(b'n') => {}
            Some(b'{' | b'[') => self.text.push_str(raw),
            // Numbers and booleans.
            _ => {
                self.text.push_str(raw);
                self.typed[at] = true;
            }
        }
        self.bounds[at] = (start, self.text.len());
        true
    }
}

/// A string, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads an object's fields; false when the text is none, or has a name twice.
pub fn read_object(text: &str, keys: &Keys, fields: &mut Fields) -> bool {
    fields.clear();
    let mut sound = true;
    let visited = visit_object(text, &mut |path: &str, value: &RawValue| {
        keys.find(path).for_each(|at| sound = sound && fields.set(at, path, value));
    });
    visited && sound
}

/// The names of a file's columns, from its first records.
#[derive(Debug, Default)]
pub struct Names {
    places: HashMap<String, ()>,
    /// In order of appearance.
    pub names: Vec<String>,
}

impl Names {
    /// Adds the names of an object. Those of objects within are joined by dots; one that holds an object has a name of
    /// its own only if `wanted` says so. False when the text is no object.
    pub fn add(&mut self, text: &str, wanted: impl Fn(&str) -> bool) -> bool {
        visit_object(text, &mut |path: &str, value: &RawValue| {
            let counts = !value.get().starts_with('{') || wanted(path);
            if counts && !self.places.contains_key(path) {
                self.places.insert(path.to_owned(), ());
                self.names.push(path.to_owned());
            }
        })
    }
}

/// Calls `visit` with the name and the value of every member, those of objects within too; false when the text is no
/// object.
fn visit_object(text: &str, visit: &mut impl FnMut(&str, &RawValue)) -> bool {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut path = String::new();
    let walk = Walk { path: &mut path, depth: 0, visit };
    walk.deserialize(&mut deserializer).is_ok_and(|sound| sound) && deserializer.end().is_ok()
}

/// Walks through an object.
struct Walk<'a, V> {
    /// Names of the objects around this one, each with a dot behind it.
    path: &'a mut String,
    depth: usize,
    visit: &'a mut V,
}

/// Objects in objects that are walked through; more would need more stack than a thread has.
const MOST_DEPTH: usize = 100;

impl<'de, V: FnMut(&str, &RawValue)> DeserializeSeed<'de> for Walk<'_, V> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, V: FnMut(&str, &RawValue)> Visitor<'de> for Walk<'_, V> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let (before, mut sound) = (self.path.len(), true);
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            let value: &'de RawValue = map.next_value()?;
            self.path.push_str(&name);
            (self.visit)(self.path, value);
            if value.get().starts_with('{') {
                self.path.push('.');
                let inner = Walk { path: self.path, depth: self.depth + 1, visit: self.visit };
                let mut parser = serde_json::Deserializer::from_str(value.get());
                sound = sound && self.depth < MOST_DEPTH && inner.deserialize(&mut parser).is_ok_and(|sound| sound);
            }
            self.path.truncate(before);
        }
        Ok(sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Column;
    use crate::value::CellType;

    fn fields(text: &str) -> Option<Vec<String>> {
        let column = |name: &str| Column {
            name: name.to_owned(),
            headers: vec![name.to_owned(), format!("other {name}"), format!("other {name}.in")],
            optional: true,
            cell: CellType::TEXT,
        };
        let columns = ["id", "a", "a.b", "n"].map(column);
        let keys = Keys::of(&columns.each_ref(), true);
        let mut fields = Fields::new(4, 0);
        let sound = read_object(text, &keys, &mut fields);
        let texts = fields
            .bounds
            .iter()
            .zip(&fields.typed)
            .map(|((from, to), typed)| format!("{}{}", if *typed { "=" } else { "" }, &fields.text[*from..*to]));
        sound.then(|| texts.collect())
    }

    #[test]
    fn values_keep_their_text() {
        let read = |text| fields(text).unwrap_or_default().join("|");
        assert_eq!(read(r#"{"id": "x\n\u00e9", "n": 1.10, "a": null}"#), "x\n\u{e9}|||=1.10");
        assert_eq!(
            read(r#"{"n": 123456789012345678901, "a": {"b": true, "c": [1]}}"#),
            "|{\"b\": true, \"c\": [1]}|=true|=123456789012345678901"
        );
        assert_eq!(read(r#"{"n": [1, "x"], "z": {"z": {}}}"#), "|||[1, \"x\"]");
        assert_eq!(read("{}"), "|||");
        assert_eq!(read(r#"{"other id": {"in": 7, "x": 1}}"#), "=7|||");
        assert_eq!(read(r#"{"other id": {"in": 7}, "other id": 8}"#), "", "twice");
        assert_eq!(read(r#"{"OTHER id": {"x": {"id": 1}}}"#), "{\"x\": {\"id\": 1}}|||");
        assert_eq!(read(r#"{"other id": "1", "OTHER\u200b A": "2", "iD": 3}"#), "", "a column twice");
        assert_eq!(read(r#"{"other id": "1", "OTHER\u200b A": "2"}"#), "1|2||");
    }

    #[test]
    fn what_is_no_object_or_says_a_name_twice_is_none() {
        for wrong in
            ["", "1", "[]", "{", r#"{"id": 1"#, r#"{"id": 1} x"#, r#"{"id": 1, "id": 2}"#, r#"{"id": "\ud800"}"#]
        {
            assert_eq!(fields(wrong), None, "{wrong}");
        }
        assert_eq!(fields(&format!("{}1{}", "{\"id\":".repeat(100_000), "}".repeat(100_000))), None);
        assert_eq!(fields(r#"{"a": {"b": 1}, "a.b": 2}"#), None);
    }

    #[test]
    fn names_come_in_order_of_appearance() {
        let mut names = Names::default();
        assert!(names.add(r#"{"id": 1, "a": {"b": 1, "c": {"d": 1}}}"#, |name| name == "a"));
        assert!(names.add(r#"{"x": 1, "id": 2}"#, |_| false) && !names.add("[1]", |_| false));
        assert_eq!(names.names, ["id", "a", "a.b", "a.c.d", "x"]);
    }
}

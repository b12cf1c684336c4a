//! A format from the configuration: where the fields of a JSON line are.

use std::str::FromStr;
use std::time::Duration;

use super::duration::{Unit, duration, go_duration};
use super::json::{self, MAX_PATH, Value};
use super::room::Room;
use super::{Reading, Request, Unparsed, fields};

/// The most conditions that a format may have.
pub(super) const MAX_CONDITIONS: usize = 8;
/// The number of fields.
const FIELDS: usize = 5;

/// The keys to a value, from the outside in: `http.method`. A dot in a key is written `\.`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldPath(Vec<Box<[u8]>>);

/// The text is not the path of a field.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{0}` is no path of a field; give up to {MAX_PATH} keys with dots between them, such as \
     `http.method`, and `\\.` for a dot in a key"
)]
pub struct FieldPathError(String);

/// Where the fields of an access line are, and what tells it from other lines.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// The method, a text.
    pub method: Option<FieldPath>,
    /// The request target, a text.
    pub path: Option<FieldPath>,
    /// The status code, a number or a text; `null` if there was no answer.
    pub status: Option<FieldPath>,
    /// How long it took, a number or a text.
    pub duration: Option<FieldPath>,
    /// The client, a text.
    pub client: Option<FieldPath>,
    /// Fields that have one of these values in every access line.
    pub conditions: Vec<(FieldPath, Vec<String>)>,
}

impl FromStr for FieldPath {
    type Err = FieldPathError;

    fn from_str(text: &str) -> Result<Self, FieldPathError> {
        let mut keys = vec![String::new()];
        let mut signs = text.chars();
        while let Some(sign) = signs.next() {
            match (sign, keys.last_mut()) {
                ('.', _) => keys.push(String::new()),
                ('\\', Some(key)) => key.extend(signs.next()),
                (_, Some(key)) => key.push(sign),
                (_, None) => {}
            }
        }
        if keys.len() > MAX_PATH || keys.iter().any(String::is_empty) {
            return Err(FieldPathError(text.to_owned()));
        }
        let keys = keys.into_iter().map(|key| key.into_bytes().into());
        Ok(Self(keys.collect()))
    }
}

impl FieldPath {
    fn is(&self, path: &[&[u8]]) -> bool {
        self.0.iter().map(AsRef::as_ref).eq(path.iter().copied())
    }
}

impl Object {
    /// Reads a line; one that is no object, or not the one that is meant, is [`Reading::Other`].
    pub(super) fn read<'a>(
        &self,
        line: &'a [u8],
        unit: Option<Unit>,
        room: &'a mut Room,
    ) -> Reading<'a> {
        if !line.trim_ascii_start().starts_with(b"{") {
            return Reading::Other;
        }
        let paths = [
            &self.method,
            &self.path,
            &self.status,
            &self.duration,
            &self.client,
        ];
        let mut values = [None; FIELDS];
        let mut met = [false; MAX_CONDITIONS];
        let walked = json::walk(line, &mut |path, value| {
            for (place, wanted) in values.iter_mut().zip(paths) {
                if wanted.as_ref().is_some_and(|wanted| wanted.is(path)) {
                    *place = Some(value);
                }
            }
            for (met, (wanted, expected)) in met.iter_mut().zip(&self.conditions) {
                *met |= wanted.is(path) && expected.iter().any(|expected| is(value, expected));
            }
        });
        if walked.is_err() {
            return Reading::Unparsed(Unparsed::Json);
        }
        let is_meant = met.iter().zip(&self.conditions).all(|(met, _)| *met);
        // Without conditions, an object that has no path and no status is about something else.
        let [_, path, status, ..] = values;
        if !is_meant || self.conditions.is_empty() && (path.is_none() || status.is_none()) {
            return Reading::Other;
        }
        request(values, unit, room).map_or(Reading::Unparsed(Unparsed::Field), Reading::Request)
    }
}

fn request<'a>(
    values: [Option<Value<'a>>; FIELDS],
    unit: Option<Unit>,
    room: &'a mut Room,
) -> Option<Request<'a>> {
    let [method, path, status, time, client] = values;
    let code = match status? {
        Value::Number(code) => Some(fields::code(code)?),
        Value::Text(code) => Some(fields::code(&code.decoded())?),
        Value::Null => None,
        Value::Bool(_) => return None,
    };
    let path = room.place_text(path)?;
    let method = room.place_text(method);
    let client = room.place_text(client);
    let room: &'a Room = room;
    Some(Request {
        method: method.map(|method| room.get(&method)),
        path: fields::path(room.get(&path)),
        code,
        duration: unit.and_then(|unit| took(time?, unit)),
        client: client.map(|client| room.get(&client)),
        auth_call: None,
    })
}

/// Reads a number in the unit, or a text that has a unit of its own. One that is neither (`-`, or
/// below zero after the clock was set) is no duration, but the request counts.
fn took(value: Value<'_>, unit: Unit) -> Option<Duration> {
    match value {
        Value::Number(time) => duration(time, unit),
        Value::Text(time) => {
            let time = time.decoded();
            duration(&time, unit).or_else(|| go_duration(&time))
        }
        _ => None,
    }
}

/// Tells whether a value is what a condition names.
fn is(value: Value<'_>, expected: &str) -> bool {
    match value {
        Value::Text(text) => *text.decoded() == *expected.as_bytes(),
        Value::Number(number) => number == expected.as_bytes(),
        Value::Bool(value) => expected == if value { "true" } else { "false" },
        Value::Null => expected == "null",
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::text;
    use super::*;

    fn path(text: &str) -> FieldPath {
        text.parse().unwrap()
    }

    fn object(conditions: &[(&str, &[&str])]) -> Object {
        let conditions = conditions.iter().map(|(field, values)| {
            let values = values.iter().map(|&value| value.to_owned());
            (path(field), values.collect())
        });
        Object {
            method: Some(path("http.method")),
            path: Some(path("http.url")),
            status: Some(path(r"http\.status")),
            duration: Some(path("took")),
            client: Some(path("ip")),
            conditions: conditions.collect(),
        }
    }

    fn read(object: &Object, line: &str) -> String {
        let mut room = Room::default();
        match object.read(line.as_bytes(), Some(Unit::Milliseconds), &mut room) {
            Reading::Request(request) => text(&request),
            other => format!("{other:?}"),
        }
    }

    const LINE: &str = r#"{"http": {"method": "GET", "url": "http://h/a\n?b"}, "http.status": 401, "took": 1.5, "ip": "10.0.0.1:5", "kind": "access", "n": 7, "b": true, "list": [{"http.status": 200}]}"#;
    const READ: &str = "GET /a\n 401 0.0015 10.0.0.1";

    #[test]
    fn paths_have_keys_and_dots() {
        let keys = |text: &str| {
            let path = path(text);
            let keys = path.0.iter().map(|key| String::from_utf8_lossy(key));
            keys.collect::<Vec<_>>().join("|")
        };
        assert_eq!(keys("a"), "a");
        assert_eq!(keys("a.b c.d"), "a|b c|d");
        assert_eq!(keys(r"a\.b.c\\d"), r"a.b|c\d");
        for text in ["", ".", "a.", ".a", "a..b", "a.b.c.d.e", r"a.\"] {
            let error = text.parse::<FieldPath>().unwrap_err();
            assert!(error.to_string().contains("up to 4 keys"), "{text}");
        }
    }

    #[test]
    fn reads_numbers_and_texts() {
        let object = object(&[]);
        assert_eq!(read(&object, LINE), READ);
        for (from, to, expected) in [
            (": 401", ": \"401\"", READ),
            (": 1.5", ": \"1.5\"", READ),
            (": 1.5", ": \"1.5ms\"", READ),
            (": 1.5", ": \"-\"", "GET /a\n 401 - 10.0.0.1"),
            (": 1.5", ": null", "GET /a\n 401 - 10.0.0.1"),
            (": 401", ": null", "GET /a\n - 0.0015 10.0.0.1"),
            ("\"method\"", "\"verb\"", "- /a\n 401 0.0015 10.0.0.1"),
            ("\"ip\"", "\"peer\"", "GET /a\n 401 0.0015 -"),
            (": 401", ": 4010", "Unparsed(Field)"),
            (": 401", ": true", "Unparsed(Field)"),
            ("\"http://h/a\\n?b\"", "7", "Unparsed(Field)"),
            ("\"url\"", "\"uri\"", "Other"),
            ("http.status", "status", "Other"),
        ] {
            assert_eq!(read(&object, &LINE.replacen(from, to, 1)), expected, "{to}");
        }
    }

    #[test]
    fn a_key_that_comes_twice_makes_a_line_unreadable() {
        let line = LINE.replacen("\"ip\"", "\"took\"", 1);
        assert_eq!(read(&object(&[]), &line), "Unparsed(Json)");
        assert_eq!(
            read(&object(&[]), "{\"http.status\": 401"),
            "Unparsed(Json)"
        );
        assert_eq!(read(&object(&[]), "started {\"x\": 1}"), "Other");
    }

    #[test]
    fn every_condition_must_be_met() {
        for (conditions, expected) in [
            (&[("kind", &["access"][..])][..], READ),
            (
                &[
                    ("kind", &["audit", "access"]),
                    ("n", &["7"]),
                    ("b", &["true"]),
                ],
                READ,
            ),
            (&[("http.method", &["GET"])], READ),
            (&[("kind", &["access"]), ("n", &["8"])], "Other"),
            (&[("kind", &["acc"])], "Other"),
            (&[("missing", &["null"])], "Other"),
        ] {
            assert_eq!(read(&object(conditions), LINE), expected, "{conditions:?}");
        }
        // What says that it is an access line has to be one.
        let object = object(&[("kind", &["access"])]);
        let line = LINE.replacen("\"url\"", "\"uri\"", 1);
        assert_eq!(read(&object, &line), "Unparsed(Field)");
    }
}

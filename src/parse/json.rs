//! One JSON log line in, the fields out that say whether it is an access line.
//!
//! An object that has a key twice is refused: some loggers build JSON by concatenation, and then
//! a client's text can add keys (labstack/echo 2846); which of two values counts is anyone's guess.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What Python's JSON loggers write; `name` and `logger` are two keys for the logger's name.
#[derive(Debug, Default)]
pub(super) struct Event {
    pub(super) message: Option<String>,
    pub(super) name: Option<String>,
    pub(super) logger: Option<String>,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EventVisitor)
    }
}

struct EventVisitor;

impl<'de> Visitor<'de> for EventVisitor {
    type Value = Event;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Event, M::Error> {
        let mut event = Event::default();
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "message" => event.message = map.next_value()?,
                "name" => event.name = map.next_value()?,
                "logger" => event.logger = map.next_value()?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            if !keys.insert(key) {
                return Err(M::Error::custom("a key comes twice"));
            }
        }
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Event> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn takes_three_fields_and_skips_the_others() {
        let event = read(r#"{"a": {"x": 1, "x": [2]}, "message": "\"m\"", "logger": null}"#);
        let event = event.unwrap();
        assert_eq!(event.message.as_deref(), Some("\"m\""));
        assert_eq!((event.name, event.logger), (None, None));
    }

    #[test]
    fn refuses_a_key_that_comes_twice() {
        for text in [
            r#"{"message": "a", "message": "a"}"#,
            r#"{"message": "a", "x": 1, "x": 1}"#,
            r#"{"message": "a", "m\u0065ssage": "b"}"#,
            r#"{"message": null, "message": "a"}"#,
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_object_of_texts() {
        for text in [
            "[]",
            "\"message\"",
            r#"{"message": 1}"#,
            r#"{"name": []}"#,
            "{}x",
            "{",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
        let deep = format!("{{\"a\": {}", "[".repeat(100_000));
        assert!(read(&deep).is_none());
    }
}

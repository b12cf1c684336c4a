//! The words of a line, without the JSON and the time around them.

use std::borrow::Cow;

use super::clock;
use super::json::{self, Value};

/// The fields that hold what was meant to be read, in the order in which they are shown.
const FIELDS: [&[u8]; 6] = [b"logger", b"msg", b"message", b"event", b"error", b"err"];

/// Returns what a line without colours says.
pub(crate) fn of(line: &[u8]) -> Cow<'_, [u8]> {
    if line.starts_with(b"{") {
        let texts = json::pick::<{ FIELDS.len() }>(line, |path| match path {
            [name] => FIELDS.iter().position(|field| field == name),
            _ => None,
        });
        let texts = texts.unwrap_or_default().into_iter().flatten();
        let texts = texts.filter_map(|value| match value {
            Value::Text(text) => Some(text.decoded()),
            _ => None,
        });
        return Cow::Owned(texts.collect::<Vec<_>>().join(b": ".as_slice()));
    }
    let rest = clock::iso(line).map_or(line, |(_, rest)| rest);
    Cow::Borrowed(rest.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_words_out_of_json_and_behind_the_time() {
        for (line, expected) in [
            (
                r#"{"level":"error","msg":"a \"b\"","error":"c"}"#,
                "a \"b\": c",
            ),
            (r#"{"event": "a", "logger": "x", "token": "y"}"#, "x: a"),
            (r#"{"msg": 1}"#, ""),
            (r#"{"msg": "a", "msg": "b"}"#, ""),
            ("2026-11-21 19:21:28,431 - x - ERROR - a", "- x - ERROR - a"),
            ("ERROR:    a", "ERROR:    a"),
            ("", ""),
        ] {
            assert_eq!(&*of(line.as_bytes()), expected.as_bytes(), "{line}");
        }
    }
}

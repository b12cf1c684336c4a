//! Lines in the shape of one flat JSON object whose texts are not escaped as JSON wants it.
//!
//! ```text
//! {"request":"GET /?a="b" HTTP/1.1","status":"200","ua":"x"}   nginx, escape=none
//! {"request":"GET /?a=\x22b\x22 HTTP/1.1","status":200}        nginx without escape, Apache
//! {"path":"/","query":"a=\\"\x22\n","status":200}              gunicorn, which escapes only `"`
//! {"status":401,"upstream_time":-}                             nginx, a number that is not there
//! ```
//!
//! Read from the start. A text ends at the first quote that is followed by another field or by
//! the end of the object; a request line ends where its version does. Where quotes are escaped in
//! any way nothing that a client sends looks like that. Where they are not (`escape=none`), a client
//! can add fields; so the field that it would have to forge must not come twice. Only a second
//! status is left aside, if the first one follows the request line: the second one was then sent
//! as text, since a request line with a quote in it is answered with an error.

use memchr::{memchr, memchr_iter};

use super::names::{Found, Meaning};
use crate::parse::fields;
use crate::parse::request_line::RequestLine;

/// How many fields an object may have. Each is compared with those before it.
const MAX_FIELDS: usize = 64;

/// Reads a line from `{` to `}`; `None` if it is not of this shape, or may be forged.
pub(super) fn read(line: &[u8], names: fn(&[u8]) -> Option<Meaning>) -> Option<Found<&[u8]>> {
    let mut rest = line.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let mut found = Found::nothing();
    let mut names_before = [b"".as_slice(); MAX_FIELDS];
    let mut status = Status::Missing;
    let mut is_behind_request = false;
    for count in 0..MAX_FIELDS {
        let (name, value) = name(rest)?;
        let meaning = names(name);
        let value = value_of(value, meaning)?;
        if meaning == Some(Meaning::Code) {
            status = status.take(is_behind_request, value.text)?;
        } else if names_before.get(..count)?.contains(&name) {
            return None;
        }
        if let Some(meaning) = meaning.filter(|_| status != Status::Forged) {
            found.take(meaning, value.text);
        }
        let Some(next) = value.next else {
            return Some(found);
        };
        *names_before.get_mut(count)? = name;
        if value.is_quoted {
            status = status.before_text();
        }
        is_behind_request = meaning == Some(Meaning::Request);
        rest = next;
    }
    None
}

/// What is known about the status.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Missing,
    Found {
        /// It follows the request line.
        is_adjacent: bool,
        /// A text has begun since.
        is_before_text: bool,
    },
    /// There was a second one, so all that follows is the client's.
    Forged,
}

impl Status {
    /// Takes a status; `None`: if there was one before, any of the two may be the client's.
    fn take(self, is_adjacent: bool, value: &[u8]) -> Option<Self> {
        match self {
            Self::Missing => Some(Self::Found {
                is_adjacent,
                is_before_text: false,
            }),
            Self::Forged
            | Self::Found {
                is_adjacent: true,
                is_before_text: true,
            } if fields::code(value)? < 400 => Some(Self::Forged),
            Self::Forged | Self::Found { .. } => None,
        }
    }

    /// Takes a text.
    fn before_text(self) -> Self {
        match self {
            Self::Found { is_adjacent, .. } => Self::Found {
                is_adjacent,
                is_before_text: true,
            },
            other => other,
        }
    }
}

/// A value as it stands in the line.
struct Raw<'a> {
    text: &'a [u8],
    is_quoted: bool,
    /// What follows the comma behind it, if there is one.
    next: Option<&'a [u8]>,
}

/// Takes `"name":` and what is blank around it.
fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start().strip_prefix(b"\"")?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte);
    let end = text.iter().position(|&byte| !is_name(byte))?;
    let (name, rest) = text.split_at(end);
    let rest = rest.strip_prefix(b"\"")?.trim_ascii_start();
    let value = rest.strip_prefix(b":")?.trim_ascii_start();
    (!name.is_empty()).then_some((name, value))
}

/// Takes a value and the comma behind it.
fn value_of(text: &[u8], meaning: Option<Meaning>) -> Option<Raw<'_>> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = memchr(b',', text).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        let is_bare = !value.iter().any(|byte| b"\"{}[]".contains(byte));
        return is_bare.then_some(Raw {
            text: value.trim_ascii_end(),
            is_quoted: false,
            next: rest.strip_prefix(b","),
        });
    };
    let raw = |end| {
        let (text, rest) = quoted.split_at_checked(end)?;
        let next = behind(rest.strip_prefix(b"\"")?)?;
        Some(Raw {
            text,
            is_quoted: true,
            next,
        })
    };
    if meaning == Some(Meaning::Request)
        && let Some((_, rest)) = RequestLine::take(quoted)
        && let Some(raw) = raw(quoted.len() - rest.len())
    {
        return Some(raw);
    }
    memchr_iter(b'"', quoted).find_map(raw)
}

/// What follows a text that ends here: nothing, or a comma and then another field. `None`: it
/// does not end here.
#[expect(
    clippy::option_option,
    reason = "the inner one is the end of the object"
)]
fn behind(text: &[u8]) -> Option<Option<&[u8]>> {
    let text = text.trim_ascii_start();
    if text.is_empty() {
        return Some(None);
    }
    let next = text.strip_prefix(b",")?;
    name(next).map(|_| Some(next))
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    fn read_text(line: &str) -> Option<(String, String)> {
        let found = read(line.as_bytes(), names::nginx)?;
        let text =
            |meaning| String::from_utf8_lossy(found.get(meaning).unwrap_or(b"?")).into_owned();
        Some((text(Meaning::Request), text(Meaning::Code)))
    }

    #[test]
    fn a_text_ends_where_another_field_begins() {
        for (line, request, status) in [
            (
                r#"{"request":"GET /a?"b"&c HTTP/1.1","status":"200"}"#,
                r#"GET /a?"b"&c HTTP/1.1"#,
                "200",
            ),
            (
                r#"{"request":"GET /a?\x22b\x22 HTTP/1.1", "status": 200 }"#,
                r"GET /a?\x22b\x22 HTTP/1.1",
                "200",
            ),
            (
                r#"{"request":"GET /a HTTP/1.1","status":200,"ua":"caf\xe9"}"#,
                "GET /a HTTP/1.1",
                "200",
            ),
            (
                r#"{"ua":"x\\"y\n","request":"GET /a HTTP/1.1","status":200}"#,
                "GET /a HTTP/1.1",
                "200",
            ),
            (
                r#"{"request":"GET /a HTTP/1.1","status":401,"upstream_time":-}"#,
                "GET /a HTTP/1.1",
                "401",
            ),
            (
                r#"{"request":"GET /a HTTP/1.1","status":401,"upstream_time":,"x":"y"}"#,
                "GET /a HTTP/1.1",
                "401",
            ),
            (
                r#"{"request":"garbage "quote"","status":"400"}"#,
                r#"garbage "quote""#,
                "400",
            ),
            (
                r#"{"request":"GET /x" 200 - "GET /a HTTP/1.1","status":"400"}"#,
                r#"GET /x" 200 - "GET /a HTTP/1.1"#,
                "400",
            ),
            (
                r#"{"request":"GET /a HTTP/1.1","status":"404","ua":"x" 200 "y""}"#,
                "GET /a HTTP/1.1",
                "404",
            ),
        ] {
            let expected = Some((request.to_owned(), status.to_owned()));
            assert_eq!(read_text(line), expected, "{line}");
        }
    }

    #[test]
    fn fields_that_a_client_adds_change_nothing() {
        for line in [
            // In the target, and in the user agent.
            r#"{"request":"GET /nope","status":"200","x":" HTTP/1.1","status":"404","ua":"-"}"#,
            r#"{"request":"GET /nope HTTP/1.1","status":"404","ua":"x","status":200,"uri":"/validate","z":""}"#,
            r#"{"request":"GET /nope HTTP/1.1","status":"404","ua":"x","status":"200","y":"","status":"201"}"#,
        ] {
            let found = read(line.as_bytes(), names::nginx).unwrap();
            let line = RequestLine::read(found.get(Meaning::Request).unwrap());
            assert!(line.path.starts_with(b"/nope"), "{line:?}");
            assert_eq!(found.get(Meaning::Code), Some(b"404".as_slice()));
            assert_eq!(found.get(Meaning::Path), None);
        }
        for line in [
            // A request that is none, so the second status is the true one.
            r#"{"request":"GET /validate HTTP/1.1","status":"200","x":"","status":"400","ua":""}"#,
            r#"{"request":"GET /validate HTTP/1.1","status":"200","x":"","status":"200","y":"","status":"400"}"#,
            // A user agent in front of the request, or between it and the status.
            r#"{"ua":"x","request":"GET /validate HTTP/1.1","status":"200","y":"","request":"GET /nope HTTP/1.1","status":"200"}"#,
            r#"{"ua":"x","status":200,"y":"","request":"GET /nope HTTP/1.1","status":"200"}"#,
            r#"{"request":"GET /validate HTTP/1.1","ua":"x","status":401,"y":"","status":"200"}"#,
            r#"{"method":"GET","uri":"/nope","status":"200","x":"","status":"404"}"#,
            // Nobody but a logger that is broken.
            r#"{"request":"GET /a HTTP/1.1","status":401,"status":200}"#,
            r#"{"request":"GET /a HTTP/1.1","status":401,"x":1,"x":1}"#,
        ] {
            assert_eq!(read_text(line), None, "{line}");
        }
    }

    #[test]
    fn all_else_is_not_of_this_shape() {
        let many: Vec<_> = (0..=MAX_FIELDS)
            .map(|field| format!("\"{field}\":1"))
            .collect();
        let many = format!("{{{}}}", many.join(","));
        for line in [
            "",
            "{",
            "{}",
            "}{",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            r#"{"a":"}"#,
            r#"{"a":"x"#,
            r#"{"a":"x" "b":1}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":[1]}"#,
            r#"{"a b":1}"#,
            r#"{"":1}"#,
            r"{a:1}",
            &many,
        ] {
            assert_eq!(read_text(line), None, "{line}");
        }
    }
}

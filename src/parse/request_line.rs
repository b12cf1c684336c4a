//! The request line, `METHOD target HTTP/version`, and what servers log in its place.

use memchr::memchr;

use super::{fields, is_version};

/// The method and the path of a request line, as far as it was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestLine<'a> {
    pub(super) method: Option<&'a [u8]>,
    /// Without query and host; `-` if what the client sent was no request line.
    pub(super) path: &'a [u8],
}

impl<'a> RequestLine<'a> {
    /// Reads a text that is a request line and nothing else.
    ///
    /// HTTP/0.9 has no version: `GET /path` (nginx, Apache), or with a blank behind it (Tomcat).
    /// All else is no request line, such as `-`, the first bytes of a TLS connection, or a target
    /// with a blank in it, which servers refuse.
    pub(super) fn read(text: &'a [u8]) -> Self {
        if let Some((line, b"")) = Self::take(text) {
            return line;
        }
        let text = text.strip_suffix(b" ").unwrap_or(text);
        match method(text) {
            Some((method, target)) if target.starts_with(b"/") && !target.contains(&b' ') => Self {
                method: Some(method),
                path: fields::path(target),
            },
            _ => Self {
                method: None,
                path: fields::NO_PATH,
            },
        }
    }

    /// Reads the request line that `text` begins with, and returns what comes behind its version.
    ///
    /// The target ends at the first blank, whatever else is in it: many servers write quotes and
    /// backslashes in it in ways that cannot be undone.
    pub(super) fn take(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (method, rest) = method(text)?;
        let (target, rest) = rest.split_at(memchr(b' ', rest)?);
        let rest = rest.strip_prefix(b" HTTP/")?;
        let end = rest.iter().position(|&byte| !is_version(byte));
        let (version, rest) = rest.split_at(end.unwrap_or(rest.len()));
        let line = Self {
            method: Some(method),
            path: fields::path(target),
        };
        (!target.is_empty() && !version.is_empty()).then_some((line, rest))
    }
}

/// Takes the method and the blank behind it.
fn method(text: &[u8]) -> Option<(&[u8], &[u8])> {
    // `M-SEARCH` and `VERSION-CONTROL` are methods too.
    let is_method = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-' || byte == b'_';
    let end = text.iter().position(|&byte| !is_method(byte))?;
    let (method, rest) = text.split_at(end);
    let rest = rest.strip_prefix(b" ")?;
    (!method.is_empty()).then_some((method, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<&str>, &str) {
        let line = RequestLine::read(text.as_bytes());
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        (line.method.map(text), text(line.path))
    }

    #[test]
    fn reads_request_lines_and_those_of_old() {
        for (text, expected) in [
            ("GET /a?b HTTP/1.1", (Some("GET"), "/a")),
            ("get /a HTTP/2", (Some("get"), "/a")),
            ("M-SEARCH * HTTP/1.1", (Some("M-SEARCH"), "*")),
            ("GET http://h/a?b HTTP/1.0", (Some("GET"), "/a")),
            ("GET - HTTP/1.1", (Some("GET"), "-")),
            ("CONNECT h:443 HTTP/1.1", (Some("CONNECT"), "h:443")),
            (r#"GET /a" HTTP/1.1" HTTP/1.1"#, (None, "-")),
            (
                r#"GET /a"HTTP/1.1 HTTP/1.1"#,
                (Some("GET"), r#"/a"HTTP/1.1"#),
            ),
            ("GET /a", (Some("GET"), "/a")),
            ("GET /a?b ", (Some("GET"), "/a")),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn all_else_has_neither_method_nor_path() {
        for text in [
            "",
            "-",
            "GET",
            "GET ",
            "GET  HTTP/1.1",
            " /a HTTP/1.1",
            "/a HTTP/1.1",
            "G3T /a HTTP/1.1",
            "GET /a b HTTP/1.1",
            "GET /a HTTP/",
            "GET /a HTTP/1.1x",
            "GET /a HTTP/1.1 ",
            "GET /a http/1.1",
            "GET /a 1.1",
            "GET a",
            "GET /a  ",
            r"\x16\x03\x01",
        ] {
            assert_eq!(read(text), (None, "-"), "{text}");
        }
    }
}

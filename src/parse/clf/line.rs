//! The part that all lines of the family have in common: `client - user [time] "request" code size`.
//!
//! Read from its start. What a client can put where:
//!
//! - The target has quotes and backslashes, escaped or not, but no blank, so it ends at a blank.
//! - What is no request line is a text between quotes. Those servers that let one pass escape the
//!   quotes in it (`\"` or `\x22`).
//! - The user of Basic authentication has anything but a colon, so no time stamp.
//! - The client's column has anything if the server believes `X-Forwarded-For` and does not escape
//!   it (Tomcat with its `RemoteIpValve`, morgan), a whole line of this family too. The line is then
//!   the last that begins in it, because where a line holds two of them and the second one is in
//!   a quoted text, the server does not escape texts; a line that may be either is not read.

use memchr::{memchr, memchr_iter};

use super::head::Head;
use crate::parse::request_line::RequestLine;
use crate::parse::{fields, scan, stamp};

/// What a line says up to the size of the answer.
pub(super) struct Line<'a> {
    pub(super) head: Head<'a>,
    pub(super) request: RequestLine<'a>,
    /// `None` if the server logged `-`: there was no answer.
    pub(super) code: Option<u16>,
    /// What stands behind the size of the answer.
    pub(super) tail: &'a [u8],
}

/// `[time] "request" code size`, and where in the line it begins.
struct Entry<'a> {
    start: usize,
    request: RequestLine<'a>,
    code: Option<u16>,
    tail: &'a [u8],
}

/// Reads a line of the family.
pub(super) fn read(line: &[u8]) -> Option<Line<'_>> {
    let mut entries = memchr_iter(b'[', line).filter_map(|start| entry(line, start));
    let first = entries.next()?;
    // Behind the end of a quoted text comes no method, so no server that escapes quotes lets a
    // client begin another line in such a text.
    let mut others = entries.filter(|entry| entry.request.method.is_some());
    let entry = match others.next_back() {
        None => first,
        Some(last) => {
            let between = line.get(line.len() - first.tail.len()..last.start)?;
            // The second one may be inside a text of the first one, or the first one inside the
            // client's column of the second one.
            if has_quote(between) && has_quote(last.tail) {
                return None;
            }
            last
        }
    };
    let (head, _) = line.split_at_checked(entry.start)?;
    Some(Line {
        head: Head::read(head.strip_suffix(b" ")?)?,
        request: entry.request,
        code: entry.code,
        tail: entry.tail,
    })
}

fn entry(line: &[u8], start: usize) -> Option<Entry<'_>> {
    let rest = stamp::skip(line.get(start..)?, stamp::COMMON)?;
    let (request, rest) = request(rest.strip_prefix(b" \"")?)?;
    let (code, rest) = word(rest.strip_prefix(b" ")?);
    let code = match code {
        b"-" => None,
        code => Some(fields::code(code)?),
    };
    let (size, tail) = word(rest.strip_prefix(b" ")?);
    scan::is_size(size).then_some(Entry {
        start,
        request,
        code,
        tail,
    })
}

/// Takes the request line and the quote behind it.
fn request(text: &[u8]) -> Option<(RequestLine<'_>, &[u8])> {
    if let Some((line, rest)) = RequestLine::take(text)
        && let Some(rest) = rest.strip_prefix(b"\"")
    {
        return Some((line, rest));
    }
    let (text, rest) = text.split_at_checked(closing_quote(text)?)?;
    let line = RequestLine::read(text);
    if line.method.is_none() && ends_in_bare_version(text) {
        return None;
    }
    Some((line, rest.strip_prefix(b"\"")?))
}

/// Finds the first quote that is not escaped by a backslash, which may be escaped itself.
fn closing_quote(text: &[u8]) -> Option<usize> {
    memchr_iter(b'"', text).find(|&at| {
        let before = text.get(..at).unwrap_or_default();
        let backslashes = before.iter().rev().take_while(|&&byte| byte == b'\\');
        backslashes.count() % 2 == 0
    })
}

/// Tells whether a text is hypercorn's request line, `GET /path 1.1`, whose path may hold anything.
fn ends_in_bare_version(text: &[u8]) -> bool {
    let versions: [&[u8]; 4] = [b" 1.0", b" 1.1", b" 2", b" 3"];
    versions.iter().any(|version| text.ends_with(version))
}

fn has_quote(text: &[u8]) -> bool {
    memchr(b'"', text).is_some()
}

/// Splits before the first blank.
pub(super) fn word(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(memchr(b' ', text).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a line in which `@` stands for a time: method, path, code and tail.
    fn read_text(line: &str) -> Option<(Option<String>, String, Option<u16>, String)> {
        let line = line.replace('@', "[21/Nov/2026:19:23:32 +0000]");
        let line = read(line.as_bytes())?;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let method = line.request.method.map(text);
        Some((method, text(line.request.path), line.code, text(line.tail)))
    }

    fn path_and_code(line: &str) -> Option<(String, u16)> {
        read_text(line).map(|(_, path, code, _)| (path, code.unwrap_or(0)))
    }

    #[test]
    fn reads_what_all_have_in_common() {
        for (line, method, path, code, tail) in [
            (
                r#"::1 - - @ "GET /a?b HTTP/1.1" 401 42"#,
                "GET",
                "/a",
                401,
                "",
            ),
            (
                r#"::1 - - @ "GET /a HTTP/2.0" 204 - "-" "x""#,
                "GET",
                "/a",
                204,
                r#" "-" "x""#,
            ),
            (
                r#"::1 - - @ "get /a HTTP/1.1" 000 0 7"#,
                "get",
                "/a",
                0,
                " 7",
            ),
            (r#"::1 - - @ "GET - HTTP/1.1" 400 1"#, "GET", "-", 400, ""),
            (r#"::1 - - @ "GET /a" 200 1"#, "GET", "/a", 200, ""),
            (r#"::1 - - @ "GET /a " 200 1"#, "GET", "/a", 200, ""),
        ] {
            let expected = (
                Some(method.to_owned()),
                path.to_owned(),
                Some(code),
                tail.to_owned(),
            );
            assert_eq!(read_text(line), Some(expected), "{line}");
        }
        let gone = read_text(r#"::1 - - @ "GET /a HTTP/1.1" - - "-" "-" - - ms"#);
        assert_eq!(gone.unwrap().2, None);
    }

    #[test]
    fn what_is_no_request_line_ends_at_a_quote_that_is_not_escaped() {
        for request in [
            "-",
            "",
            r"\x16\x03\x01\x00",
            r#"garbage \"quote\""#,
            r#"GET /nope\" 200"#,
            r#"GET /nope\" 200 5 \"-\" \"-"#,
            r"GET /nope\x22 200 OK - \x22GET /validate HTTP/1.1",
            r#"GET /validate HTTP/1.1\" 200 5"#,
            r#"\\\" 200 5"#,
        ] {
            let line = format!(r#"::1 - - @ "{request}" 400 166 "-" "-""#);
            let expected = (None, "-".to_owned(), Some(400), r#" "-" "-""#.to_owned());
            assert_eq!(read_text(&line), Some(expected), "{line}");
        }
    }

    #[test]
    fn target_ends_at_a_blank_whatever_is_in_it() {
        for target in [
            r#"/a?"b"&c='d'"#,
            r#"/a?\"b\""#,
            r#"/a?\\"\x22\n"#,
            r#"/a?x"HTTP/1.1"200"#,
            r#"/a?HTTP/1.1""#,
            "/a?\u{e9}",
            r"/a?\",
        ] {
            let line = format!(r#"::1 - - @ "GET {target} HTTP/1.1" 404 5 "-" "-""#);
            assert_eq!(path_and_code(&line), Some(("/a".to_owned(), 404)), "{line}");
        }
    }

    #[test]
    fn a_line_in_a_line_forges_nothing() {
        let real = Some(("/nope".to_owned(), 404));
        for line in [
            // In a user agent: gunicorn, nginx.
            r#"::1 - - @ "GET /nope HTTP/1.1" 404 5 "-" "x\" 200 5 ::1 - - @ \"GET /validate HTTP/1.1\" 200 5""#,
            r#"::1 - - @ "GET /nope HTTP/1.1" 404 5 "-" "@ \x22GET /validate HTTP/1.1\x22 200 5""#,
            // A referer that ends like the beginning of a request.
            r#"::1 - - @ "GET /nope HTTP/1.1" 404 5 "::1 - - @ " "GET /validate HTTP/1.1""#,
            r#"::1 - - @ "GET /nope HTTP/1.1" 404 5 "::1 - - @ " " 200 5 ""#,
            // In the user.
            r#"::1 - x" - [01/Jan/2026 @ "GET /nope HTTP/1.1" 404 5 "-" "-""#,
            // In `X-Forwarded-For`: Tomcat, morgan.
            r#"1.2.3.4 - - @ "GET /validate HTTP/1.1" 200 2 - - @ "GET /nope HTTP/1.1" 404 5"#,
            r#"1.2.3.4 - - @ "GET /validate HTTP/1.1" 200 2 - - @ "GET /nope HTTP/1.1" 404 5 "-" "-""#,
            r#"1.2.3.4 - - @ "GET /validate HTTP/1.1" 200 2 "-" "-" - - @ "GET /nope HTTP/1.1" 404 5"#,
            r#"1.2.3.4:5 - \"GET /validate HTTP/1.1\" 200 OK - - @ "GET /nope HTTP/1.1" 404 5 "-" "-""#,
        ] {
            assert_eq!(path_and_code(line), real, "{line}");
        }
        for line in [
            // A server that does not escape texts, or one that does not escape addresses.
            r#"::1 - - @ "GET /nope HTTP/1.1" 404 5 "-" "x" ::1 - - @ "GET /validate HTTP/1.1" 200 5 "-" "x""#,
            r#"1.2.3.4 - - @ "GET /validate HTTP/1.1" 200 5 "-" "-" - - @ "GET /nope HTTP/1.1" 404 5 "-" "-""#,
            // nginx prints the referer as it is in its error log.
            r#"2026/11/21 19:32:02 [error] 1#1: *7 refused, referrer: "::1 - - @ "GET /validate HTTP/1.1" 200 5"#,
            // The second line of a user name with a newline.
            r#"INFO @ "GET /validate HTTP/1.1" 401 42 "-" "-""#,
        ] {
            assert_eq!(path_and_code(line), None, "{line}");
        }
    }

    #[test]
    fn other_formats_are_not_read() {
        for line in [
            r#"::1 - - @ "GET /a 1.1" 200 11 "-" "-""#,
            r#"::1 - - @ "GET /a b 2" 200 11 "-" "-""#,
            r#"[2026-11-21 19:26:35 +0000] [21916] [INFO] ::1:37686 - - @ "GET /a" 200 11 "-" "-""#,
            r#"::1 - - [21/Nov/2026:19:27:51] "GET /a" 200 11"#,
            r#"::1 - - [21/Nov/2026 19:28:18] "GET /a HTTP/1.1" 200 -"#,
            r#"::1 - - [21/Nov/2026:19:37:43.032] "GET /a HTTP/1.1" 200 1"#,
            r#"::1 - - [2026-11-21T19:32:20+00:00] "GET /a HTTP/1.1" 200 1"#,
            r#"::1 - - [21/Nov/2026:19:23:32 00000] "GET /a HTTP/1.1" 200 1"#,
            r#"::1 - - @"GET /a HTTP/1.1" 200 1"#,
            r#"::1 - -@ "GET /a HTTP/1.1" 200 1"#,
            r#"::1 - - @ "GET /a HTTP/1.1" 200"#,
            r#"::1 - - @ "GET /a HTTP/1.1" 200 x"#,
            r#"::1 - - @ "GET /a HTTP/1.1" 2000 1"#,
            r#"::1 - - @ "GET /a HTTP/1.1" OK 1"#,
            r#"::1 - - @ "GET /a HTTP/1.1 200 1"#,
            "@",
            "",
        ] {
            assert_eq!(path_and_code(line), None, "{line}");
        }
    }
}

//! Lines that a middleware of a Python application writes about each request.
//!
//! ```text
//! 2026-11-21 19:21:29,809 - app.middleware - INFO - GET /validate - Status: 200 - Time: 0.029s
//! 2026-11-21 19:21:47,413 - app.middleware - INFO - request method=GET path=/validate status=401 duration_ms=0.69 client=127.0.0.1
//! ```
//!
//! The path is decoded, so it may hold anything but the end of a line. What comes before it is the
//! logger's, what comes behind it is the application's, so a line is read from both ends and the
//! path is all that is left. A text that a client sent and that the application repeats in some
//! other line has words before it, and is not read.
//!
//! The server logs the same requests in its own format; `settling` says which of the two counts.

use std::time::Duration;

use memchr::memmem;

use super::duration::{Unit, duration};
use super::format::BuiltIn;
use super::room::Room;
use super::scan::{cut, last_word};
use super::{Request, fields};

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "middleware",
        has_durations: true,
        is_detected: true,
        read: text,
    },
    BuiltIn {
        name: "middleware-logfmt",
        has_durations: true,
        is_detected: true,
        read: logfmt,
    },
];

/// What may stand between path and code. None is the end of another one, so that a path that ends
/// in a part of one cannot make a line mean something else.
const STATUS: [&[u8]; 12] = [
    b" - Status: ",
    b" - status: ",
    b" - Status Code: ",
    b" - Status code: ",
    b" - status_code: ",
    b" - Status=",
    b" - status=",
    b" - status_code=",
    b" - Response: ",
    b" | Status: ",
    b" | status: ",
    b" -> ",
];

fn text<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    // Cheap, so that lines of another kind cost little.
    let (rest, time) = last_time(line)?;
    let is_label = |byte: u8| byte.is_ascii_alphabetic() || b" -|:=(,_".contains(&byte);
    let rest = rest.get(..=rest.iter().rposition(|&byte| !is_label(byte))?)?;
    let (rest, code) = rest.split_at_checked(rest.len().checked_sub(3)?)?;
    let code = fields::code(code)?;
    let rest = STATUS
        .iter()
        .find_map(|separator| rest.strip_suffix(*separator))?;

    let at = memmem::find(rest, b" /")?;
    let (before, path) = rest.split_at_checked(at + 1)?;
    let (prefix, method) = last_letters(before.strip_suffix(b" ")?);
    if !is_known_method(method) || !is_prefix(prefix, 1) {
        return None;
    }
    Some(Request {
        duration: Some(time),
        ..fields::request(method, path, Some(code))
    })
}

fn logfmt<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let at = memmem::find(line, b"method=")?;
    let (prefix, rest) = line.split_at(at);
    let (method, rest) = cut(rest.strip_prefix(b"method=")?, b' ')?;
    let rest = [&b"path="[..], b"url=", b"uri="]
        .iter()
        .find_map(|key| rest.strip_prefix(*key))?;
    if !is_known_method(method) || !is_prefix(prefix, 3) {
        return None;
    }

    let (rest, last) = last_pair(rest)?;
    let client = match last.0 {
        b"client" | b"client_ip" | b"client_host" | b"ip" | b"remote_addr" => Some(last.1),
        _ => None,
    };
    let (rest, last) = if client.is_some() {
        last_pair(rest)?
    } else {
        (rest, last)
    };
    let (path, before) = last_pair(rest)?;
    let (code, time) = match (code(before), code(last)) {
        (Some(code), None) => (code, time(last)?),
        (None, Some(code)) => (code, time(before)?),
        _ => return None,
    };
    Some(Request {
        duration: Some(time),
        client,
        ..fields::request(method, path, Some(code))
    })
}

/// A key and its value.
type Pair<'a> = (&'a [u8], &'a [u8]);

fn last_pair(text: &[u8]) -> Option<(&[u8], Pair<'_>)> {
    let (rest, word) = last_word(text)?;
    Some((rest, cut(word, b'=')?))
}

fn code((key, value): Pair<'_>) -> Option<u16> {
    match key {
        b"status" | b"status_code" => fields::code(value),
        _ => None,
    }
}

fn time((key, value): Pair<'_>) -> Option<Duration> {
    match key {
        b"duration_ms" | b"latency_ms" | b"elapsed_ms" | b"process_time_ms" => {
            duration(value, Unit::Milliseconds)
        }
        b"duration_s" | b"duration_seconds" | b"latency_s" => duration(value, Unit::Seconds),
        b"duration" | b"latency" | b"elapsed" | b"process_time" => {
            let (rest, time) = last_time(value)?;
            rest.is_empty().then_some(time)
        }
        _ => None,
    }
}

/// Splits off a number with a unit at the end, which may stand in brackets.
fn last_time(text: &[u8]) -> Option<(&[u8], Duration)> {
    let text = text.strip_suffix(b")").unwrap_or(text);
    // The bytes of a micro sign are not ASCII.
    let is_unit = |byte: u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let (rest, unit) = split_last(text, is_unit);
    let unit = match unit {
        b"s" | b"sec" | b"seconds" => Unit::Seconds,
        b"ms" => Unit::Milliseconds,
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => Unit::Microseconds,
        b"ns" => Unit::Nanoseconds,
        _ => return None,
    };
    let rest = rest.strip_suffix(b" ").unwrap_or(rest);
    let (rest, number) = split_last(rest, |byte| byte.is_ascii_digit() || byte == b'.');
    Some((rest, duration(number, unit)?))
}

fn last_letters(text: &[u8]) -> (&[u8], &[u8]) {
    split_last(text, |byte| byte.is_ascii_alphabetic())
}

/// Splits off the longest end of which every byte is `of_end`.
fn split_last(text: &[u8], of_end: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let at = text.iter().rposition(|&byte| !of_end(byte));
    text.split_at(at.map_or(0, |at| at + 1))
}

fn is_known_method(text: &[u8]) -> bool {
    let methods: [&[u8]; 9] = [
        b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT",
    ];
    methods.contains(&text)
}

/// Tells whether a text is what a logger writes before a message: nothing, or a level, before it
/// times and at most one name, and behind it at most `words` words, such as the logger's name.
fn is_prefix(text: &[u8], words: usize) -> bool {
    let text = text.trim_ascii_start();
    let Some(last) = text.last() else {
        return true;
    };
    let Some((before, after)) = split_level(text) else {
        return false;
    };
    let names = words_of(before).filter(|word| !word.iter().any(u8::is_ascii_digit));
    let is_quiet = names.count() <= 1 && words_of(after).count() <= words;
    is_quiet && b" :]|>".contains(last) && !text.contains(&b'=')
}

/// Splits at the first word that is the name of a level.
fn split_level(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let levels: [&[u8]; 5] = [b"info", b"debug", b"warning", b"warn", b"error"];
    let mut start = 0;
    for word in text.split(|byte| !byte.is_ascii_alphanumeric()) {
        if levels.iter().any(|level| level.eq_ignore_ascii_case(word)) {
            return Some((text.get(..start)?, text.get(start + word.len()..)?));
        }
        start += word.len() + 1;
    }
    None
}

/// The parts between blanks that are not only signs.
fn words_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b' ')
        .filter(|word| word.iter().any(u8::is_ascii_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    const PREFIXES: [&str; 9] = [
        "",
        "INFO:     ",
        "INFO:app.middleware:",
        "2026-11-21 19:21:29,809 - app.middleware - INFO - ",
        "[2026-11-21 19:21:29] [INFO] app.middleware: ",
        "2026-11-21 19:21:29 INFO ",
        "2026-11-21 19:21:28.431 | INFO     | app.main:log_requests:42 - ",
        "INFO [app.middleware] ",
        "2026-11-21 warning: \u{1f4e5} ",
    ];

    #[test]
    fn is_read_behind_every_common_prefix() {
        for prefix in PREFIXES {
            let line = format!("{prefix}GET /a - Status: 401 - Time: 0.029s");
            assert_eq!(read("middleware", &line), "GET /a 401 0.029 -", "{line}");
            let line = format!("{prefix}method=GET path=/a status=401 duration_ms=0.69 client=::1");
            let expected = "GET /a 401 0.00069 ::1";
            assert_eq!(read("middleware-logfmt", &line), expected, "{line}");
        }
        for prefix in [
            "x ",
            "app said: ",
            "INFO - user agent was x, so ",
            "INFO - ua=",
        ] {
            let line = format!("{prefix}GET /a - Status: 401 - Time: 0.029s");
            assert_eq!(read("middleware", &line), "", "{line}");
            let line = format!("{prefix}ua=x method=GET path=/a status=401 duration_ms=0.69");
            assert_eq!(read("middleware-logfmt", &line), "", "{line}");
        }
    }

    #[test]
    fn the_path_is_all_that_is_left_between_the_ends() {
        for (path, expected) in [
            ("/a?x=1", "/a"),
            ("/a - Status: 200 - Time: 1s", "/a - Status: 200 - Time: 1s"),
            (
                "/x\" 200 OK - \"GET /b HTTP/1.1\" 200",
                "/x\" 200 OK - \"GET /b HTTP/1.1\" 200",
            ),
            ("/a -", "/a -"),
            ("/x GET /b - Status: 200", "/x GET /b - Status: 200"),
            ("/a status=200 duration_ms=1", "/a status=200 duration_ms=1"),
            ("/a client=1.1.1.1", "/a client=1.1.1.1"),
        ] {
            let line = format!("INFO - GET {path} - Status: 404 - Time: 2ms");
            assert_eq!(
                read("middleware", &line),
                format!("GET {expected} 404 0.002 -")
            );
            let line = format!("INFO - request method=GET path={path} status=404 duration_ms=2");
            assert_eq!(
                read("middleware-logfmt", &line),
                format!("GET {expected} 404 0.002 -")
            );
        }
    }

    #[test]
    fn the_unit_is_in_the_line() {
        for (end, expected) in [
            (" - Status: 200 - Time: 1.5s", "0"),
            (" - Status: 200 - Duration: 1500 ms", "0"),
            (" - status_code=200 - process_time=1500000us", "0"),
            (" -> 200 (1.5 seconds)", "0"),
            (" | Status: 200 | Took: 1500000\u{b5}s", "0"),
            (" - Status: 200 - Time: 1.5", ""),
            (" - Status: 200 - Time: 1.5h", ""),
            (" - Status: 20 - Time: 1.5s", ""),
            (" 200 1.5s", ""),
            (" - Status: 200 1.5.1s", ""),
        ] {
            let expected = if expected.is_empty() {
                ""
            } else {
                "GET /a 200 1.5 -"
            };
            assert_eq!(
                read("middleware", &format!("GET /a{end}")),
                expected,
                "{end}"
            );
        }
        for (end, expected) in [
            ("status=200 duration=1500ms", "GET /a 200 1.5 -"),
            ("duration_s=1.5 status_code=200", "GET /a 200 1.5 -"),
            ("status=200 duration=1500", ""),
            ("status=200 size=5 duration_ms=1", ""),
            ("status=200", ""),
            ("duration_ms=1", ""),
            ("status=200 status=200", ""),
        ] {
            let line = format!("method=GET path=/a {end}");
            assert_eq!(read("middleware-logfmt", &line), expected, "{end}");
        }
    }

    #[test]
    fn calls_of_other_services_are_not_requests() {
        for line in [
            "GET https://idp/jwks - Status: 200 - Time: 0.1s",
            "fetched /a - Status: 200 - Time: 0.1s",
            "get /a - Status: 200 - Time: 0.1s",
        ] {
            assert_eq!(read("middleware", line), "", "{line}");
        }
    }
}

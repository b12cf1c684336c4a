//! Access lines of the servers that Flask and Django develop with.
//!
//! ```text
//! 127.0.0.1 - - [21/Nov/2026 19:28:18] "GET /validate HTTP/1.1" 401 -
//! [21/Nov/2026 19:28:44] "GET /validate HTTP/1.1" 401 42
//! ```
//!
//! Both write what the client sent as its request line, readable or not, between quotes that they
//! do not escape: what stands between the first and the last is a request if it has three words, or
//! two in HTTP/0.9.

use super::format::BuiltIn;
use super::room::Room;
use super::scan::{after_shape, digits, is_method, is_size, last_word, request_line, word};
use super::{Request, fields, logger};

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "werkzeug",
        has_durations: false,
        is_detected: true,
        read: werkzeug,
    },
    BuiltIn {
        name: "django",
        has_durations: false,
        is_detected: true,
        read: django,
    },
];

const TIME: &[u8] = b"[00/xxx/0000 00:00:00] \"";

/// The logger of each, and the module that writes.
const WERKZEUG: &[&[u8]] = &[b"werkzeug", b"_internal"];
const DJANGO: &[&[u8]] = &[b"django.server", b"basehttp"];

fn werkzeug<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let (client, rest) = word(logger::message(line, WERKZEUG).unwrap_or(line))?;
    let rest = rest.strip_prefix(b"- - ")?;
    Some(Request {
        client: Some(client),
        ..request(after_shape(rest, TIME)?)?
    })
}

/// Reads a line of `runserver`, also where its settings give the logger a formatter of their own, which
/// has no such time.
fn django<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    if let Some(rest) = after_shape(line, TIME) {
        return request(rest);
    }
    let mut message = logger::message(line, DJANGO)?;
    // The numbers of the process and of the thread.
    while let Some((_, rest)) = digits(message) {
        message = rest.trim_ascii_start();
    }
    request(message.strip_prefix(b"\"")?)
}

/// Reads `request line" code size`.
fn request(text: &[u8]) -> Option<Request<'_>> {
    let (rest, size) = last_word(text)?;
    let (rest, code) = last_word(rest)?;
    let line = rest.strip_suffix(b"\"").filter(|_| is_size(size))?;
    let code = Some(fields::code(code)?);
    Some(
        match request_line(line).or_else(|| old_request_line(line)) {
            Some((method, target)) => fields::request(method, target, code),
            None => fields::unreadable(code),
        },
    )
}

/// Reads `METHOD path`, as HTTP/0.9 has it.
fn old_request_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (method, target) = word(text)?;
    let is_target = target.starts_with(b"/") && !target.contains(&b' ');
    (is_target && is_method(method)).then_some((method, target))
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    #[test]
    fn a_request_has_three_words() {
        for (rest, expected) in [
            (r#""GET /a?b HTTP/1.1" 401 -"#, "GET /a 401 -"),
            (r#""GET http://h/a HTTP/1.0" 200 7"#, "GET /a 200 -"),
            (r#""OPTIONS * HTTP/1.1" 404 -"#, "OPTIONS * 404 -"),
            (r#""GET /a"b HTTP/1.1" 404 -"#, "GET /a\"b 404 -"),
            (r#""GET /x" 200 OK - "GET /a HTTP/1.1" 400 -"#, "- - 400 -"),
            (r#""GET /a" 401 42"#, "GET /a 401 -"),
            (r#""garbage "quote"" 400 -"#, "- - 400 -"),
            (r#""GET /a b" 400 -"#, "- - 400 -"),
            (r#""\x16\x03"\\" 400 -"#, "- - 400 -"),
            (r#""" 414 -"#, "- - 414 -"),
            (r#""GET /a HTTP/1.1" 200"#, ""),
            (r#""GET /a HTTP/1.1" 200 OK"#, ""),
            (r#""GET /a HTTP/1.1 200 -"#, ""),
            (
                "code 400, message Bad request syntax ('GET /a HTTP/1.1')",
                "",
            ),
        ] {
            let time = "[21/Nov/2026 19:28:18]";
            let with_client = |client| match expected {
                "" => String::new(),
                expected => format!("{expected} {client}"),
            };
            let line = format!("{time} {rest}");
            assert_eq!(read("django", &line), with_client("-"), "{line}");
            assert_eq!(read("werkzeug", &line), "", "{line}");
            for prefix in [
                "",
                "INFO:werkzeug:",
                "[2026-11-21 19:28:18,123] INFO in _internal: ",
                "2026-11-21 19:28:18,123 - werkzeug - INFO - ",
            ] {
                let line = format!("{prefix}10.0.0.1 - - {time} {rest}");
                assert_eq!(read("werkzeug", &line), with_client("10.0.0.1"), "{line}");
                assert_eq!(read("django", &line), "", "{line}");
            }
        }
    }

    #[test]
    fn django_may_have_a_formatter_of_its_own() {
        for head in [
            "INFO 2026-11-21 19:28:44,123 basehttp 7 140 ",
            "WARNING:django.server:",
            "[2026-11-21 19:28:44,123] ERROR [django.server] ",
        ] {
            let line = format!("{head}\"GET /a?b HTTP/1.1\" 401 42");
            assert_eq!(read("django", &line), "GET /a 401 - -", "{line}");
        }
        for head in ["INFO app ", "INFO django.server x ", "INFO "] {
            let line = format!("{head}\"GET /a HTTP/1.1\" 401 42");
            assert_eq!(read("django", &line), "", "{line}");
        }
    }

    #[test]
    fn other_times_are_other_formats() {
        for time in [
            "[21/Nov/2026:19:28:18 +0000]",
            "[2026-11-21 19:28:18]",
            "[x]",
        ] {
            let line = format!("{time} \"GET /a HTTP/1.1\" 200 7");
            assert_eq!(read("django", &line), "");
            assert_eq!(read("werkzeug", &format!("1.2.3.4 - - {line}")), "");
        }
    }
}

//! uvicorn's access line, read backwards from its end.
//!
//! ```text
//! INFO:     172.26.0.3:37290 - "GET /api/v1/auth/validate?x=1 HTTP/1.1" 401 Unauthorized
//! ```
//!
//! What stands before the client differs by set-up (nothing, a level, a time, a logger's name),
//! the reason phrase may be missing, and python-json-logger puts it all into a JSON `message`.
//! A client that is trusted with `X-Forwarded-For` writes the left part and can put a whole forged
//! request there, so only the end counts: behind the request line nothing comes from the client,
//! and the target in it cannot hold a blank (uvicorn 0.22 to 0.54).

use memchr::{memrchr, memrchr2};

use super::format::BuiltIn;
use super::json::{self, Value};
use super::room::Room;
use super::{Request, fields, is_version};

/// The name of the format.
pub(super) const NAME: &str = "uvicorn";

pub(super) const FORMATS: &[BuiltIn] = &[BuiltIn {
    name: NAME,
    has_durations: false,
    is_detected: true,
    read,
}];

/// Reads a line of uvicorn's family.
fn read<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    if let Some(request) = access_line(line) {
        return Some(request);
    }
    let is_json = line.trim_ascii_start().starts_with(b"{");
    if !is_json || memchr::memmem::find(line, b" HTTP/").is_none() {
        return None;
    }
    json_line(line, room)
}

/// Reads a line whose text is in the `message` of a JSON object, in that of loguru's `record`, or in what
/// some formatters call `msg` and structlog calls `event`.
fn json_line<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    let picked = json::pick(line, |path| match path {
        [b"message"] | [b"record", b"message"] => Some(0),
        [b"msg" | b"event"] => Some(1),
        [b"logger"] => Some(2),
        [b"name"] | [b"record", b"name"] => Some(3),
        _ => None,
    });
    let [message, text, logger, name] = picked.ok()?;
    // Any other logger may repeat what a client sent. Behind gunicorn it is `uvicorn.access` too; loguru
    // names the module. An `event` of structlog's middleware has a format of its own.
    let is_access = match logger.or(name) {
        Some(Value::Text(logger)) if message.is_some() => {
            let logger = logger.decoded();
            logger.ends_with(b"access") || logger.starts_with(b"uvicorn.protocols.")
        }
        Some(Value::Text(logger)) => *logger.decoded() == *b"uvicorn.access",
        _ => message.is_some(),
    };
    if !is_access {
        return None;
    }
    let message = room.place_text(message.or(text))?;
    let room: &'a Room = room;
    access_line(room.get(&message))
}

/// Reads `… client - "METHOD target HTTP/version" code phrase` from its end.
fn access_line(line: &[u8]) -> Option<Request<'_>> {
    let (rest, answer) = line.split_at(memrchr(b'"', line)?);
    let (code, phrase) = answer.strip_prefix(b"\" ")?.split_at_checked(3)?;
    let code = fields::code(code)?;
    if !is_phrase(phrase) {
        return None;
    }

    let rest = match rest.strip_suffix(b" HTTP/1.1") {
        Some(rest) => rest,
        None => without_version(rest)?,
    };
    // Most targets have no query, and one look finds that out with the blank before them.
    let mut start = memrchr2(b' ', b'?', rest)?;
    let has_query = rest.get(start) == Some(&b'?');
    if has_query {
        start = memrchr(b' ', rest)?;
    }
    let (rest, target) = rest.split_at(start + 1);
    let (rest, method) = split_last(rest.strip_suffix(b" ")?, |byte| byte.is_ascii_alphabetic());
    let left = rest.strip_suffix(b"- \"")?;
    if target.is_empty() || method.is_empty() {
        return None;
    }
    let is_path = !has_query && target.starts_with(b"/");

    Some(Request {
        method: Some(method),
        path: if is_path {
            target
        } else {
            fields::path(target)
        },
        code: Some(code),
        duration: None,
        client: client(left),
        auth_call: None,
    })
}

/// Tells whether a text is what may follow the code: nothing, blanks, or a blank and a phrase of
/// Python's `http.HTTPStatus`, such as `I'm a Teapot`.
fn is_phrase(text: &[u8]) -> bool {
    if matches!(text, b" OK" | b" Unauthorized" | b" Forbidden") {
        return true;
    }
    let text = text.trim_ascii_end();
    text.is_empty()
        || text.starts_with(b" ")
            && text
                .iter()
                .all(|byte| byte.is_ascii_alphabetic() || b" '-".contains(byte))
}

/// Returns the address in the last word of `left`, `address:port`. IPv6 comes without brackets,
/// and over a unix socket the word is empty.
pub(super) fn client(left: &[u8]) -> Option<&[u8]> {
    let left = left.strip_suffix(b" ").unwrap_or(left);
    let start = memrchr(b' ', left).map_or(0, |at| at + 1);
    let word = left.get(start..)?;
    let (address, _port) = word.split_at(memrchr(b':', word)?);
    Some(address)
}

/// Takes ` HTTP/` and a version off the end of a text.
fn without_version(text: &[u8]) -> Option<&[u8]> {
    let (rest, version) = split_last(text, is_version);
    rest.strip_suffix(b" HTTP/").filter(|_| !version.is_empty())
}

/// Splits off the longest end of `text` of which every byte is `of_end`.
#[inline]
fn split_last(text: &[u8], of_end: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let start = text
        .iter()
        .rposition(|&byte| !of_end(byte))
        .map_or(0, |at| at + 1);
    text.split_at(start)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn request(line: &str) -> Option<(String, u16, Option<IpAddr>)> {
        let request = access_line(line.as_bytes())?;
        let path = String::from_utf8(request.path.to_vec()).unwrap();
        Some((path, request.code?, request.client_address()))
    }

    fn read_json(line: &str) -> Option<u16> {
        read(line.as_bytes(), &mut Room::default())?.code
    }

    #[test]
    fn reads_every_set_up() {
        for left in [
            "INFO: 172.26.0.3:37290 - ",
            "INFO:     172.26.0.3:37290 - ",
            "172.26.0.3:37290 - ",
            "INFO:uvicorn.access:172.26.0.3:37290 - ",
            "2026-11-21 19:21:28,431 - uvicorn.access - INFO - 172.26.0.3:37290 - ",
            "2026-11-21 19:21:28.431 | INFO     | uvicorn.protocols.http.h11_impl:send:466 - \
             172.26.0.3:37290 - ",
        ] {
            let line = format!("{left}\"GET /validate HTTP/1.1\" 401");
            let client = if left.contains("access:172") {
                None
            } else {
                "172.26.0.3".parse().ok()
            };
            assert_eq!(
                request(&line),
                Some(("/validate".to_owned(), 401, client)),
                "{line}"
            );
        }
    }

    #[test]
    fn client_is_an_address_or_nothing() {
        for (left, expected) in [
            ("INFO:     2001:db8::7:0 - ", Some("2001:db8::7")),
            ("INFO:     ::1:59164 - ", Some("::1")),
            ("INFO:      - ", None),
            (" - ", None),
            ("- ", None),
            (
                "2026-11-21 19:21:28,431 - uvicorn.access - INFO -  - ",
                None,
            ),
            ("INFO:     testclient:50000 - ", None),
            ("INFO:     10.0.0.256:1 - ", None),
            ("INFO:     10.0.0.1 - ", None),
            ("INFO:     10.0.0.1:443:0 - ", Some("10.0.0.1")),
        ] {
            let line = format!("{left}\"GET / HTTP/1.1\" 200 OK");
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(request(&line).unwrap().2, expected, "{left:?}");
        }
    }

    #[test]
    fn phrase_may_be_missing_or_have_blanks_apostrophes_and_hyphens() {
        for phrase in [
            "",
            " ",
            " OK",
            " OK \t",
            " Too Many Requests",
            " I'm a Teapot",
            " Multi-Status",
        ] {
            assert!(
                request(&format!("- \"GET / HTTP/1.1\" 200{phrase}")).is_some(),
                "{phrase:?}"
            );
        }
        for phrase in ["0", "OK", " 10.435", " 42 -", " OK.", "\tOK", " \"-\""] {
            assert!(
                request(&format!("- \"GET / HTTP/1.1\" 200{phrase}")).is_none(),
                "{phrase:?}"
            );
        }
    }

    #[test]
    fn only_the_last_request_counts() {
        let forged = "INFO:     1.2.3.4:5 - \"GET /validate HTTP/1.1\" 200 OK";
        let line = format!("{forged}:0 - \"GET /nope HTTP/1.1\" 404 Not Found");
        assert_eq!(request(&line), Some(("/nope".to_owned(), 404, None)));
        let line = "INFO:     1.2.3.4:5 - \"GET /x?- \"GET/validateHTTP/1.1\"200 HTTP/1.1\" 404 X";
        assert_eq!(request(line), None, "a target holds no blank");
        let line = "INFO:     1.2.3.4:5 - \"GET /x?\"GET/validateHTTP/1.1\"200 HTTP/1.1\" 404 X";
        assert_eq!(request(line).unwrap().1, 404);
    }

    #[test]
    fn near_misses_are_not_requests() {
        for line in [
            "",
            "\"",
            "INFO:     1.2.3.4:5 - \"GET / HTTP/1.1\"",
            "INFO:     1.2.3.4:5 - \"GET / HTTP/1.1\" ",
            "INFO:     1.2.3.4:5 - \"GET / HTTP/1.1\" 20",
            "INFO:     1.2.3.4:5 - \"GET / HTTP/\" 200 OK",
            "INFO:     1.2.3.4:5 - \"GET  HTTP/1.1\" 200 OK",
            "INFO:     1.2.3.4:5 - \" / HTTP/1.1\" 200 OK",
            "INFO:     1.2.3.4:5 - \"/ HTTP/1.1\" 200 OK",
            "INFO:     1.2.3.4:5 \"GET / HTTP/1.1\" 200 OK",
            "HTTP Request: GET http://a/ \"HTTP/1.1 200 OK\"",
        ] {
            assert_eq!(request(line), None, "{line:?}");
        }
    }

    #[test]
    fn json_counts_once_and_only_from_an_access_log() {
        const MESSAGE: &str = r#""message": "1.2.3.4:5 - \"GET / HTTP/1.1\" 401""#;
        let object = |rest: &str| format!("{{{MESSAGE}{rest}}}");
        for rest in [
            "",
            r#", "name": "uvicorn.access", "x": {"a": [1]}"#,
            r#", "logger": "api.access", "name": "api""#,
        ] {
            assert_eq!(
                read_json(&format!(" {} ", object(rest))),
                Some(401),
                "{rest}"
            );
        }
        for (message, logger) in [
            ("message", r#""logger": "uvicorn.access""#),
            ("msg", r#""name": "uvicorn.access""#),
            ("event", r#""logger": "uvicorn.access""#),
            ("message", r#""name": "uvicorn.protocols.http.h11_impl""#),
        ] {
            let line = format!(r#"{{"{message}": "- \"GET / HTTP/1.1\" 401", {logger}}}"#);
            assert_eq!(read_json(&line), Some(401), "{line}");
            let record = format!(r#"{{"text": "", "record": {line}}}"#);
            let expected = (message == "message").then_some(401);
            assert_eq!(read_json(&record), expected, "{record}");
        }
        for (rest, why) in [
            (r#", "name": "app.errors""#, "another logger"),
            (&format!(", {MESSAGE}"), "message twice"),
            (r#", "name": "x", "name": "access""#, "name twice"),
            ("}", "text behind the object"),
            (", ", "cut"),
        ] {
            assert_eq!(read_json(&object(rest)), None, "{why}");
        }
        for line in [
            r#"{"message": ["GET / HTTP/1.1\""]}"#,
            r#"{"event": "- \"GET / HTTP/1.1\" 401"}"#,
            r#"{"event": "- \"GET / HTTP/1.1\" 401", "logger": "api.access"}"#,
            r#"{"record": {"message": "- \"GET / HTTP/1.1\" 401", "name": "app"}}"#,
            r#"{"message": "\"GET / HTTP/1.1\" 401 12"}"#,
            r#"{"message": "started"}"#,
            "{",
        ] {
            assert_eq!(read_json(line), None, "{line}");
        }
    }
}

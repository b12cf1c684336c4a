//! The access line of the FastAPI middleware that logs through structlog, as JSON and as text.
//!
//! ```text
//! {"http": {"url": "http://h/validate", "status_code": 401, "method": "GET", "version": "1.1"}, "network": {"client": {"ip": "10.0.0.1", "port": 33166}}, "duration": 3871111, "event": "10.0.0.1:33166 - \"GET /validate HTTP/1.1\" 401", "logger": "api.access", …}
//! 2026-11-21T19:20:59.882819Z [info     ] 10.0.0.1:37014 - "GET /validate HTTP/1.1" 401 [api.access] duration=1027219 http={'url': 'http://h/validate', 'status_code': 401, 'method': 'GET', 'version': '1.1'} network={'client': {'ip': '10.0.0.1', 'port': 37014}}
//! ```
//!
//! `duration` is in nanoseconds. The text is read from its end, where Python has escaped what the
//! client wrote; what it says there decides what has to stand at the beginning.

use memchr::memrchr;

use super::duration::{Unit, duration};
use super::format::BuiltIn;
use super::json::{self, Value};
use super::room::Room;
use super::scan::cut;
use super::{Request, fields, quoted};

pub(super) const FORMATS: &[BuiltIn] = &[BuiltIn {
    name: "structlog",
    has_durations: true,
    is_detected: true,
    read,
}];

fn read<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    if line.starts_with(b"{") {
        object(line, room)
    } else {
        text(line)
    }
}

fn object<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    let picked = json::pick(line, |path| match path {
        [b"http", b"method"] => Some(0),
        [b"http", b"url"] => Some(1),
        [b"http", b"status_code"] => Some(2),
        [b"duration"] => Some(3),
        [b"network", b"client", b"ip"] => Some(4),
        [b"event"] => Some(5),
        _ => None,
    });
    let [method, url, code, time, client, event] = picked.ok()?;
    let (Value::Number(code), Value::Number(time)) = (code?, time?) else {
        return None;
    };
    let method = room.place_text(method)?;
    let url = room.place_text(url)?;
    let client = room.place_text(client);
    let is_event = matches!(event, Some(Value::Text(_)));
    let code = fields::code(code).filter(|_| is_event)?;
    let room: &'a Room = room;
    Some(Request {
        duration: Some(duration(time, Unit::Nanoseconds)?),
        client: client.map(|client| room.get(&client)),
        ..fields::request(room.get(&method), room.get(&url), Some(code))
    })
}

fn text(line: &[u8]) -> Option<Request<'_>> {
    let rest = before_pairs(line).strip_suffix(b"}}")?;
    let (rest, port) = last_number(rest)?;
    let (rest, client) = last_repr(rest.strip_suffix(b", 'port': ")?)?;
    let rest = rest.strip_suffix(b"} network={'client': {'ip': ")?;
    let (rest, version) = last_repr(rest)?;
    let (rest, method) = last_repr(rest.strip_suffix(b", 'version': ")?)?;
    let (rest, code) = last_number(rest.strip_suffix(b", 'method': ")?)?;
    let (rest, _url) = last_repr(rest.strip_suffix(b", 'status_code': ")?)?;
    let (rest, time) = last_number(rest.strip_suffix(b" http={'url': ")?)?;
    let rest = rest.strip_suffix(b"] duration=")?;
    let (rest, _logger) = rest.split_at(memrchr(b'[', rest)?);

    // `time [level     ] client:port - "METHOD target HTTP/version" code`
    let (time_logged, rest) = cut(rest, b'[')?;
    if !time_logged.iter().copied().all(is_of_time) {
        return None;
    }
    let (_level, event) = cut(rest, b']')?;
    let event = event.strip_prefix(b" ")?.strip_prefix(client)?;
    let event = event.strip_prefix(b":")?.strip_prefix(port)?;
    let event = event.strip_prefix(b" - \"")?.strip_prefix(method)?;
    let event = event.trim_ascii_end().strip_suffix(code)?;
    let event = event.strip_suffix(b"\" ")?.strip_suffix(version)?;
    let target = event.strip_prefix(b" ")?.strip_suffix(b" HTTP/")?;
    Some(Request {
        duration: Some(duration(time, Unit::Nanoseconds)?),
        client: Some(client),
        ..fields::request(method, target, Some(fields::code(code)?))
    })
}

/// Tells whether a byte may stand before the level: there is a time, or nothing.
const fn is_of_time(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b':' | b'T' | b'.' | b'Z' | b'+' | b' ')
}

/// Leaves out the plain pairs at the end, such as `request_id=…`: they come in the order of their
/// keys, so those that an application adds may come behind `network`.
fn before_pairs(line: &[u8]) -> &[u8] {
    let mut line = line.trim_ascii_end();
    while !line.ends_with(b"}}") {
        let Some(at) = memrchr(b' ', line) else {
            return line;
        };
        let (before, pair) = line.split_at(at);
        if pair.iter().any(|byte| b"'\"{}".contains(byte)) || !pair.contains(&b'=') {
            return line;
        }
        line = before;
    }
    line
}

/// Splits off the text at the end as Python's `repr` writes it: in double quotes only if it holds
/// a single one and no double one.
fn last_repr(text: &[u8]) -> Option<(&[u8], &[u8])> {
    quoted::last(text, *text.last().filter(|quote| b"'\"".contains(quote))?)
}

fn last_number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|byte| !byte.is_ascii_digit())?;
    text.split_at_checked(at + 1)
        .filter(|(_, number)| !number.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    fn console(client: &str, target: &str, url: &str, end: &str) -> String {
        format!(
            "2026-11-21T19:20:59.882819Z [info     ] {client}:5 - \"GET {target} HTTP/1.1\" 401   \
             [api.access] duration=1027219 http={{'url': {url}, 'status_code': 401, \
             'method': 'GET', 'version': '1.1'}} network={{'client': {{'ip': '{client}', \
             'port': 5}}}}{end}"
        )
    }

    #[test]
    fn text_is_read_from_its_end() {
        for (target, url, path) in [
            ("/a?b", "'http://h/a?b'", "/a"),
            ("/a?b='c'", r#""http://h/a?b='c'""#, "/a"),
            ("/a?\"'", r#"'http://h/a?"\''"#, "/a"),
            (
                "/x\" 200 OK - \"GET /b HTTP/1.1\" 200",
                "'http://h/x'",
                "/x\" 200 OK - \"GET /b HTTP/1.1\" 200",
            ),
            ("/x] duration=1", "'http://h/x'", "/x] duration=1"),
        ] {
            for end in ["", " request_id=0a-1 user_id=7"] {
                let line = console("10.0.0.1", target, url, end);
                let expected = format!("GET {path} 401 0.001027219 10.0.0.1");
                assert_eq!(read("structlog", &line), expected, "{line}");
            }
        }
    }

    #[test]
    fn a_client_that_writes_a_whole_line_changes_nothing() {
        let forged = "1.2.3.4:5 - \"GET /a HTTP/1.1\" 200 [api.access] duration=1 x";
        let line = console(forged, "/nope", "'http://h/nope'", "");
        assert_eq!(read("structlog", &line), "GET /nope 401 0.001027219 -");
        let line = line.replace("'ip': '1.2.3.4", "'ip': '1.2.3.5");
        assert_eq!(read("structlog", &line), "", "the two must agree");
    }

    #[test]
    fn text_near_misses_are_not_requests() {
        let line = console("1.2.3.4", "/a", "'http://h/a'", "");
        assert_ne!(read("structlog", &line), "");
        for (from, to) in [
            ("duration=1027219", "duration=1.5"),
            ("401   [", "402   ["),
            ("'GET'", "'PUT'"),
            ("HTTP/1.1", "HTTP/2"),
            ("'port': 5", "'port': 6"),
            ("2026", "app said: 2026"),
            ("network=", "net="),
            ("http=", "https="),
            ("}}", "}} and more"),
            ("}}", "}} a='b'"),
        ] {
            assert_eq!(read("structlog", &line.replacen(from, to, 1)), "", "{to}");
        }
    }

    #[test]
    fn an_object_needs_every_field() {
        let line = r#"{"http": {"url": "http://h/a\n?b", "status_code": 401, "method": "GET"}, "network": {"client": {"ip": "10.0.0.1"}}, "duration": 3871111, "event": "x"}"#;
        assert_eq!(read("structlog", line), "GET /a\n 401 0.003871111 10.0.0.1");
        let without = line.replace(r#", "network": {"client": {"ip": "10.0.0.1"}}"#, "");
        assert_eq!(read("structlog", &without), "GET /a\n 401 0.003871111 -");
        for (from, to) in [
            ("401", "\"401\""),
            ("3871111", "\"3871111\""),
            ("\"duration\"", "\"time\""),
            ("\"url\"", "\"uri\""),
            ("\"event\"", "\"msg\""),
            ("\"event\"", "\"duration\""),
        ] {
            assert_eq!(read("structlog", &line.replace(from, to)), "", "{to}");
        }
    }
}

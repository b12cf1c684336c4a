//! The access line of chi's `middleware.Logger`.
//!
//! ```text
//! 2026/11/21 19:29:41 [host/4nT-000002] "GET http://h/validate HTTP/1.1" from 10.0.0.1:52964 - 401 29B in 56.44µs
//! ```
//!
//! A client can choose the request id (`X-Request-Id`) and, behind `middleware.RealIP`, the
//! address. So the answer is read from the end, and a line that has two request lines is not read:
//! neither can be told to be the real one. Go refuses a target that holds a blank.

use memchr::{memchr, memmem, memrchr};

use super::duration::go_duration;
use super::format::BuiltIn;
use super::room::Room;
use super::scan::{after_shape, is_size, last_word, request_line};
use super::{Request, fields};

pub(super) const FORMATS: &[BuiltIn] = &[BuiltIn {
    name: "chi",
    has_durations: true,
    is_detected: true,
    read,
}];

fn read<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let (rest, time) = last_word(line)?;
    let (rest, size) = last_word(rest.strip_suffix(b" in")?)?;
    let (rest, code) = last_word(rest)?;
    let rest = rest.strip_suffix(b" -")?;
    if !is_size(size.strip_suffix(b"B")?) {
        return None;
    }
    let rest = after_shape(rest, b"0000/00/00 00:00:00 ")?;

    let mut from = memmem::find_iter(rest, b"\" from ");
    let (head, client) = rest.split_at(from.next().filter(|_| from.next().is_none())?);
    let client = client.strip_prefix(b"\" from ")?;
    let start = request_start(head)?;
    let (id, request) = head.split_at_checked(start)?;
    let is_id = id == b"\"" || id.starts_with(b"[") && id.ends_with(b"] \"");
    let (method, target) = request_line(request).filter(|_| is_id)?;
    let mut request = Request {
        duration: Some(go_duration(time)?),
        client: Some(client),
        ..fields::request(method, target, Some(fields::code(code)?))
    };
    if is_absolute(target) {
        request.path = fields::NO_PATH;
    }
    Some(request)
}

/// Where the request line begins that ends `text`: its method follows a quote.
fn request_start(text: &[u8]) -> Option<usize> {
    let (text, _protocol) = last_word(text)?;
    let (text, _target) = last_word(text)?;
    Some(memrchr(b'"', text)? + 1)
}

/// Tells whether the client sent the absolute form. chi puts scheme and host before all that was
/// sent, and what is then the path cannot be told from a host that ends in a colon.
fn is_absolute(target: &[u8]) -> bool {
    let host = memmem::find(target, b"://").and_then(|at| target.get(at + 3..));
    let host = host.and_then(|rest| rest.get(..memchr(b'/', rest)?));
    host.is_some_and(|host| host.ends_with(b":"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    const ID: &str = "[vm/4nT-000002] ";

    fn line(id: &str, request: &str, client: &str) -> String {
        let end = "- 401 29B in 56.44\u{b5}s";
        format!("2026/11/21 19:29:41 {id}\"{request}\" from {client} {end}")
    }

    #[test]
    fn reads_the_request_between_id_and_address() {
        for (id, request, expected) in [
            (ID, "GET http://h/a?b HTTP/1.1", "GET /a"),
            ("", "get https://h:8443/a HTTP/2.0", "get /a"),
            (ID, "GET http://h/a\"b HTTP/1.1", "GET /a\"b"),
            (ID, "GET http://h//a HTTP/1.1", "GET //a"),
            (ID, "GET http://hhttp://h/a HTTP/1.1", "GET -"),
        ] {
            let expected = format!("{expected} 401 0.00005644 10.0.0.1");
            assert_eq!(read("chi", &line(id, request, "10.0.0.1:5")), expected);
        }
    }

    #[test]
    fn an_address_cannot_be_an_answer() {
        let client = "1.2.3.4:5 - \"GET /b HTTP/1.1\" 200 OK - 200 5B in 1ms";
        let line = line(ID, "GET http://h/nope HTTP/1.1", client);
        assert_eq!(read("chi", &line), "GET /nope 401 0.00005644 -");
    }

    #[test]
    fn a_line_with_two_requests_is_not_read() {
        let forged = "x] \"GET http://h/a HTTP/1.1\" from 1.2.3.4:5";
        for line in [
            line(
                &format!("[{forged}] "),
                "GET http://h/nope HTTP/1.1",
                "10.0.0.1:5",
            ),
            line(ID, "GET http://h/nope HTTP/1.1", forged),
        ] {
            assert_eq!(read("chi", &line), "", "{line}");
        }
    }

    #[test]
    fn near_misses_are_not_requests() {
        let whole = line(ID, "GET http://h/a HTTP/1.1", "10.0.0.1:5");
        for (from, to) in [
            ("2026/", "2026-"),
            ("29B", "29"),
            ("401", "4010"),
            (" in ", " on "),
            ("\u{b5}s", ""),
            (" - 401", " 401"),
            (" HTTP/1.1", ""),
            ("http://h/a", "http://h/a b"),
            ("[vm", "vm"),
            ("from", "to"),
        ] {
            assert_eq!(read("chi", &whole.replacen(from, to, 1)), "", "{to}");
        }
    }
}

//! `option httplog clf`.
//!
//! ```text
//! 10.0.0.7 - - [21/Nov/2026:19:37:43 +0000] "GET /a HTTP/1.1" 200 146 "" "" 51654 035 "web" "auth" "a1" 0 0 0 1 1 ---- 1 1 0 0 0 0 0 "" ""
//! ```
//!
//! Behind the bytes stand nothing twice, the client's port, the milliseconds of the time, frontend,
//! backend, server, five times, termination state, counts, cookies and captured headers. A client
//! controls only the request, in which quotes are encoded, and what comes behind the times. A line
//! that was cut at 1024 bytes has lost its status.

use memchr::memchr;

use super::super::duration::{self, Unit};
use super::super::room::Room;
use super::super::{Request, scan, stamp};
use super::{Seen, code, only_word, request_line};

pub(super) fn read<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let (left, rest) = stamp::find(line, stamp::COMMON)?;
    let left = left.strip_suffix(b" - - ")?;
    let client = only_word(left)?;
    let (request, rest) = quoted(rest.strip_prefix(b" ")?)?;
    let (status, rest) = scan::word(rest)?;
    let code = code(status)?;
    let (_bytes, rest) = scan::word(rest)?;
    let rest = rest.strip_prefix(b"\"\" \"\" ")?;
    let (_port, rest) = scan::word(rest)?;
    let (_milliseconds, rest) = scan::word(rest)?;
    let (_frontend, rest) = quoted(rest)?;
    let (backend, rest) = quoted(rest)?;
    let (server, mut rest) = quoted(rest)?;
    let mut total = None;
    for _ in 0..5 {
        let (time, tail) = scan::word(rest)?;
        total = duration::duration(time, Unit::Milliseconds);
        rest = tail;
    }
    let (ended, _) = scan::word(rest)?;

    let (method, target) = request_line(request);
    let seen = Seen {
        client: Some(client),
        method,
        target,
        code,
        total,
        backend,
        server,
        ended,
    };
    Some(seen.request())
}

/// Cuts off `"text" `.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let (quoted, rest) = text.split_at(memchr(b'"', text)?);
    Some((quoted, rest.strip_prefix(b"\" ")?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LINE: &str = r#"10.0.0.7 - - [22/Nov/2026:03:40:53 +0000] "GET /a?x=#22 HTTP/1.1" 401 215 "" "" 45748 288 "web" "web" "<NOSRV>" 0 -1 -1 -1 3 PR-- 1 1 0 0 0 0 0 "" "" "app.example.com" "" """#;

    #[test]
    fn reads_what_haproxy_prints() {
        let mut room = Room::default();
        let request = read(LINE.as_bytes(), &mut room).unwrap();
        assert_eq!(
            (request.method, request.path),
            (Some(&b"GET"[..]), &b"/a"[..])
        );
        assert_eq!(request.code, Some(401));
        assert_eq!(request.client_address(), "10.0.0.7".parse().ok());
        let total = Some(Duration::from_millis(3));
        assert_eq!(request.duration, total);
        let call = request.auth_call.unwrap();
        let expected = (Some(&b"web"[..]), Some(401), total);
        assert_eq!((call.router, call.code, call.duration), expected);

        let bad = LINE.replace("GET /a?x=#22 HTTP/1.1", "<BADREQ>");
        let request = read(bad.as_bytes(), &mut room).unwrap();
        assert_eq!((request.method, request.path), (None, &b"-"[..]));
        assert_eq!(request.auth_call.unwrap().code, None);
        let prefixed = format!("<134>Nov 22 03:41:03 localhost haproxy[24886]: {LINE}");
        let request = read(prefixed.as_bytes(), &mut room).unwrap();
        assert_eq!(request.client_address(), "10.0.0.7".parse().ok());
    }

    #[test]
    fn near_misses_are_not_requests() {
        let at = LINE.find("PR--").unwrap();
        for end in 0..at + "PR--".len() {
            let mut room = Room::default();
            assert_eq!(read(&LINE.as_bytes()[..end], &mut room), None, "{end}");
        }
        for (from, to) in [
            (" - - ", " - mallory "),
            ("\"\" \"\" ", "\"-\" \"curl\" "),
            (" 401 ", " x "),
            ("/Nov/", "/11/"),
        ] {
            let line = LINE.replacen(from, to, 1);
            assert_eq!(read(line.as_bytes(), &mut Room::default()), None, "{to}");
        }
    }
}

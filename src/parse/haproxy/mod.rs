//! HAProxy's access lines, and what they say about requests that a rule has refused.
//!
//! HAProxy has no forward authentication of its own: a script asks the auth server, and a rule
//! refuses. A line says that a rule has answered (no server, and who ended the session), but not
//! which rule.

mod common;
mod httplog;
mod json;

use std::time::Duration;

use super::format::BuiltIn;
use super::{AuthCall, Request, fields, scan, stamp};

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "haproxy",
        has_durations: true,
        is_detected: true,
        read: httplog::read,
    },
    BuiltIn {
        name: "haproxy-clf",
        has_durations: true,
        is_detected: true,
        read: common::read,
    },
    BuiltIn {
        name: "haproxy-json",
        has_durations: true,
        is_detected: true,
        read: json::read,
    },
];

/// Reads a status; -1 means that there was no answer, as 0 does elsewhere.
fn code(text: &[u8]) -> Option<u16> {
    if text == b"-1" {
        return Some(0);
    }
    fields::code(text)
}

/// Returns the one word that is left without the header of syslog, if there is one: `<134>`, or that
/// and a time, a host and `program[number]:`, or the seven words of RFC 5424.
///
/// Any other text in front means that somebody else wrote the line, and that a client may have
/// written what looks like one of ours.
fn only_word(text: &[u8]) -> Option<&[u8]> {
    let text = match text.strip_prefix(b"<") {
        Some(rest) => {
            let (_, rest) = rest.split_at(rest.iter().position(|byte| !byte.is_ascii_digit())?);
            rest.strip_prefix(b">")?
        }
        None => text,
    };
    let is_one = |word: &&[u8]| !word.is_empty() && !word.contains(&b' ');
    if stamp::skip(text, stamp::SYSLOG).is_some() {
        let end = memchr::memmem::find(text, b"]: ")?;
        return text.get(end + 3..).filter(is_one);
    }
    if let Some(rest) = text.strip_prefix(b"1 ") {
        stamp::skip(rest, stamp::ISO)?;
        return rest.splitn(7, |&byte| byte == b' ').nth(6).filter(is_one);
    }
    Some(text).filter(is_one)
}

/// Reads `METHOD target HTTP/version`, which HTTP/0.9 and the end of the line may cut short: the
/// method and the target. HAProxy writes quotes as `#22`.
fn request_line(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let Some((method, rest)) = scan::word(text) else {
        return (None, b"-");
    };
    let target = scan::last_word(rest).filter(|(_, end)| end.starts_with(b"HTTP/"));
    (Some(method), target.map_or(rest, |(target, _)| target))
}

/// What a line of any of the formats says.
#[derive(Clone, Copy, Debug)]
struct Seen<'a> {
    client: Option<&'a [u8]>,
    /// `None`: the request could not be read.
    method: Option<&'a [u8]>,
    target: &'a [u8],
    code: u16,
    total: Option<Duration>,
    backend: &'a [u8],
    server: &'a [u8],
    /// The termination state, such as `PR--`.
    ended: &'a [u8],
}

impl<'a> Seen<'a> {
    fn request(self) -> Request<'a> {
        let auth_code = self.auth_code();
        let was_refused = self.server == b"<NOSRV>" && auth_code == Some(self.code);
        Request {
            method: self.method,
            path: fields::path(self.target),
            code: Some(self.code),
            duration: self.total,
            client: self.client,
            auth_call: Some(AuthCall {
                router: Some(self.backend),
                host: None,
                code: auth_code,
                duration: self.total.filter(|_| was_refused),
            }),
        }
    }

    /// Makes out what the rules have said.
    fn auth_code(&self) -> Option<u16> {
        match self.ended.get(..2) {
            _ if self.method.is_none() => None,
            _ if self.server != b"<NOSRV>" => Some(200),
            // A rule has denied, redirected or answered.
            Some(b"PR" | b"LR") if self.code >= 300 => Some(self.code),
            // The backend has no server, which is found out behind the rules.
            Some(b"SC") => Some(200),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_answered_where_no_server_did() {
        let seen = Seen {
            client: None,
            method: Some(b"GET"),
            target: b"/",
            code: 0,
            total: Some(Duration::from_millis(7)),
            backend: b"app",
            server: b"",
            ended: b"",
        };
        for (server, ended, code, expected) in [
            ("a1", "----", 401, (Some(200), None)),
            ("a1", "SC--", 503, (Some(200), None)),
            ("a1", "CD--", 200, (Some(200), None)),
            ("<NOSRV>", "PR--", 401, (Some(401), seen.total)),
            ("<NOSRV>", "PR--", 403, (Some(403), seen.total)),
            ("<NOSRV>", "LR--", 302, (Some(302), seen.total)),
            ("<NOSRV>", "LR--", 200, (None, None)),
            ("<NOSRV>", "SC--", 503, (Some(200), None)),
            ("<NOSRV>", "CR--", 400, (None, None)),
            ("<NOSRV>", "cR--", 408, (None, None)),
            ("<NOSRV>", "", 401, (None, None)),
        ] {
            let seen = Seen {
                server: server.as_bytes(),
                ended: ended.as_bytes(),
                code,
                ..seen
            };
            let call = seen.request().auth_call.unwrap();
            assert_eq!(
                (call.code, call.duration),
                expected,
                "{server} {ended} {code}"
            );
        }
        let unreadable = Seen {
            method: None,
            server: b"<NOSRV>",
            ended: b"PR--",
            code: 400,
            ..seen
        };
        assert_eq!(unreadable.request().auth_call.unwrap().code, None);
    }

    #[test]
    fn only_syslog_may_stand_in_front() {
        for (text, expected) in [
            ("10.0.0.7:1", Some("10.0.0.7:1")),
            ("<6>10.0.0.7:1", Some("10.0.0.7:1")),
            (
                "<134>Nov 22 03:41:03 localhost haproxy[24886]: 10.0.0.7:1",
                Some("10.0.0.7:1"),
            ),
            (
                "Nov  2 03:41:03 localhost haproxy[24886]: 10.0.0.7:1",
                Some("10.0.0.7:1"),
            ),
            (
                "<134>1 2026-11-22T03:41:03.245+00:00 localhost haproxy 24886 - - 10.0.0.7:1",
                Some("10.0.0.7:1"),
            ),
            ("INFO:     10.0.0.7:1", None),
            ("x 10.0.0.7:1", None),
            ("<6> 10.0.0.7:1", None),
            ("<x>10.0.0.7:1", None),
            ("<6>", None),
            ("Nov 22 03:41:03 localhost nginx[1]: x]: 10.0.0.7:1", None),
            ("Nov 22 03:41:03 localhost 10.0.0.7:1", None),
            (
                "1 2026-11-22T03:41:03.245+00:00 localhost haproxy 24886 - - x 10.0.0.7:1",
                None,
            ),
            ("1 x 10.0.0.7:1", None),
            ("", None),
        ] {
            let expected = expected.map(str::as_bytes);
            assert_eq!(only_word(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_request_line_may_be_cut_short() {
        for (text, expected) in [
            ("GET /a?x HTTP/1.1", (Some("GET"), "/a?x")),
            ("GET http://h/a HTTP/2.0", (Some("GET"), "http://h/a")),
            ("OPTIONS * HTTP/1.1", (Some("OPTIONS"), "*")),
            ("GET /a", (Some("GET"), "/a")),
            ("GET /a HTT", (Some("GET"), "/a HTT")),
            ("<BADREQ>", (None, "-")),
            ("", (None, "-")),
        ] {
            let (method, target) = request_line(text.as_bytes());
            let expected = (expected.0.map(str::as_bytes), expected.1.as_bytes());
            assert_eq!((method, target), expected, "{text}");
        }
    }
}

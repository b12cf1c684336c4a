//! oauth2-proxy's request log, read from its end.
//!
//! ```text
//! 10.0.0.1 - 5e165098-10f4-0864-e7c0-9ac313bfad6d - - [2026/11/21 19:51:14] h GET - "/oauth2/auth" HTTP/1.1 "" 401 13 0.000
//! ```
//!
//! User name and host are not quoted, and a client can put a whole request there; target and user
//! agent are quoted. Up to 2019 there was no request id. Lines about log-ins have no request.

use super::duration::{Unit, duration};
use super::format::BuiltIn;
use super::room::Room;
use super::scan::{is_method, is_size, last_word, word};
use super::{Request, fields, is_version, quoted};

pub(super) const FORMATS: &[BuiltIn] = &[BuiltIn {
    name: "oauth2-proxy",
    has_durations: true,
    is_detected: true,
    read,
}];

fn read<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    let (rest, time) = last_word(line)?;
    let (rest, size) = last_word(rest)?;
    let (rest, code) = last_word(rest)?;
    if !is_size(size) {
        return None;
    }
    let (rest, _agent) = quoted::last(rest, b'"')?;
    let (rest, protocol) = last_word(rest.strip_suffix(b" ")?)?;
    let version = protocol.strip_prefix(b"HTTP/")?;
    let (rest, target) = quoted::last(rest, b'"')?;
    let (rest, _upstream) = last_word(rest.strip_suffix(b" ")?)?;
    let (rest, method) = last_word(rest)?;
    let (client, _) = word(rest)?;
    if version.is_empty() || !version.iter().copied().all(is_version) || !is_method(method) {
        return None;
    }
    let time = duration(time, Unit::Seconds)?;
    let code = fields::code(code)?;
    let target = room.place_quoted(target);
    let room: &'a Room = room;
    Some(Request {
        duration: Some(time),
        client: Some(client),
        ..fields::request(method, room.get(&target), Some(code))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    const START: &str = "10.0.0.1 - 5e165098 - - [2026/11/21 19:51:14] h";

    #[test]
    fn reads_old_and_new_lines() {
        let old = r#"10.0.0.1 - a@b.c [07/Feb/2019:00:01:30 +0000] h GET - "/oauth2/auth" HTTP/1.0 "x" 202 0 0.000"#;
        assert_eq!(read("oauth2-proxy", old), "GET /oauth2/auth 202 0 10.0.0.1");
        for (end, expected) in [
            (
                r#"GET - "/a?b" HTTP/1.1 "" 401 13 0.250"#,
                "GET /a 401 0.25 10.0.0.1",
            ),
            (
                r#"get /up "/a\"b" HTTP/2.0 "\"" 302 0 1"#,
                "get /a\"b 302 1 10.0.0.1",
            ),
            (
                r#"GET - "/nope" HTTP/1.1 "GET - \"/a\" HTTP/1.1 \"\" 200 1 0.1" 404 9 0.001"#,
                "GET /nope 404 0.001 10.0.0.1",
            ),
        ] {
            assert_eq!(
                read("oauth2-proxy", &format!("{START} {end}")),
                expected,
                "{end}"
            );
        }
    }

    #[test]
    fn a_user_or_a_host_cannot_be_a_request() {
        let forged = r#"GET - "/a" HTTP/1.1 "" 200 1 0.1"#;
        let line = format!(r#"{START} {forged} GET - "/nope" HTTP/1.1 "" 404 9 0.001"#);
        assert_eq!(read("oauth2-proxy", &line), "GET /nope 404 0.001 10.0.0.1");
    }

    #[test]
    fn near_misses_are_not_requests() {
        for end in [
            "[AuthFailure] Invalid authentication via basic auth: not in Htpasswd File",
            r#"GET - "/a" HTTP/1.1 "" 401 13"#,
            r#"GET - "/a" HTTP/1.1 "" 401 x 0.1"#,
            r#"GET - "/a" HTTP/1.1 "" 4o1 13 0.1"#,
            r#"GET - "/a" HTTP/1.1 " 401 13 0.1"#,
            r#"GET - /a HTTP/1.1 "" 401 13 0.1"#,
            r#"GET - "/a" HTTP/ "" 401 13 0.1"#,
            r#"- - "/a" HTTP/1.1 "" 401 13 0.1"#,
        ] {
            assert_eq!(read("oauth2-proxy", &format!("{START} {end}")), "", "{end}");
        }
    }
}

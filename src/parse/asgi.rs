//! Access lines of granian, hypercorn and daphne.
//!
//! ```text
//! [2026-11-21 19:27:28 +0000] 127.0.0.1 - "GET /validate HTTP/1.1" 200 10.435
//! [2026-11-21 19:26:35 +0000] [21916] [INFO] 127.0.0.1:37686 - - [21/Nov/2026:19:26:35 +0000] "GET /validate 1.1" 200 11 "-" "-"
//! 127.0.0.1:45232 - - [21/Nov/2026:19:27:51] "GET /validate?x=1" 401 41
//! ```
//!
//! granian and hypercorn write the decoded path, so a client that sends `%0a` writes lines of its
//! own, which nobody can tell from real ones. What can be told is a path that holds a blank: such
//! a line is not read, whatever it looks like.

use std::time::Duration;

use super::duration::{Unit, duration};
use super::format::BuiltIn;
use super::room::Room;
use super::scan::{
    after_shape, cut, is_method, is_size, last_word, rcut, request_line, versioned, word,
};
use super::{Request, fields, is_version};

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "granian",
        has_durations: true,
        is_detected: true,
        read: granian,
    },
    BuiltIn {
        name: "hypercorn",
        has_durations: false,
        is_detected: true,
        read: |line, _| Some(hypercorn(line)?.0),
    },
    // With `%(D)s` or `%(L)s` behind what is written by default.
    BuiltIn {
        name: "hypercorn-us",
        has_durations: true,
        is_detected: false,
        read: |line, _| timed(line, Unit::Microseconds),
    },
    BuiltIn {
        name: "hypercorn-s",
        has_durations: true,
        is_detected: false,
        read: |line, _| timed(line, Unit::Seconds),
    },
    BuiltIn {
        name: "daphne",
        has_durations: false,
        is_detected: true,
        read: daphne,
    },
];

fn granian<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let rest = after_shape(line, b"[0000-00-00 00:00:00 ")?;
    let (_zone, rest) = cut(rest, b']')?;
    let (client, rest) = word(rest.strip_prefix(b" ")?)?;
    let rest = rest.strip_prefix(b"- \"")?;
    let (rest, time) = last_word(rest)?;
    let (rest, code) = last_word(rest)?;
    let line = rest.strip_suffix(b"\"")?;
    let code = Some(fields::code(code)?);
    let request = if let Some(rest) = line.strip_prefix(b"- ") {
        // A WebSocket has no method, not even the `GET` that it began with.
        Request {
            method: None,
            ..fields::request(b"", versioned(rest)?, code)
        }
    } else {
        let (method, target) = request_line(line)?;
        fields::request(method, target, code)
    };
    Some(Request {
        duration: Some(duration(time, Unit::Milliseconds)?),
        client: Some(client),
        ..request
    })
}

/// Returns the address in `address:port`, in which IPv6 has no brackets.
fn address(client: &[u8]) -> &[u8] {
    rcut(client, b':').map_or(client, |(address, _port)| address)
}

/// Reads a line of hypercorn up to the size of the answer; behind it the client's own texts begin.
fn hypercorn(line: &[u8]) -> Option<(Request<'_>, &[u8])> {
    let rest = after_shape(line, b"[0000-00-00 00:00:00 ")?;
    // The zone, the process and the level.
    let (_zone, rest) = cut(rest, b']')?;
    let (_process, rest) = cut(rest.strip_prefix(b" [")?, b']')?;
    let (_level, rest) = cut(rest.strip_prefix(b" [")?, b']')?;
    let (client, rest) = word(rest.strip_prefix(b" ")?)?;
    let rest = after_shape(rest, b"- - [00/xxx/0000:00:00:00 ")?;
    let (_zone, rest) = cut(rest, b']')?;

    let (method, rest) = word(rest.strip_prefix(b" \"")?)?;
    let (target, rest) = word(rest)?;
    let (version, rest) = cut(rest, b'"')?;
    let (code, rest) = word(rest.strip_prefix(b" ")?)?;
    let (size, rest) = word(rest)?;
    let is_version = !version.is_empty() && version.iter().copied().all(is_version);
    if !is_version || !is_method(method) || !is_size(size) || !rest.starts_with(b"\"") {
        return None;
    }
    // The client was gone before there was an answer.
    let code = match code {
        b"-" => None,
        _ => Some(fields::code(code)?),
    };
    let request = Request {
        client: Some(address(client)),
        ..fields::request(method, target, code)
    };
    Some((request, rest))
}

/// Reads a line of hypercorn that ends in a number, behind the quote of the user agent.
fn timed(line: &[u8], unit: Unit) -> Option<Request<'_>> {
    let (request, rest) = hypercorn(line)?;
    let (_, time) = last_word(rest).filter(|(rest, _)| rest.ends_with(b"\""))?;
    let duration: Duration = duration(time, unit)?;
    Some(Request {
        duration: Some(duration),
        ..request
    })
}

fn daphne<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let (client, rest) = word(line)?;
    let rest = after_shape(rest, b"- - [00/xxx/0000:00:00:00] \"")?;
    let (rest, size) = last_word(rest)?;
    let (rest, code) = last_word(rest)?;
    let (method, target) = word(rest.strip_suffix(b"\"")?)?;
    // `WSCONNECT` and its like are WebSockets, and have no code.
    let code = fields::code(code)?;
    let is_whole = is_method(method) && is_size(size);
    let is_target = !target.is_empty() && !target.contains(&b' ');
    (is_whole && is_target).then(|| Request {
        client: Some(address(client)),
        ..fields::request(method, target, Some(code))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    const HYPERCORN: &str = "[2026-11-21 19:26:35 +0000] [21916] [INFO] 127.0.0.1:37686 - - \
                             [21/Nov/2026:19:26:35 +0000] ";

    #[test]
    fn granian_is_read_from_both_ends() {
        let line = |rest: &str| format!("[2026-11-21 19:27:28 +0000] {rest}");
        for (rest, expected) in [
            (
                r#"127.0.0.1 - "GET /a HTTP/1.1" 401 0.822"#,
                "GET /a 401 0.000822 127.0.0.1",
            ),
            (
                r#"2001:db8::7 - "get /a"b HTTP/2" 200 10.435"#,
                "get /a\"b 200 0.010435 2001:db8::7",
            ),
            (
                r#"1.2.3.4 - "- /ws HTTP/1.1" 101 0.005"#,
                "- /ws 101 0.000005 1.2.3.4",
            ),
            (r#"1.2.3.4 - "- /a b HTTP/1.1" 101 0.005"#, ""),
            (
                r#"unix - "OPTIONS * HTTP/1.1" 404 0.590"#,
                "OPTIONS * 404 0.00059 -",
            ),
            (
                r#"1.2.3.4 - "GET /a" 200 OK - "GET /b HTTP/1.1" 404 0.268"#,
                "",
            ),
            (r#"1.2.3.4 - "GET /a HTTP/1.1" 404"#, ""),
            (r#"1.2.3.4 - "GET /a HTTP/1.1" 404 -"#, ""),
            (r#"1.2.3.4 "GET /a HTTP/1.1" 404 0.1"#, ""),
        ] {
            assert_eq!(read("granian", &line(rest)), expected, "{rest}");
        }
        assert_eq!(
            read("granian", r#"1.2.3.4 - "GET /a HTTP/1.1" 404 0.1"#),
            ""
        );
    }

    #[test]
    fn hypercorn_is_read_up_to_what_the_client_writes() {
        for (rest, expected) in [
            (r#""GET /a 1.1" 200 11 "-" "-""#, "GET /a 200 - 127.0.0.1"),
            (r#""GET /a 2" - - "-" "-" 251422"#, "GET /a - - 127.0.0.1"),
            (
                r#""GET /a 2" 404 15 "-" "" 200 5 "-" - "GET /b 1.1" 200 2 "-" "-""#,
                "GET /a 404 - 127.0.0.1",
            ),
            (
                r#""GET /a" 200 OK - "GET /b HTTP/1.1" 200 1.1" 404 22 "-" "-""#,
                "",
            ),
            (r#""GET /a" 404 22 "-" "-""#, ""),
            (r#""GET /a 1.1" 404 22"#, ""),
            (r#""GET /a 1.1" 404 x "-" "-""#, ""),
        ] {
            assert_eq!(
                read("hypercorn", &format!("{HYPERCORN}{rest}")),
                expected,
                "{rest}"
            );
        }
    }

    #[test]
    fn hypercorn_has_durations_where_their_unit_is_named() {
        let line = |rest| format!("{HYPERCORN}\"GET /a 1.1\" 200 11 \"-\" {rest}");
        for (format, rest, expected) in [
            (
                "hypercorn-us",
                "\"-\" 7755",
                "GET /a 200 0.007755 127.0.0.1",
            ),
            (
                "hypercorn-s",
                "\"a \" 5\" 0.25",
                "GET /a 200 0.25 127.0.0.1",
            ),
            ("hypercorn-us", "\"-\"", ""),
            ("hypercorn-us", "\"x 12", ""),
            ("hypercorn-us", "\"-\" x", ""),
        ] {
            assert_eq!(read(format, &line(rest)), expected, "{rest}");
        }
    }

    #[test]
    fn clients_are_addresses_with_ports_and_without_brackets() {
        for (client, expected) in [
            ("::1:4523", "::1"),
            ("2001:db8::7:59614", "2001:db8::7"),
            ("10.0.0.1:80", "10.0.0.1"),
            ("None", "-"),
        ] {
            let line = format!("{client} - - [21/Nov/2026:19:27:51] \"GET /a\" 401 41");
            assert_eq!(read("daphne", &line), format!("GET /a 401 - {expected}"));
            let line = HYPERCORN.replace("127.0.0.1:37686", client);
            let line = format!("{line}\"GET /a 2\" 401 11 \"-\" \"-\"");
            assert_eq!(read("hypercorn", &line), format!("GET /a 401 - {expected}"));
        }
    }

    #[test]
    fn daphne_has_neither_zone_nor_protocol() {
        let line = |rest: &str| format!("127.0.0.1:45232 - - [21/Nov/2026:19:27:51] {rest}");
        for (rest, expected) in [
            (r#""GET /a?x=1" 401 41"#, "GET /a 401 - 127.0.0.1"),
            (r#""GET /a?"GET/b"200OK" 404 -"#, "GET /a 404 - 127.0.0.1"),
            (r#""GET /a b" 404 22"#, ""),
            (r#""GET /a HTTP/1.1" 200 2"#, ""),
            (r#""WSCONNECT /ws/" - -"#, ""),
            (r#""GET /a" 200"#, ""),
            (r#""GET " 200 2"#, ""),
        ] {
            assert_eq!(read("daphne", &line(rest)), expected, "{rest}");
        }
    }
}

//! Envoy's default text, and Istio's, which has some columns more.
//!
//! ```text
//! [2026-11-21T19:38:37.716Z] "GET /a?x=1 HTTP/1.1" 401 UAEX 0 41 1 1 "10.0.0.7" "-" "40dd0c96" "app.example.com" "-"
//! [2026-11-21T19:38:37.716Z] "GET /a?x=1 HTTP/1.1" 401 UAEX ext_authz_denied - "-" 0 41 1 1 "10.0.0.7" "-" "40dd0c96" "app.example.com" "-" outbound|80||app - 10.0.0.1:80 10.0.0.7:52686 - default
//! ```
//!
//! Status, flags, (Istio: details, how the connection ended, why the upstream failed; up to 1.7 two
//! quoted columns), bytes received and sent, milliseconds, the upstream's milliseconds, forwarded-for,
//! user agent, request id, authority, upstream. Nothing is escaped, but neither method nor path can
//! hold a blank, and so all up to the milliseconds is told from the beginning. Only forwarded-for,
//! user agent and request id may hold quotes.

use memchr::{memchr, memmem, memrchr};

use super::super::duration::{self, Unit};
use super::super::room::Room;
use super::super::{Request, fields, is_version, scan, stamp};
use super::Seen;

/// Reads Envoy's default.
pub(super) fn read_envoy<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let (seen, rest) = start(line)?;
    if !rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let (seen, rest) = numbers(seen, rest)?;
    let (rest, upstream) = scan::last_quoted(rest)?;
    let (rest, authority) = scan::last_quoted(rest)?;
    let rest = rest.strip_prefix(b"\"")?;
    let (forwarded, rest) = rest.split_at(memmem::find(rest, b"\" \"")?);
    let (_agent, _request_id) = rest.split_at(memmem::find(rest.get(3..)?, b"\" \"")?);
    let seen = Seen {
        host: Some(authority),
        client: Some(scan::last_of_list(forwarded)),
        has_host: upstream != b"-",
        ..seen
    };
    Some(seen.request())
}

/// Reads Istio's formats, of today and up to 1.7.
pub(super) fn read_istio<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let (seen, rest) = start(line)?;
    let (details, rest) = if let Some(rest) = rest.strip_prefix(b"\"") {
        let (_, rest) = rest.split_at(memmem::find(rest, b"\" \"")?);
        (&b""[..], rest.get(2..)?)
    } else {
        let (columns, rest) = rest.split_at(memmem::find(rest, b" \"")?);
        // The second column says how the connection ended.
        let (details, _) = scan::word(columns)?;
        (details, rest.get(1..)?)
    };
    let (_, rest) = rest.split_at(memmem::find(rest, b"\" ")?);
    let (seen, rest) = numbers(Seen { details, ..seen }, rest.get(2..)?)?;
    // Cluster, local address, downstream's local and remote address, name asked for, route.
    let (rest, addresses) = rest.split_at(memrchr(b'"', rest)? + 1);
    let mut addresses = addresses.split(|&byte| byte == b' ');
    let (rest, _upstream) = scan::last_quoted(rest)?;
    let (_, authority) = scan::last_quoted(rest)?;
    let seen = Seen {
        host: Some(authority),
        client: addresses.nth(4),
        ..seen
    };
    Some(seen.request())
}

/// Reads `[time] "METHOD path PROTOCOL" code flags `.
fn start(line: &[u8]) -> Option<(Seen<'_>, &[u8])> {
    let rest = stamp::skip(line, stamp::ENVOY)?;
    let (_, rest) = rest.split_at(memchr(b']', rest)?);
    let (method, rest) = scan::word(rest.strip_prefix(b"] \"")?)?;
    let (target, rest) = scan::word(rest)?;
    let (protocol, rest) = scan::word(rest)?;
    // A TCP connection has `-` here.
    let version = protocol.strip_prefix(b"HTTP/")?.strip_suffix(b"\"")?;
    let is_http = !version.is_empty() && version.iter().all(|&byte| is_version(byte));
    let (code, rest) = scan::word(rest)?;
    let (flags, rest) = scan::word(rest)?;
    let seen = Seen {
        method: Some(method),
        target: Some(target),
        code: fields::code(code)?,
        flags,
        ..Seen::default()
    };
    is_http.then_some((seen, rest))
}

/// Reads bytes and milliseconds, up to the quote of the next column.
fn numbers<'a>(seen: Seen<'a>, rest: &'a [u8]) -> Option<(Seen<'a>, &'a [u8])> {
    let (_received, rest) = number(rest)?;
    let (_sent, rest) = number(rest)?;
    let (total, rest) = number(rest)?;
    let (upstream, rest) = number(rest)?;
    let milliseconds = |text| duration::duration(text, Unit::Milliseconds);
    let seen = Seen {
        total: milliseconds(total),
        upstream: milliseconds(upstream),
        ..seen
    };
    rest.starts_with(b"\"").then_some((seen, rest))
}

/// Cuts off a whole number or `-`.
fn number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (number, rest) = scan::word(text)?;
    let is_number = number == b"-" || number.iter().all(u8::is_ascii_digit);
    is_number.then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVOY: &str = r#"[2026-11-21T19:38:37.716Z] "GET /a?x=1 HTTP/1.1" 401 UAEX 0 41 7 1 "1.2.3.4,10.0.0.7" "-" "40dd0c96" "app.example.com:8080" "-""#;
    const ISTIO: &str = r#"[2026-11-21T19:38:37.716Z] "GET /a?x=1 HTTP/1.1" 401 UAEX ext_authz_denied - "-" 0 41 7 1 "1.2.3.4" "-" "40dd0c96" "app.example.com:8080" "-" outbound|80||app - 10.0.0.1:80 10.0.0.7:52686 - my route"#;
    const ISTIO_2019: &str = r#"[2019-07-24T05:21:05.588Z] "GET /a?x=1 HTTP/1.1" 401 UAEX "-" "-" 0 41 7 1 "-" "kube-probe/1.12" "7058987b" "app.example.com" "127.0.0.1:9080" inbound|9080|http|app - 100.96.10.90:9080 10.0.0.7:59746 -"#;

    #[derive(Debug, PartialEq)]
    struct Shown {
        format: &'static str,
        path: String,
        code: u16,
        client: Option<String>,
        host: Option<String>,
        auth_code: Option<u16>,
        milliseconds: Option<u128>,
    }

    fn seen(line: &str) -> Option<Shown> {
        super::super::FORMATS.iter().find_map(|format| {
            let mut room = Room::default();
            let request = (format.read)(line.as_bytes(), &mut room)?;
            let call = request.auth_call.unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            Some(Shown {
                format: format.name,
                path: text(request.path),
                code: request.code?,
                client: request.client_address().map(|client| client.to_string()),
                host: call.host.map(text),
                auth_code: call.code,
                milliseconds: call.duration.map(|time| time.as_millis()),
            })
        })
    }

    fn shown(format: &'static str) -> Shown {
        Shown {
            format,
            path: "/a".to_owned(),
            code: 401,
            client: Some("10.0.0.7".to_owned()),
            host: Some("app.example.com".to_owned()),
            auth_code: Some(401),
            milliseconds: Some(7),
        }
    }

    #[test]
    fn reads_each_format_and_tells_them_apart() {
        assert_eq!(seen(ENVOY), Some(shown("envoy")));
        assert_eq!(seen(ISTIO), Some(shown("istio")));
        assert_eq!(seen(ISTIO_2019), Some(shown("istio")));
        for (from, to) in [
            (
                "- \"-\" 0",
                "- \"delayed_connect_error:_Connection refused\" 0",
            ),
            ("ext_authz_denied - ", "a{b|c: d} e f "),
        ] {
            assert_eq!(
                seen(&ISTIO.replace(from, to)).map(|seen| seen.code),
                Some(401),
                "{to}"
            );
        }
    }

    #[test]
    fn what_a_client_sends_behind_the_numbers_changes_nothing_before_them() {
        for agent in [
            "x\" 200 OK",
            r#"" 200 - 0 9 3 1 "x" "y" "z" "other.example" "10.0.0.2:80"#,
            r#"] "GET /b HTTP/1.1" 200 - 0 0 0 0 "" ""#,
            "\\",
            "\"",
            "",
        ] {
            for (line, format) in [(ENVOY, "envoy"), (ISTIO, "istio")] {
                let agent = format!(" \"{agent}\" \"40dd0c96\"");
                let line = line.replace(" \"-\" \"40dd0c96\"", &agent);
                assert_eq!(seen(&line), Some(shown(format)), "{line}");
            }
        }
        let forged = r#"1.2.3.4:5 - "GET /b HTTP/1.1" 200 OK,10.0.0.7"#;
        assert_eq!(
            seen(&ENVOY.replace("1.2.3.4,10.0.0.7", forged)),
            Some(shown("envoy"))
        );
    }

    #[test]
    fn a_request_that_cannot_be_read_has_no_path() {
        for line in [ENVOY, ISTIO] {
            let line = line
                .replace("GET /a?x=1", "- -")
                .replace("401 UAEX", "400 DPE");
            let line = line.replace(" 7 1 ", " 7 - ");
            let seen = seen(&line).unwrap();
            assert_eq!(
                (&*seen.path, seen.code, seen.auth_code),
                ("-", 400, None),
                "{line}"
            );
        }
    }

    #[test]
    fn near_misses_are_not_requests() {
        for line in [ENVOY, ISTIO, ISTIO_2019] {
            for (from, to) in [
                ("[20", "[2O"),
                ("] \"", "]\""),
                (" HTTP/1.1\"", " HTTP/\""),
                ("GET /a?x=1 HTTP/1.1", "- - -"),
                ("GET /a?x=1 ", "GET /a b "),
                ("GET /a?x=1 ", "GET "),
                (" 401 ", " - "),
                (" 0 41 ", " 0 x "),
                (" 7 1 \"", " 7 1 "),
            ] {
                assert_eq!(seen(&line.replace(from, to)), None, "{to}");
            }
        }
        let own =
            "[2026-11-21 19:39:56.502][8325][warning][main] [source/server/server.cc:1028] GET";
        assert_eq!(seen(own), None);
        for end in 0..ENVOY.len() {
            assert_eq!(seen(ENVOY.get(..end).unwrap()), None, "{end}");
        }
    }
}

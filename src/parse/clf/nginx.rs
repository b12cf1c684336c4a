//! ingress-nginx and Nginx Proxy Manager.
//!
//! nginx escapes what a client sends (`"` as `\x22`), so a quote ends a text.

use memchr::{memchr, memrchr};

use super::line::{self, word};
use crate::parse::format::BuiltIn;
use crate::parse::room::Room;
use crate::parse::upstream::{Upstream, request_time};
use crate::parse::{AuthCall, Request, fields, stamp};

pub(super) const INGRESS: BuiltIn = BuiltIn {
    name: "ingress-nginx",
    has_durations: true,
    is_detected: true,
    read: ingress,
};

pub(super) const PROXY_MANAGER: BuiltIn = BuiltIn {
    name: "nginx-proxy-manager",
    has_durations: false,
    is_detected: true,
    read: proxy_manager,
};

/// Reads ingress-nginx's `upstreaminfo`, that of old versions too.
///
/// ```text
/// … "user agent" 97 0.007 [default-app-80] [] 10.0.0.7:8080 9 0.003 200 8cb9388fbe2d
/// ```
///
/// Behind the combined format: length and time of the request, name of the upstream, name of its
/// alternative (from 0.26 on), and of each server that was tried address, length, time and
/// status, at last the id of the request (from 0.17 on). The name of the upstream is the router
/// of the auth call.
fn ingress<'a>(line: &'a [u8], _room: &'a mut Room) -> Option<Request<'a>> {
    let line = line::read(line)?;
    let (_, rest) = line.tail.split_at(memrchr(b'"', line.tail)?);
    let (length, rest) = word(rest.strip_prefix(b"\" ")?);
    let (time, rest) = word(rest.strip_prefix(b" ")?);
    let (router, rest) = bracketed(rest)?;
    let rest = bracketed(rest).map_or(rest, |(_, rest)| rest);
    let (_address, rest) = column(rest)?;
    let (_length, rest) = column(rest)?;
    let (upstream_time, rest) = column(rest)?;
    let (status, id) = column(rest)?;
    let is_id = id.is_empty() || id.iter().rposition(|byte| *byte == b' ') == Some(0);
    let is_status = |byte: &u8| byte.is_ascii_digit() || b"-, :".contains(byte);
    if !is_id || !status.iter().all(is_status) || !length.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let duration = request_time(time);
    let upstream = Upstream {
        status: Some(status),
        time: Some(upstream_time),
    };
    let auth_call = line.code.map(|code| AuthCall {
        router: Some(router).filter(|router| !router.is_empty()),
        ..upstream.auth_call(code, duration)
    });
    Some(Request {
        method: line.request.method,
        path: line.request.path,
        code: line.code,
        duration,
        client: line.head.client,
        auth_call,
    })
}

/// Takes ` [text]`.
fn bracketed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b" [")?;
    let (text, rest) = text.split_at(memchr(b']', text)?);
    Some((text, rest.strip_prefix(b"]")?))
}

/// Takes a blank and one of nginx's `$upstream_…` variables: a word, or a list of words such as
/// `a, b : c`.
fn column(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b" ")?;
    let mut end = 0;
    loop {
        let (last, rest) = word(text.get(end..)?);
        end += last.len();
        if last.ends_with(b",") {
            end += 1;
        } else if rest.starts_with(b" : ") {
            end += 3;
        } else {
            let (list, rest) = text.split_at_checked(end)?;
            return (!list.is_empty()).then_some((list, rest));
        }
    }
}

/// Reads a line of Nginx Proxy Manager, or one of its default host, which is a combined one.
fn proxy_manager<'a>(line: &'a [u8], _room: &'a mut Room) -> Option<Request<'a>> {
    proxied(line).or_else(|| super::read(line, None))
}

/// Reads `[time] cache upstream-status status - METHOD scheme host "target" [Client ip] …`.
///
/// Lines of redirections and of dead hosts have neither cache nor upstream.
fn proxied(line: &[u8]) -> Option<Request<'_>> {
    let rest = stamp::skip(line, stamp::COMMON)?.strip_prefix(b" ")?;
    let (words, rest) = rest.split_at(memchr(b'"', rest)?);
    let mut words = words.strip_suffix(b" ")?.rsplitn(6, |byte| *byte == b' ');
    let (host, _scheme, method) = (words.next()?, words.next()?, words.next()?);
    let (dash, code, upstream) = (words.next()?, words.next()?, words.next());
    let rest = rest.strip_prefix(b"\"")?;
    let (target, rest) = rest.split_at(memchr(b'"', rest)?);
    let client = rest.strip_prefix(b"\" [Client ")?;
    let (client, rest) = client.split_at(memchr(b']', client)?);
    if dash != b"-" || !rest.starts_with(b"] [Length ") {
        return None;
    }
    let code = fields::code(code)?;
    // What is left begins with the status of the cache.
    let status = upstream.and_then(|text| Some(text.get(memchr(b' ', text)? + 1..)));
    let upstream = Upstream {
        status: status.flatten(),
        time: None,
    };
    let auth_call = AuthCall {
        host: Some(host).filter(|host| !host.is_empty()),
        ..upstream.auth_call(code, None)
    };
    Some(Request {
        method: Some(method).filter(|method| *method != b"-"),
        path: fields::path(target),
        code: Some(code),
        duration: None,
        client: Some(client),
        auth_call: Some(auth_call),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Path, code, milliseconds, and the auth call: router or host, code, milliseconds.
    type Said = (String, u16, Option<u128>, Call);
    type Call = (Option<String>, Option<u16>, Option<u128>);

    fn said(request: Option<Request<'_>>) -> Option<Said> {
        let request = request?;
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let milliseconds = |duration: Option<std::time::Duration>| Some(duration?.as_millis());
        let call = request.auth_call?;
        let call = (
            call.router.or(call.host).map(text),
            call.code,
            milliseconds(call.duration),
        );
        Some((
            text(request.path),
            request.code?,
            milliseconds(request.duration),
            call,
        ))
    }

    fn read_ingress(code: u16, rest: &str) -> Option<Said> {
        let line = format!(
            r#"10.0.0.1 - - [21/Nov/2026:19:51:33 +0000] "GET /a?b HTTP/1.1" {code} 9 "-" "x\x22 1"{rest}"#
        );
        said(ingress(line.as_bytes(), &mut Room::default()))
    }

    fn read_proxy_manager(line: &str) -> Option<Said> {
        let line = format!("[21/Nov/2026:19:51:50 +0000] {line}");
        said(proxied(line.as_bytes()))
    }

    fn answered(
        code: u16,
        all: u128,
        router: Option<&str>,
        call: (Option<u16>, Option<u128>),
    ) -> Said {
        let router = router.map(str::to_owned);
        ("/a".to_owned(), code, Some(all), (router, call.0, call.1))
    }

    #[test]
    fn ingress_tells_the_auth_call_from_the_application() {
        let router = Some("default-app-80");
        let passed = answered(404, 107, router, (Some(200), Some(104)));
        for rest in [
            " 97 0.107 [default-app-80] [] 10.0.0.7:80 9 0.003 404 8cb9",
            " 97 0.107 [default-app-80] [b] 10.0.0.7:80, 10.0.0.8:80 0, 9 0.001, 0.002 502, 404 8c",
            " 97 0.107 [default-app-80] [] 10.0.0.7:80 : 10.0.0.8:80 0 : 9 0.001 : 0.002 502 : 404 8c",
            " 97 0.107 [default-app-80] 10.0.0.7:80 9 0.003 404 8cb9",
            " 97 0.107 [default-app-80] 10.0.0.7:80 9 0.003 404",
        ] {
            assert_eq!(read_ingress(404, rest), Some(passed.clone()), "{rest}");
        }
        let denied = " 65 0.101 [default-app-80] [] - - - - e902";
        for (code, duration) in [(401, Some(101)), (302, None)] {
            let expected = answered(code, 101, router, (Some(code), duration));
            assert_eq!(read_ingress(code, denied), Some(expected));
        }
        let nowhere = read_ingress(400, " 0 0.000 [] [] - - - - e902");
        assert_eq!(nowhere, Some(answered(400, 0, None, (None, None))));
    }

    #[test]
    fn ingress_wants_every_column() {
        for rest in [
            "",
            " 97 0.107",
            " 97 0.107 [a] []",
            " 97 0.107 [a] [] - - -",
            " 97 0.107 [a] [] - - - - e902 more",
            " 97 0.107 [a] [] - - - -, e902",
            " x 0.107 [a] [] - - - - e902",
            " 97 0.107 a [] - - - - e902",
        ] {
            assert_eq!(read_ingress(200, rest), None, "{rest}");
        }
    }

    #[test]
    fn proxy_manager_has_host_and_upstream() {
        let rest = r#"[Client 10.0.0.1] [Length 9] [Gzip -] [Sent-to 10.0.0.7] "x" "-""#;
        for (line, code, call) in [
            (r#"- 404 404 - GET https h "/a?b""#, 404, 200),
            (r#"HIT - 200 - GET https h "/a""#, 200, 200),
            (r#"- - 401 - GET https h "/a""#, 401, 401),
            (r#"MISS 502, 200 200 - GET https h "/a""#, 200, 200),
            (r#"307 - GET https h "/a""#, 307, 307),
            (
                r#"- 200 200 - GET h h "/a?\x22 [Client 9.9.9.9]""#,
                200,
                200,
            ),
        ] {
            let call = (Some("h".to_owned()), Some(call), None);
            let said = read_proxy_manager(&format!("{line} {rest}"));
            assert_eq!(said, Some(("/a".to_owned(), code, None, call)), "{line}");
        }
        let nothing = read_proxy_manager(&format!(r#"- - 400 - - http  "-" {rest}"#));
        let call = (None, None, None);
        assert_eq!(nothing, Some(("-".to_owned(), 400, None, call)));
        for line in [
            &format!(r#"- 200 - GET https "/a" {rest}"#),
            &format!(r#"- 200 200 x GET https h "/a" {rest}"#),
            &format!(r#"- 200 x - GET https h "/a" {rest}"#),
            r#"- 200 200 - GET https h "/a" [Client 10.0.0.1] [Sent-to 10.0.0.7]"#,
            r#"- 200 200 - GET https h "/a" "x" "[Client 10.0.0.1] [Length 1]""#,
        ] {
            assert_eq!(read_proxy_manager(line), None, "{line}");
        }
    }
}

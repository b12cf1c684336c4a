//! Traefik's access line in the Common Log Format, read from its end.
//!
//! ```text
//! 10.0.0.7 - - [21/Nov/2026:19:26:37 +0000] "GET /a?x=1 HTTP/1.1" 401 41 "-" "-" 2 "app@docker" "-" 1ms
//! ```
//!
//! Behind the user agent stand the number of the request, the router, the service's URL (`-`: none
//! was asked) and whole milliseconds. Client, user, method and target are written as they came: the
//! client can be a whole `X-Forwarded-For`, the user what stands before the `@` of an absolute
//! target, and over HTTP/2 method and query may hold blanks and quotes. So the status is told from
//! the end, where every quote of a client's text has a backslash, and a line whose request is not
//! three words is refused. What cannot be told: a user with line ends in it cuts the line, and what
//! stands between two of them can look like any line.
//!
//! `genericCLF` ends with the user agent; nothing tells it from other servers' lines.

use super::super::duration::{self, Unit};
use super::super::room::Room;
use super::super::{AuthCall, Request, fields, is_version, scan, stamp};
use super::Answer;

pub(super) fn read<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let (rest, milliseconds) = scan::last_word(line.strip_suffix(b"ms")?)?;
    let total = duration::duration(milliseconds, Unit::Milliseconds)?;
    let (rest, url) = scan::last_quoted(rest)?;
    let (rest, router) = scan::last_quoted(rest)?;
    let (rest, number) = scan::last_word(rest)?;
    if number != b"-" && !number.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let (rest, _agent) = scan::last_quoted(rest)?;
    let (rest, _referer) = scan::last_quoted(rest)?;
    let (rest, size) = scan::last_word(rest)?;
    let (rest, code) = scan::last_word(rest)?;
    let code = fields::code(code)?;

    let (left, request) = stamp::find(rest, stamp::COMMON)?;
    let (method, target) = words(request)?;
    let (client, user) = client_and_user(left)?;
    let was_proxied = memchr::memmem::find(url, b"://").is_some();
    let router = Some(router).filter(|&router| router != b"-");
    let answer = Answer {
        code,
        size: std::str::from_utf8(size)
            .ok()
            .and_then(|size| size.parse().ok()),
        router,
        user: Some(user),
    };
    Some(Request {
        method: Some(method),
        path: fields::path(target),
        code: Some(code),
        duration: Some(total),
        client: Some(scan::last_of_list(client)),
        auth_call: Some(AuthCall {
            router,
            host: None,
            code: if was_proxied {
                Some(200)
            } else {
                answer.auth_code()
            },
            // Of a request that passed, nobody can tell how much was the service's part.
            duration: Some(total).filter(|_| !was_proxied),
        }),
    })
}

/// Reads ` "METHOD target HTTP/version"`.
fn words(request: &[u8]) -> Option<(&[u8], &[u8])> {
    let request = request.strip_prefix(b" \"")?.strip_suffix(b"\"")?;
    let (method, rest) = scan::word(request)?;
    let (target, protocol) = scan::word(rest)?;
    let version = protocol.strip_prefix(b"HTTP/")?;
    let is_protocol = !version.is_empty() && version.iter().all(|&byte| is_version(byte));
    is_protocol.then_some((method, target))
}

/// Reads `client - user `.
fn client_and_user(left: &[u8]) -> Option<(&[u8], &[u8])> {
    let left = left.strip_suffix(b" ")?;
    let (client, user) = left.split_at(memchr::memmem::find(left, b" - ")?);
    Some((client, user.strip_prefix(b" - ")?)).filter(|(client, _)| !client.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen = (String, u16, Option<u16>, Option<u64>);

    /// Shows path, code, and the auth call's code and milliseconds.
    fn seen(line: &str) -> Option<Seen> {
        let mut room = Room::default();
        let request = read(line.as_bytes(), &mut room)?;
        let path = String::from_utf8(request.path.to_vec()).unwrap();
        let call = request.auth_call.unwrap();
        let milliseconds = call
            .duration
            .map(|time| time.as_millis().try_into().unwrap());
        Some((path, request.code?, call.code, milliseconds))
    }

    fn want(path: &str, code: u16, auth: Option<u16>, milliseconds: Option<u64>) -> Seen {
        (path.to_owned(), code, auth, milliseconds)
    }

    /// A line with these parts.
    fn line(left: &str, request: &str, agent: &str, url: &str) -> String {
        format!(
            "{left} [21/Nov/2026:19:26:37 +0000] \"{request}\" 401 41 \"-\" \"{agent}\" 2 \
             \"app@docker\" \"{url}\" 7ms"
        )
    }

    #[test]
    fn a_request_without_a_service_was_refused() {
        let get = "GET /a?x=1 HTTP/1.1";
        let denied = line("10.0.0.7 - -", get, "-", "-");
        assert_eq!(seen(&denied), Some(want("/a", 401, Some(401), Some(7))));
        let passed = line("10.0.0.7 - -", get, "-", "http://10.0.0.2:80");
        assert_eq!(seen(&passed), Some(want("/a", 401, Some(200), None)));
        let old = r#"192.168.100.1 - - [20/Apr/2020:12:39:58 +0000] "GET / HTTP/2.0" 401 17 "-" "curl/7.69.1" 54 "Auth for frontend-webservice" "/" 0ms"#;
        assert_eq!(seen(old), Some(want("/", 401, Some(401), Some(0))));
        let basic = line("10.0.0.7 - mallory\" 200", get, "-", "-").replace(" 41 ", " 17 ");
        assert_eq!(seen(&basic), Some(want("/a", 401, None, Some(7))));
    }

    #[test]
    fn names_router_and_client() {
        let line = line("1.2.3.4, 2001:db8::9 - -", "GET / HTTP/1.1", "-", "-");
        let mut room = Room::default();
        let request = read(line.as_bytes(), &mut room).unwrap();
        assert_eq!(request.client_address(), "2001:db8::9".parse().ok());
        assert_eq!(request.auth_call.unwrap().router, Some(&b"app@docker"[..]));
        let line = line.replace("app@docker", "-");
        let request = read(line.as_bytes(), &mut room).unwrap();
        assert_eq!(request.auth_call.unwrap().router, None);
    }

    #[test]
    fn an_agent_cannot_end_its_text() {
        for agent in [
            r#"\" 200 9 \"-\" \"-\" 1 \"a\" \"http://x\" 1ms"#,
            r#"x\\" \"y\" \"#,
            "x \\",
            " ",
            "",
        ] {
            let line = line("10.0.0.7 - -", "GET /a HTTP/1.1", agent, "-");
            assert_eq!(
                seen(&line),
                Some(want("/a", 401, Some(401), Some(7))),
                "{agent}"
            );
        }
    }

    #[test]
    fn a_request_that_is_not_three_words_is_refused() {
        // All of these were sent over HTTP/2 or as an absolute target, and printed by Traefik 3.7.
        for request in [
            r#"GET /x?y HTTP/1.1" 200 9 "-" "-" 1 "app@docker" "http://a" 20ms HTTP/2.0"#,
            "GET /api/v1/auth/validate? /x HTTP/2.0",
            r#"GET /x?y [21/Nov/2026:19:26:40 +0000] "GET /z HTTP/1.1" 200 HTTP/2.0"#,
            "GET /x",
            "GET /x HTTP/",
            "GET  HTTP/1.1",
            " /x HTTP/1.1",
            "",
        ] {
            assert_eq!(
                seen(&line("10.0.0.7 - -", request, "-", "-")),
                None,
                "{request}"
            );
        }
        let forged = r#"1.2.3.4 - - [21/Nov/2026:19:26:40 +0000] "GET /z HTTP/1.1" 200"#;
        for left in [forged.to_owned(), format!("10.0.0.7 - {forged}")] {
            assert_eq!(
                seen(&line(&left, "GET /x HTTP/1.1", "-", "-")),
                None,
                "{left}"
            );
        }
    }

    #[test]
    fn half_a_line_is_none() {
        let whole = line("10.0.0.7 - -", "GET /a HTTP/1.1", "-", "-");
        for end in 0..whole.len() {
            assert_eq!(seen(whole.get(..end).unwrap()), None, "{end}");
        }
        for left in ["", "\"-\" \"-\"", "10.0.0.7", "10.0.0.7 -", " - -"] {
            assert_eq!(
                seen(&line(left, "GET /a HTTP/1.1", "-", "-")),
                None,
                "{left:?}"
            );
        }
        assert_eq!(seen(&whole.replace(" 2 ", " x ")), None);
        assert_eq!(seen(&whole.replace(" 401 ", " x ")), None);
    }
}

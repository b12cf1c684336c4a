//! The common and combined log formats, with what servers add behind them.
//!
//! ```text
//! 127.0.0.1 - - [21/Nov/2026:19:23:32 +0000] "GET /api/v1/auth/validate HTTP/1.1" 401 42 "-" "-"
//! ```
//!
//! gunicorn, nginx, Apache, Tomcat, morgan, gorilla/handlers, aiohttp, Jetty, Undertow, Rack. A number
//! at the end may be a duration, but nobody can see in what unit: Apache's `%D` is microseconds,
//! Tomcat's too but milliseconds up to Tomcat 9, nginx's `$request_time` seconds. So `combined` has
//! only the durations whose unit stands in the line, and the unit of the others is named by the
//! format: `combined-s`, `combined-ms`, `combined-us`, `combined-ns`.

mod head;
mod line;
mod nginx;
mod tail;

use self::line::Line;
use self::tail::Tail;
use super::Request;
use super::duration::Unit;
use super::format::BuiltIn;
use super::room::Room;

pub(super) const FORMATS: &[BuiltIn] = &[
    // Its lines are also lines of `combined`.
    nginx::INGRESS,
    BuiltIn {
        name: "combined",
        has_durations: false,
        is_detected: true,
        read: combined,
    },
    in_unit("combined-s", |line, _| read(line, Some(Unit::Seconds))),
    in_unit("combined-ms", |line, _| {
        read(line, Some(Unit::Milliseconds))
    }),
    in_unit("combined-us", |line, _| {
        read(line, Some(Unit::Microseconds))
    }),
    in_unit("combined-ns", |line, _| read(line, Some(Unit::Nanoseconds))),
    // It reads lines of `combined` too.
    nginx::PROXY_MANAGER,
];

/// Of these, those that say how long the auth call before a request took.
pub(super) const TIMED_AUTH_CALLS: &[BuiltIn] = &[nginx::INGRESS];

/// A format that has to be named, because its lines look like those of `combined`.
const fn in_unit(
    name: &'static str,
    read: for<'a> fn(&'a [u8], &'a mut Room) -> Option<Request<'a>>,
) -> BuiltIn {
    BuiltIn {
        name,
        has_durations: true,
        is_detected: false,
        read,
    }
}

fn combined<'a>(line: &'a [u8], _room: &'a mut Room) -> Option<Request<'a>> {
    read(line, None)
}

/// Reads a line whose duration, if it does not say in which unit it is, is in `unit`.
///
/// Behind nginx every such line may be about a request that had to pass an auth server. Where the
/// line does not say whether it passed, the auth call has the request's own code and no duration.
fn read(line: &[u8], unit: Option<Unit>) -> Option<Request<'_>> {
    let Line {
        head,
        request,
        code,
        tail,
    } = line::read(line)?;
    if is_traefik(tail) {
        return None;
    }
    let Tail { duration, upstream } = Tail::read(tail, unit);
    let auth_call = code.map(|code| {
        let mut call = upstream.unwrap_or_default().auth_call(code, duration);
        call.host = head.host;
        call
    });
    Some(Request {
        method: request.method,
        path: request.path,
        code,
        duration,
        client: head.client,
        auth_call,
    })
}

/// Tells whether the line ends like Traefik's, which is a format of its own:
/// `… "-" "-" 2 "router@provider" "http://server" 1ms`.
fn is_traefik(tail: &[u8]) -> bool {
    let Some(number) = tail.strip_suffix(b"ms") else {
        return false;
    };
    let digits = number.iter().rev().take_while(|byte| byte.is_ascii_digit());
    let (texts, number) = number.split_at(number.len() - digits.count());
    // Three texts at least: the user agent, the router, the server.
    !number.is_empty() && texts.ends_with(b"\" ") && memchr::memchr_iter(b'"', texts).count() >= 6
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: &str = r#"::1 - - [21/Nov/2026:19:23:32 +0000] "GET /a HTTP/1.1" 401 42"#;

    /// The formats of the family that read a line.
    fn names(line: &str) -> Vec<&'static str> {
        let reads =
            |format: &&BuiltIn| (format.read)(line.as_bytes(), &mut Room::default()).is_some();
        FORMATS
            .iter()
            .filter(reads)
            .map(|format| format.name)
            .collect()
    }

    #[test]
    fn a_line_without_unit_is_found_to_be_combined() {
        for tail in [
            "",
            r#" "-" "curl/8.5""#,
            r#" "" """#,
            r#" "-" "-" 2021"#,
            r#" "-" "-" 12ms"#,
        ] {
            let names = names(&format!("{CORE}{tail}"));
            assert_eq!(names.first(), Some(&"combined"), "{tail}");
            assert_eq!(names.len(), 6, "{names:?}");
        }
    }

    #[test]
    fn traefiks_lines_are_left_to_traefik() {
        for tail in [
            r#" "-" "-" 2 "protected@file" "-" 1ms"#,
            r#" "-" "a \" b" 12 "r\"@file" "http://10.0.0.7:80" 1234ms"#,
        ] {
            assert!(names(&format!("{CORE}{tail}")).is_empty(), "{tail}");
        }
    }

    #[test]
    fn the_auth_call_has_what_the_line_says_of_it() {
        let call = |head: &str, code: &str, tail: &str| {
            let line = format!(
                r#"{head} - - [21/Nov/2026:19:23:32 +0000] "GET /a HTTP/1.1" {code} 9 "-" "-"{tail}"#
            );
            let call = read(line.as_bytes(), None).unwrap().auth_call?;
            let host = call
                .host
                .map(|host| String::from_utf8_lossy(host).into_owned());
            Some((
                host,
                call.code,
                call.duration.map(|duration| duration.as_millis()),
            ))
        };
        assert_eq!(call("::1", "401", ""), Some((None, Some(401), None)));
        assert_eq!(call("::1", "204", ""), Some((None, Some(204), None)));
        assert_eq!(call("::1", "-", ""), None);
        let host = Some("app.example.com".to_owned());
        let head = "app.example.com:443 10.0.0.1";
        assert_eq!(call(head, "401", ""), Some((host, Some(401), None)));
        let (passed, refused) = (r#" rt=0.105 urt="0.002""#, r#" rt=0.105 urt="-""#);
        assert_eq!(
            call("::1", "404", passed),
            Some((None, Some(200), Some(103)))
        );
        assert_eq!(
            call("::1", "401", refused),
            Some((None, Some(401), Some(105)))
        );
    }
}

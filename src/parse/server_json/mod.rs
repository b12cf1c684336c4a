//! Access lines that a server writes as one flat JSON object: nginx, gunicorn, Tomcat, Apache.
//!
//! Only Tomcat's valve has names of its own. The others print whatever the configuration says, so
//! a format here is a set of names that are in use, and a sign of whose they are:
//!
//! - nginx: `log_format … escape=json`, and ingress-nginx's `log-format-upstream`. The names are
//!   those of nginx's variables, or short for them.
//! - gunicorn: `--access-logformat '{"remote_ip":"%(h)s","method":"%(m)s","path":"%(U)s",…}'`.
//! - Apache: `LogFormat "{ \"remoteIP\":\"%a\", \"request\":\"%U\", \"method\":\"%m\", … }"`.
//!
//! Of these only nginx with `escape=json` and Tomcat always write JSON. What the others write
//! where a client has sent quotes or backslashes is read by [`like_json`].

mod like_json;
mod names;

use std::time::Duration;

use self::names::{Found, Meaning};
use super::duration::{self, Unit};
use super::format::BuiltIn;
use super::json::{self, Value};
use super::request_line::RequestLine;
use super::room::{Place, Room};
use super::upstream::{self, Upstream};
use super::{AuthCall, Request, fields};

pub(super) const FORMATS: &[BuiltIn] = &[
    format("tomcat-json", |line, room| read(line, room, &TOMCAT)),
    format("apache-json", |line, room| read(line, room, &APACHE)),
    NGINX_JSON,
    format("gunicorn-json", |line, room| read(line, room, &GUNICORN)),
];

/// Of these, those that say how long the auth call before a request took.
pub(super) const TIMED_AUTH_CALLS: &[BuiltIn] = &[NGINX_JSON];

const NGINX_JSON: BuiltIn = BuiltIn {
    has_durations: true,
    ..format("nginx-json", |line, room| read(line, room, &NGINX))
};

/// A format in which a duration is not usual.
const fn format(
    name: &'static str,
    read: for<'a> fn(&'a [u8], &'a mut Room) -> Option<Request<'a>>,
) -> BuiltIn {
    BuiltIn {
        name,
        has_durations: false,
        is_detected: true,
        read,
    }
}

/// A kind of server.
struct Server {
    /// What a name means to it, if anything.
    names: fn(&[u8]) -> Option<Meaning>,
    /// A field with any of these meanings shows that it was such a server.
    signs: &'static [Meaning],
}

const NGINX: Server = Server {
    names: names::nginx,
    signs: &[
        Meaning::Sign,
        Meaning::Target,
        Meaning::RequestTime,
        Meaning::UpstreamStatus,
        Meaning::UpstreamTime,
    ],
};
const GUNICORN: Server = Server {
    names: names::gunicorn,
    signs: &[Meaning::Client],
};
const APACHE: Server = Server {
    names: names::apache,
    signs: &[Meaning::Client],
};
const TOMCAT: Server = Server {
    names: names::tomcat,
    signs: &[Meaning::Sign],
};

/// Reads a line that is an object of such a server.
fn read<'a>(line: &'a [u8], room: &'a mut Room, server: &Server) -> Option<Request<'a>> {
    let line = line.trim_ascii();
    if !line.starts_with(b"{") {
        return None;
    }
    let mut found = Found::nothing();
    let result = json::walk(line, &mut |path, value| {
        if let [name] = path
            && let Some(meaning) = (server.names)(name)
        {
            found.take(meaning, value);
        }
    });
    if result.is_err() {
        return request(&like_json::read(line, server.names)?, server);
    }
    let places = found.map(|value| place(value, room));
    let room: &'a Room = room;
    request(&places.map(|place| Some(room.get(&place))), server)
}

fn place<'a>(value: Value<'a>, room: &mut Room) -> Option<Place<'a>> {
    match value {
        Value::Text(text) if has_foreign_escape(text.raw()) => Some(Place::Line(text.raw())),
        Value::Text(text) => Some(room.place(text)),
        Value::Number(number) => Some(Place::Line(number)),
        Value::Bool(_) | Value::Null => None,
    }
}

/// Tells whether a text has an escape that no server writes, because it needs none: of a slash, or
/// of a character of ASCII by its number.
///
/// Then the server does not escape backslashes (gunicorn, nginx with `escape=none`), and the client
/// has sent this one: `/\u0061pi` is not `/api`.
fn has_foreign_escape(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let escape = rest.get(at + 1..).unwrap_or_default();
        let digits = escape.strip_prefix(b"u00").and_then(<[u8]>::first_chunk);
        let is_ascii = digits.is_some_and(|digits: &[u8; 2]| matches!(digits, [b'2'..=b'7', _]));
        if is_ascii || escape.starts_with(b"/") {
            return true;
        }
        rest = escape.get(1..).unwrap_or_default();
    }
    false
}

fn request<'a>(found: &Found<&'a [u8]>, server: &Server) -> Option<Request<'a>> {
    let request_time = found.get(Meaning::RequestTime);
    let request_time = request_time.and_then(upstream::request_time);
    let is_own = server.signs.iter().any(|sign| match sign {
        Meaning::RequestTime => request_time.is_some(),
        sign => found.get(*sign).is_some(),
    });
    if !is_own || found.get(Meaning::Foreign).is_some() {
        return None;
    }
    let RequestLine { method, path } = request_line(found)?;
    let code = match found.get(Meaning::Code)? {
        b"-" | b"" => None,
        code => Some(fields::code(code)?),
    };
    let duration = request_time.or_else(|| duration_of(found));
    let upstream = Upstream {
        status: found.get(Meaning::UpstreamStatus),
        time: found.get(Meaning::UpstreamTime),
    };
    Some(Request {
        method,
        path,
        code,
        duration,
        client: found.get(Meaning::Client),
        auth_call: code.map(|code| AuthCall {
            host: found.get(Meaning::Host),
            ..upstream.auth_call(code, duration)
        }),
    })
}

/// Returns the method and the path, preferably as the client sent them.
fn request_line<'a>(found: &Found<&'a [u8]>) -> Option<RequestLine<'a>> {
    let request = found.get(Meaning::Request);
    if let Some(line) = request.filter(|text| !text.starts_with(b"/")) {
        return Some(RequestLine::read(line));
    }
    let target = request.or_else(|| found.get(Meaning::Target));
    let target = target.or_else(|| found.get(Meaning::Path))?;
    let method = found.get(Meaning::Method);
    Some(RequestLine {
        method: method.filter(|method| !matches!(*method, b"" | b"-")),
        path: match target {
            b"" => fields::NO_PATH,
            target => fields::path(target),
        },
    })
}

fn duration_of(found: &Found<&[u8]>) -> Option<Duration> {
    let units = [
        (Meaning::Seconds, Unit::Seconds),
        (Meaning::Milliseconds, Unit::Milliseconds),
        (Meaning::Microseconds, Unit::Microseconds),
        (Meaning::Nanoseconds, Unit::Nanoseconds),
    ];
    units
        .into_iter()
        .find_map(|(meaning, unit)| duration::duration(found.get(meaning)?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first format that reads a line, and method, path, code and microseconds.
    fn first(line: &str) -> Option<(&'static str, String)> {
        let mut room = Room::default();
        FORMATS.iter().find_map(|format| {
            room.clear();
            let request = (format.read)(line.as_bytes(), &mut room)?;
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let said = format!(
                "{} {} {} {} {}",
                request.method.map_or_else(|| "-".to_owned(), text),
                text(request.path),
                request.code.map_or(-1, i32::from),
                request
                    .duration
                    .map_or(-1, |duration| duration.as_micros().cast_signed()),
                request.client.map_or_else(|| "-".to_owned(), text),
            );
            Some((format.name, said))
        })
    }

    #[test]
    fn reads_what_configurations_write() {
        for (line, name, expected) in [
            (
                r#"{"time_local":"x","remote_addr":"::1","request":"GET /a?b HTTP/1.1","status": "401","request_time":"0.012"}"#,
                "nginx-json",
                "GET /a 401 12000 ::1",
            ),
            (
                r#"{"@timestamp":"x","host":"h","request_method":"PUT","request_uri":"/a?b","uri":"/index.php","status":200,"request_time":1.203}"#,
                "nginx-json",
                "PUT /a 200 1203000 -",
            ),
            (
                r#"{"time":"x","remote_addr":"::1","bytes_sent":3,"request_time":0.001,"status":404,"vhost":"h","path":"/a","duration":0.001,"method":"GET"}"#,
                "nginx-json",
                "GET /a 404 1000 ::1",
            ),
            (
                r#"{"remote_addr":"::1","request":"","status":"408","request_time":"60.000","http_user_agent":""}"#,
                "nginx-json",
                "- - 408 60000000 ::1",
            ),
            (
                r#"{"remote_addr":"::1","request_method":"","request_uri":"","status":"400","body_bytes_sent":0}"#,
                "nginx-json",
                "- - 400 -1 ::1",
            ),
            (
                r#"{"remote_ip": "::1", "response_code": "401", "request_method": "GET", "request_path": "/a", "request_timetaken": "1200"}"#,
                "gunicorn-json",
                "GET /a 401 -1 ::1",
            ),
            (
                r#"{"remote_ip":"::1","request":"GET /a HTTP/1.1","status":"200","duration_s":"0.007927"}"#,
                "gunicorn-json",
                "GET /a 200 7927 ::1",
            ),
            (
                r#"{"remoteIP":"::1","host":"h","request":"/a","query":"?b","method":"GET","status":"200","request_time":"1200"}"#,
                "apache-json",
                "GET /a 200 -1 ::1",
            ),
            (
                r#"{"host":"::1","logicalUserName":"-","user":"-","request":"GET /a\"b HTTP/1.1","statusCode":"200","elapsedTime":"7","elapsedTimeS":"0.007"}"#,
                "tomcat-json",
                "GET /a\"b 200 7000 ::1",
            ),
            (
                r#"{"remoteAddr":"::1","method":"GET","path":"/a","statusCode":"-","byteSentNC":"7"}"#,
                "tomcat-json",
                "GET /a -1 -1 ::1",
            ),
        ] {
            assert_eq!(first(line), Some((name, expected.to_owned())), "{line}");
        }
    }

    #[test]
    fn an_escape_that_no_server_writes_is_left_alone() {
        for (path, expected) in [
            (r"/\u0061pi", r"/\u0061pi"),
            (r"/a\/b", r"/a\/b"),
            (r"/a\\u0061", r"/a\u0061"),
            (r"/caf\u00e9\u001b", "/caf\u{e9}\u{1b}"),
            (r"/a\\/b", r"/a\/b"),
        ] {
            let line =
                format!(r#"{{"remote_ip":"::1","method":"GET","path":"{path}","status":404}}"#);
            let expected = format!("GET {expected} 404 -1 ::1");
            assert_eq!(first(&line), Some(("gunicorn-json", expected)), "{line}");
        }
    }

    #[test]
    fn leaves_the_lines_of_others_alone() {
        for line in [
            "{}",
            "[]",
            "x",
            r#"{"status":200,"request":"GET /a HTTP/1.1"}"#,
            r#"{"status":200,"remote_addr":"::1"}"#,
            r#"{"status":2000,"remote_addr":"::1","request":"GET /a HTTP/1.1"}"#,
            r#"{"remote_addr":"::1","request":"GET /a HTTP/1.1","body_bytes_sent":1}"#,
            r#"{"level":"info","msg":"x","remote_ip":"::1","method":"GET","path":"/a","status":200}"#,
            r#"{"remote_ip":"::1","host":"h","method":"GET","uri":"/a","status":200,"latency":8089}"#,
            r#"{"statusCode":200,"latency":0.1,"method":"GET","host":"h","path":"/validate"}"#,
            r#"{"method":"GET","path":"/a","response_code":200,"duration":5}"#,
            r#"{"logger":"http.log.access","request":{"uri":"/a","method":"GET"},"status":200,"bytes_sent":3}"#,
            r#"{"client_ip":"::1","method":"GET","uri":"/a","status":200,"time_total_ms":1}"#,
        ] {
            assert_eq!(first(line), None, "{line}");
        }
    }

    #[test]
    fn the_auth_call_has_what_nginx_says_of_it() {
        let call = |rest: &str| {
            let line = format!(r#"{{"host":"h","request":"GET /a HTTP/1.1","status":401,{rest}}}"#);
            let mut room = Room::default();
            let request = read(line.as_bytes(), &mut room, &NGINX).unwrap();
            let call = request.auth_call.unwrap();
            assert_eq!(call.host, Some(b"h".as_slice()));
            (
                call.code,
                call.duration.map(|duration| duration.as_millis()),
            )
        };
        let time = r#""request_time":0.100"#;
        let with = |status, seconds| {
            let upstream =
                format!(r#""upstream_status":"{status}","upstream_response_time":"{seconds}""#);
            call(&format!("{time},{upstream}"))
        };
        assert_eq!(with("401", "0.030"), (Some(200), Some(70)));
        assert_eq!(with("502, 401", "0.010, 0.020"), (Some(200), Some(70)));
        assert_eq!(with("", ""), (Some(401), Some(100)));
        assert_eq!(with("-", "-"), (Some(401), Some(100)));
        assert_eq!(call(time), (Some(401), None));
    }
}

//! JSON access lines of authentik, `VoidAuth` and Ory Oathkeeper.
//!
//! ```text
//! {"event":"/outpost.goauthentik.io/auth/nginx","logger":"authentik.outpost.proxyv2.application","method":"GET","remote":"10.42.0.19","runtime":"4.716","status":401,…}
//! {"level":"debug","message":"API Response Sent","details":{"request":{"ip":"1.2.3.4","method":"GET","path":"/api/authz/forward-auth"},…,"response":{"statusCode":200}}}
//! {"http_request":{"method":"GET","path":"/decisions/a","remote":"10.0.0.1:5",…},"http_response":{"status":200,"took":1234567,…},"level":"info","msg":"completed handling request",…}
//! ```
//!
//! authentik's `runtime` is in milliseconds, a text in the outpost's lines and a number in the
//! core's. Oathkeeper's `took` is in nanoseconds. `VoidAuth` writes such lines at level `debug` only.

use std::borrow::Cow;
use std::time::Duration;

use super::duration::{Unit, duration};
use super::format::BuiltIn;
use super::json::{self, Value};
use super::room::Room;
use super::{Request, fields};

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "authentik",
        has_durations: true,
        is_detected: true,
        read: authentik,
    },
    BuiltIn {
        name: "voidauth",
        has_durations: false,
        is_detected: true,
        read: voidauth,
    },
    BuiltIn {
        name: "oathkeeper",
        has_durations: true,
        is_detected: true,
        read: oathkeeper,
    },
];

/// What a line of any of them has.
type Picked<'a> = [Option<Value<'a>>; 6];

fn authentik<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    let picked = pick(line, b"\"authentik.", |path| match path {
        [b"method"] => Some(0),
        [b"event"] => Some(1),
        [b"status"] => Some(2),
        [b"remote"] => Some(3),
        [b"runtime"] => Some(4),
        [b"logger"] => Some(5),
        _ => None,
    })?;
    let [_, _, _, _, time, logger] = picked;
    if !text(logger)?.starts_with(b"authentik.") {
        return None;
    }
    let time = match time? {
        Value::Text(time) => duration(&time.decoded(), Unit::Milliseconds)?,
        Value::Number(time) => duration(time, Unit::Milliseconds)?,
        _ => return None,
    };
    // The event of a line that is about no request is a sentence.
    request(picked, Some(time), room).filter(|request| request.path.starts_with(b"/"))
}

fn voidauth<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    let picked = pick(line, b"\"API Response Sent\"", |path| match path {
        [b"details", b"request", b"method"] => Some(0),
        [b"details", b"request", b"path"] => Some(1),
        [b"details", b"response", b"statusCode"] => Some(2),
        [b"details", b"request", b"ip"] => Some(3),
        [b"message"] => Some(5),
        _ => None,
    })?;
    let [_, _, _, _, _, message] = picked;
    let is_answer = text(message)? == &b"API Response Sent"[..];
    is_answer.then(|| request(picked, None, room)).flatten()
}

fn oathkeeper<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    let picked = pick(line, b"\"http_response\"", |path| match path {
        [b"http_request", b"method"] => Some(0),
        [b"http_request", b"path"] => Some(1),
        [b"http_response", b"status"] => Some(2),
        [b"http_request", b"remote"] => Some(3),
        [b"http_response", b"took"] => Some(4),
        [b"msg"] => Some(5),
        _ => None,
    })?;
    let [_, _, _, _, time, message] = picked;
    let Value::Number(time) = time? else {
        return None;
    };
    let time = duration(time, Unit::Nanoseconds);
    let is_answer = text(message)? == &b"completed handling request"[..];
    is_answer.then(|| request(picked, time, room)).flatten()
}

/// Reads an object that has `sign` in it, which is a cheap way to leave others out.
fn pick<'a>(
    line: &'a [u8],
    sign: &[u8],
    want: impl Fn(&[&[u8]]) -> Option<usize>,
) -> Option<Picked<'a>> {
    let is_candidate = line.starts_with(b"{") && memchr::memmem::find(line, sign).is_some();
    json::pick(line, want).ok().filter(|_| is_candidate)
}

fn text(value: Option<Value<'_>>) -> Option<Cow<'_, [u8]>> {
    match value? {
        Value::Text(text) => Some(text.decoded()),
        _ => None,
    }
}

fn request<'a>(
    picked: Picked<'a>,
    time: Option<Duration>,
    room: &'a mut Room,
) -> Option<Request<'a>> {
    let [method, target, code, client, ..] = picked;
    let Value::Number(code) = code? else {
        return None;
    };
    let method = room.place_text(method)?;
    let target = room.place_text(target)?;
    let client = room.place_text(client);
    let room: &'a Room = room;
    Some(Request {
        duration: time,
        client: client.map(|client| room.get(&client)),
        ..fields::request(
            room.get(&method),
            room.get(&target),
            Some(fields::code(code)?),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    #[test]
    fn authentik_counts_in_milliseconds() {
        let outpost = r#"{"event":"/a?b","host":"h","logger":"authentik.outpost.proxyv2.application","method":"GET","remote":"10.42.0.19","runtime":"4.716","status":401,"user_agent":"x"}"#;
        let core = r#"{"auth_via": "session", "event": "/a", "logger": "authentik.asgi", "method": "GET", "runtime": 42, "scheme": "https", "size": 0.03, "status": 200}"#;
        assert_eq!(read("authentik", outpost), "GET /a 401 0.004716 10.42.0.19");
        assert_eq!(read("authentik", core), "GET /a 200 0.042 -");
        for (from, to) in [
            ("\"/a", "\"started"),
            ("authentik.asgi", "other.authentik."),
            ("\"runtime\": 42", "\"runtime\": null"),
            ("\"status\": 200", "\"status\": \"200\""),
            ("\"method\"", "\"status\""),
            ("\"event\"", "\"message\""),
        ] {
            assert_eq!(read("authentik", &core.replace(from, to)), "", "{to}");
        }
    }

    #[test]
    fn voidauth_says_what_it_has_sent() {
        let line = r#"{"timestamp":1,"level":"debug","message":"API Response Sent","details":{"request":{"ip":"1.2.3.4","method":"GET","path":"/a"},"user":{"username":"API Response Sent"},"response":{"statusCode":401}}}"#;
        assert_eq!(read("voidauth", line), "GET /a 401 - 1.2.3.4");
        for (from, to) in [
            ("\"message\":\"API Response Sent\"", "\"message\":\"x\""),
            ("\"statusCode\":401", "\"statusCode\":\"401\""),
            ("\"details\"", "\"detail\""),
        ] {
            assert_eq!(read("voidauth", &line.replace(from, to)), "", "{to}");
        }
    }

    #[test]
    fn oathkeeper_says_when_it_has_completed() {
        let line = r#"{"audience":"application","http_request":{"headers":{"x":["y"]},"host":"h","method":"GET","path":"/decisions/a","query":null,"remote":"10.0.0.1:5","scheme":"http"},"http_response":{"headers":{},"size":2,"status":401,"text_status":"Unauthorized","took":1234567},"level":"info","msg":"completed handling request","time":"x"}"#;
        assert_eq!(
            read("oathkeeper", line),
            "GET /decisions/a 401 0.001234567 10.0.0.1"
        );
        for (from, to) in [
            ("completed", "started"),
            ("1234567", "\"1\""),
            (":401", ":null"),
            ("\"level\"", "\"msg\""),
        ] {
            assert_eq!(read("oathkeeper", &line.replace(from, to)), "", "{to}");
        }
    }
}

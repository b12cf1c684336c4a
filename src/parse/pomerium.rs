//! Pomerium: what it decides (`authorize check`) and what it answers (`http-request`).
//!
//! ```text
//! {"level":"info","service":"authorize","method":"GET","path":"/","host":"h","ip":"10.0.0.1","allow":false,"allow-why-false":["user-unauthenticated"],…,"message":"authorize check"}
//! {"level":"info","service":"envoy","method":"GET","path":"/","forwarded-for":"10.0.0.1","duration":2.77,"response-code":302,…,"message":"http-request"}
//! ```
//!
//! A decision has no status code, and its path is the one that the client asked for. `duration` is
//! in milliseconds (pomerium 3364; its documentation says seconds). Which fields are written can
//! be configured, so most may be missing.

use memchr::{memmem, memrchr};

use super::duration::{Unit, duration};
use super::format::BuiltIn;
use super::json::{self, Value};
use super::room::Room;
use super::{AuthCall, Request, fields};

pub(super) const FORMATS: &[BuiltIn] = &[BuiltIn {
    name: "pomerium",
    has_durations: true,
    is_detected: true,
    read,
}];

const MESSAGES: [&[u8]; 2] = [b"authorize check", b"http-request"];

fn read<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    // Cheap, so that lines of another kind cost little.
    if MESSAGES
        .iter()
        .all(|message| memmem::find(line, message).is_none())
    {
        return None;
    }
    let picked = json::pick(line, |path| match path {
        [b"method"] => Some(0),
        [b"path"] => Some(1),
        [b"ip"] => Some(2),
        [b"forwarded-for"] => Some(3),
        [b"host"] => Some(4),
        [b"allow"] => Some(5),
        [b"response-code"] => Some(6),
        [b"duration"] => Some(7),
        [b"service"] => Some(8),
        [b"message"] => Some(9),
        _ => None,
    });
    let [
        method,
        path,
        ip,
        forwarded,
        host,
        allow,
        code,
        time,
        service,
        message,
    ] = picked.ok()?;
    let Value::Text(message) = message? else {
        return None;
    };
    let [check, answered] = MESSAGES;
    let is_check = message.plain() == Some(check);
    if !is_check && message.plain() != Some(answered) {
        return None;
    }
    let answer = match (is_check, allow) {
        (false, _) => None,
        (true, Some(Value::Bool(is_allowed))) => Some(answer(is_allowed, line)),
        (true, _) => return None,
    };
    // Every line of Pomerium says which of its services has written it.
    service.filter(|service| matches!(service, Value::Text(_)))?;
    let code = match code {
        Some(Value::Number(code)) if !is_check => Some(fields::code(code)?),
        _ => None,
    };
    let time = match time {
        Some(Value::Number(time)) => duration(time, Unit::Milliseconds),
        _ => None,
    };
    let method = room.place_text(method);
    let path = room.place_text(path);
    let client = room.place_text(ip.or(forwarded));
    let host = room.place_text(host);
    let room: &'a Room = room;
    let host = host.map(|host| room.get(&host));
    Some(Request {
        method: method.map(|method| room.get(&method)),
        path: path.map_or(fields::NO_PATH, |path| fields::path(room.get(&path))),
        code,
        duration: time,
        client: client.map(|client| last_of(room.get(&client))),
        auth_call: answer.map(|code| AuthCall {
            router: None,
            host,
            code: Some(code),
            duration: None,
        }),
    })
}

/// What a client is answered that is not let through: to log in, or that it may not.
fn answer(is_allowed: bool, line: &[u8]) -> u16 {
    // No text of a client can be this: its quotes would be escaped.
    let unauthenticated = b"\"allow-why-false\":[\"user-unauthenticated\"";
    match (is_allowed, memmem::find(line, unauthenticated)) {
        (true, _) => 200,
        (false, Some(_)) => 401,
        (false, None) => 403,
    }
}

/// The last address of a list: those before it are what the client says.
fn last_of(addresses: &[u8]) -> &[u8] {
    let start = memrchr(b',', addresses).map_or(0, |at| at + 1);
    addresses.get(start..).unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;
    use super::*;

    const CHECK: &str = r#"{"level":"info","service":"authorize","method":"GET","path":"/a?b","host":"h","ip":"10.0.0.1","allow":false,"allow-why-false":["user-unauthenticated"],"deny":false,"deny-why-false":[],"message":"authorize check"}"#;
    const ANSWER: &str = r#"{"level":"info","service":"envoy","method":"GET","path":"/a","forwarded-for":"1.1.1.1, 10.0.0.2","duration":2.772974,"response-code":302,"message":"http-request"}"#;

    fn decided(line: &str) -> Option<u16> {
        let mut room = Room::default();
        let request = super::read(line.as_bytes(), &mut room)?;
        assert!(request.is_check());
        Some(request.counted_code())
    }

    #[test]
    fn a_decision_has_an_answer_and_no_code() {
        assert_eq!(read("pomerium", CHECK), "GET /a - - 10.0.0.1");
        assert_eq!(decided(CHECK), Some(401));
        let denied = CHECK.replace("user-unauthenticated", "user-unauthorized");
        assert_eq!(decided(&denied), Some(403));
        let allowed = CHECK.replacen("false", "true", 1);
        assert_eq!(decided(&allowed), Some(200));
        let forged = denied.replace("/a?b", r#"/\"allow-why-false\":[\"user-unauthenticated\""#);
        assert_eq!(decided(&forged), Some(403));
        let reduced = r#"{"service":"authorize","allow":true,"message":"authorize check"}"#;
        assert_eq!(read("pomerium", reduced), "- - - - -");
        assert_eq!(decided(reduced), Some(200));
    }

    #[test]
    fn an_answer_may_lack_every_field() {
        assert_eq!(read("pomerium", ANSWER), "GET /a 302 0.002772974 10.0.0.2");
        let reduced = r#"{"service":"envoy","ip":"10.0.0.1","path":"/","message":"http-request"}"#;
        assert_eq!(read("pomerium", reduced), "- / - - 10.0.0.1");
        let mut room = Room::default();
        assert!(
            !super::read(reduced.as_bytes(), &mut room)
                .unwrap()
                .is_check()
        );
    }

    #[test]
    fn near_misses_are_not_requests() {
        for (from, to) in [
            ("\"allow\":false", "\"allow\":\"no\""),
            ("authorize check", "authorize"),
            ("\"service\":\"authorize\"", "\"service\":1"),
            ("\"host\"", "\"path\""),
        ] {
            assert_eq!(read("pomerium", &CHECK.replace(from, to)), "", "{to}");
        }
        let nested = CHECK.replace("\"message\":", "\"x\":{\"message\":") + "}";
        assert_eq!(read("pomerium", &nested), "");
    }
}

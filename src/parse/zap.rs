//! Access lines written through zap, as JSON or as text with JSON behind it: vouch-proxy, and
//! Keycloak gatekeeper, later called louketo-proxy.
//!
//! ```text
//! {"level":"info","ts":1555129953.4,"msg":"|302|   137.28µs /login","statusCode":302,"request":4,"latency":0.00013728,"ipPort":"127.0.0.1:36396","method":"GET","path":"/login",…}
//! 1.5904883115628932e+09  info    keycloak-gatekeeper/middleware.go:90    client request  {"latency": 3.324970429, "status": 200, "bytes": 0, "client_ip": "10.128.0.1:40782", "method": "POST", "path": "/search"}
//! ```
//!
//! Latencies are seconds. In a text, only the logger's words come before the object.

use memchr::{memchr, memmem};

use super::duration::{Unit, duration};
use super::format::BuiltIn;
use super::json::{self, Value};
use super::room::Room;
use super::{Request, fields};

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "vouch",
        has_durations: true,
        is_detected: true,
        read: vouch,
    },
    BuiltIn {
        name: "gatekeeper",
        has_durations: true,
        is_detected: true,
        read: gatekeeper,
    },
];

fn vouch<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    memmem::find(line, b"\"ipPort\"")?;
    let (_, object) = line.split_at(memchr(b'{', line)?);
    let picked = json::pick(object, |path| match path {
        [b"method"] => Some(0),
        [b"path"] => Some(1),
        [b"statusCode"] => Some(2),
        [b"latency"] => Some(3),
        [b"ipPort"] => Some(4),
        _ => None,
    });
    request(picked.ok()?, room)
}

fn gatekeeper<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    const MESSAGE: &[u8] = b"client request";
    let (head, object) = line.split_at(memchr(b'{', line)?);
    let is_text = head.trim_ascii_end().ends_with(MESSAGE);
    if !is_text && (!head.is_empty() || memmem::find(line, MESSAGE).is_none()) {
        return None;
    }
    let picked: [_; 6] = json::pick(object, |path| match path {
        [b"method"] => Some(0),
        [b"path"] => Some(1),
        [b"status"] => Some(2),
        [b"latency"] => Some(3),
        [b"client_ip"] => Some(4),
        [b"msg"] => Some(5),
        _ => None,
    })
    .ok()?;
    let [method, path, code, time, client, message] = picked;
    let is_request = match message {
        Some(Value::Text(message)) => message.plain() == Some(MESSAGE),
        _ => is_text,
    };
    is_request
        .then(|| request([method, path, code, time, client], room))
        .flatten()
}

/// Reads method, path, code, latency and client.
fn request<'a>(picked: [Option<Value<'a>>; 5], room: &'a mut Room) -> Option<Request<'a>> {
    let [method, path, code, time, client] = picked;
    let (Value::Number(code), Value::Number(time)) = (code?, time?) else {
        return None;
    };
    let method = room.place_text(method)?;
    let path = room.place_text(path)?;
    let client = room.place_text(client)?;
    let room: &'a Room = room;
    Some(Request {
        duration: duration(time, Unit::Seconds),
        client: Some(room.get(&client)),
        ..fields::request(
            room.get(&method),
            room.get(&path),
            Some(fields::code(code)?),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    const VOUCH: &str = r#"{"level":"info","ts":1555129953.4,"msg":"|401|   137.28µs /validate","statusCode":401,"request":4,"latency":0.00013728,"avgLatency":0.1,"ipPort":"10.0.0.1:36396","method":"GET","host":"h","path":"/validate","referer":""}"#;
    const GATEKEEPER: &str = r#"{"latency": 3.25, "status": 401, "bytes": 0, "client_ip": "10.0.0.1:40782", "method": "POST", "path": "/a"}"#;

    #[test]
    fn vouch_is_an_object_or_has_one_at_its_end() {
        let expected = "GET /validate 401 0.00013728 10.0.0.1";
        assert_eq!(read("vouch", VOUCH), expected);
        let console =
            format!("2019-04-13T04:32:33.409Z\tINFO\t|401| 137.28\u{b5}s /validate\t{VOUCH}");
        assert_eq!(read("vouch", &console), expected);
        for (from, to) in [
            (":401", ":\"401\""),
            ("\"latency\":0.00013728", "\"latency\":\"1\""),
            ("ipPort", "ip"),
            ("\"host\"", "\"path\""),
            ("\"method\"", "\"verb\""),
        ] {
            assert_eq!(read("vouch", &VOUCH.replace(from, to)), "", "{to}");
        }
    }

    #[test]
    fn gatekeeper_has_its_message_before_the_object_or_in_it() {
        let expected = "POST /a 401 3.25 10.0.0.1";
        for start in [
            "1.59e+09  info    keycloak-gatekeeper/middleware.go:90    client request  ",
            "2020-06-09T23:58:25.245+0200\tinfo\tclient request\t",
        ] {
            assert_eq!(
                read("gatekeeper", &format!("{start}{GATEKEEPER}")),
                expected
            );
        }
        let object = GATEKEEPER.replacen('{', r#"{"level":"info","msg":"client request","#, 1);
        assert_eq!(read("gatekeeper", &object), expected);
        for line in [
            GATEKEEPER.to_owned(),
            format!("info\tno session found in request\t{GATEKEEPER}"),
            object.replace("client request", "no client request"),
            object.replace("\"status\": 401", "\"status\": null"),
            format!("client request {GATEKEEPER} x"),
        ] {
            assert_eq!(read("gatekeeper", &line), "", "{line}");
        }
    }
}

//! Envoy's access line as JSON, by the names that Istio and Envoy Gateway give the fields.
//!
//! ```text
//! {"authority":"app.example.com","downstream_remote_address":"10.0.0.7:48516","duration":1,"method":"GET","path":"/a?x=1","response_code":401,"response_code_details":"ext_authz_denied","response_flags":"UAEX","upstream_host":null,"upstream_service_time":"1",…}
//! ```
//!
//! A field that a request does not have is null. Numbers came as texts before Envoy 1.17 or so, and
//! the upstream's milliseconds still do.

use std::sync::LazyLock;
use std::time::Duration;

use memchr::memmem::Finder;

use super::super::duration::{self, Unit};
use super::super::json::{self, Value};
use super::super::room::Room;
use super::super::{Request, fields};
use super::Seen;

/// A field that every access line of this format has and others do not.
static FLAGS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"response_flags\""));

pub(super) fn read<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    if line.first() != Some(&b'{') || FLAGS.find(line).is_none() {
        return None;
    }
    let picked = json::pick(line, |path| {
        let [key] = path else { return None };
        Some(match *key {
            b"method" => 0,
            b"path" | b"x-envoy-origin-path" => 1,
            b"authority" | b":authority" => 2,
            b"downstream_remote_address" => 3,
            b"response_flags" => 4,
            b"response_code_details" => 5,
            b"upstream_host" => 6,
            b"response_code" => 7,
            b"duration" => 8,
            b"upstream_service_time" | b"x-envoy-upstream-service-time" => 9,
            b"protocol" => 10,
            _ => return None,
        })
    });
    let [
        method,
        target,
        host,
        client,
        flags,
        details,
        upstream,
        code,
        total,
        upstream_time,
        protocol,
    ] = picked.ok()?;
    // A TCP connection has a line too.
    if target.is_none() || protocol == Some(Value::Null) {
        return None;
    }
    let code = with_number(code?, fields::code)?;
    let texts = [method, target, host, client, flags, details, upstream]
        .map(|value| room.place_text(value));
    let room: &'a Room = room;
    let [method, target, host, client, flags, details, upstream] =
        texts.map(|text| text.map(|text| room.get(&text)));
    let time = |value: Option<Value<'a>>| with_number(value?, milliseconds);
    let seen = Seen {
        method,
        target,
        host,
        client,
        code,
        flags: flags?,
        details: details.unwrap_or_default(),
        total: time(total),
        upstream: time(upstream_time),
        has_host: upstream.is_some_and(|host| host != b"-"),
    };
    Some(seen.request())
}

fn milliseconds(text: &[u8]) -> Option<Duration> {
    duration::duration(text, Unit::Milliseconds)
}

/// Reads a number, or a text that is one.
fn with_number<T>(value: Value<'_>, read: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    match value {
        Value::Number(number) => read(number),
        Value::Text(text) => read(&text.decoded()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"authority":"app.example.com:8080","downstream_remote_address":"10.0.0.7:48516","duration":7,"method":"GET","path":"/a?x=1","protocol":"HTTP/1.1","response_code":401,"response_code_details":"ext_authz_denied","response_flags":"UAEX","upstream_host":null,"upstream_service_time":"1","user_agent":null,"x_forwarded_for":"192.0.2.2"}"#;

    /// Shows path, code, the auth call's code and its milliseconds.
    fn seen(line: &str) -> Option<(String, u16, Option<u16>, Option<u128>)> {
        let mut room = Room::default();
        let request = read(line.as_bytes(), &mut room)?;
        let call = request.auth_call.unwrap();
        let path = String::from_utf8(request.path.to_vec()).unwrap();
        let time = call.duration.map(|time| time.as_millis());
        Some((path, request.code?, call.code, time))
    }

    #[test]
    fn reads_the_names_of_istio_and_of_envoy_gateway() {
        let expected = Some(("/a".to_owned(), 401, Some(401), Some(7)));
        assert_eq!(seen(LINE), expected);
        let gateway = LINE
            .replace("\"path\"", "\"x-envoy-origin-path\"")
            .replace("\"authority\"", "\":authority\"")
            .replace("upstream_service_time", "x-envoy-upstream-service-time");
        assert_eq!(seen(&gateway), expected);
        let texts = LINE.replace(":401", ":\"401\"").replace(":7,", ":\"7\",");
        assert_eq!(seen(&texts), expected);
        for line in [LINE, &gateway] {
            let mut room = Room::default();
            let request = read(line.as_bytes(), &mut room).unwrap();
            assert_eq!(request.client_address(), "10.0.0.7".parse().ok());
            assert_eq!(
                request.auth_call.unwrap().host,
                Some(&b"app.example.com"[..])
            );
        }
        let passed = LINE
            .replace("UAEX", "-")
            .replace("ext_authz_denied", "via_upstream")
            .replace(
                "\"upstream_host\":null",
                "\"upstream_host\":\"10.0.0.2:80\"",
            );
        let expected = Some(("/a".to_owned(), 401, Some(200), Some(6)));
        assert_eq!(seen(&passed), expected, "the application has refused");
    }

    #[test]
    fn a_request_that_cannot_be_read_has_no_path() {
        let line = LINE
            .replace("\"GET\"", "null")
            .replace("\"/a?x=1\"", "null")
            .replace("\"1\"", "null")
            .replace("UAEX", "DPE");
        assert_eq!(seen(&line), Some(("-".to_owned(), 401, None, None)));
    }

    #[test]
    fn near_misses_are_not_requests() {
        for (from, to) in [
            ("\"protocol\":\"HTTP/1.1\"", "\"protocol\":null"),
            ("\"path\":\"/a?x=1\",", ""),
            ("\"response_code\":401,", ""),
            ("\"response_code\":401", "\"response_code\":null"),
            ("\"response_flags\":\"UAEX\"", "\"response_flags\":null"),
            ("\"response_flags\"", "\"flags\""),
            (
                "\"response_code\"",
                "\"response_code\":200,\"response_code\"",
            ),
            ("192.0.2.2\"}", "192.0.2.2\""),
        ] {
            assert!(LINE.contains(from), "{from}");
            assert_eq!(seen(&LINE.replace(from, to)), None, "{to}");
        }
    }
}

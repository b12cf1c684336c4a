//! A `log-format` in the shape of JSON. HAProxy has none of its own; this one is widely copied:
//!
//! ```text
//! {"client_ip":"10.0.0.7","method":"GET","uri":"\/a","status":200,"time_total_ms":1,"time_response_ms":1,"termination":"----","backend":"auth","server":"a1"}
//! ```
//!
//! A line that was cut at 1024 bytes is no object any more.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::super::Request;
use super::super::duration::{self, Unit};
use super::super::json::{self, Value};
use super::super::room::Room;
use super::{Seen, code};

/// A field of this format that others do not have.
static TERMINATION: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"termination\""));

pub(super) fn read<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    if line.first() != Some(&b'{') || TERMINATION.find(line).is_none() {
        return None;
    }
    let picked = json::pick(line, |path| match path {
        [b"client_ip"] => Some(0),
        [b"method"] => Some(1),
        [b"uri"] => Some(2),
        [b"termination"] => Some(3),
        [b"backend"] => Some(4),
        [b"server"] => Some(5),
        [b"status"] => Some(6),
        [b"time_total_ms"] => Some(7),
        _ => None,
    });
    let [client, method, uri, ended, backend, server, status, time] = picked.ok()?;
    let code = code(status?.number()?)?;
    let texts = [client, method, uri, ended, backend, server].map(|value| room.place_text(value));
    let room: &'a Room = room;
    let [client, method, uri, ended, backend, server] =
        texts.map(|text| text.map(|text| room.get(&text)));
    let total = time.and_then(Value::number);
    let seen = Seen {
        client,
        method: Some(method?).filter(|&method| method != b"<BADREQ>"),
        target: uri?,
        code,
        total: total.and_then(|time| duration::duration(time, Unit::Milliseconds)),
        backend: backend?,
        server: server?,
        ended: ended?,
    };
    Some(seen.request())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"client_ip":"10.0.0.7","method":"GET","uri":"\/a?\"x\"","status":401,"time_total_ms":7,"time_response_ms":-1,"termination":"PR--","backend":"web","server":"<NOSRV>"}"#;

    #[test]
    fn reads_an_object_and_nothing_less() {
        let mut room = Room::default();
        let request = read(LINE.as_bytes(), &mut room).unwrap();
        assert_eq!(
            (request.method, request.path),
            (Some(&b"GET"[..]), &b"/a"[..])
        );
        assert_eq!(request.code, Some(401));
        assert_eq!(request.duration.unwrap().as_millis(), 7);
        let call = request.auth_call.unwrap();
        assert_eq!((call.router, call.code), (Some(&b"web"[..]), Some(401)));

        let bad = LINE.replace("GET", "<BADREQ>").replace(r#"\/a?\"x\""#, "-");
        let request = read(bad.as_bytes(), &mut room).unwrap();
        assert_eq!((request.method, request.path), (None, &b"-"[..]));
        assert_eq!(request.auth_call.unwrap().code, None);

        let cut = LINE.strip_suffix('}').unwrap();
        let twice = LINE.replace("\"status\"", "\"status\":200,\"status\"");
        let other = LINE.replace("\"termination\"", "\"ended\"");
        for line in [cut, &twice, &other] {
            assert_eq!(read(line.as_bytes(), &mut Room::default()), None, "{line}");
        }
    }
}

//! tinyauth's access lines, as text and as JSON.
//!
//! ```text
//! 2026-04-24T17:59:48Z WRN internal/middleware/zerolog_middleware.go:63 > Client Error address=10.42.0.51:54302 client_ip=10.42.0.52 latency="51.511µs" log_stream=http method=GET path=/api/auth/traefik status=401
//! {"level":"info","method":"GET","path":"/api/auth/traefik","address":"10.42.0.51:54302","client_ip":"10.42.0.52","status":200,"latency":"51.511µs","time":"…","message":"Request"}
//! ```
//!
//! Up to version 3 the message is `Request` at every level, and there is neither a source nor a
//! `client_ip`.

use super::duration::go_duration;
use super::format::BuiltIn;
use super::json::{self, Value};
use super::room::{Place, Room};
use super::scan::word;
use super::{Request, fields, logfmt};

pub(super) const FORMATS: &[BuiltIn] = &[BuiltIn {
    name: "tinyauth",
    has_durations: true,
    is_detected: true,
    read,
}];

const MESSAGES: [&[u8]; 3] = [b"Request", b"Client Error", b"Server Error"];

fn read<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    if line.starts_with(b"{") {
        object(line, room)
    } else {
        text(line, room)
    }
}

fn text<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    let (_time, rest) = word(line)?;
    let (level, rest) = word(rest)?;
    if !matches!(level, b"INF" | b"WRN" | b"ERR" | b"DBG") {
        return None;
    }
    // The source ends in `>`, and holds no blank.
    let rest = match word(rest)? {
        (_source, after) if after.starts_with(b"> ") => after.strip_prefix(b"> ")?,
        _ => rest,
    };
    let pairs = MESSAGES
        .iter()
        .find_map(|message| rest.strip_prefix(*message)?.strip_prefix(b" "))?;
    let [method, path, code, time, client, address] = logfmt::pick(pairs, |key| match key {
        b"method" => Some(0),
        b"path" => Some(1),
        b"status" => Some(2),
        b"latency" => Some(3),
        b"client_ip" => Some(4),
        b"address" => Some(5),
        _ => None,
    })?;
    let path = path?;
    let path = if path.has_escapes() {
        room.place_quoted(path.raw)
    } else {
        Place::Line(path.raw)
    };
    let room: &'a Room = room;
    Some(Request {
        duration: Some(go_duration(time?.raw)?),
        client: client.or(address).map(|client| client.raw),
        ..fields::request(method?.raw, room.get(&path), Some(fields::code(code?.raw)?))
    })
}

fn object<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    let picked = json::pick(line, |path| match path {
        [b"method"] => Some(0),
        [b"path"] => Some(1),
        [b"status"] => Some(2),
        [b"latency"] => Some(3),
        [b"client_ip"] => Some(4),
        [b"address"] => Some(5),
        [b"message"] => Some(6),
        _ => None,
    });
    let [method, path, code, time, client, address, message] = picked.ok()?;
    let (Value::Number(code), Value::Text(time), Value::Text(message)) = (code?, time?, message?)
    else {
        return None;
    };
    // Without an address it is some other JSON that has the same keys.
    if address.is_none() || !MESSAGES.contains(&message.decoded().as_ref()) {
        return None;
    }
    let time = go_duration(&time.decoded())?;
    let method = room.place_text(method)?;
    let path = room.place_text(path)?;
    let client = room.place_text(client.or(address));
    let room: &'a Room = room;
    Some(Request {
        duration: Some(time),
        client: client.map(|client| room.get(&client)),
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

    #[test]
    fn reads_text_of_every_version() {
        let pairs = "latency=\"51.511\u{b5}s\" method=GET path=/api/auth/nginx status=401";
        for (start, client) in [
            (
                "2025-02-27T08:41:27Z ERR Request address=172.19.0.2:43012",
                "172.19.0.2",
            ),
            (
                "2025-09-27T08:41:27Z INF Request address=172.19.0.2:43012 client_ip=10.0.0.1",
                "10.0.0.1",
            ),
            (
                "2026-04-24T17:59:48Z WRN internal/x.go:63 > Client Error address=172.19.0.2:1 client_ip=10.0.0.1 log_stream=http",
                "10.0.0.1",
            ),
        ] {
            let line = format!("{start} {pairs}");
            let expected = format!("GET /api/auth/nginx 401 0.000051511 {client}");
            assert_eq!(read("tinyauth", &line), expected, "{line}");
        }
    }

    #[test]
    fn a_path_with_blanks_is_quoted() {
        let line = |path| {
            format!(
                "2026-04-24T17:59:48Z WRN Client Error address=::1 latency=1ms method=GET path={path} status=404"
            )
        };
        for (path, expected) in [
            (
                r#""/a status=200 method=GET \"x\n""#,
                "GET /a status=200 method=GET \"x\n 404 0.001 ::1",
            ),
            ("/a=b", "GET /a=b 404 0.001 ::1"),
            ("/a status=200", ""),
            ("\"/a", ""),
        ] {
            assert_eq!(read("tinyauth", &line(path)), expected, "{path}");
        }
        assert_eq!(read("tinyauth", &line("/a").replace("WRN", "XYZ")), "");
        assert_eq!(
            read("tinyauth", &line("/a").replace("Client Error", "Login")),
            ""
        );
    }

    #[test]
    fn reads_json() {
        let line = r#"{"level":"warn","method":"GET","path":"/a\u0022","address":"10.42.0.51:54302","client_ip":"10.42.0.52","status":401,"latency":"51.511µs","time":"x","message":"Client Error"}"#;
        assert_eq!(
            read("tinyauth", line),
            "GET /a\" 401 0.000051511 10.42.0.52"
        );
        for (from, to) in [
            ("Client Error", "Login"),
            (":401", ":\"401\""),
            ("\u{b5}s", ""),
            ("address", "peer"),
            ("\"time\"", "\"path\""),
        ] {
            assert_eq!(read("tinyauth", &line.replace(from, to)), "", "{to}");
        }
    }
}

//! JSON access lines of Node: pino-http and express-winston.
//!
//! ```text
//! {"level":30,…,"req":{"id":1,"method":"GET","url":"/validate",…,"remoteAddress":"::1"},"res":{"statusCode":401,…},"responseTime":3,"msg":"request completed"}
//! {"level":"info","message":"GET /validate 401 1ms","meta":{"req":{…,"method":"GET","url":"/validate"},"res":{"statusCode":401},"responseTime":1}}
//! ```
//!
//! Times are milliseconds. The status is `null` where the client was gone before the answer.

use memchr::memmem;

use super::duration::{Unit, duration};
use super::format::BuiltIn;
use super::json::{self, Value};
use super::room::Room;
use super::{Request, fields};

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "pino",
        has_durations: true,
        is_detected: true,
        read: pino,
    },
    BuiltIn {
        name: "express-winston",
        has_durations: true,
        is_detected: true,
        read: express_winston,
    },
];

/// In every line of both that is about an answer.
const TIME: &[u8] = b"\"responseTime\"";

fn pino<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    request(line, room, |path| match path {
        [b"req", b"method"] => Some(0),
        [b"req", b"url"] => Some(1),
        [b"res", b"statusCode"] => Some(2),
        [b"responseTime"] => Some(3),
        [b"req", b"remoteAddress"] => Some(4),
        _ => None,
    })
}

fn express_winston<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    request(line, room, |path| match path {
        [b"meta", b"req", b"method"] => Some(0),
        [b"meta", b"req", b"url"] => Some(1),
        [b"meta", b"res", b"statusCode"] => Some(2),
        [b"meta", b"responseTime"] => Some(3),
        _ => None,
    })
}

/// Reads method, target, code, time and client from their places.
fn request<'a>(
    line: &'a [u8],
    room: &'a mut Room,
    want: impl Fn(&[&[u8]]) -> Option<usize>,
) -> Option<Request<'a>> {
    if !line.starts_with(b"{") || memmem::find(line, TIME).is_none() {
        return None;
    }
    let [method, target, code, time, client] = json::pick(line, want).ok()?;
    let code = match code? {
        Value::Number(code) => Some(fields::code(code)?),
        Value::Null => None,
        _ => return None,
    };
    let Value::Number(time) = time? else {
        return None;
    };
    let method = room.place_text(method)?;
    let target = room.place_text(target)?;
    let client = room.place_text(client);
    let room: &'a Room = room;
    Some(Request {
        duration: duration(time, Unit::Milliseconds),
        client: client.map(|client| room.get(&client)),
        ..fields::request(room.get(&method), room.get(&target), code)
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    const PINO: &str = r#"{"level":30,"time":1795289358657,"pid":1,"hostname":"h","req":{"id":1,"method":"GET","url":"/a?b","query":{},"headers":{"authorization":"Bearer x"},"remoteAddress":"::ffff:10.0.0.1","remotePort":5},"res":{"statusCode":401,"headers":{"etag":"W/\"2\""}},"responseTime":3,"msg":"request completed"}"#;
    const WINSTON: &str = r#"{"level":"info","message":"GET /a 401 1ms","meta":{"req":{"headers":{"x":"\"y\""},"method":"GET","originalUrl":"/a?b","url":"/a?b"},"res":{"statusCode":401},"responseTime":1}}"#;

    #[test]
    fn reads_lines_about_an_answer() {
        let expected = "GET /a 401 0.003 ::ffff:10.0.0.1";
        assert_eq!(read("pino", PINO), expected);
        assert_eq!(read("express-winston", WINSTON), "GET /a 401 0.001 -");
        assert_eq!(read("pino", WINSTON), "");
        assert_eq!(read("express-winston", PINO), "");
        let aborted = PINO.replace("401", "null").replace("completed", "aborted");
        assert_eq!(read("pino", &aborted), "GET /a - 0.003 ::ffff:10.0.0.1");
        let slow = PINO.replace(":3,", ":1202.62,");
        assert_eq!(read("pino", &slow), "GET /a 401 1.20262 ::ffff:10.0.0.1");
    }

    #[test]
    fn escaped_paths_are_decoded() {
        let line = WINSTON.replace("/a?b", r"/a\u002fb\n\u0022");
        assert_eq!(read("express-winston", &line), "GET /a/b\n\" 401 0.001 -");
    }

    #[test]
    fn lines_that_are_about_something_else_are_not_requests() {
        for (from, to) in [
            (r#""responseTime":3,"#, ""),
            (":3,", r#":"3","#),
            (":401", r#":"401""#),
            (":401", ":4010"),
            (r#""statusCode":401,"#, ""),
            (r#""method":"GET","#, ""),
            (r#""url":"/a?b","#, ""),
            (r#""msg""#, r#""req""#),
            ("}", ""),
        ] {
            assert_eq!(read("pino", &PINO.replacen(from, to, 1)), "", "{from} {to}");
        }
    }
}

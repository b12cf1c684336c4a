//! The JSON access line of echo, whose texts are not escaped up to 4.13 (labstack/echo 2846).
//!
//! ```text
//! {"time":"…","id":"","remote_ip":"10.0.0.1","host":"h","method":"GET","uri":"/validate","user_agent":"","status":401,"error":"…","latency":148037,"latency_human":"148.037µs","bytes_in":0,"bytes_out":43}
//! ```
//!
//! A request id, an address behind a proxy, the target and the user agent are a client's, and can
//! add keys or break the object. Method and host cannot hold a quote, the target no blank, and
//! what comes behind the user agent is escaped. So where the object is broken, the answer is read
//! from the end, and the target must be the only one: in a line that has another, neither can be
//! told to be the real one. `latency` is in nanoseconds.

use memchr::{memchr2, memmem};

use super::duration::{Unit, duration};
use super::format::BuiltIn;
use super::json::{self, Value};
use super::room::Room;
use super::scan::{cut, digits, is_method};
use super::{Request, fields, quoted};

pub(super) const FORMATS: &[BuiltIn] = &[BuiltIn {
    name: "echo",
    has_durations: true,
    is_detected: true,
    read,
}];

/// Before the target.
const TARGET: &[u8] = b"\",\"uri\":\"";
/// Behind the target.
const AGENT: &[u8] = b"\",\"user_agent\":\"";
/// Behind the user agent.
const STATUS: &[u8] = b"\",\"status\":";

fn read<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    if !line.starts_with(b"{") || memmem::find(line, b"\"latency_human\":\"").is_none() {
        return None;
    }
    let picked = json::pick(line, |path| match path {
        [b"method"] => Some(0),
        [b"uri"] => Some(1),
        [b"status"] => Some(2),
        [b"latency"] => Some(3),
        [b"remote_ip"] => Some(4),
        _ => None,
    });
    let Ok([method, target, code, time, client]) = picked else {
        return broken(line);
    };
    if has_key_behind_target(line) {
        return None;
    }
    let (Value::Number(code), Value::Number(time)) = (code?, time?) else {
        return None;
    };
    let method = room.place_text(method)?;
    let target = room.place_text(target)?;
    let client = room.place_text(client);
    let code = fields::code(code)?;
    let room: &'a Room = room;
    Some(Request {
        duration: duration(time, Unit::Nanoseconds),
        client: client.map(|client| room.get(&client)),
        ..fields::request(room.get(&method), room.get(&target), Some(code))
    })
}

/// Tells whether a target has added a key to an object and left it whole: as echo writes it, the
/// user agent comes next.
fn has_key_behind_target(line: &[u8]) -> bool {
    let target = memmem::find(line, TARGET).and_then(|at| line.get(at + TARGET.len() - 1..));
    let behind = target.and_then(quoted::first);
    behind.is_some_and(|(_, behind)| !behind.starts_with(b",\"user_agent\":\""))
}

/// Reads a line whose texts are not escaped.
fn broken(line: &[u8]) -> Option<Request<'_>> {
    let (rest, answer) = line.split_at(memmem::rfind(line, STATUS)?);
    let (code, answer) = digits(answer.strip_prefix(STATUS)?)?;
    let answer = answer.strip_prefix(b",\"error\":\"")?;
    let (_, answer) = answer.split_at(memmem::find(answer, b"\",\"latency\":")?);
    let (time, answer) = digits(answer.strip_prefix(b"\",\"latency\":")?)?;
    if !answer.starts_with(b",\"latency_human\":\"") || !answer.ends_with(b"}") {
        return None;
    }

    let (head, target) = rest.split_at(only(rest, TARGET)?);
    let target = target.strip_prefix(TARGET)?;
    let end = memchr2(b'?', b'"', target)?;
    let (path, behind) = target.split_at(end);
    // A quote in the path may be the client's; one in the query does not matter.
    if behind.starts_with(b"\"") && (only(rest, AGENT).is_none() || !behind.starts_with(AGENT)) {
        return None;
    }
    let (head, method) = head.split_at(memmem::rfind(head, b"\",\"method\":\"")?);
    let method = method.strip_prefix(b"\",\"method\":\"")?;
    let (_, client) = head.split_at(memmem::rfind(head, b"\",\"remote_ip\":\"")?);
    let (client, _) = cut(client.strip_prefix(b"\",\"remote_ip\":\"")?, b'"')?;
    let code = fields::code(code).filter(|_| is_method(method))?;
    (!path.contains(&b' ')).then(|| Request {
        duration: duration(time, Unit::Nanoseconds),
        client: Some(client),
        ..fields::request(method, path, Some(code))
    })
}

/// Returns where a text stands, if it stands there only once.
fn only(text: &[u8], part: &[u8]) -> Option<usize> {
    let mut found = memmem::find_iter(text, part);
    found.next().filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    fn line(id: &str, client: &str, target: &str, agent: &str) -> String {
        format!(
            r#"{{"time":"2026-11-21T19:31:05Z","id":"{id}","remote_ip":"{client}","host":"h","method":"GET","uri":"{target}","user_agent":"{agent}","status":404,"error":"code=404, message=\"x\"","latency":148037,"latency_human":"148.037µs","bytes_in":0,"bytes_out":43}}"#
        )
    }

    const READ: &str = "404 0.000148037 10.0.0.1";

    #[test]
    fn reads_whole_objects() {
        let whole = line("", "10.0.0.1", "/a?b", r"curl \u0022");
        assert_eq!(read("echo", &whole), format!("GET /a {READ}"));
        let whole = line("", "10.0.0.1", r"/a\u0022b", "");
        assert_eq!(read("echo", &whole), format!("GET /a\"b {READ}"));
        for (from, to) in [
            (r#""status":404"#, r#""status":"404""#),
            (r#""latency":148037"#, r#""latency":"1""#),
            ("latency_human", "latency_text"),
            ("uri", "url"),
            (r#""method":"GET","#, ""),
        ] {
            assert_eq!(read("echo", &whole.replace(from, to)), "", "{to}");
        }
    }

    #[test]
    fn reads_broken_objects_from_both_ends() {
        for (target, agent, path) in [
            (r#"/a?x="b""#, "", "/a"),
            (r#"/?","method":":D","remote_ip":"1.2.3.4","_":""#, "", "/"),
            ("/a", r#"x","status":200,"uri":"/b","z":""#, "/a"),
            ("/a", r#"" 200 5 "-" "x"	1.2.3.4 "GET /b HTTP/1.1""#, "/a"),
            (r"/a\q", "", r"/a\q"),
        ] {
            let line = line("", "10.0.0.1", target, agent);
            assert_eq!(read("echo", &line), format!("GET {path} {READ}"), "{line}");
        }
    }

    #[test]
    fn what_could_be_another_request_is_not_read() {
        let forged = r#"","host":"h","method":"GET","uri":"/b","user_agent":"","status":200,"error":"","latency":1,"x":""#;
        for line in [
            line(forged, "10.0.0.1", "/a", ""),
            line("", forged, "/a", ""),
            line("", "10.0.0.1", forged, ""),
            line("", "10.0.0.1", "/a", forged),
            line("", "10.0.0.1", r#"/b","user_agent":"x"#, r#"""#),
            line("", "10.0.0.1", r#"/b"c"#, ""),
            line("", "10.0.0.1", r#"/b","x":"y"#, ""),
        ] {
            assert_eq!(read("echo", &line), "", "{line}");
        }
        let cut = line("", "10.0.0.1", r#"/a?""#, "");
        assert_eq!(read("echo", cut.strip_suffix('}').unwrap()), "");
    }
}

//! Caddy's access line, as JSON and as its console encoder writes it.
//!
//! ```text
//! {"level":"info","ts":…,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"10.0.0.7","client_ip":"10.0.0.7","method":"GET","host":"app.example.com","uri":"/a?x=1",…},"duration":0.001889135,"status":401,…}
//! 2026/11/21 19:35:53.965 ⇥ INFO ⇥ http.log.access.log0 ⇥ handled request ⇥ {"request": {…}, "duration": 0.001889135, "status": 401, …}
//! ```
//!
//! Nothing in a line tells an answer of `forward_auth`'s server from one of the application. Level
//! says nothing either: Caddy 2.6 writes every 4xx as an error.

use std::sync::LazyLock;
use std::time::Duration;

use memchr::memmem::Finder;

use super::duration::{self, Unit};
use super::format::BuiltIn;
use super::json::{self, Value};
use super::room::Room;
use super::{AuthCall, Request, fields, scan};

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "caddy-json",
        has_durations: true,
        is_detected: true,
        read: read_json,
    },
    BuiltIn {
        name: "caddy-console",
        has_durations: true,
        is_detected: true,
        read: read_console,
    },
];

/// What every access line says, and other lines do not unless a client puts it there.
const MESSAGE: &[u8] = b"handled request";
static MESSAGE_FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MESSAGE));

/// The logger of access lines; a site's own name may follow.
const LOGGER: &[u8] = b"http.log.access";

fn read_json<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    if line.first() != Some(&b'{') || MESSAGE_FINDER.find(line).is_none() {
        return None;
    }
    request(line, true, room)
}

/// Reads the columns that the encoder puts before the object: time, level, logger and message, of
/// which the first two may be switched off. Nothing in them comes from a client.
fn read_console<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    let (columns, object) = line.split_at(memchr::memchr(b'{', line)?);
    let mut columns = columns.strip_suffix(b"\t")?.rsplit(|&byte| byte == b'\t');
    let is_message = columns.next() == Some(MESSAGE);
    let is_access = columns.next()?.starts_with(LOGGER);
    let is_level = |text: &[u8]| text.iter().all(u8::is_ascii_alphabetic);
    let is_time = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
    let is_ours = columns.next().is_none_or(is_level)
        && columns.next().is_none_or(is_time)
        && columns.next().is_none();
    let is_access = is_message && is_access && is_ours;
    is_access.then(|| request(object, false, room))?
}

/// Reads the object; `has_names` if logger and message are in it.
fn request<'a>(object: &'a [u8], has_names: bool, room: &'a mut Room) -> Option<Request<'a>> {
    let picked = json::pick(object, |path| {
        Some(match path {
            [b"request", key] => match *key {
                b"method" => 0,
                b"uri" => 1,
                b"host" => 2,
                b"client_ip" => 3,
                b"remote_ip" => 4,
                // Up to Caddy 2.4, with the port.
                b"remote_addr" => 5,
                _ => return None,
            },
            [key] => match *key {
                b"logger" => 6,
                b"msg" => 7,
                b"status" => 8,
                b"duration" => 9,
                _ => return None,
            },
            _ => return None,
        })
    });
    let [
        method,
        uri,
        host,
        client_ip,
        remote_ip,
        remote_addr,
        logger,
        message,
        status,
        time,
    ] = picked.ok()?;
    if has_names
        && !(is_like(logger, |text| text.starts_with(LOGGER))
            && is_like(message, |text| text == MESSAGE))
    {
        return None;
    }
    let Some(Value::Number(status)) = status else {
        return None;
    };
    let code = fields::code(status)?;
    let client = client_ip.or(remote_ip).or(remote_addr);
    let texts = [method, uri, host, client].map(|value| room.place_text(value));
    let room: &'a Room = room;
    let [method, uri, host, client] = texts.map(|text| text.map(|text| room.get(&text)));
    Some(Request {
        method,
        path: fields::path(uri?),
        code: Some(code),
        duration: duration(time),
        client,
        auth_call: Some(AuthCall {
            router: None,
            host: host.map(scan::without_port),
            code: Some(code),
            duration: None,
        }),
    })
}

fn is_like(value: Option<Value<'_>>, is: impl Fn(&[u8]) -> bool) -> bool {
    matches!(value, Some(Value::Text(text)) if is(&text.decoded()))
}

/// Reads seconds, or Go's text where `duration_format string` was chosen.
///
/// A whole number other than zero is no count of seconds, which would all but never be whole, but of
/// `duration_format ms` or `nano`: which of them, the line does not say.
fn duration(value: Option<Value<'_>>) -> Option<Duration> {
    match value? {
        Value::Number(number) if number == b"0" || number.contains(&b'.') => {
            duration::duration(number, Unit::Seconds)
        }
        Value::Text(text) => duration::go_duration(&text.decoded()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{"level":"error","ts":1795290024.8,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"10.0.0.1","remote_port":"55316","client_ip":"10.0.0.7","proto":"HTTP/1.1","method":"GET","host":"app.example.com:8080","uri":"/a?x=1","headers":{"Connection":["close"]}},"user_id":"","duration":0.005274945,"size":22,"status":401,"resp_headers":{}}"#;
    const CONSOLE: &str = "2026/11/21 19:35:53.841\tINFO\thttp.log.access.log0\thandled request\t{\"request\": {\"remote_ip\": \"10.0.0.7\", \"method\": \"GET\", \"host\": \"app.example.com\", \"uri\": \"/a?x=1\"}, \"duration\": 0.005274945, \"status\": 401}";

    /// Which format reads a line, and its path, code and nanoseconds.
    fn seen(line: &str) -> Option<(&'static str, String, u16, Option<u128>)> {
        FORMATS.iter().find_map(|format| {
            let mut room = Room::default();
            let request = (format.read)(line.as_bytes(), &mut room)?;
            let path = String::from_utf8(request.path.to_vec()).unwrap();
            let time = request.duration.map(|time| time.as_nanos());
            Some((format.name, path, request.code?, time))
        })
    }

    #[test]
    fn reads_both_encoders() {
        let mut room = Room::default();
        let expected = Request {
            method: Some(b"GET"),
            path: b"/a",
            code: Some(401),
            duration: Some(Duration::from_nanos(5_274_945)),
            client: Some(b"10.0.0.7"),
            auth_call: Some(AuthCall {
                router: None,
                host: Some(b"app.example.com"),
                code: Some(401),
                duration: None,
            }),
        };
        assert_eq!(read_json(JSON.as_bytes(), &mut room), Some(expected));
        assert_eq!(read_console(CONSOLE.as_bytes(), &mut room), Some(expected));
        let bare = CONSOLE.replacen("2026/11/21 19:35:53.841\tINFO\t", "", 1);
        assert_eq!(read_console(bare.as_bytes(), &mut room), Some(expected));
        assert_eq!(seen(JSON).unwrap().0, "caddy-json");
        assert_eq!(seen(CONSOLE).unwrap().0, "caddy-console");
    }

    #[test]
    fn durations_are_seconds_or_say_their_unit() {
        for (text, expected) in [
            ("1.20324585", Some(1_203_245_850)),
            ("0", Some(0)),
            ("\"1.639152ms\"", Some(1_639_152)),
            ("\"68.693\u{b5}s\"", Some(68_693)),
            ("109", None),
            ("108597584", None),
            ("\"109\"", None),
            ("null", None),
        ] {
            let line = JSON.replace("0.005274945", text);
            assert_eq!(seen(&line).unwrap().3, expected, "{text}");
        }
    }

    #[test]
    fn older_versions_name_the_client_otherwise() {
        for (fields, expected) in [
            ("\"remote_ip\":\"10.0.0.9\",", "10.0.0.9"),
            ("\"remote_addr\":\"10.0.0.9:4711\",", "10.0.0.9"),
            ("\"remote_addr\":\"[2001:db8::9]:4711\",", "2001:db8::9"),
        ] {
            let newer = r#""remote_ip":"10.0.0.1","remote_port":"55316","client_ip":"10.0.0.7","#;
            let line = JSON.replace(newer, fields);
            let mut room = Room::default();
            let request = read_json(line.as_bytes(), &mut room).unwrap();
            assert_eq!(request.client_address(), expected.parse().ok(), "{fields}");
        }
    }

    #[test]
    fn only_the_access_log_counts() {
        for (from, to) in [
            ("http.log.access.log0", "http.log.error.log0"),
            ("handled request", "dial tcp: handled request"),
            ("\"logger\":\"http.log.access.log0\",", ""),
            ("\"status\":401", "\"status\":\"401\""),
            ("\"uri\":\"/a?x=1\",", ""),
            ("\"status\":401", "\"status\":401,\"status\":200"),
        ] {
            assert!(JSON.contains(from), "{from}");
            assert_eq!(seen(&JSON.replace(from, to)), None, "{to}");
        }
        for (from, to) in [
            ("http.log.access", "http.log.error"),
            ("handled request\t", "handled requests\t"),
            ("handled request\t", "handled request "),
            ("INFO\t", "INFO: x\t"),
            ("2026/", "GET 2026/"),
            ("2026/", "\t2026/"),
            ("401}", "401"),
        ] {
            assert_eq!(seen(&CONSOLE.replace(from, to)), None, "{to}");
        }
        let forged = CONSOLE.replace('"', "\\\"");
        let line = JSON
            .replace("http.log.access.log0", "app")
            .replace("close", &forged);
        assert_eq!(seen(&line), None);
    }
}

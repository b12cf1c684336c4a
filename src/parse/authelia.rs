//! Authelia: access lines at level `trace`, denials at `info`; as text and as JSON.
//!
//! ```text
//! time="2024-03-15T17:33:39+02:00" level=trace msg="Replied (status=302)" method=GET path=/api/authz/forward-auth remote_ip=94.71.110.150
//! time="2024-03-15T17:33:39+02:00" level=info msg="Access to https://h/ (method GET) is not authorized to user <anonymous>, responding with status code 401" method=GET path=/api/verify remote_ip=10.73.215.6
//! ```
//!
//! At `info` nothing is said about requests that pass, so no share can be had from denials alone.

use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

use super::denial::{Denial, Reason};
use super::format::BuiltIn;
use super::json;
use super::room::{Place, Room};
use super::scan::digits;
use super::{Request, fields, logfmt};

pub(super) const FORMATS: &[BuiltIn] = &[BuiltIn {
    name: "authelia",
    has_durations: false,
    is_detected: true,
    read,
}];

/// Where the fields of a line are.
struct Entry<'a> {
    message: Place<'a>,
    method: Option<Place<'a>>,
    path: Option<Place<'a>>,
    client: Option<Place<'a>>,
}

const UNAUTHORIZED: &[u8] = b" is not authorized to user ";
const FORBIDDEN: &[u8] = b" is forbidden to user ";

fn read<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Request<'a>> {
    // Cheap, so that lines of another kind cost little.
    memmem::find(line, b"Replied (status=")?;
    let entry = entry(line, room)?;
    let room: &'a Room = room;
    let message = room.get(&entry.message);
    let code = message
        .strip_prefix(b"Replied (status=")?
        .strip_suffix(b")")?;
    Some(Request {
        client: entry.client.map(|client| room.get(&client)),
        ..fields::request(
            room.get(&entry.method?),
            room.get(&entry.path?),
            Some(fields::code(code)?),
        )
    })
}

/// Tells whether a line may be a denial: cheap, and true for all that are.
pub(super) fn may_be_denial(line: &[u8]) -> bool {
    static START: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"Access to "));
    START.find(line).is_some()
        && (memmem::find(line, UNAUTHORIZED).is_some() || memmem::find(line, FORBIDDEN).is_some())
}

/// Reads a line that says that a request was refused.
pub(super) fn denial<'a>(line: &'a [u8], room: &'a mut Room) -> Option<Denial<'a>> {
    room.clear();
    let entry = entry(line, room)?;
    let room: &'a Room = room;
    let message = room.get(&entry.message).strip_prefix(b"Access to ")?;
    // The URL comes first and is the client's, but holds no blank.
    let (reason, code, user) = if let Some(at) = memmem::rfind(message, UNAUTHORIZED) {
        let (_, user) = message.split_at_checked(at + UNAUTHORIZED.len())?;
        (Reason::Other, Some(answered(user).unwrap_or(401)), user)
    } else {
        let at = memmem::rfind(message, FORBIDDEN)?;
        let (_, user) = message.split_at_checked(at + FORBIDDEN.len())?;
        (Reason::Other, Some(403), user)
    };
    let user = user.strip_prefix(b"'").unwrap_or(user);
    // Nobody is logged in: no cookie came, or none that is still known. Else the user is known
    // and may not.
    let is_anonymous = user.starts_with(b"<anonymous>") || user.starts_with(b",");
    let reason = if is_anonymous && code != Some(403) {
        Reason::MissingToken
    } else {
        reason
    };
    Some(Denial {
        reason,
        code,
        method: entry.method.map(|method| room.get(&method)),
        path: entry.path.map(|path| fields::path(room.get(&path))),
        client: entry.client.map(|client| room.get(&client)),
    })
}

/// The code in `…, responding with status code 302 with location redirect to …`.
fn answered(text: &[u8]) -> Option<u16> {
    let label = b"responding with status code ";
    let at = memmem::find(text, label)?;
    fields::code(digits(text.get(at + label.len()..)?)?.0)
}

fn entry<'a>(line: &'a [u8], room: &mut Room) -> Option<Entry<'a>> {
    let want = |key: &[u8]| match key {
        b"msg" => Some(0),
        b"method" => Some(1),
        b"path" => Some(2),
        b"remote_ip" => Some(3),
        _ => None,
    };
    if line.starts_with(b"{") {
        let picked = json::pick(line, |path| match path {
            [key] => want(key),
            _ => None,
        });
        let [message, method, path, client] = picked.ok()?;
        return Some(Entry {
            message: room.place_text(message)?,
            method: room.place_text(method),
            path: room.place_text(path),
            client: room.place_text(client),
        });
    }
    let mut place = |value: logfmt::Value<'a>| {
        if value.has_escapes() {
            room.place_quoted(value.raw)
        } else {
            Place::Line(value.raw)
        }
    };
    let [message, method, path, client] = logfmt::pick(line, want)?;
    Some(Entry {
        message: place(message?),
        method: method.map(&mut place),
        path: path.map(&mut place),
        client: client.map(&mut place),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;
    use super::*;

    const TIME: &str = r#"time="2024-03-15T17:33:39+02:00""#;
    const END: &str = "method=GET path=/api/verify remote_ip=10.0.0.1";

    fn denied(line: &str) -> Option<(Reason, Option<u16>, String)> {
        assert!(may_be_denial(line.as_bytes()), "{line}");
        let mut room = Room::default();
        let denial = denial(line.as_bytes(), &mut room)?;
        assert_eq!(denial.method, Some(&b"GET"[..]));
        assert_eq!(denial.client, Some(&b"10.0.0.1"[..]));
        let path = String::from_utf8_lossy(denial.path?).into_owned();
        Some((denial.reason, denial.code, path))
    }

    #[test]
    fn reads_what_was_replied() {
        let expected = "GET /api/verify 302 - 10.0.0.1";
        let line = format!("{TIME} level=trace msg=\"Replied (status=302)\" {END}");
        assert_eq!(read("authelia", &line), expected);
        let line = line.replace(END, &format!("caller=\"x.go:12 f.func40\" {END}"));
        assert_eq!(read("authelia", &line), expected);
        let json = r#"{"level":"trace","method":"GET","msg":"Replied (status=302)","path":"/api/verify?x","remote_ip":"10.0.0.1","time":"x"}"#;
        assert_eq!(read("authelia", json), expected);
        for (from, to) in [
            ("Replied", "Request"),
            ("=302)", "=302"),
            ("=302", "=x"),
            ("\"path\"", "\"method\""),
            ("\"method\":\"GET\",", ""),
        ] {
            assert_eq!(read("authelia", &json.replace(from, to)), "", "{to}");
        }
        let quoted = format!(r#"{TIME} msg="a \"msg=Replied (status=200)\"" {END}"#);
        assert_eq!(read("authelia", &quoted), "");
    }

    #[test]
    fn reads_denials_with_the_code_that_was_answered() {
        for (message, reason, code) in [
            (
                "Access to https://h/ (method GET) is not authorized to user <anonymous>, responding with status code 401",
                Reason::MissingToken,
                401,
            ),
            (
                "Access to https://h/ (method GET) is not authorized to user <anonymous>, responding with status code 302 with location redirect to https://a/?rd=https%3A%2F%2Fh",
                Reason::MissingToken,
                302,
            ),
            (
                "Access to 'https://h/' is not authorized to user '<anonymous>', sending 401 response with WWW-Authenticate header",
                Reason::MissingToken,
                401,
            ),
            (
                "Access to https://h/ is not authorized to user , sending 401 response with basic auth header",
                Reason::MissingToken,
                401,
            ),
            (
                "Access to https://h/ (method GET) is not authorized to user john, responding with status code 302 with location redirect to x",
                Reason::Other,
                302,
            ),
            (
                "Access to https://h/ is forbidden to user john",
                Reason::Other,
                403,
            ),
            (
                "Access to 'https://h/' is forbidden to user '<anonymous>'",
                Reason::Other,
                403,
            ),
        ] {
            let expected = Some((reason, Some(code), "/api/verify".to_owned()));
            let line = format!("{TIME} level=info msg=\"{message}\" {END}");
            assert_eq!(denied(&line), expected, "{line}");
            let json = format!(
                r#"{{"level":"info","method":"GET","msg":"{message}","path":"/api/verify","remote_ip":"10.0.0.1"}}"#
            );
            assert_eq!(denied(&json), expected, "{json}");
            let escaped = json.replace("https://h/", r"https://h/?a=1\u0026b=2");
            assert_eq!(denied(&escaped), expected, "{escaped}");
        }
    }

    #[test]
    fn texts_that_mention_a_denial_are_none() {
        for line in [
            "user agent: Access to x is forbidden to user y",
            r#"{"msg":"he said: Access to x is forbidden to user y"}"#,
            r#"level=info msg="x" agent="Access to x is forbidden to user y""#,
        ] {
            assert_eq!(denied(line), None, "{line}");
        }
    }
}

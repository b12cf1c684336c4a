//! The formats of morgan that have a duration: `dev`, `tiny` and `short`.
//!
//! ```text
//! GET /validate?x=1 401 0.870 ms - 41
//! GET /validate?x=1 401 41 - 1.159 ms
//! ::ffff:127.0.0.1 - GET /validate?x=1 HTTP/1.1 401 41 - 1.268 ms
//! ```
//!
//! Status, size and time are `-` where there was no answer. Node refuses a target with a blank, so
//! a line is words; only the user name that `short` writes may hold more, and it comes first.

use std::time::Duration;

use super::duration::{Unit, duration};
use super::format::BuiltIn;
use super::room::Room;
use super::scan::{is_method, is_size, last_word, word};
use super::{Request, fields, is_version};

pub(super) const FORMATS: &[BuiltIn] = &[
    BuiltIn {
        name: "morgan-dev",
        has_durations: true,
        is_detected: true,
        read: dev,
    },
    BuiltIn {
        name: "morgan-tiny",
        has_durations: true,
        is_detected: true,
        read: tiny,
    },
    BuiltIn {
        name: "morgan-short",
        has_durations: true,
        is_detected: true,
        read: short,
    },
];

fn dev<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let (rest, size) = last_word(line)?;
    let (rest, time) = last_word(rest.strip_suffix(b" ms -").filter(|_| is_size(size))?)?;
    let (rest, code) = last_word(rest)?;
    request(rest, code, time)
}

fn tiny<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let (rest, code, time) = end(line)?;
    request(rest, code, time)
}

fn short<'a>(line: &'a [u8], _: &'a mut Room) -> Option<Request<'a>> {
    let (rest, code, time) = end(line)?;
    let (rest, protocol) = last_word(rest)?;
    let version = protocol.strip_prefix(b"HTTP/")?;
    if version.is_empty() || !version.iter().copied().all(is_version) {
        return None;
    }
    let (rest, target) = last_word(rest)?;
    let (rest, method) = last_word(rest)?;
    // The user comes between the two.
    let (client, _user) = word(rest)?;
    let Answer { code, time } = Answer::read(code, time)?;
    is_method(method).then(|| Request {
        duration: time,
        client: Some(client),
        ..fields::request(method, target, code)
    })
}

/// Splits `… status size - time ms` off, as what comes before, status and time.
fn end(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (rest, time) = last_word(line.strip_suffix(b" ms")?)?;
    let (rest, size) = last_word(rest.strip_suffix(b" -")?)?;
    let (rest, code) = last_word(rest)?;
    is_size(size).then_some((rest, code, time))
}

/// Reads `METHOD target`.
fn request<'a>(text: &'a [u8], code: &[u8], time: &[u8]) -> Option<Request<'a>> {
    let (method, target) = word(text)?;
    let Answer { code, time } = Answer::read(code, time)?;
    let is_target = !target.is_empty() && !target.contains(&b' ');
    (is_target && is_method(method)).then(|| Request {
        duration: time,
        ..fields::request(method, target, code)
    })
}

/// What is known of an answer; all of it is missing if there was none.
#[derive(Default)]
struct Answer {
    code: Option<u16>,
    time: Option<Duration>,
}

impl Answer {
    fn read(code: &[u8], time: &[u8]) -> Option<Self> {
        let mut answer = Self::default();
        if code != b"-" {
            answer.code = Some(fields::code(code)?);
        }
        if time != b"-" {
            answer.time = Some(duration(time, Unit::Milliseconds)?);
        }
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;

    #[test]
    fn each_is_read_by_itself_alone() {
        for (format, line, expected) in [
            (
                "morgan-dev",
                "GET /a?b 401 0.870 ms - 41",
                "GET /a 401 0.00087 -",
            ),
            (
                "morgan-dev",
                "GET /a 204 0.703 ms - -",
                "GET /a 204 0.000703 -",
            ),
            ("morgan-dev", "GET /a - - ms - -", "GET /a - - -"),
            (
                "morgan-tiny",
                "GET /a?b 401 41 - 1.159 ms",
                "GET /a 401 0.001159 -",
            ),
            ("morgan-tiny", "GET /a - - - - ms", "GET /a - - -"),
            (
                "morgan-short",
                "::ffff:10.0.0.1 - GET /a HTTP/1.1 401 41 - 1.268 ms",
                "GET /a 401 0.001268 ::ffff:10.0.0.1",
            ),
            (
                "morgan-short",
                "10.0.0.1 a b GET /a HTTP/1.1 - - - - ms",
                "GET /a - - 10.0.0.1",
            ),
        ] {
            for name in ["morgan-dev", "morgan-tiny", "morgan-short"] {
                let expected = if name == format { expected } else { "" };
                assert_eq!(read(name, line), expected, "{name}: {line}");
            }
        }
    }

    #[test]
    fn a_user_name_cannot_be_a_request() {
        let user = "GET /a HTTP/1.1 200 5 - 1 ms";
        let line = format!("10.0.0.1 {user} GET /nope HTTP/1.1 404 9 - 2 ms");
        assert_eq!(read("morgan-short", &line), "GET /nope 404 0.002 10.0.0.1");
    }

    #[test]
    fn near_misses_are_not_requests() {
        for line in [
            "GET /a 401 0.870 ms",
            "GET /a 401 0.870 ms - x",
            "GET /a 401 x ms - 41",
            "GET /a 4010 1 ms - 41",
            "GET 401 0.870 ms - 41",
            "GET /a b 401 0.870 ms - 41",
            "GET /a 401 41 1.159 ms",
            "GET /a 401 41 - 1.159ms",
            "GET /a b 401 41 - 1.159 ms",
            "G3T /a 401 41 - 1.159 ms",
            "10.0.0.1 - GET /a HTTP/ 401 41 - 1.268 ms",
            "10.0.0.1 GET /a HTTP/1.1 401 41 - 1.268 ms",
        ] {
            for name in ["morgan-dev", "morgan-tiny", "morgan-short"] {
                assert_eq!(read(name, line), "", "{name}: {line}");
            }
        }
    }
}

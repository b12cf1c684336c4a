//! Log lines that are made of fields: JSON and logfmt.
//!
//! ```text
//! {"level":"warn","message":"Token validation failed","error":"token is expired"}
//! time="2022-12-28T11:54:50Z" level=warning msg="Invalid cookie" error="Invalid cookie mac"
//! ```
//! Only the fields that the application itself fills are looked at: level, message, error, report.

use super::json::{self, Value};
use super::level::Level;
use super::phrases::quoted;
use super::room::{Place, Room};

/// The fields of one line.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) level: Option<Level>,
    pub(super) message: Option<Place<'a>>,
    pub(super) error: Option<Place<'a>>,
    /// The report of an exception.
    pub(super) report: Option<Place<'a>>,
    /// The status code of an answer.
    pub(super) code: Option<u16>,
    /// True if it says what was requested.
    pub(super) has_request: bool,
}

/// How many fields of a logfmt line are looked at.
const MAX_FIELDS: usize = 40;

const LEVEL: usize = 0;
const MESSAGE: usize = 1;
const EVENT: usize = 2;
const ERROR: usize = 3;
const CAUSE: usize = 4;
const REPORT: usize = 5;
const STACK: usize = 6;
const CODE: usize = 7;
const REQUEST: usize = 8;
const FIELDS: usize = 9;

/// What a field is, by its path.
fn field(path: &[&[u8]]) -> Option<usize> {
    Some(match path {
        [
            b"level" | b"levelname" | b"severity" | b"lvl" | b"loglevel" | b"log_level"
            | b"log.level" | b"LogLevel" | b"Level" | b"@l",
        ]
        | [b"log", b"level"] => LEVEL,
        [b"message" | b"msg" | b"Message" | b"@m" | b"short_message"] => MESSAGE,
        [b"event"] => EVENT,
        [b"error" | b"err" | b"Error" | b"error.message" | b"exception_message"] => ERROR,
        [
            b"err" | b"error" | b"exception" | b"Exception",
            b"message" | b"Message",
        ] => CAUSE,
        [
            b"exception" | b"exc_info" | b"exc_text" | b"stack" | b"stack_trace" | b"stacktrace"
            | b"traceback" | b"error.stack_trace" | b"Exception" | b"StackTrace" | b"@x",
        ] => REPORT,
        [
            b"err" | b"error" | b"exception" | b"Exception",
            b"stack" | b"stack_trace" | b"stacktrace" | b"StackTrace",
        ] => STACK,
        [b"status" | b"status_code" | b"statusCode" | b"http_status" | b"code" | b"StatusCode"]
        | [
            b"res" | b"response" | b"http" | b"http_response",
            b"status" | b"statusCode" | b"status_code",
        ] => CODE,
        [b"method" | b"path" | b"url" | b"uri" | b"request_uri" | b"RequestPath"]
        | [
            b"req" | b"request" | b"http" | b"http_request",
            b"method" | b"url" | b"uri" | b"path",
        ] => REQUEST,
        _ => return None,
    })
}

/// Reads the fields of a line if it has any; a JSON line that is broken has none.
pub(super) fn read<'a>(line: &'a [u8], room: &mut Room) -> Option<Fields<'a>> {
    if line.trim_ascii_start().starts_with(b"{") {
        return Some(json(line, room).unwrap_or_default());
    }
    let fields = is_logfmt(line).then(|| logfmt(line));
    fields.filter(|fields| fields.message.is_some() || fields.level.is_some())
}

fn json<'a>(line: &'a [u8], room: &mut Room) -> Option<Fields<'a>> {
    room.clear();
    let [
        level,
        message,
        event,
        error,
        cause,
        report,
        stack,
        code,
        request,
    ] = json::pick::<FIELDS>(line, field).ok()?;
    let level = match level {
        Some(Value::Text(text)) => Level::of_value(&text.decoded()),
        Some(Value::Number(number)) => Level::of_value(number),
        _ => None,
    };
    let code = match code {
        Some(Value::Number(number)) => super::fields::code(number),
        _ => None,
    };
    let mut place = |first, second| {
        let place = room.place_text(first);
        place.or_else(|| room.place_text(second))
    };
    Some(Fields {
        level,
        message: place(message, event),
        error: place(cause, error),
        report: place(stack, report),
        code,
        has_request: request.is_some(),
    })
}

/// Tells whether a line begins with a field.
fn is_logfmt(line: &[u8]) -> bool {
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.".contains(byte);
    let length = line.iter().take_while(|byte| is_key(byte)).count();
    (1..=20).contains(&length)
        && line.get(length) == Some(&b'=')
        && line
            .get(length + 1)
            .is_some_and(|next| *next != b' ' && *next != b'=')
}

fn logfmt(line: &[u8]) -> Fields<'_> {
    let mut fields = Fields::default();
    let mut rest = line;
    for _ in 0..MAX_FIELDS {
        let Some((key, value, next)) = pair(rest) else {
            break;
        };
        rest = next;
        let place = || Some(Place::Line(value));
        match field(&[key]) {
            Some(LEVEL) if fields.level.is_none() => fields.level = Level::of_value(value),
            Some(MESSAGE | EVENT) if fields.message.is_none() => fields.message = place(),
            Some(ERROR) if fields.error.is_none() => fields.error = place(),
            Some(REPORT) if fields.report.is_none() => fields.report = place(),
            Some(CODE) if fields.code.is_none() => fields.code = super::fields::code(value),
            Some(REQUEST) => fields.has_request = true,
            _ => {}
        }
    }
    fields
}

/// Splits off `key=value` or `key="value"`.
fn pair(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| b"= \"".contains(byte))?;
    let (key, rest) = text.split_at(end);
    let rest = rest.strip_prefix(b"=")?;
    if rest.starts_with(b"\"") {
        let (value, rest) = quoted(rest)?;
        return Some((key, value, rest));
    }
    let end = rest.iter().position(|&byte| byte == b' ');
    let (value, rest) = rest.split_at(end.unwrap_or(rest.len()));
    Some((key, value, rest))
}

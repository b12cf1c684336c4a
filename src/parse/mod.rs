//! One log line in, what it says about a request out.
//!
//! Pure: no I/O, no clock, and no input can make it fail or panic. A line that looks like an
//! access line but cannot be read is reported with a reason, so that nothing is lost in silence.

mod clean;
pub mod custom;
mod denial;
mod denials;
mod duration;
pub(crate) mod envelope;
mod error_log;
mod exceptions;
mod fields;
mod format;
mod head;
mod json;
mod level;
mod meaning;
mod notice;
mod notices;
pub mod patterns;
mod phrases;
mod room;
mod sign;
mod signs;
mod structured;
mod uvicorn;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use memchr::memmem::Finder;
use regex::bytes::Regex;

pub use self::denial::{Denial, Reason};
pub use self::duration::{Unit, UnitError};
pub use self::format::{BuiltIn, Format};
pub use self::notice::Notice;
use self::patterns::Patterns;
use self::room::Room;
pub(crate) use self::sign::{Sign, Wording};

/// What an access line says about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method as logged; a custom format may have none.
    pub method: Option<&'a [u8]>,
    /// The request target as logged, without query and without `scheme://host`.
    pub path: &'a [u8],
    /// The status code, 0 to 999: some servers log 0 when there was no response.
    pub code: u16,
    /// How long the request took, if the format says so.
    pub duration: Option<Duration>,
    /// What stands where the client's address should; anything, if a client can forge
    /// `X-Forwarded-For`.
    pub client: Option<&'a [u8]>,
    /// What a proxy's line says about the auth call that it made for this request.
    pub auth_call: Option<AuthCall<'a>>,
}

/// What the line of a proxy says about the auth call before a request, if there was one: the line
/// does not tell, the configuration does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthCall<'a> {
    /// The router (Traefik) that took the request.
    pub router: Option<&'a [u8]>,
    /// The host that the client asked for, without port.
    pub host: Option<&'a [u8]>,
    /// 200 if the request passed, else what the auth server answered.
    pub code: u16,
    /// How long it took, as far as the line can tell it from the application's part.
    pub duration: Option<Duration>,
}

impl Request<'_> {
    /// Returns the client's address, if there is a valid one. Read on demand: counting does not
    /// need it, and it would take as long as reading the rest of the line.
    pub fn client_address(&self) -> Option<IpAddr> {
        address(self.client?)
    }
}

/// Reads the address in `address`, `address:port` or `[address]:port`.
pub(crate) fn address(client: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(client).ok()?;
    let address = text.parse().ok();
    address.or_else(|| text.parse().ok().map(|client: SocketAddr| client.ip()))
}

/// What one line turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading<'a> {
    /// An access line.
    Request(Request<'a>),
    /// A line that says why a request was refused.
    Denial(Denial<'a>),
    /// A line that an operator would want counted.
    Notice(Notice),
    /// A line that should have been an access line.
    Unparsed(Unparsed),
    /// Any other line.
    Other,
}

/// Why a line that should have been read was not: the label `reason` of
/// `authtail_log_lines_unparsed_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unparsed {
    /// The configured regex matched, but what it calls a status is not a status code.
    Field,
    /// A JSON line with an access line's text that is broken or has a key twice.
    Json,
    /// The record has no valid timestamp. Given by the reader of the log, not by [`Parser`].
    Timestamp,
    /// The line is longer than the reader keeps. Given by the reader of the log, not by [`Parser`].
    TooLong,
    /// The line holds a request line (`… HTTP/1.1"`), but no known format reads it.
    Unrecognised,
}

impl Unparsed {
    /// Every reason, for series that are born at zero.
    pub const ALL: [Self; 5] = [
        Self::Field,
        Self::Json,
        Self::Timestamp,
        Self::TooLong,
        Self::Unrecognised,
    ];

    /// Returns the label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Json => "json",
            Self::Timestamp => "timestamp",
            Self::TooLong => "too_long",
            Self::Unrecognised => "unrecognised",
        }
    }
}

/// Reads the lines of one container.
#[derive(Debug, Default)]
pub struct Parser {
    format: Option<Format>,
    /// The line without colours, where it had some.
    plain: Vec<u8>,
    room: Room,
    /// Room for finding out whether another format reads a line.
    spare: Room,
    /// Denials and notices that the configuration describes.
    patterns: Arc<Patterns>,
}

impl Parser {
    /// Creates a parser for `format`; `None` means: find out at the first access line.
    pub fn new(format: Option<Format>) -> Self {
        Self {
            format,
            ..Self::default()
        }
    }

    /// Returns the format, given or detected. Once known it never changes.
    pub const fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    /// Sets which lines are denials and notices besides those that are known.
    #[must_use]
    pub fn with_patterns(mut self, patterns: Arc<Patterns>) -> Self {
        self.patterns = patterns;
        self
    }

    /// Reads one complete line, with or without its line end.
    pub fn read<'a>(&'a mut self, line: &'a [u8]) -> Reading<'a> {
        self.examine(line).0
    }

    /// The same, and what the line means for those around it.
    pub(crate) fn examine<'a>(&'a mut self, line: &'a [u8]) -> (Reading<'a>, Sign) {
        let Self {
            format,
            plain,
            room,
            spare,
            patterns,
        } = self;
        let line = clean::clean(line, plain);
        if format.is_none() && has_method(line) {
            *format = detect(line, spare);
        }
        let reading = match format {
            Some(Format::Custom(custom)) => custom.read(line),
            Some(Format::BuiltIn(format)) => request(format, line, room),
            None => Reading::Other,
        };
        if reading != Reading::Other {
            let sign = Sign::of(&reading);
            return (reading, sign);
        }
        let has_request_line = has_request_line(line);
        let sign = signs::read(line, has_request_line, patterns, spare);
        let reading = sign.reading();
        // Whoever wrote an access line in another format, the request is counted where it belongs.
        if reading != Reading::Other && has_method(line) && detect(line, spare).is_some() {
            return (Reading::Other, Sign::Access);
        }
        // The configuration alone says what an access line is.
        let is_custom = matches!(format, Some(Format::Custom(_)));
        if reading == Reading::Other && has_request_line && !is_custom {
            return (unread(line, spare), Sign::Access);
        }
        (reading, sign)
    }
}

/// Returns the one built-in format that reads a line as an access line.
fn detect(line: &[u8], room: &mut Room) -> Option<Format> {
    let mut reads = |format: &BuiltIn| request(format, line, room) != Reading::Other;
    format::built_in()
        .find(|format| format.is_detected && reads(format))
        .map(Format::BuiltIn)
}

fn request<'a>(format: &BuiltIn, line: &'a [u8], room: &'a mut Room) -> Reading<'a> {
    room.clear();
    (format.read)(line, room).map_or(Reading::Other, Reading::Request)
}

/// Says why a line with a request line was not read; one of another known format was written by
/// somebody else about a request that is counted where it belongs.
fn unread(line: &[u8], room: &mut Room) -> Reading<'static> {
    if detect(line, room).is_some() {
        return Reading::Other;
    }
    let is_json = line.trim_ascii_start().starts_with(b"{");
    let is_broken = is_json && json::walk(line, &mut |_, _| ()).is_err();
    Reading::Unparsed(if is_broken {
        Unparsed::Json
    } else {
        Unparsed::Unrecognised
    })
}

/// Tells whether a text holds the name of a method: without one it is no access line.
///
/// A cheap sign, so that lines of another kind are not tried in every format.
fn has_method(text: &[u8]) -> bool {
    static METHOD: LazyLock<Regex> = LazyLock::new(|| {
        let methods = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT|get|head|post|put";
        Regex::new(methods).expect("a list of words is a regex")
    });
    METHOD.is_match(text)
}

/// Tells whether a text holds the end of a quoted request line, such as ` HTTP/1.1"`.
///
/// A cheap sign of an access line in any format. The blank in front keeps out client libraries
/// that log an answer, such as httpx's `"HTTP/1.1 200 OK"`.
fn has_request_line(text: &[u8]) -> bool {
    static PROTOCOL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" HTTP/"));
    PROTOCOL.find_iter(text).any(|at| {
        let rest = text.get(at + PROTOCOL.needle().len()..).unwrap_or_default();
        let version = rest.iter().take_while(|&&byte| is_version(byte)).count();
        let (version, rest) = rest.split_at(version);
        // Inside a JSON string the quote is escaped.
        !version.is_empty() && (rest.starts_with(b"\"") || rest.starts_with(b"\\\""))
    })
}

/// Tells whether a byte may stand in an HTTP version, such as `1.1`.
const fn is_version(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::custom::Custom;
    use super::*;

    const LINE: &[u8] =
        b"INFO: 172.26.0.3:37290 - \"GET /api/v1/auth/validate HTTP/1.1\" 401 Unauthorized";

    #[test]
    fn detects_the_format_at_the_first_access_line() {
        let mut parser = Parser::new(None);
        assert_eq!(
            parser.read(b"INFO:     Waiting for application startup.\n"),
            Reading::Other
        );
        assert!(parser.format().is_none());
        let expected = Request {
            method: Some(b"GET"),
            path: b"/api/v1/auth/validate",
            code: 401,
            duration: None,
            client: Some(b"172.26.0.3"),
            auth_call: None,
        };
        assert_eq!(parser.read(LINE), Reading::Request(expected));
        assert_eq!(parser.format().map(Format::name), Some("uvicorn"));
    }

    #[test]
    fn client_address_may_have_a_port() {
        for (text, expected) in [
            ("10.0.0.1", Some("10.0.0.1")),
            ("10.0.0.1:80", Some("10.0.0.1")),
            ("2001:db8::7", Some("2001:db8::7")),
            ("[2001:db8::7]:80", Some("2001:db8::7")),
            ("unknown", None),
            ("", None),
        ] {
            let client = Some(text.as_bytes());
            let request = Request {
                method: None,
                path: b"/",
                code: 200,
                duration: None,
                client,
                auth_call: None,
            };
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(request.client_address(), expected, "{text}");
        }
    }

    #[test]
    fn a_custom_format_alone_decides() {
        let custom = Custom::new("timing", r"^(?<path>/\S*) (?<status>\d+)$", None).unwrap();
        let mut parser = Parser::new(Some(Format::Custom(Arc::new(custom))));
        assert_eq!(parser.read(LINE), Reading::Other);
        assert!(matches!(
            parser.read(b"\x1b[1m/a\x1b[0m 200\r\n"),
            Reading::Request(_)
        ));
        assert_eq!(parser.format().map(Format::name), Some("timing"));
    }

    #[test]
    fn reads_json_in_colours() {
        let line = "\x1b[32m{\"message\": \"- \\\"GET /a HTTP/1.1\\\" 200\"}\x1b[0m";
        let mut parser = Parser::new(None);
        assert!(matches!(parser.read(line.as_bytes()), Reading::Request(_)));
    }

    #[test]
    fn a_request_line_that_no_format_reads_is_unparsed() {
        let unrecognised = Reading::Unparsed(Unparsed::Unrecognised);
        let mut parser = Parser::new(None);
        for line in [
            r#"1.2.3.4 - - [21/Nov/2026:19:23:32 +0000] "GET / HTTP/1.1" 401 42 "-" "-""#,
            r#"{"request": "GET / HTTP/1.1", "status": 401}"#,
            r#"{"request": "\"GET / HTTP/1.1\"", "status": 401}"#,
            r#"1.2.3.4:5 - "GET / HTTP/1.1" 40"#,
            r#"1.2.3.4:5 - "GET / HTTP/2""#,
        ] {
            assert_eq!(parser.read(line.as_bytes()), unrecognised, "{line}");
        }
        for line in [
            "a HTTP/ b",
            "a HTTP/1.1",
            "a HTTP/\"",
            r#"GET http://h/ "HTTP/1.1 200 OK""#,
        ] {
            assert_eq!(parser.read(line.as_bytes()), Reading::Other, "{line}");
        }
    }

    #[test]
    fn reasons_have_labels_of_their_own() {
        let labels = Unparsed::ALL.map(Unparsed::as_str);
        assert_eq!(
            labels,
            ["field", "json", "timestamp", "too_long", "unrecognised"]
        );
    }
}

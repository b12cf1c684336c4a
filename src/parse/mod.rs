//! One log line in, what it says about a request out.
//!
//! Pure: no I/O, no clock, and no input can make it fail or panic. A line that looks like an
//! access line but cannot be read is reported with a reason, so that nothing is lost in silence.

mod clean;
pub mod custom;
mod duration;
mod fields;
mod json;
mod uvicorn;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use memchr::memmem::Finder;

use self::custom::Custom;
pub use self::duration::{Unit, UnitError};

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
}

impl Request<'_> {
    /// Returns the client's address, if there is a valid one. Read on demand: counting does not
    /// need it, and it would take as long as reading the rest of the line.
    pub fn client_address(&self) -> Option<IpAddr> {
        let text = std::str::from_utf8(self.client?).ok()?;
        text.parse()
            .ok()
            .or_else(|| text.parse().ok().map(|client: SocketAddr| client.ip()))
    }
}

/// What one line turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading<'a> {
    /// An access line.
    Request(Request<'a>),
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
    /// A JSON line with an access line's text that is broken, has a key twice, or comes
    /// from another logger than the access log's.
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

const UVICORN: &str = "uvicorn";

/// How a server writes its access lines.
#[derive(Clone, Debug)]
pub enum Format {
    /// A regex from the configuration.
    Custom(Arc<Custom>),
    /// uvicorn, under whichever logging set-up.
    Uvicorn,
}

impl Format {
    /// Returns the built-in format of this name.
    pub fn built_in(name: &str) -> Option<Self> {
        (name == UVICORN).then_some(Self::Uvicorn)
    }

    /// Returns the name that configuration, labels and reports use.
    pub fn name(&self) -> &str {
        match self {
            Self::Custom(custom) => custom.name(),
            Self::Uvicorn => UVICORN,
        }
    }

    /// Tells whether its access lines say how long a request took.
    pub fn has_durations(&self) -> bool {
        match self {
            Self::Custom(custom) => custom.has_durations(),
            Self::Uvicorn => false,
        }
    }
}

/// Reads the lines of one container.
#[derive(Debug)]
pub struct Parser {
    format: Option<Format>,
    /// The line without colours, where it had some.
    plain: Vec<u8>,
    /// The text inside a JSON line.
    message: Vec<u8>,
}

impl Parser {
    /// Creates a parser for `format`; `None` means: find out at the first access line.
    pub const fn new(format: Option<Format>) -> Self {
        Self {
            format,
            plain: Vec::new(),
            message: Vec::new(),
        }
    }

    /// Returns the format, given or detected. Once known it never changes.
    pub const fn format(&self) -> Option<&Format> {
        self.format.as_ref()
    }

    /// Reads one complete line, with or without its line end.
    pub fn read<'a>(&'a mut self, line: &'a [u8]) -> Reading<'a> {
        let line = clean::clean(line, &mut self.plain);
        if let Some(Format::Custom(custom)) = &self.format {
            return custom.read(line);
        }
        let reading = uvicorn::read(line, &mut self.message);
        if matches!(reading, Reading::Request(_)) {
            self.format.get_or_insert(Format::Uvicorn);
        }
        reading
    }
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
    use super::*;

    const LINE: &[u8] =
        b"INFO: 172.26.0.3:37290 - \"GET /api/v1/auth/validate HTTP/1.1\" 401 Unauthorized";

    #[test]
    fn detects_the_format_at_the_first_access_line() {
        let mut parser = Parser::new(None);
        assert_eq!(
            parser.read(b"INFO:     Application startup complete.\n"),
            Reading::Other
        );
        assert!(parser.format().is_none());
        let expected = Request {
            method: Some(b"GET"),
            path: b"/api/v1/auth/validate",
            code: 401,
            duration: None,
            client: Some(b"172.26.0.3"),
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

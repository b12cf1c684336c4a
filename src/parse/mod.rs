//! One log line in, what it says about a request out.
//!
//! Pure: no I/O, no clock, and no input can make it fail or panic. A line that looks like an
//! access line but cannot be read is reported with a reason, so that nothing is lost in silence.

mod asgi;
mod auth_servers;
mod authelia;
mod caddy;
mod chi;
mod clean;
mod clf;
pub(crate) mod clock;
mod columns;
pub mod custom;
mod denial;
mod denials;
mod duration;
mod echo;
mod ends;
pub(crate) mod envelope;
mod envoy;
mod error_log;
mod exceptions;
mod fastify;
mod fields;
mod format;
mod haproxy;
mod head;
mod json;
mod level;
mod logfmt;
mod logger;
mod meaning;
pub(crate) mod message;
mod middleware;
mod morgan;
mod node;
mod notice;
mod notices;
mod oauth2_proxy;
pub mod object;
mod parser;
pub mod patterns;
mod phrases;
mod pomerium;
mod quoted;
mod request_line;
mod room;
mod scan;
mod server_json;
mod settling;
mod sign;
mod signs;
mod stamp;
mod structlog;
mod structured;
#[cfg(test)]
mod testing;
mod tinyauth;
mod traefik;
mod upstream;
mod uvicorn;
mod wsgi;
mod zap;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub(crate) use self::clean::clean;
pub use self::denial::{Denial, Reason};
pub use self::duration::{Unit, UnitError};
pub use self::format::{BuiltIn, Format};
pub use self::notice::Notice;
pub use self::parser::Parser;
pub(crate) use self::sign::{Sign, Wording};

/// What an access line says about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method as logged; a custom format may have none.
    pub method: Option<&'a [u8]>,
    /// The request target as logged, without query and without `scheme://host`.
    pub path: &'a [u8],
    /// The status code, 0 to 999: some servers log 0 when there was no response, and others none.
    pub code: Option<u16>,
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
    /// 200 if the request passed, else what the auth server answered. `None`: the proxy answered by
    /// itself, and the line says that no auth server had a part in it, or not whether one had.
    pub code: Option<u16>,
    /// How long it took, as far as the line can tell it from the application's part.
    pub duration: Option<Duration>,
}

impl Request<'_> {
    /// Returns the client's address, if there is a valid one. Read on demand: counting does not
    /// need it, and it would take as long as reading the rest of the line.
    pub fn client_address(&self) -> Option<IpAddr> {
        address(self.client?)
    }

    /// The code to count it by: what the auth server answered if the line is about nothing else,
    /// and 0 if it names none.
    pub fn counted_code(&self) -> u16 {
        let answered = self.auth_call.and_then(|call| call.code);
        self.code.or(answered).unwrap_or(0)
    }

    /// Tells whether the line is about an auth call and about nothing else. Then it is on the
    /// route `validate`, whatever path the client has asked for.
    pub const fn is_check(&self) -> bool {
        self.code.is_none() && self.auth_call.is_some()
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

/// Tells whether a byte may stand in an HTTP version, such as `1.1`.
const fn is_version(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}

#[cfg(test)]
mod tests {
    use super::*;

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
                code: Some(200),
                duration: None,
                client,
                auth_call: None,
            };
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(request.client_address(), expected, "{text}");
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

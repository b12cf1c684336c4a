//! Reads the lines of one container, in the format that was given or that is found out.

use std::sync::{Arc, LazyLock};

use memchr::memmem::Finder;
use regex::bytes::Regex;
use serde::{Deserialize, Serialize};

use super::clean::{clean, without_end};
use super::ends::Ends;
use super::fastify::{self, Halves};
use super::format::{self, BuiltIn, Format};
use super::patterns::Patterns;
use super::room::Room;
use super::settling::Settling;
use super::{Reading, Sign, Unparsed, authelia, is_version, json, signs, uvicorn};

/// Reads the lines of one container.
///
/// What it has learnt outlives the process: it is saved with the numbers of the container.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Parser {
    /// Saved if it was found out, and not if it was given.
    #[serde(with = "format::found")]
    format: Option<(Format, Origin)>,
    settling: Settling,
    halves: Halves,
    #[serde(skip)]
    ends: Ends,
    /// The line without colours, where it had some.
    #[serde(skip)]
    plain: Vec<u8>,
    #[serde(skip)]
    room: Room,
    /// Room for finding out whether another format reads a line.
    #[serde(skip)]
    spare: Room,
    /// Denials and notices that the configuration describes.
    #[serde(skip)]
    patterns: Arc<Patterns>,
}

/// How a format is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Origin {
    Found,
    Given,
}

impl Parser {
    /// Creates a parser for `format`; `None` means: find out at the first access line.
    pub fn new(format: Option<Format>) -> Self {
        Self::default().given(format)
    }

    /// Goes on with what an earlier parser has learnt, in this format if there is one.
    pub(crate) fn given(self, format: Option<Format>) -> Self {
        let given = format.map(|format| (format, Origin::Given));
        let format = given.or(self.format);
        // The room has groups of the regex before.
        Self {
            format,
            room: Room::default(),
            ..self
        }
    }

    /// Sets which lines are denials and notices besides those that are known.
    #[must_use]
    pub fn with_patterns(self, patterns: Arc<Patterns>) -> Self {
        Self { patterns, ..self }
    }

    /// Returns the format, given or found. Once it is known it changes at most once, soon after
    /// it was found: where a server and a middleware log the same requests.
    pub fn format(&self) -> Option<&Format> {
        self.format.as_ref().map(|(format, _)| format)
    }

    /// Returns another parser for later lines of the same container, if none of them needs what came
    /// before it.
    pub(crate) fn fork(&self) -> Option<Self> {
        let (format, origin) = self.format.as_ref()?;
        let is_settled = *origin == Origin::Given || self.settling.is_over();
        (is_settled && format.name() != fastify::NAME)
            .then(|| Self::new(Some(format.clone())).with_patterns(Arc::clone(&self.patterns)))
    }

    /// Reads one complete line, with or without its line end.
    pub fn read<'a>(&'a mut self, line: &'a [u8]) -> Reading<'a> {
        self.examine(line).0
    }

    /// The same, and what the line means for those around it.
    pub(crate) fn examine<'a>(&'a mut self, line: &'a [u8]) -> (Reading<'a>, Sign) {
        let Self {
            format,
            settling,
            halves,
            ends,
            plain,
            room,
            spare,
            patterns,
        } = self;
        let is_uvicorn = is_settled_uvicorn(format.as_ref(), settling);
        if is_uvicorn && let Some(request) = ends.read(without_end(line)) {
            return (Reading::Request(request), Sign::Request);
        }
        let line = clean(line, plain);
        if format.is_none() && has_method(line) {
            *format = detect(line, spare).map(|format| (format, Origin::Found));
        }
        let reading = match format {
            Some((Format::Custom(custom), _)) => custom.read(line, room),
            Some((Format::BuiltIn(BuiltIn { name, .. }), _)) if *name == fastify::NAME => {
                halves.read(line).map_or(Reading::Other, Reading::Request)
            }
            Some((Format::BuiltIn(format), _)) => request(format, line, room),
            None => Reading::Other,
        };
        if let Some((Format::BuiltIn(found), Origin::Found)) = format {
            let is_counted_elsewhere = match &reading {
                Reading::Request(request) => !settling.counts(found, request),
                _ => match settling.replacement(found, line, spare) {
                    Some(new) => {
                        *format = Some((new, Origin::Found));
                        true
                    }
                    None => false,
                },
            };
            if is_counted_elsewhere {
                return (Reading::Other, Sign::Access);
            }
        }
        if !matches!(reading, Reading::Other) {
            if is_uvicorn && let Reading::Request(request) = &reading {
                ends.learn(line, request);
            }
            let sign = Sign::of(&reading);
            return (reading, sign);
        }
        let has_request_line = has_request_line(line);
        let sign = signs::read(line, has_request_line, patterns, spare);
        if authelia::may_be_denial(line) {
            let denial = authelia::denial(line, spare).map(Reading::Denial);
            let sign = denial.as_ref().map_or(sign, Sign::of);
            return (denial.unwrap_or_else(|| sign.reading()), sign);
        }
        let reading = sign.reading();
        // Whoever wrote an access line in another format, the request is counted where it belongs.
        if reading != Reading::Other && has_method(line) && detect(line, spare).is_some() {
            return (Reading::Other, Sign::Access);
        }
        // The configuration alone says what an access line is.
        if reading == Reading::Other && has_request_line && !is_custom(format.as_ref()) {
            return (unread(line, spare), Sign::Access);
        }
        (reading, sign)
    }
}

fn is_settled_uvicorn(format: Option<&(Format, Origin)>, settling: &Settling) -> bool {
    match format {
        Some((Format::BuiltIn(format), origin)) => {
            (*origin == Origin::Given || settling.is_over()) && format.name == uvicorn::NAME
        }
        _ => false,
    }
}

fn is_custom(format: Option<&(Format, Origin)>) -> bool {
    matches!(format, Some((Format::Custom(_), _)))
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

/// Tells whether a text holds the name of a method, or what `HAProxy` writes for a request that it
/// cannot read, or how others answer one, or what Pomerium calls its decisions: without one it is no
/// access line.
///
/// A cheap sign, so that lines of another kind are not tried in every format.
fn has_method(text: &[u8]) -> bool {
    static METHOD: LazyLock<Regex> = LazyLock::new(|| {
        let methods = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT|get|head|post|put|BADREQ\
                       |\" 400 |\" 408 |authorize check";
        Regex::new(methods).expect("a list of words is a regex")
    });
    METHOD.is_match(text)
}

/// Tells whether a text holds the end of a quoted request line, such as ` HTTP/1.1"`.
///
/// A cheap sign of an access line in any format. The blank in front keeps out client libraries
/// that log an answer, such as httpx's `"HTTP/1.1 200 OK"`.
pub(super) fn has_request_line(text: &[u8]) -> bool {
    static PROTOCOL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" HTTP/"));
    PROTOCOL.find_iter(text).any(|at| {
        let rest = text.get(at + PROTOCOL.needle().len()..).unwrap_or_default();
        let version = rest.iter().take_while(|&&byte| is_version(byte)).count();
        let (version, rest) = rest.split_at(version);
        // Inside a JSON string the quote is escaped.
        !version.is_empty() && (rest.starts_with(b"\"") || rest.starts_with(b"\\\""))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Request;
    use super::super::custom::Custom;
    use super::*;

    const LINE: &[u8] =
        b"INFO: 172.26.0.3:37290 - \"GET /api/v1/auth/validate HTTP/1.1\" 401 Unauthorized";

    /// What a parser says about each line, in one text.
    fn readings(log: &[u8], mut next: impl FnMut(Parser) -> Parser) -> Vec<String> {
        let mut parser = Parser::new(None);
        let mut readings = Vec::new();
        for line in log.split(|&byte| byte == b'\n') {
            parser = next(parser);
            readings.push(format!("{:?}", parser.read(line)));
        }
        readings
    }

    #[test]
    fn what_is_saved_is_all_that_a_parser_knows() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
        let mut logs = 0;
        for entry in std::fs::read_dir(corpus).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "log") {
                continue;
            }
            let log = std::fs::read(&path).unwrap();
            let restored = readings(&log, |parser| {
                let saved = postcard::to_stdvec(&parser).unwrap();
                postcard::from_bytes(&saved).unwrap()
            });
            assert!(restored == readings(&log, |parser| parser), "{path:?}");
            logs += 1;
        }
        assert!(logs > 90, "{logs}");
    }

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
            code: Some(401),
            duration: None,
            client: Some(b"172.26.0.3"),
            auth_call: None,
        };
        assert_eq!(parser.read(LINE), Reading::Request(expected));
        assert_eq!(parser.format().map(Format::name), Some("uvicorn"));
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
            r#"at noon 1.2.3.4 asked "GET / HTTP/1.1" 401 42 "-" "-""#,
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
}

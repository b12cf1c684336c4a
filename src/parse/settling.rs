//! Which of two formats counts, where a server and a middleware log the same requests.
//!
//! A container has one format: the first that reads a line. A middleware's line comes before the
//! server's, so its format is found and the server's lines are nobody's. Only uvicorn writes when
//! the answer begins, and a middleware that waits for the end writes after it. Then uvicorn's
//! line is found first, and counted. So the first requests that uvicorn logs are remembered: when
//! a middleware's line tells of one of them, its format takes over for good, and its lines about
//! requests that uvicorn's lines have been counted for are left out.
//!
//! A line that tells of none of them changes nothing, so an application that repeats what a client
//! sent cannot be made to change the format, and after [`MAX_EARLY`] requests nothing can.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::format::{self, BuiltIn};
use super::room::Room;
use super::{Format, Request, uvicorn};

/// How many requests are remembered, and for how many lines of the middleware afterwards.
const MAX_EARLY: usize = 64;

/// The server whose lines come first.
const SERVER: &str = uvicorn::NAME;
/// The formats that may take over.
const MIDDLEWARE: [&str; 3] = ["middleware", "middleware-logfmt", "structlog"];

/// The first requests of a container, until its format is settled.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Settling {
    /// Hashes of requests that were counted from the server's lines.
    early: Vec<u64>,
    /// How many requests have come since the format was found, or has changed.
    requests: usize,
}

impl Settling {
    /// Tells whether nothing can change any more.
    pub(super) const fn is_over(&self) -> bool {
        self.requests >= MAX_EARLY
    }

    /// Notes a request in the format that was found, and tells whether it is to be counted.
    pub(super) fn counts(&mut self, format: &BuiltIn, request: &Request<'_>) -> bool {
        if self.requests >= MAX_EARLY {
            return true;
        }
        self.requests += 1;
        let counts = if format.name == SERVER {
            self.early.push(hash(request));
            true
        } else {
            !self.take(request)
        };
        if self.requests == MAX_EARLY {
            self.early = Vec::new();
        }
        counts
    }

    /// Returns the format that takes over from the one that was found, because of a line that
    /// this one does not read.
    pub(super) fn replacement(
        &mut self,
        found: &BuiltIn,
        line: &[u8],
        room: &mut Room,
    ) -> Option<Format> {
        if found.name != SERVER || self.early.is_empty() {
            return None;
        }
        let mut middleware = format::built_in().filter(|new| MIDDLEWARE.contains(&new.name));
        let new = middleware.find(|new| {
            room.clear();
            (new.read)(line, room).is_some_and(|request| self.take(&request))
        })?;
        self.requests = 0;
        Some(Format::BuiltIn(new))
    }

    /// Takes a request out of the early ones, if it is one of them.
    fn take(&mut self, request: &Request<'_>) -> bool {
        let hash = hash(request);
        let at = self.early.iter().position(|&early| early == hash);
        at.map(|at| self.early.swap_remove(at)).is_some()
    }
}

/// Method, path and code: what both lines about a request have. It is kept over a restart.
fn hash(request: &Request<'_>) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(request.method.unwrap_or_default());
    hash.update(b" ");
    hash.update(request.path);
    hash.update(&request.counted_code().to_le_bytes());
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::super::{Parser, Reading};
    use super::*;

    fn server(path: &str, code: u16) -> String {
        format!("INFO:     10.0.0.1:5 - \"GET {path} HTTP/1.1\" {code} X")
    }

    fn middleware(path: &str, code: u16) -> String {
        format!("2026-11-21 19:21:29,809 - app - INFO - GET {path} - Status: {code} - Time: 0.1s")
    }

    /// Which of the lines are counted, by their number, and the format at the end.
    fn counted(parser: &mut Parser, lines: &[String]) -> (Vec<usize>, String) {
        let mut counted = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            if let Reading::Request(_) = parser.read(line.as_bytes()) {
                counted.push(number);
            }
        }
        let format = parser.format().map(Format::name).unwrap_or_default();
        (counted, format.to_owned())
    }

    #[test]
    fn a_middleware_that_comes_first_is_found_first() {
        let lines = [
            middleware("/a", 200),
            server("/a", 200),
            middleware("/b", 401),
            server("/b", 401),
        ];
        let expected = (vec![0, 2], "middleware".to_owned());
        assert_eq!(counted(&mut Parser::new(None), &lines), expected);
    }

    #[test]
    fn a_middleware_that_comes_second_takes_over() {
        let lines = [
            server("/a", 200),
            server("/b", 401),
            server("/c", 200),
            middleware("/b", 401),
            server("/d", 200),
            middleware("/a", 200),
            middleware("/d", 200),
            middleware("/c", 200),
            middleware("/c", 200),
        ];
        let expected = (vec![0, 1, 2, 6, 8], "middleware".to_owned());
        assert_eq!(counted(&mut Parser::new(None), &lines), expected);
    }

    #[test]
    fn a_line_about_no_request_changes_nothing() {
        let lines = [
            server("/a", 200),
            middleware("/forged", 200),
            middleware("/a", 401),
            server("/b", 401),
        ];
        let expected = (vec![0, 3], "uvicorn".to_owned());
        assert_eq!(counted(&mut Parser::new(None), &lines), expected);
    }

    #[test]
    fn a_format_that_was_named_or_has_settled_stays() {
        let mut parser = Parser::new(Format::built_in("uvicorn"));
        let lines = [server("/a", 200), middleware("/a", 200)];
        let expected = (vec![0], "uvicorn".to_owned());
        assert_eq!(counted(&mut parser, &lines), expected);

        let mut lines = vec![server("/a", 200); MAX_EARLY];
        lines.push(middleware("/a", 200));
        let mut parser = Parser::new(None);
        let (numbers, format) = counted(&mut parser, &lines);
        assert_eq!((numbers.len(), &*format), (MAX_EARLY, "uvicorn"));
    }

    #[test]
    fn a_request_that_only_the_server_logs_costs_at_most_one() {
        let mut lines = vec![
            server("/a", 200),
            server("/health", 200),
            middleware("/a", 200),
        ];
        lines.extend((0..MAX_EARLY).map(|_| middleware("/a", 200)));
        lines.push(middleware("/health", 200));
        let (numbers, format) = counted(&mut Parser::new(None), &lines);
        assert_eq!((numbers.len(), &*format), (lines.len() - 1, "middleware"));
    }
}

//! Lines of one container to what is counted of each alone. Pure.

use std::sync::Arc;

use super::line::Line;
use crate::parse::{Format, Parser, Reading, Sign, Unparsed};
use crate::route::Routes;
use crate::tally::Tally;

/// How to read the lines.
#[derive(Debug)]
pub(super) struct Interpreter {
    parser: Parser,
    routes: Arc<Routes>,
}

impl Interpreter {
    pub(super) const fn new(parser: Parser, routes: Arc<Routes>) -> Self {
        Self { parser, routes }
    }

    /// The format of the access lines, once it is known.
    pub(super) const fn format(&self) -> Option<&Format> {
        self.parser.format()
    }

    /// Counts a line and says what it is.
    pub(super) fn count(&mut self, line: Line<'_>, tally: &mut Tally) -> Sign {
        tally.line(line.timestamp);
        if line.is_cut() {
            // Access lines are told by their end, which is missing.
            tally.unparsed(Unparsed::TooLong);
            return Sign::Other;
        }
        let (reading, route, sign) = self.read(line.bytes);
        match (reading, route) {
            (Reading::Request(request), Some(route)) => {
                tally.request(route, request.code, request.duration, line.timestamp);
            }
            (Reading::Unparsed(reason), _) => tally.unparsed(reason),
            _ => {}
        }
        sign
    }

    /// Reads a line again that was counted from a part of its text, if it was no request so: `met`.
    pub(super) fn count_late(
        &mut self,
        line: Line<'_>,
        met: Option<Sign>,
        tally: &mut Tally,
    ) -> Option<Sign> {
        let is_unread = met.is_some_and(|sign| !matches!(sign, Sign::Request | Sign::Nothing));
        if !is_unread || line.is_cut() {
            return None;
        }
        let (reading, route, sign) = self.read(line.bytes);
        if let (Reading::Request(request), Some(route)) = (reading, route) {
            tally.request(route, request.code, request.duration, line.timestamp);
        }
        Some(sign)
    }

    /// Reads a line: what it is, and its route if it is a request on one.
    pub(super) fn read<'a>(&'a mut self, line: &'a [u8]) -> (Reading<'a>, Option<usize>, Sign) {
        let (reading, sign) = self.parser.examine(line);
        let route = match &reading {
            Reading::Request(request) => self.routes.find(request.path),
            _ => None,
        };
        (reading, route, sign)
    }
}

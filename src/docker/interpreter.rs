//! Lines of one container to what is counted of each alone: parser, routes and tally. Pure.

use super::line::Line;
use super::sightings::Sightings;
use super::timestamp::Timestamp;
use crate::parse::{Format, Parser, Reading, Sign, Unparsed};
use crate::route::{Placed, Routes};
use crate::tally::Tally;

/// How to read the lines of a container.
#[derive(Debug)]
pub(super) struct Interpreter<'p> {
    pub(super) parser: &'p mut Parser,
    pub(super) routes: &'p Routes,
    pub(super) sightings: &'p mut Sightings,
}

impl Interpreter<'_> {
    /// Counts a line and says what it is.
    pub(super) fn count(&mut self, line: Line<'_>, tally: &mut Tally) -> Sign {
        tally.line(line.timestamp);
        if line.is_cut() {
            // Access lines are told by their end, which is missing.
            tally.unparsed(Unparsed::TooLong);
            return Sign::Other;
        }
        let was_known = self.is_known();
        let (reading, placed, sign) = self.read(line.bytes, line.timestamp);
        if let Reading::Unparsed(reason) = reading {
            tally.unparsed(reason);
        }
        if let Some(placed) = placed {
            place(placed, line, tally);
        }
        if !was_known {
            self.expect_durations(tally);
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
        let (_, placed, sign) = self.read(line.bytes, line.timestamp);
        if let Some(placed) = placed {
            place(placed, line, tally);
        }
        Some(sign)
    }

    /// Takes a line from before the beginning: it shows what to expect.
    pub(super) fn learn(&mut self, line: &[u8], time: Timestamp, tally: &mut Tally) {
        let was_known = self.is_known();
        let (_, placed, sign) = self.read(line, time);
        tally.learn(sign, time);
        if let Some(placed) = placed {
            self.expect(placed.route, tally);
        }
        if !was_known {
            self.expect_durations(tally);
        }
    }

    /// Reads a line: what it is, and what to count if it is a request on a route.
    fn read<'a>(
        &'a mut self,
        line: &'a [u8],
        time: Timestamp,
    ) -> (Reading<'a>, Option<Placed>, Sign) {
        let (reading, sign) = self.parser.examine(line);
        let Reading::Request(request) = &reading else {
            return (reading, None, sign);
        };
        if self.sightings.take(line, request, time) {
            let is_refused = !matches!(request.counted_code(), 200..300);
            return (reading, None, Sign::Probe { is_refused });
        }
        let placed = self.routes.place(request);
        (reading, placed, sign)
    }

    /// Tells whether the format is known.
    fn is_known(&self) -> bool {
        self.parser.format().is_some()
    }

    /// Creates the series of a route at zero, as far as the format is known to have them.
    pub(super) fn expect(&self, route: usize, tally: &mut Tally) {
        tally.expect(route);
        if self.has_durations(route) {
            tally.expect_durations(route);
        }
    }

    /// Creates the histograms of the routes that were expected before the format was known.
    fn expect_durations(&self, tally: &mut Tally) {
        if !self.is_known() {
            return;
        }
        for route in 0..self.routes.names().len() {
            if tally.is_expected(route) && self.has_durations(route) {
                tally.expect_durations(route);
            }
        }
    }

    /// Tells whether the format is known to have durations of what a route counts.
    fn has_durations(&self, route: usize) -> bool {
        let has_durations = if self.routes.is_forward_auth(route) {
            Format::has_auth_durations
        } else {
            Format::has_durations
        };
        self.parser.format().is_some_and(has_durations)
    }
}

fn place(placed: Placed, line: Line<'_>, tally: &mut Tally) {
    tally.request(placed.route, placed.code, placed.duration, line.timestamp);
}

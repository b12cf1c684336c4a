//! One line of a container to numbers: parser, routes, events and tally in their order. Pure.

use super::line::Line;
use super::sightings::Sightings;
use super::timestamp::Timestamp;
use crate::events::Events;
use crate::parse::{Format, Parser, Reading, Unparsed, mode};
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
    /// Counts a line, and returns true for a request.
    pub(super) fn count(&mut self, line: Line<'_>, events: &mut Events, tally: &mut Tally) -> bool {
        tally.line(line.timestamp);
        let was_known = self.is_known();
        let reading = if line.is_cut() {
            // Access lines are told by their end, which is missing.
            (Reading::Unparsed(Unparsed::TooLong), None)
        } else {
            self.read(line.bytes, line.timestamp)
        };
        let happened = events.take(line.stream, line.timestamp, line.bytes, &reading.0);
        if let Some(notice) = happened.notice {
            tally.notice(notice);
        }
        match reading {
            (_, Some(placed)) => place(placed, line, tally),
            (Reading::Unparsed(reason), _) => tally.unparsed(reason),
            (Reading::Request(_), None) => {}
            _ => {
                if let Some(is_demanded) = mode::read(line.bytes) {
                    tally.auth_mode(line.timestamp, is_demanded);
                }
            }
        }
        let is_request = matches!(reading.0, Reading::Request(_));
        // What is said before the line of a probe is said of that.
        if !(is_request && self.sightings.is_probe()) {
            let refusals = happened.refusals.into_iter().flatten();
            refusals.for_each(|reason| tally.denial(reason));
        }
        if is_request && !was_known {
            self.expect_durations(tally);
        }
        is_request
    }

    /// Tells whether the format is known.
    fn is_known(&self) -> bool {
        self.parser.format().is_some()
    }

    /// Counts the request of a line that was counted from a part of its text, and was none so.
    pub(super) fn count_late(&mut self, line: Line<'_>, tally: &mut Tally) {
        if line.is_cut() {
            return;
        }
        if let Some(placed) = self.read(line.bytes, line.timestamp).1 {
            place(placed, line, tally);
        }
    }

    /// Reads a line; for a request that counts, which a probe of ours does not, also returns what to
    /// count.
    fn read<'a>(&'a mut self, line: &'a [u8], time: Timestamp) -> (Reading<'a>, Option<Placed>) {
        let reading = self.parser.read(line);
        let placed = match &reading {
            Reading::Request(request) if self.sightings.take(line, request, time) => None,
            Reading::Request(request) => self.routes.place(request),
            _ => None,
        };
        (reading, placed)
    }

    /// Takes a line from before the beginning: it shows which format and routes to expect.
    pub(super) fn learn(&mut self, line: &[u8], time: Timestamp, tally: &mut Tally) {
        let was_known = self.is_known();
        if let Some(placed) = self.read(line, time).1 {
            self.expect(placed.route, tally);
        }
        if !was_known {
            self.expect_durations(tally);
        }
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

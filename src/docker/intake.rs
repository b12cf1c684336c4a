//! Records of one container to numbers: cursor, pieces, parser and tally in their order. Pure.

use std::sync::Arc;

use super::cursor::{Cursor, Verdict};
use super::frames::{Item, Record, dated};
use super::pieces::{Joining, Line, Pieces};
use super::timestamp::Timestamp;
use crate::parse::{Format, Parser, Reading, Unparsed};
use crate::route::Routes;
use crate::tally::Tally;

/// What is known of one container's log, and what was counted in it. Kept as one value so that
/// position and numbers always agree.
#[derive(Debug)]
pub(crate) struct Intake {
    cursor: Cursor,
    pieces: Pieces,
    interpreter: Interpreter,
    /// The record with which the log of a terminal has ended, which had no newline: its time and
    /// its length. Sent again, it runs into the record that came after it.
    open_end: Option<(Timestamp, usize)>,
    /// How many records were new.
    pub(crate) records: u64,
    pub(crate) tally: Tally,
}

/// How to read the lines.
#[derive(Debug)]
struct Interpreter {
    parser: Parser,
    routes: Arc<Routes>,
}

impl Intake {
    /// `format` is detected when it is `None`.
    pub(crate) fn new(format: Option<Format>, routes: Arc<Routes>) -> Self {
        Self {
            cursor: Cursor::default(),
            pieces: Pieces::new(Joining::Timestamp),
            open_end: None,
            records: 0,
            tally: Tally::new(routes.names().iter().map(String::as_str)),
            interpreter: Interpreter {
                parser: Parser::new(format),
                routes,
            },
        }
    }

    /// Says which driver keeps the log, which decides how long lines are cut and what a timestamp
    /// tells.
    pub(crate) fn of_driver(mut self, driver: &str, is_podman: bool) -> Self {
        if is_podman || driver == "journald" {
            self.cursor.expect_coarse_clock();
            self.pieces = Pieces::new(Joining::Newline);
        } else if driver != "json-file" {
            self.pieces = Pieces::new(Joining::Length);
        }
        self
    }

    /// The name of the format, once it is known.
    pub(crate) fn format(&self) -> Option<&str> {
        self.interpreter.parser.format().map(Format::name)
    }

    /// Begins a new reply; returns the time from which to ask for it.
    pub(crate) fn resume(&mut self) -> Option<Timestamp> {
        self.cursor.resume()
    }

    /// Takes an item of a reply, and counts what is new.
    pub(crate) fn take(&mut self, item: Item<'_>) {
        let Item::Record(record) = item else {
            return self.tally.unparsed(Unparsed::Timestamp);
        };
        match self.cursor.admit(&record) {
            Verdict::New => self.count(&record),
            Verdict::Repeated => self.tally.duplicates += 1,
            Verdict::Seen => self.take_behind_open_end(&record),
        }
    }

    /// Takes what is left at the end of a reply.
    pub(crate) fn take_end(&mut self, item: Item<'_>) {
        if let Item::Record(record) = item {
            self.open_end = Some((record.timestamp, record.bytes.len()));
        }
        self.take(item);
    }

    fn take_behind_open_end(&mut self, record: &Record<'_>) {
        let Some((_, length)) = self.open_end.filter(|(time, _)| *time == record.timestamp) else {
            return;
        };
        let rest = record.bytes.get(length..).unwrap_or_default();
        if rest.is_empty() {
            return;
        }
        self.open_end = None;
        match dated(record.stream, rest) {
            next @ Item::Record(_) => self.take(next),
            // Not a record that ran into it, but the end of its own line.
            Item::Undated => self.count(&Record {
                bytes: rest,
                ..*record
            }),
        }
    }

    fn count(&mut self, record: &Record<'_>) {
        self.records += 1;
        let Self {
            pieces,
            interpreter,
            tally,
            ..
        } = self;
        pieces.push(record, |line| interpreter.count(line, tally));
    }

    /// Takes a record from before the beginning: it moves the position and shows which format and
    /// routes to expect, but it is not counted.
    pub(crate) fn learn(&mut self, record: &Record<'_>) {
        self.cursor.admit(record);
        if let (Reading::Request(_), Some(route)) = self.interpreter.read(record.bytes) {
            self.expect(route);
        }
    }

    /// Creates the series of a route at zero, as far as the format is known to have them.
    pub(crate) fn expect(&mut self, route: usize) {
        self.tally.expect(route);
        if self
            .interpreter
            .parser
            .format()
            .is_some_and(Format::has_durations)
        {
            self.tally.expect_durations(route);
        }
    }

    /// Says that what is older than `time` was not shown to [`Self::learn`] and is not wanted.
    pub(crate) fn begin_after(&mut self, time: Timestamp) {
        self.cursor.begin_after(time);
    }

    /// True if this item is newer than all that was taken.
    pub(crate) fn is_ahead(&self, item: &Item<'_>) -> bool {
        matches!(item, Item::Record(record)
            if self.cursor.is_ahead(record.stream, record.timestamp))
    }

    /// Counts the lines that are still without an end: the process that wrote them is gone.
    pub(crate) fn flush(&mut self) {
        let Self {
            pieces,
            interpreter,
            tally,
            ..
        } = self;
        pieces.flush(|line| interpreter.count(line, tally));
    }
}

impl Interpreter {
    fn count(&mut self, line: Line<'_>, tally: &mut Tally) {
        tally.line(line.timestamp, line.length);
        if line.is_cut() {
            // Access lines are told by their end, which is missing.
            return tally.unparsed(Unparsed::TooLong);
        }
        match self.read(line.bytes) {
            (Reading::Request(request), Some(route)) => {
                tally.request(route, request.code, request.duration, line.timestamp);
            }
            (Reading::Unparsed(reason), _) => tally.unparsed(reason),
            (Reading::Request(_) | Reading::Other, _) => {}
        }
    }

    fn read<'a>(&'a mut self, line: &'a [u8]) -> (Reading<'a>, Option<usize>) {
        let reading = self.parser.read(line);
        let route = match &reading {
            Reading::Request(request) => self.routes.find(request.path),
            Reading::Unparsed(_) | Reading::Other => None,
        };
        (reading, route)
    }
}

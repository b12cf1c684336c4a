//! Records of one container to numbers: cursor, pieces, parser and tally in their order. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::cursor::{Audited, Cursor, Extent, Verdict, Via};
use super::frames::{Item, Record, dated};
use super::interpreter::Interpreter;
use super::line::Line;
use super::pieces::{Joining, Piece, Pieces};
use super::reply::Traits;
use super::sightings::Sightings;
use super::timestamp::Timestamp;
use crate::events::{Events, Said};
use crate::parse::patterns::Patterns;
use crate::parse::{Format, Parser, Sign, Unparsed};
use crate::probe::Marker;
use crate::route::Routes;
use crate::tally::Tally;

/// How many of the ends without a newline are remembered.
const MAX_OPEN_ENDS: usize = 64;

/// What is known of one container's log, and what was counted in it. Kept as one value so that
/// position and numbers always agree.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) progress: Progress,
    routes: Arc<Routes>,
    sightings: Sightings,
    /// True if it goes on where an earlier process was.
    pub(crate) is_resumed: bool,
    /// How many records were new.
    pub(crate) records: u64,
    /// How many bytes a follow has delivered since the last audit began.
    pub(crate) unaudited: usize,
    /// How many it had delivered when the present audit began.
    in_audit: usize,
}

/// The part of an [`Intake`] that outlives the process.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Progress {
    cursor: Cursor,
    pieces: Pieces,
    /// The records with which the log of a terminal has ended, which had no newline: their times
    /// and lengths. Sent again, each runs into the record that came after it.
    open_ends: VecDeque<(Timestamp, usize)>,
    parser: Parser,
    /// Refusals and reports that may go on. Lines get here in the order of the log, each when it is known
    /// that all before it have.
    events: Events,
    pub(crate) tally: Tally,
}

/// A line that was counted.
#[derive(Clone, Copy, Debug)]
struct Read {
    said: Said,
    /// True for one that was counted before, from a part of its text.
    is_late: bool,
}

/// What decides how a log is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind<'a> {
    /// The driver that keeps it.
    pub(crate) driver: &'a str,
    pub(crate) is_podman: bool,
    /// A follow can leave records out, because files of the log are put aside while it is read.
    pub(crate) can_rotate: bool,
}

impl Intake {
    /// `format` is found out when it is `None`; `progress` is what an earlier process has left.
    pub(crate) fn new(
        format: Option<Format>,
        routes: Arc<Routes>,
        kind: Kind<'_>,
        progress: Option<Progress>,
    ) -> Self {
        let is_resumed = progress.is_some();
        let mut progress = progress.unwrap_or_default();
        let mut tally = Tally::new(routes.names().iter().map(String::as_str));
        tally.add(&progress.tally);
        progress.tally = tally;
        progress.parser = std::mem::take(&mut progress.parser).given(format);
        let has_coarse_clock = kind.is_podman || kind.driver == "journald";
        progress.cursor.traits = Traits {
            has_coarse_clock,
            can_rotate: kind.can_rotate,
        };
        progress.pieces.joining = Joining::of(kind.driver, kind.is_podman);
        Self {
            progress,
            routes,
            sightings: Sightings::default(),
            is_resumed,
            records: 0,
            unaudited: 0,
            in_audit: 0,
        }
    }

    /// Leaves requests out of the counts that carry a mark of ours.
    #[must_use]
    pub(crate) fn knowing(mut self, marker: Option<Arc<Marker>>) -> Self {
        self.sightings = Sightings::new(marker);
        self
    }

    /// Reads lines with these patterns as what the configuration says.
    #[must_use]
    pub(crate) fn reading(mut self, patterns: Arc<Patterns>) -> Self {
        let parser = std::mem::take(&mut self.progress.parser);
        self.progress.parser = parser.with_patterns(patterns);
        self
    }

    /// What the log has shown of probes.
    pub(crate) fn sightings(&self) -> &Sightings {
        &self.sightings
    }

    /// The name of the format, once it is known.
    pub(crate) fn format(&self) -> Option<&str> {
        self.progress.parser.format().map(Format::name)
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.progress.tally
    }

    pub(crate) fn tally_mut(&mut self) -> &mut Tally {
        &mut self.progress.tally
    }

    pub(crate) fn cursor(&self) -> &Cursor {
        &self.progress.cursor
    }

    pub(crate) fn cursor_mut(&mut self) -> &mut Cursor {
        &mut self.progress.cursor
    }

    /// Begins a follow, and returns what to ask for.
    pub(crate) fn begin_follow(&mut self) -> Extent {
        self.emit(true, |pieces, emit| pieces.begin(Via::Follow, emit));
        self.progress.cursor.begin_follow()
    }

    /// Begins an audit: how many of the newest records should show the position; `None`: all.
    pub(crate) fn audit_size(&mut self) -> Option<u32> {
        self.in_audit = self.unaudited;
        self.progress.pieces.begin_audit();
        self.progress.cursor.audit_size()
    }

    /// Begins a reply of an audit.
    pub(crate) fn begin_audit(&mut self, extent: Extent) {
        self.emit(true, |pieces, emit| pieces.begin(Via::Audit, emit));
        self.progress.cursor.begin_audit(extent);
    }

    /// Ends a reply of an audit.
    pub(crate) fn end_audit(&mut self) -> Audited {
        let shown = self.progress.cursor.shown();
        let audited = self.progress.cursor.end_audit();
        self.emit(true, |pieces, emit| pieces.begin(Via::Audit, emit));
        self.progress.take_missed();
        if audited != Audited::Short {
            self.unaudited -= std::mem::take(&mut self.in_audit);
            self.emit(true, |pieces, emit| pieces.settle(&shown, emit));
        }
        if audited == Audited::Gap {
            self.progress.tally.gaps += 1;
        }
        audited
    }

    /// Takes an item of a reply, and counts what is new.
    pub(crate) fn take(&mut self, via: Via, item: Item<'_>) {
        match item {
            Item::Record(record) => self.take_record(via, &record),
            // Only once: an audit and the beginning of a new follow show again what was shown.
            Item::Undated if via == Via::Follow && self.progress.cursor.is_joined() => {
                self.progress.tally.unparsed(Unparsed::Timestamp);
            }
            Item::Undated => {}
        }
    }

    /// Takes what is left at the end of a reply.
    pub(crate) fn take_end(&mut self, via: Via, item: Item<'_>) {
        self.take(via, item);
        if let Item::Record(record) = item {
            let ends = &mut self.progress.open_ends;
            ends.retain(|(time, _)| *time != record.timestamp);
            ends.push_back((record.timestamp, record.bytes.len()));
            if ends.len() > MAX_OPEN_ENDS {
                ends.pop_front();
            }
        }
    }

    fn take_record(&mut self, via: Via, record: &Record<'_>) {
        let Some((first, rest)) = self.split_open_end(record) else {
            return self.take_whole(via, record);
        };
        self.take_whole(via, &first);
        match dated(record.stream, rest.bytes) {
            Item::Record(next) => self.take_record(via, &next),
            // Not a record that ran into it, but the end of its own line.
            Item::Undated => self.take_whole(via, &rest),
        }
    }

    /// Parts a record that begins with the one that ended the log of a terminal.
    fn split_open_end<'a>(&self, record: &Record<'a>) -> Option<(Record<'a>, Record<'a>)> {
        let mut ends = self.progress.open_ends.iter();
        let &(_, length) = ends.find(|(time, _)| *time == record.timestamp)?;
        let (first, rest) = record.bytes.split_at_checked(length)?;
        let with = |bytes| Record { bytes, ..*record };
        (!rest.is_empty()).then(|| (with(first), with(rest)))
    }

    fn take_whole(&mut self, via: Via, record: &Record<'_>) {
        let Progress { cursor, tally, .. } = &mut self.progress;
        if via == Via::Follow {
            self.unaudited += record.bytes.len();
        }
        let verdict = cursor.admit(via, record);
        let is_new = verdict == Verdict::New;
        match verdict {
            Verdict::New => {
                self.records += 1;
                tally.bytes += record.bytes.len() as u64;
            }
            Verdict::Known => {}
            // It is in its line already.
            Verdict::Repeated => return tally.duplicates += 1,
            Verdict::Unplaced => return,
        }
        let is_contiguous = cursor.is_contiguous(via);
        let piece = Piece {
            via,
            record: *record,
            is_new,
            is_contiguous,
        };
        let met = cursor.met();
        let is_placed = is_contiguous || via == Via::Audit;
        let read = self.emit(is_placed, |pieces, emit| pieces.push(piece, emit));
        if !is_placed && is_new {
            let sign = read.map_or(Sign::Nothing, |read| read.said.sign);
            // As which it is remembered already.
            if sign != Sign::Request {
                self.progress.cursor.note(sign);
            }
        }
        let is_read_again = read.is_some_and(|read| read.is_late);
        if let Some(sign) = met.filter(|_| !is_read_again) {
            let (stream, time) = (record.stream, Some(record.timestamp));
            self.progress.happened(Said { stream, time, sign });
        }
        if self.progress.pieces.is_crowded() {
            self.progress.cursor.doubt();
        }
    }

    /// Counts the lines that the pieces give out, and returns what the last one is. `is_placed`: all lines
    /// before them in the log are known; else the last one waits until they are.
    fn emit(
        &mut self,
        is_placed: bool,
        from: impl FnOnce(&mut Pieces, &mut dyn FnMut(Line<'_>)),
    ) -> Option<Read> {
        let Self {
            progress:
                Progress {
                    cursor,
                    pieces,
                    parser,
                    events,
                    tally,
                    ..
                },
            routes,
            sightings,
            ..
        } = self;
        let mut interpreter = Interpreter {
            parser,
            routes,
            sightings,
        };
        let mut last: Option<Read> = None;
        from(pieces, &mut |line| {
            let (is_late, stream) = (line.is_late, line.stream);
            let time = Some(line.timestamp);
            let sign = if is_late {
                let Some(sign) = interpreter.count_late(line, cursor.met(), tally) else {
                    return;
                };
                sign
            } else {
                interpreter.count(line, tally)
            };
            let said = Said { stream, time, sign };
            if let Some(before) = last.replace(Read { said, is_late }) {
                events.take(before.said, |event| tally.event(event, before.said.time));
            }
        });
        if let Some(Read { said, .. }) = last.filter(|_| is_placed) {
            events.take(said, |event| tally.event(event, said.time));
        }
        last
    }

    /// Takes a record from before the beginning: it moves the position and shows what to expect, but it
    /// is not counted.
    pub(crate) fn learn(&mut self, record: &Record<'_>) {
        self.progress.cursor.learn(record);
        let (mut interpreter, tally) = self.interpreter();
        interpreter.learn(record.bytes, record.timestamp, tally);
    }

    /// Creates the series of a route at zero, as far as the format is known to have them.
    pub(crate) fn expect(&mut self, route: usize) {
        let (interpreter, tally) = self.interpreter();
        interpreter.expect(route, tally);
    }

    fn interpreter(&mut self) -> (Interpreter<'_>, &mut Tally) {
        let Progress { parser, tally, .. } = &mut self.progress;
        let interpreter = Interpreter {
            parser,
            routes: &self.routes,
            sightings: &mut self.sightings,
        };
        (interpreter, tally)
    }

    /// Counts the lines that are still without an end, and what waits for more lines: the process that
    /// wrote them is gone.
    pub(crate) fn flush(&mut self) {
        self.emit(true, |pieces, emit| pieces.flush(emit));
        self.close_events();
    }

    /// True if a refusal waits for more lines, and nothing else has to come before it is clear that there
    /// are none.
    pub(crate) fn has_open_events(&self) -> bool {
        self.progress.events.is_open() && self.progress.cursor.waiting() == 0
    }

    /// Counts what waits for more lines: none have come for a while.
    pub(crate) fn close_events(&mut self) {
        self.progress.close_events();
    }

    /// Counts all that waits for the log to be read again.
    pub(crate) fn finish(&mut self) {
        self.flush();
        self.progress.finish();
    }
}

impl Progress {
    /// Counts what waits for the log to be read again: it is gone.
    pub(crate) fn finish(&mut self) {
        self.cursor.give_up();
        self.take_missed();
        self.close_events();
    }

    fn take_missed(&mut self) {
        for said in self.cursor.take_missed() {
            self.happened(said);
        }
    }

    fn happened(&mut self, said: Said) {
        let Self { events, tally, .. } = self;
        events.take(said, |event| tally.event(event, said.time));
    }

    fn close_events(&mut self) {
        let Self { events, tally, .. } = self;
        events.close(|event| tally.event(event, None));
    }

    /// True if many lines wait for an audit to show their end.
    #[cfg(test)]
    pub(super) fn is_crowded(&self) -> bool {
        self.pieces.is_crowded()
    }
}

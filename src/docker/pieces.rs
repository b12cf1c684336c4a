//! Records to lines: joins the pieces into which the engine cuts long lines. Pure.
//!
//! The same record can come by a follow and by an audit, and a reply can begin or break off inside a
//! line. A line is counted on the way on which its last piece was new, so it is counted once.

use std::mem::take;

use serde::{Deserialize, Serialize};

use super::cursor::Via;
use super::frames::{PIECE, PerStream, Record, Stream};
use super::line::{Line, Unfinished};
use super::timestamp::Timestamp;

/// The largest number of unfinished lines that are kept after their reply has gone on without them.
const MAX_HELD: usize = 64;
/// The number of these at which an audit should look for their ends.
const MANY_HELD: usize = 8;

/// How to tell that a piece continues the one before it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Joining {
    /// Same stream and same timestamp, as Docker writes them.
    #[default]
    Timestamp,
    /// The same, and the one before it was full. Docker's local driver, which also keeps what other
    /// drivers have sent away: up to 22 the last piece of a line has no newline.
    Length,
    /// No newline at the end yet. In journald and in Podman each piece has a time of its own.
    Newline,
}

/// A record on its way into a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) via: Via,
    pub(crate) record: Record<'a>,
    /// False for one that was counted before and comes again.
    pub(crate) is_new: bool,
    /// True if nothing is missing between this one and the one before it on its way.
    pub(crate) is_contiguous: bool,
}

/// The unfinished lines of a container.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Pieces {
    follow: PerStream<Unfinished>,
    audit: PerStream<Unfinished>,
    /// Lines whose end was not on the way on which they began.
    held: Vec<Held>,
    /// How many audits have begun.
    audits: u64,
    #[serde(skip)]
    pub(crate) joining: Joining,
}

/// A line that waits for a reply that shows its end.
#[derive(Debug, Deserialize, Serialize)]
struct Held {
    stream: Stream,
    line: Unfinished,
    /// The number of audits that had begun when it was put here.
    audits: u64,
}

impl Pieces {
    /// Starts a new reply.
    pub(crate) fn begin(&mut self, via: Via, mut emit: impl FnMut(Line<'_>)) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let line = take(self.way(via).of_mut(stream));
            self.hold(via, stream, line, &mut emit);
        }
    }

    /// Adds a record and hands each line that it completes to `emit`.
    pub(crate) fn push(&mut self, piece: Piece<'_>, mut emit: impl FnMut(Line<'_>)) {
        let Piece {
            via,
            record,
            is_new,
            is_contiguous,
        } = piece;
        let (stream, joining) = (record.stream, self.joining);
        let mut line = take(self.way(via).of_mut(stream));
        let is_other = line.timestamp.is_some_and(|time| time != record.timestamp);
        if joining != Joining::Newline && is_other {
            if is_contiguous {
                // It has no end: the process that wrote it is gone, say.
                line.is_new |= self.holds(stream, line.timestamp);
                if line.is_new {
                    self.claim(via, stream, line).emit(stream, false, &mut emit);
                }
            } else {
                self.hold(via, stream, line, &mut emit);
            }
            line = Unfinished::default();
        }
        let is_last = joining == Joining::Length && record.bytes.len() < PIECE;
        let is_whole = is_last || record.bytes.ends_with(b"\n");
        if is_whole && line.timestamp.is_none() && self.held.is_empty() {
            if is_new {
                emit(Line::of(&record));
            }
            return;
        }
        let time = line.timestamp.unwrap_or(record.timestamp);
        if is_new && let Some(held) = self.unhold(stream, time) {
            line.is_new = true;
            self.complete(via, &mut line, &held);
        }
        line.append(&record, is_new);
        if is_whole {
            line.is_new |= via == Via::Audit;
            self.claim(via, stream, line)
                .emit(stream, !is_new, &mut emit);
        } else {
            *self.way(via).of_mut(stream) = line;
        }
    }

    /// Notes that an audit has begun.
    pub(crate) fn begin_audit(&mut self) {
        self.audits += 1;
    }

    /// Says that the audit has come to its end, with these times as the last of each stream: what it
    /// has passed without finding an end has none.
    pub(crate) fn settle(
        &mut self,
        shown: &PerStream<Option<Timestamp>>,
        mut emit: impl FnMut(Line<'_>),
    ) {
        if self.joining == Joining::Newline {
            return;
        }
        let audits = self.audits;
        let is_passed = |held: &mut Held| {
            let last = *shown.of(held.stream);
            held.audits < audits && last.is_some() && held.line.timestamp != last
        };
        for held in self.held.extract_if(.., is_passed) {
            held.line.emit(held.stream, false, &mut emit);
        }
    }

    /// True if so many lines wait for their end that an audit should look for them.
    pub(crate) fn is_crowded(&self) -> bool {
        self.held.len() >= MANY_HELD
    }

    /// Hands out what is pending: the log has ended, so nothing can continue it.
    pub(crate) fn flush(&mut self, mut emit: impl FnMut(Line<'_>)) {
        self.begin(Via::Follow, &mut emit);
        self.begin(Via::Audit, &mut emit);
        for held in self.held.drain(..) {
            held.line.emit(held.stream, false, &mut emit);
        }
    }

    /// Takes over what others have of a line that is to be counted here or was counted before.
    fn claim(&mut self, via: Via, stream: Stream, mut line: Unfinished) -> Unfinished {
        let other = self.way(via.other()).of_mut(stream);
        if other.timestamp == line.timestamp {
            other.is_new = false;
            let other = other.clone();
            self.complete(via, &mut line, &other);
        }
        if let Some(held) = line.timestamp.and_then(|time| self.unhold(stream, time)) {
            self.complete(via, &mut line, &held);
        }
        line
    }

    /// Takes over the text of another part of a line, if that has more of it. An audit has shown the
    /// line from its beginning and in its order, unless each piece has a time of its own; a follow may
    /// have left out any part.
    fn complete(&self, via: Via, line: &mut Unfinished, other: &Unfinished) {
        if via == Via::Follow || self.joining == Joining::Newline {
            line.lengthen(other);
        }
    }

    fn way(&mut self, via: Via) -> &mut PerStream<Unfinished> {
        match via {
            Via::Follow => &mut self.follow,
            Via::Audit => &mut self.audit,
        }
    }

    /// Keeps a line until its end comes by another reply.
    fn hold(
        &mut self,
        via: Via,
        stream: Stream,
        mut line: Unfinished,
        emit: &mut impl FnMut(Line<'_>),
    ) {
        let Some(time) = line.timestamp.filter(|_| line.is_new) else {
            return;
        };
        let other = self.way(via.other()).of_mut(stream);
        if other.timestamp == line.timestamp {
            // It is held by one, so that it is counted by one.
            other.is_new = false;
        }
        if let Some(held) = self.unhold(stream, time) {
            line.lengthen(&held);
        }
        if self.held.len() >= MAX_HELD {
            let held = self.held.remove(0);
            held.line.emit(held.stream, false, emit);
        }
        let audits = self.audits;
        self.held.push(Held {
            stream,
            line,
            audits,
        });
    }

    /// Takes back what is held of the line that began at this time.
    fn unhold(&mut self, stream: Stream, time: Timestamp) -> Option<Unfinished> {
        let at = self.held_at(stream, Some(time))?;
        Some(self.held.remove(at).line)
    }

    fn holds(&self, stream: Stream, time: Option<Timestamp>) -> bool {
        self.held_at(stream, time).is_some()
    }

    fn held_at(&self, stream: Stream, time: Option<Timestamp>) -> Option<usize> {
        let is_any_time = self.joining == Joining::Newline;
        let is_it =
            |held: &Held| held.stream == stream && (is_any_time || held.line.timestamp == time);
        self.held.iter().position(is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::super::frames::Stream;
    use super::super::line::MAX_LINE;
    use super::*;

    fn time(second: u8) -> Timestamp {
        Timestamp::parse(format!("2026-11-21T19:00:{second:02}Z").as_bytes()).unwrap()
    }

    fn record(stream: Stream, second: u8, text: &str) -> Record<'_> {
        Record {
            stream,
            timestamp: time(second),
            bytes: text.as_bytes(),
        }
    }

    fn piece(record: Record<'_>) -> Piece<'_> {
        Piece {
            via: Via::Follow,
            record,
            is_new: true,
            is_contiguous: true,
        }
    }

    /// Pushes records, then ends the log; `|` marks the end.
    fn lines(joining: Joining, records: &[(Stream, u8, &str)]) -> Vec<String> {
        let mut pieces = Pieces {
            joining,
            ..Pieces::default()
        };
        let mut lines = Vec::new();
        for &(stream, second, text) in records {
            pieces.push(piece(record(stream, second, text)), |line| {
                lines.push(String::from_utf8_lossy(line.bytes).into_owned());
            });
        }
        lines.push("|".to_owned());
        pieces.flush(|line| lines.push(String::from_utf8_lossy(line.bytes).into_owned()));
        lines
    }

    use Stream::{Stderr, Stdout};

    #[test]
    fn joins_pieces_of_one_timestamp() {
        let records = [
            (Stdout, 1, "a"),
            (Stderr, 1, "x"),
            (Stdout, 1, "b\n"),
            (Stderr, 1, "y\n"),
        ];
        assert_eq!(lines(Joining::Timestamp, &records), ["ab\n", "xy\n", "|"]);
    }

    #[test]
    fn a_last_piece_without_newline_does_not_swallow_the_next_line() {
        let records = [(Stdout, 1, "a"), (Stdout, 1, "b"), (Stdout, 2, "c\n")];
        assert_eq!(lines(Joining::Timestamp, &records), ["ab", "c\n", "|"]);
    }

    #[test]
    fn a_newline_alone_can_be_the_last_piece() {
        let records = [(Stdout, 1, "a"), (Stdout, 1, "\n"), (Stdout, 2, "\n")];
        assert_eq!(lines(Joining::Timestamp, &records), ["a\n", "\n", "|"]);
    }

    #[test]
    fn an_unterminated_line_is_complete_when_the_log_ends() {
        assert_eq!(
            lines(Joining::Timestamp, &[(Stdout, 1, "hello")]),
            ["|", "hello"]
        );
    }

    #[test]
    fn a_short_piece_is_the_last_where_the_last_has_no_newline() {
        let full = "x".repeat(PIECE);
        let whole = full.clone() + "end";
        let records = [(Stdout, 1, &*full), (Stdout, 1, "end"), (Stdout, 2, "c\n")];
        assert_eq!(lines(Joining::Length, &records), [&*whole, "c\n", "|"]);
        assert_eq!(lines(Joining::Length, &records[..2]), [&*whole, "|"]);
    }

    #[test]
    fn joins_by_newline_where_each_piece_has_its_own_time() {
        let records = [(Stdout, 1, "a"), (Stdout, 2, "b\n"), (Stdout, 2, "c\n")];
        assert_eq!(lines(Joining::Newline, &records), ["ab\n", "c\n", "|"]);
    }

    #[test]
    fn keeps_the_beginning_of_a_line_that_is_too_long_and_counts_it_once() {
        let text = "x".repeat(PIECE);
        let mut pieces = Pieces::default();
        let mut seen = Vec::new();
        for _ in 0..100 {
            let more = piece(record(Stdout, 1, &text));
            pieces.push(more, |_| panic!("not complete yet"));
        }
        pieces.push(piece(record(Stdout, 1, "end\n")), |line| {
            seen.push((line.is_cut(), line.bytes.len(), line.length));
        });
        assert_eq!(seen, [(true, MAX_LINE, 100 * text.len() + 4)]);
    }
}

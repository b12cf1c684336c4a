//! Which records have been counted: a pure state machine.
//!
//! A record is told by its stream, its timestamp, and its ordinal among the records of that
//! stream that carry that timestamp: pieces of one line share one, and engines with a coarse clock
//! give the same one to many lines. Where the clock is fine, a whole line that comes twice with the
//! same timestamp is one line: Docker 20.10 repeats the newest record when a log rotates.

use std::time::Duration;

use super::frames::{PerStream, Record, Stream};
use super::timestamp::Timestamp;

/// How far before the newest record to resume. The streams of a container are stamped apart and
/// written in the order of arrival, so a record of one can follow a newer record of the other:
/// by up to 168 ms measured under load.
const OVERLAP: Duration = Duration::from_secs(1);

/// What to do with a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Not seen before: count it.
    New,
    /// Sent again because we asked for an overlap.
    Seen,
    /// Sent again within one reply, or older than what was already counted.
    Repeated,
}

/// The position in a container's log.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    streams: PerStream<Position>,
    has_coarse_clock: bool,
}

#[derive(Debug, Default)]
struct Position {
    last: Option<Timestamp>,
    /// Records counted at `last`.
    counted: u64,
    /// Records at `last` that the present reply has shown.
    shown: u64,
    /// True until the present reply shows something new.
    in_overlap: bool,
    /// The newest record that was counted at `last`, if it was the end of a line.
    newest_line: Vec<u8>,
}

impl Cursor {
    /// Starts a new reply and returns the time from which to ask for it, or `None` for all.
    pub(crate) fn resume(&mut self) -> Option<Timestamp> {
        for position in self.streams.each_mut() {
            position.shown = 0;
            position.in_overlap = true;
        }
        let newest = self
            .streams
            .each()
            .into_iter()
            .filter_map(|position| position.last)
            .max();
        newest.map(|time| time.earlier(OVERLAP))
    }

    /// Says that the engine gives one timestamp to many lines, so that equal lines are no
    /// repetition.
    pub(crate) fn expect_coarse_clock(&mut self) {
        self.has_coarse_clock = true;
    }

    /// Decides about the next record of the present reply.
    pub(crate) fn admit(&mut self, record: &Record<'_>) -> Verdict {
        let is_line = !self.has_coarse_clock && record.bytes.ends_with(b"\n");
        let line = if is_line { record.bytes } else { b"" };
        self.streams
            .of_mut(record.stream)
            .admit(record.timestamp, line)
    }

    /// Says that everything up to `time` is older than the beginning, for the streams that have
    /// shown nothing yet.
    pub(crate) fn begin_after(&mut self, time: Timestamp) {
        for position in self
            .streams
            .each_mut()
            .into_iter()
            .filter(|position| position.last.is_none())
        {
            position.last = Some(time);
            position.counted = u64::MAX;
        }
    }

    /// True if the record is above everything that has been counted on its stream.
    pub(crate) fn is_ahead(&self, stream: Stream, time: Timestamp) -> bool {
        Some(time) > self.streams.of(stream).last
    }
}

impl Position {
    /// `line` is empty for a record that may be followed by an equal one.
    fn admit(&mut self, time: Timestamp, line: &[u8]) -> Verdict {
        if Some(time) > self.last {
            self.last = Some(time);
            self.counted = 0;
            self.shown = 0;
            return self.count(line);
        }
        if Some(time) < self.last {
            // The reply went back, so it will show the records at `last` again.
            self.shown = 0;
        } else if self.shown < self.counted {
            self.shown += 1;
        } else if line.is_empty() || line != self.newest_line {
            return self.count(line);
        }
        if self.in_overlap {
            Verdict::Seen
        } else {
            Verdict::Repeated
        }
    }

    fn count(&mut self, line: &[u8]) -> Verdict {
        self.shown += 1;
        self.counted = self.shown;
        self.in_overlap = false;
        self.newest_line.clear();
        self.newest_line.extend_from_slice(line);
        Verdict::New
    }
}

#[cfg(test)]
mod tests {
    use super::Stream::{Stderr, Stdout};
    use super::Verdict::{New, Repeated, Seen};
    use super::*;

    fn time(second: u8) -> Timestamp {
        Timestamp::parse(format!("2026-11-21T19:00:{second:02}Z").as_bytes()).unwrap()
    }

    fn record(stream: Stream, second: u8, bytes: &[u8]) -> Record<'_> {
        Record {
            stream,
            timestamp: time(second),
            bytes,
        }
    }

    fn admit(cursor: &mut Cursor, records: &[(Stream, u8)]) -> Vec<Verdict> {
        records
            .iter()
            .map(|&(stream, second)| cursor.admit(&record(stream, second, b"piece")))
            .collect()
    }

    #[test]
    fn resumes_a_second_before_the_newest_record_of_any_stream() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.resume(), None);
        admit(&mut cursor, &[(Stdout, 30), (Stderr, 20)]);
        assert_eq!(cursor.resume(), Some(time(29)));
    }

    #[test]
    fn skips_the_overlap_and_nothing_else() {
        let mut cursor = Cursor::default();
        assert_eq!(
            admit(&mut cursor, &[(Stdout, 1), (Stdout, 2), (Stderr, 1)]),
            [New; 3]
        );
        cursor.resume();
        let replay = [
            (Stdout, 1),
            (Stdout, 2),
            (Stderr, 1),
            (Stderr, 2),
            (Stdout, 3),
        ];
        assert_eq!(admit(&mut cursor, &replay), [Seen, Seen, Seen, New, New]);
    }

    #[test]
    fn counts_equal_timestamps_by_their_number() {
        let mut cursor = Cursor::default();
        assert_eq!(admit(&mut cursor, &[(Stdout, 1); 3]), [New; 3]);
        cursor.resume();
        let replay = [(Stdout, 1); 4];
        assert_eq!(admit(&mut cursor, &replay), [Seen, Seen, Seen, New]);
        assert_eq!(admit(&mut cursor, &[(Stdout, 1)]), [New]);
    }

    #[test]
    fn tells_a_repetition_within_a_reply_from_the_overlap() {
        let mut cursor = Cursor::default();
        admit(&mut cursor, &[(Stdout, 1), (Stdout, 2)]);
        assert_eq!(admit(&mut cursor, &[(Stdout, 1)]), [Repeated]);
        cursor.resume();
        assert_eq!(
            admit(&mut cursor, &[(Stdout, 2), (Stdout, 3), (Stdout, 2)]),
            [Seen, New, Repeated]
        );
    }

    #[test]
    fn a_file_that_is_sent_twice_is_counted_once() {
        let mut cursor = Cursor::default();
        let file = [(Stdout, 1), (Stdout, 2), (Stdout, 3), (Stdout, 3)];
        assert_eq!(admit(&mut cursor, &file), [New; 4]);
        assert_eq!(admit(&mut cursor, &file), [Repeated; 4]);
        assert_eq!(admit(&mut cursor, &[(Stdout, 4)]), [New]);
    }

    #[test]
    fn the_newest_line_that_is_sent_again_is_counted_once() {
        let mut cursor = Cursor::default();
        for (bytes, expected) in [
            (&b"a\n"[..], New),
            (b"a\n", Repeated),
            (b"b\n", New),
            (b"b\n", Repeated),
        ] {
            assert_eq!(cursor.admit(&record(Stdout, 1, bytes)), expected);
        }
        cursor.expect_coarse_clock();
        assert_eq!(
            [(); 2].map(|()| cursor.admit(&record(Stdout, 1, b"a\n"))),
            [New; 2]
        );
    }

    #[test]
    fn begins_after_a_time_on_streams_that_were_silent() {
        let mut cursor = Cursor::default();
        admit(&mut cursor, &[(Stdout, 9)]);
        cursor.begin_after(time(5));
        cursor.resume();
        assert_eq!(
            admit(&mut cursor, &[(Stderr, 5), (Stderr, 6), (Stdout, 9)]),
            [Seen, New, Seen]
        );
        assert!(cursor.is_ahead(Stdout, time(10)));
        assert!(!cursor.is_ahead(Stdout, time(9)));
    }
}

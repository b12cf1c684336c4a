//! Records to lines: joins the pieces into which the engine cuts long lines. Pure.

use super::frames::{PIECE, PerStream, Record};
use super::timestamp::Timestamp;

/// The longest line that is kept. Clients control the length (a request target, a user agent), so
/// there has to be one; real lines of 70 KB exist.
const MAX_LINE: usize = 256 * 1024;

/// How to tell that a piece continues the one before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Joining {
    /// Same stream and same timestamp, as Docker writes them.
    Timestamp,
    /// The same, and the one before it was full. Docker's local driver, which also keeps what other
    /// drivers have sent away: up to 22 the last piece of a line has no newline.
    Length,
    /// No newline at the end yet. In journald and in Podman each piece has a time of its own.
    Newline,
}

/// One complete line, with the newline if it had one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Line<'a> {
    pub(crate) timestamp: Timestamp,
    pub(crate) bytes: &'a [u8],
    /// How long the line was, in bytes.
    pub(crate) length: usize,
}

impl Line<'_> {
    /// True if the line was longer than what is kept, so that its end is missing.
    pub(crate) fn is_cut(&self) -> bool {
        self.length > self.bytes.len()
    }
}

/// The unfinished lines of a container, one for each stream.
#[derive(Debug)]
pub(crate) struct Pieces {
    joining: Joining,
    pending: PerStream<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    timestamp: Option<Timestamp>,
    bytes: Vec<u8>,
    length: usize,
}

impl Pieces {
    pub(crate) fn new(joining: Joining) -> Self {
        Self {
            joining,
            pending: PerStream::default(),
        }
    }

    /// Adds a record and hands each line that it completes to `emit`.
    pub(crate) fn push(&mut self, record: &Record<'_>, mut emit: impl FnMut(Line<'_>)) {
        let pending = self.pending.of_mut(record.stream);
        let is_other_line = pending
            .timestamp
            .is_some_and(|time| time != record.timestamp);
        if self.joining != Joining::Newline && is_other_line {
            pending.flush(&mut emit);
        }
        let is_last = self.joining == Joining::Length && record.bytes.len() < PIECE;
        let is_whole = is_last || record.bytes.ends_with(b"\n");
        if is_whole && pending.timestamp.is_none() {
            let (timestamp, bytes) = (record.timestamp, record.bytes);
            let kept = bytes.get(..MAX_LINE).unwrap_or(bytes);
            return emit(Line {
                timestamp,
                bytes: kept,
                length: bytes.len(),
            });
        }
        pending.append(record);
        if is_whole {
            pending.flush(&mut emit);
        }
    }

    /// Hands out what is pending: the log has ended, so nothing can continue it.
    pub(crate) fn flush(&mut self, mut emit: impl FnMut(Line<'_>)) {
        for pending in self.pending.each_mut() {
            pending.flush(&mut emit);
        }
    }
}

impl Pending {
    fn append(&mut self, record: &Record<'_>) {
        self.timestamp.get_or_insert(record.timestamp);
        self.length += record.bytes.len();
        let room = MAX_LINE.saturating_sub(self.bytes.len());
        self.bytes.extend(record.bytes.iter().take(room));
    }

    fn flush(&mut self, emit: &mut impl FnMut(Line<'_>)) {
        let Self {
            timestamp,
            bytes,
            length,
        } = std::mem::take(self);
        if let Some(timestamp) = timestamp {
            emit(Line {
                timestamp,
                bytes: &bytes,
                length,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frames::Stream;
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

    /// Pushes records, then ends the log; `|` marks the end.
    fn lines(joining: Joining, records: &[(Stream, u8, &str)]) -> Vec<String> {
        let mut pieces = Pieces::new(joining);
        let mut lines = Vec::new();
        for &(stream, second, text) in records {
            pieces.push(&record(stream, second, text), |line| {
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
        let piece = "x".repeat(16 * 1024);
        let mut pieces = Pieces::new(Joining::Timestamp);
        let mut seen = Vec::new();
        for _ in 0..100 {
            pieces.push(&record(Stdout, 1, &piece), |_| panic!("not complete yet"));
        }
        pieces.push(&record(Stdout, 1, "end\n"), |line| {
            seen.push((line.is_cut(), line.bytes.len(), line.length));
        });
        assert_eq!(seen, [(true, MAX_LINE, 100 * piece.len() + 4)]);
    }
}

//! A line, whole or without its end. Pure.

use serde::{Deserialize, Serialize};

use super::frames::{Record, Stream};
use super::timestamp::Timestamp;

/// The longest line that is kept. Clients control the length (a request target, a user agent), so
/// there has to be one; real lines of 70 KB exist.
pub(super) const MAX_LINE: usize = 256 * 1024;

/// One complete line, with the newline if it had one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Line<'a> {
    pub(crate) stream: Stream,
    pub(crate) timestamp: Timestamp,
    pub(crate) bytes: &'a [u8],
    /// How long the line was, in bytes.
    pub(crate) length: usize,
    /// True for one that was counted before, perhaps from a part of its text.
    pub(crate) is_late: bool,
}

impl Line<'_> {
    /// True if the line was longer than what is kept, so that its end is missing.
    pub(crate) fn is_cut(&self) -> bool {
        self.length > self.bytes.len()
    }
}

/// A line without its end.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Unfinished {
    /// Of its first piece; `None` if there is none.
    pub(super) timestamp: Option<Timestamp>,
    bytes: Vec<u8>,
    length: usize,
    /// True if a piece of it was new, so that it has to be counted.
    pub(super) is_new: bool,
}

impl<'a> Line<'a> {
    pub(super) fn of(record: &Record<'a>) -> Self {
        let (timestamp, bytes) = (record.timestamp, record.bytes);
        Self {
            stream: record.stream,
            timestamp,
            bytes: bytes.get(..MAX_LINE).unwrap_or(bytes),
            length: bytes.len(),
            is_late: false,
        }
    }
}

impl Unfinished {
    pub(super) fn append(&mut self, record: &Record<'_>, is_new: bool) {
        self.timestamp.get_or_insert(record.timestamp);
        self.is_new |= is_new;
        self.length += record.bytes.len();
        let room = MAX_LINE.saturating_sub(self.bytes.len());
        self.bytes.extend(record.bytes.iter().take(room));
    }

    /// Takes over the text of the same line where that has more of it.
    pub(super) fn lengthen(&mut self, other: &Self) {
        if other.length > self.length {
            self.timestamp = other.timestamp;
            self.bytes.clone_from(&other.bytes);
            self.length = other.length;
        }
    }

    pub(super) fn emit(self, stream: Stream, is_late: bool, emit: &mut impl FnMut(Line<'_>)) {
        if let (Some(timestamp), true) = (self.timestamp, self.is_new) {
            emit(Line {
                stream,
                timestamp,
                bytes: &self.bytes,
                length: self.length,
                is_late,
            });
        }
    }
}

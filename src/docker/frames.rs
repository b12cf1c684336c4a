//! Bytes of a log body to records, for both layouts that the engine uses.
//!
//! Without a TTY each record comes in a frame: `[stream, 0, 0, 0, length (big endian)]`, then a
//! timestamp, a blank and the text. With a TTY there are no frames: records follow each other,
//! each with its timestamp, and a line of more than 16 KiB has further timestamps inside. Pure.

use serde::{Deserialize, Serialize};

use super::timestamp::Timestamp;

/// The largest frame that is accepted. Docker's own are at most 16 KiB and a timestamp; log
/// plugins may send larger ones.
const MAX_FRAME: usize = 1 << 20;
/// Docker cuts lines into pieces of this many bytes (`daemon/logger/copier.go`, `defaultBufSize`).
pub(super) const PIECE: usize = 16 * 1024;
/// No timestamp is longer than this, the blank after it included.
const MAX_TIMESTAMP: usize = 40;
const HEADER: usize = 8;

/// Where a record was printed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// One value for each stream.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct PerStream<T> {
    stdout: T,
    stderr: T,
}

impl<T> PerStream<T> {
    pub(crate) fn from_fn(mut value: impl FnMut(Stream) -> T) -> Self {
        Self {
            stdout: value(Stream::Stdout),
            stderr: value(Stream::Stderr),
        }
    }

    pub(crate) fn of(&self, stream: Stream) -> &T {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }

    pub(crate) fn of_mut(&mut self, stream: Stream) -> &mut T {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    pub(crate) fn each_mut(&mut self) -> [&mut T; 2] {
        [&mut self.stdout, &mut self.stderr]
    }
}

/// One entry of the engine's log: a line, or a piece of one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Record<'a> {
    pub(crate) stream: Stream,
    pub(crate) timestamp: Timestamp,
    pub(crate) bytes: &'a [u8],
}

/// What the decoder finds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Item<'a> {
    Record(Record<'a>),
    /// Text without a readable timestamp. It cannot be placed in the log, so it is not counted.
    Undated,
}

/// How the body is laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Layout {
    /// Frames: the container has no TTY.
    Multiplexed,
    /// The bare text of a TTY.
    Raw,
}

/// Why a body cannot be read any further.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("the engine reports: {0}")]
    Engine(String),
    #[error("frame of {0} bytes is above the limit of {MAX_FRAME}")]
    TooLarge(usize),
    /// The bytes may be text of a log, so they are not shown.
    #[error("something that is no frame")]
    Header,
    #[error("the log ends inside a frame")]
    Truncated,
}

/// Cuts a body into records, however its bytes arrive.
#[derive(Debug)]
pub(crate) struct Decoder {
    layout: Layout,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that have been handed out.
    taken: usize,
}

impl Decoder {
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            buffer: Vec::new(),
            taken: 0,
        }
    }

    /// Adds bytes. Call [`Self::next`] until it returns `None` before adding more.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next complete record, or `None` if more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<Item<'_>>, FrameError> {
        let rest = self.buffer.get(self.taken..).unwrap_or_default();
        let found = match self.layout {
            Layout::Multiplexed => frame(rest)?,
            Layout::Raw => raw(rest)?,
        };
        Ok(found.map(|(item, length)| {
            self.taken += length;
            item
        }))
    }

    /// Says what the bytes left over at a clean end of the body are: the last line of a TTY that
    /// has no newline, or a frame that was cut.
    pub(crate) fn end(&mut self) -> Result<Option<Item<'_>>, FrameError> {
        let rest = self.buffer.get(self.taken..).unwrap_or_default();
        self.taken = self.buffer.len();
        match (rest.is_empty(), self.layout) {
            (true, _) => Ok(None),
            (false, Layout::Multiplexed) => Err(FrameError::Truncated),
            (false, Layout::Raw) => Ok(Some(dated(Stream::Stdout, rest))),
        }
    }
}

/// Reads one frame: the item, and how many bytes it took.
fn frame(bytes: &[u8]) -> Result<Option<(Item<'_>, usize)>, FrameError> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
        return Ok(None);
    };
    let &[kind, 0, 0, 0, l0, l1, l2, l3] = header else {
        return Err(FrameError::Header);
    };
    let length = u32::from_be_bytes([l0, l1, l2, l3]) as usize;
    let stream = match kind {
        // 0 is standard input, which is never logged; the engine's own client prints it too.
        0 | 1 => Some(Stream::Stdout),
        2 => Some(Stream::Stderr),
        3 => None,
        _ => return Err(FrameError::Header),
    };
    if length > MAX_FRAME {
        return Err(FrameError::TooLarge(length));
    }
    let Some(payload) = rest.get(..length) else {
        return Ok(None);
    };
    match stream {
        Some(stream) => Ok(Some((dated(stream, payload), HEADER + length))),
        None => Err(FrameError::Engine(
            String::from_utf8_lossy(payload).trim_end().to_owned(),
        )),
    }
}

/// Reads one record of a TTY.
fn raw(bytes: &[u8]) -> Result<Option<(Item<'_>, usize)>, FrameError> {
    if let Some(length) = raw_piece(bytes) {
        return Ok(bytes
            .get(..length)
            .map(|piece| (dated(Stream::Stdout, piece), length)));
    }
    match memchr::memchr(b'\n', bytes) {
        Some(end) => Ok(bytes
            .get(..=end)
            .map(|line| (dated(Stream::Stdout, line), end + 1))),
        None if bytes.len() > MAX_FRAME => Err(FrameError::TooLarge(bytes.len())),
        None => Ok(None),
    }
}

/// The length of a piece that is followed by another one of the same line. Nothing but the
/// repeated timestamp marks the border, and all pieces of one line carry the same timestamp.
fn raw_piece(bytes: &[u8]) -> Option<usize> {
    let prefix = bytes.get(..=blank(bytes)?)?;
    let length = prefix.len() + PIECE;
    let (piece, next) = bytes.split_at_checked(length)?;
    (next.starts_with(prefix) && !piece.contains(&b'\n')).then_some(length)
}

/// Splits the timestamp off.
pub(super) fn dated(stream: Stream, payload: &[u8]) -> Item<'_> {
    let parts = blank(payload).and_then(|at| payload.split_at_checked(at));
    match parts.and_then(|(time, text)| Some((Timestamp::parse(time)?, text.get(1..)?))) {
        Some((timestamp, bytes)) => Item::Record(Record {
            stream,
            timestamp,
            bytes,
        }),
        None => Item::Undated,
    }
}

/// Where the timestamp ends. Its length varies between engines, so the first blank decides.
fn blank(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b' ', bytes.get(..MAX_TIMESTAMP).unwrap_or(bytes))
}

//! One reply of the engine, record by record: the name that each one has in it. Pure.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::frames::{PerStream, Record, Stream};
use super::memory::{ByKey, Mark};
use super::timestamp::Timestamp;

/// What kind of log it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traits {
    /// One timestamp is given to many lines, so that equal lines are no repetition.
    pub(crate) has_coarse_clock: bool,
    /// A follow can leave records out.
    pub(crate) can_rotate: bool,
}

/// What one reply of the engine has shown so far.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) groups: PerStream<Group>,
    /// True once it has shown the position, so that the rest continues it.
    pub(super) is_joined: bool,
    pub(super) last: Option<Mark>,
    /// How many records it has shown.
    pub(super) placed: u32,
    /// True if `last` was new.
    pub(super) is_ahead: bool,
}

/// The newest records of one stream that share a timestamp.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) time: Option<Timestamp>,
    newest: Option<Timestamp>,
    /// True for the first one of a reply whose beginning was cut.
    is_cut: bool,
    shown: ByKey<u64>,
}

/// How a record stands to those of its stream that the reply has shown before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// It comes after them.
    Next,
    /// It is a piece of the same line as the newest, with the same text as an earlier piece.
    Equal,
    /// It is the newest once more.
    Again,
    /// It is older than the newest.
    Back,
}

/// A record in its reply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) mark: Mark,
    pub(super) order: Order,
    /// Its ordinal is not sure.
    pub(super) is_cut: bool,
}

impl Reply {
    /// A reply that continues what is counted from its first record on, or one whose first records
    /// may be the middle of a line.
    pub(super) fn new(is_joined: bool, is_cut: bool) -> Self {
        let mut reply = Self {
            is_joined,
            ..Self::default()
        };
        for group in reply.groups.each_mut() {
            group.is_cut = is_cut;
        }
        reply
    }

    /// Finds the name of the next record.
    pub(super) fn place(&mut self, record: &Record<'_>, traits: Traits) -> Placed {
        let Record {
            stream,
            timestamp: time,
            bytes,
        } = *record;
        let group = self.groups.of_mut(stream);
        let is_other = group.time != Some(time);
        let is_back = Some(time) < group.newest || (is_other && Some(time) == group.newest);
        if is_other {
            group.is_cut &= group.time.is_none();
            group.time = Some(time);
            group.shown.clear();
        }
        group.newest = group.newest.max(group.time);
        let hash = xxh3_64_with_seed(bytes, seed(stream, time));
        let before = group.shown.entry(hash).or_default();
        // Where the clock is fine, a whole line with the same time and text is the same line.
        let is_unique = !traits.has_coarse_clock && bytes.ends_with(b"\n");
        let ordinal = if is_unique { 0 } else { *before };
        let order = match *before {
            1.. if ordinal > 0 && !traits.has_coarse_clock => Order::Equal,
            _ if is_back => Order::Back,
            1.. if is_unique => Order::Again,
            _ => Order::Next,
        };
        *before += 1;
        let mark = Mark {
            time,
            key: hash.wrapping_add(ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        };
        self.last = Some(mark);
        self.is_ahead = false;
        self.placed = self.placed.saturating_add(1);
        Placed {
            mark,
            order,
            is_cut: group.is_cut && !is_unique,
        }
    }
}

fn seed(stream: Stream, time: Timestamp) -> u64 {
    let stream = match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    };
    time.nanos().cast_unsigned().wrapping_mul(2) | stream
}

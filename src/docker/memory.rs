//! Which records were counted lately. Bounded; pure.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::frames::Stream;
use super::timestamp::Timestamp;
use crate::events::Said;
use crate::parse::Sign;

/// How long before the newest record every record is remembered. The streams of a container are
/// stamped apart and written in the order of arrival: up to 168 ms out of order were measured.
const SPAN: Duration = Duration::from_secs(2);
/// The largest number of records that are remembered for this; one second of all that an engine
/// can send.
const MAX_SETTLED: usize = 1 << 17;
/// The largest number of records that wait for an audit.
const MAX_OPEN: usize = 1 << 17;

/// The name of a record: a hash of its stream, its timestamp, its bytes and its ordinal among equal
/// ones.
pub(super) type Key = u64;
/// Values by key.
pub(super) type ByKey<T> = HashMap<Key, T, BuildHasherDefault<Hashed>>;
type Keys = HashSet<Key, BuildHasherDefault<Hashed>>;

/// Keys are hashes already, and nobody can choose them: the engine's nanoseconds are in them.
#[derive(Debug, Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// A record as a place in the log.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Mark {
    pub(super) time: Timestamp,
    pub(super) key: Key,
}

/// The records that may come again.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(from = "Saved")]
pub(super) struct Memory {
    /// Records that are joined with all before them, in the order in which they were counted.
    settled: VecDeque<Mark>,
    /// Records that a follow has delivered; something before them may still be missing.
    open: ByKey<Open>,
    /// How many audits have begun.
    audits: u64,
    /// How many records a follow has delivered.
    delivered: u64,
    newest: Option<Timestamp>,
    /// Records up to this time may have been forgotten.
    floor: Option<Timestamp>,
    #[serde(skip)]
    known: Keys,
}

/// A record that no audit has met.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Open {
    stream: Stream,
    time: Timestamp,
    /// How many were delivered before it.
    number: u64,
    /// The number of audits that had begun when it was delivered.
    audits: u64,
    /// What the line is that ended with it.
    sign: Sign,
}

/// What is saved of a memory, in its order.
#[derive(Deserialize)]
struct Saved {
    settled: VecDeque<Mark>,
    open: ByKey<Open>,
    audits: u64,
    delivered: u64,
    newest: Option<Timestamp>,
    floor: Option<Timestamp>,
}

impl Memory {
    pub(super) fn knows(&self, key: Key) -> bool {
        self.known.contains(&key) || self.open.contains_key(&key)
    }

    /// True if every counted record of that time is still remembered.
    pub(super) fn covers(&self, time: Timestamp) -> bool {
        Some(time) > self.floor
    }

    /// Remembers a record that a follow has delivered, as the end of an access line until it is noted
    /// to be something else.
    pub(super) fn open(&mut self, stream: Stream, mark: Mark) {
        self.delivered += 1;
        let open = Open {
            stream,
            time: mark.time,
            number: self.delivered,
            audits: self.audits,
            sign: Sign::Request,
        };
        self.open.insert(mark.key, open);
    }

    /// Notes what the line is that ended with an open record.
    pub(super) fn note(&mut self, key: Key, sign: Sign) {
        if let Some(open) = self.open.get_mut(&key) {
            open.sign = sign;
        }
    }

    /// What the line is that ended with an open record.
    pub(super) fn noted(&self, key: Key) -> Option<Sign> {
        self.open.get(&key).map(|open| open.sign)
    }

    /// Remembers a record with which everything before is known to be counted.
    pub(super) fn settle(&mut self, mark: Mark) {
        self.open.remove(&mark.key);
        if self.known.insert(mark.key) {
            self.settled.push_back(mark);
        }
        self.newest = self.newest.max(Some(mark.time));
        while let Some(&oldest) = self.settled.front() {
            let is_old = Some(oldest.time) < self.newest.map(|newest| newest.earlier(SPAN));
            if !is_old && self.settled.len() <= MAX_SETTLED {
                break;
            }
            self.settled.pop_front();
            self.known.remove(&oldest.key);
            self.forget_before(oldest.time);
        }
    }

    /// Notes that an audit has begun.
    pub(super) fn begin_audit(&mut self) {
        self.audits += 1;
    }

    /// Settles all open records, and returns what was noted of them in the order of their delivery.
    pub(super) fn settle_all(&mut self) -> Vec<Said> {
        self.settle_before(u64::MAX)
    }

    /// Settles the records that were delivered before the present audit began. Those that it has
    /// not met have left the log, and will never be met.
    pub(super) fn settle_missed(&mut self) -> Vec<Said> {
        self.settle_before(self.audits)
    }

    fn settle_before(&mut self, audits: u64) -> Vec<Said> {
        let is_before = |_: &Key, open: &mut Open| open.audits < audits;
        let mut records: Vec<_> = self.open.extract_if(is_before).collect();
        records.sort_by_key(|(_, open)| open.time);
        for &(key, Open { time, .. }) in &records {
            self.settle(Mark { time, key });
        }
        records.sort_by_key(|(_, open)| open.number);
        let said = records.into_iter().map(|(_, open)| Said {
            stream: open.stream,
            time: Some(open.time),
            sign: open.sign,
        });
        said.collect()
    }

    /// Says that records up to `time` may have been counted without being remembered.
    pub(super) fn forget_before(&mut self, time: Timestamp) {
        self.floor = self.floor.max(Some(time));
    }

    pub(super) fn is_open(&self, key: Key) -> bool {
        self.open.contains_key(&key)
    }

    /// The highest time of a settled record.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// How many records wait for an audit.
    pub(super) fn waiting(&self) -> usize {
        self.open.len()
    }

    /// True if no more records can wait.
    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= MAX_OPEN
    }
}

impl From<Saved> for Memory {
    fn from(saved: Saved) -> Self {
        let Saved {
            settled,
            open,
            audits,
            delivered,
            newest,
            floor,
        } = saved;
        let known = settled.iter().map(|mark| mark.key).collect();
        Self {
            settled,
            open,
            audits,
            delivered,
            newest,
            floor,
            known,
        }
    }
}

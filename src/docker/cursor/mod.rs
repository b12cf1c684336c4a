//! Which records have been counted: a pure state machine.
//!
//! A follow is quick, but where a log rotates it leaves records out and repeats others. An audit
//! reads the log as it is. The cursor knows a position up to which everything is counted; an audit
//! finds that position in the log, and what comes after it there is new unless a follow has
//! delivered it since. Times decide only where a follow delivers something above all that is known.

mod audit;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::frames::{PerStream, Record};
use super::memory::{Mark, Memory};
use super::reply::{Order, Reply, Traits};
use super::timestamp::Timestamp;
use crate::events::Said;
use crate::parse::Sign;
use audit::Audit;
pub(crate) use audit::{Audited, Extent};

/// How far before the position to ask for a log by time, and how far above it a record shows that
/// the position has been passed.
const OVERLAP: Duration = Duration::from_secs(1);

/// How many of the newest records a follow begins with. They cost the engine about a millisecond.
/// The logs of tests are shorter.
const FOLLOW_TAIL: u32 = if cfg!(test) { 8 } else { 256 };

/// The two ways in which records come. Both can be open at the same time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Via {
    Follow,
    Audit,
}

impl Via {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Follow => Self::Audit,
            Self::Audit => Self::Follow,
        }
    }
}

/// What to do with a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Not seen before: count it.
    New,
    /// Counted already.
    Known,
    /// Sent a second time by one follow.
    Repeated,
    /// Too old to be told by its time, or in a line whose beginning was cut off; an audit will say.
    Unplaced,
}

/// The position in a container's log.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Cursor {
    /// The record up to which all are counted; `None`: the beginning of the log.
    position: Option<Mark>,
    /// The record with which the log began, as long as there is no position.
    first: Option<Mark>,
    /// The position that was last found to be missing from the log.
    missing: Option<Mark>,
    /// The highest times, which are not those of the position where a clock was set back.
    newest: PerStream<Option<Timestamp>>,
    memory: Memory,
    #[serde(skip)]
    pub(crate) traits: Traits,
    #[serde(skip)]
    follow: Reply,
    #[serde(skip)]
    audit: Option<Audit>,
    /// How often something was seen that only an audit can explain, and how many of these times
    /// the present and the last audit have come after.
    #[serde(skip)]
    doubts: u64,
    #[serde(skip)]
    doubts_in_audit: u64,
    #[serde(skip)]
    doubts_cleared: u64,
    /// True if the log has nothing from the time of the position on.
    #[serde(skip)]
    ends_before: bool,
    /// True if an earlier follow has delivered what no audit has met.
    #[serde(skip)]
    is_overdue: bool,
    #[serde(skip)]
    unplaced: usize,
    /// What was noted of the record that an audit has just met, if only a follow had delivered it.
    #[serde(skip)]
    met: Option<Sign>,
    /// What was noted of records that no audit will meet.
    #[serde(skip)]
    missed: Vec<Said>,
}

impl Cursor {
    /// Starts a new follow, and returns what to ask for.
    ///
    /// Not by time where that can be avoided: Docker up to 23 leaves out every record below that
    /// time, those to come too, and where the log is one large file it has to be read up to there.
    pub(crate) fn begin_follow(&mut self) -> Extent {
        let is_cut = self.position.is_some() && !self.traits.has_coarse_clock;
        self.follow = Reply::new(self.position.is_none(), is_cut);
        self.is_overdue = self.traits.can_rotate && self.waiting() > 0;
        // An audit that began before this follow does not reach up to its first record.
        self.doubts += u64::from(self.audit.is_some());
        match self.position {
            None => Extent::Whole(None),
            // Equal records are told by their ordinal, so the first of them has to be there.
            Some(mark) if self.traits.has_coarse_clock => {
                Extent::Whole(Some(mark.time.earlier(OVERLAP)))
            }
            Some(_) => Extent::Tail(FOLLOW_TAIL),
        }
    }

    /// Decides about the next record of a reply.
    pub(crate) fn admit(&mut self, via: Via, record: &Record<'_>) -> Verdict {
        match (via, self.audit.take()) {
            (Via::Audit, Some(mut audit)) => {
                let verdict = self.admit_audited(&mut audit, record);
                self.audit = Some(audit);
                verdict
            }
            (_, audit) => {
                self.audit = audit;
                self.admit_followed(record)
            }
        }
    }

    fn admit_followed(&mut self, record: &Record<'_>) -> Verdict {
        self.met = None;
        let placed = self.follow.place(record, self.traits);
        let (mark, is_above) = (placed.mark, self.is_above(record));
        if !is_above {
            if !self.follow.is_joined {
                self.follow.is_joined = self.position == Some(mark) && !placed.is_cut;
                // More than it began with, or not before the position: the clock was set back, or
                // the position was not among the first records.
                let position = self.position.map(|position| position.time);
                let is_live = self.follow.placed > FOLLOW_TAIL || Some(mark.time) >= position;
                if is_live && !self.traits.has_coarse_clock && !self.knows(mark) {
                    self.doubts += 1;
                    self.unplaced += 1;
                    return Verdict::Unplaced;
                }
                return Verdict::Known;
            }
            if self.knows(mark) {
                let is_back = placed.order == Order::Back && !self.has_gone_back();
                if !is_back && placed.order != Order::Again {
                    return Verdict::Known;
                }
                self.doubts += 1;
                return Verdict::Repeated;
            }
            // Docker 20.10 repeats the newest record when a log rotates, so an equal piece may be
            // the same one.
            let is_unsure = placed.order == Order::Equal && self.traits.can_rotate;
            if is_unsure || !self.memory.covers(mark.time) {
                self.doubts += 1;
                self.unplaced += 1;
                return Verdict::Unplaced;
            }
        }
        let is_unjoined = !self.follow.is_joined && self.audit.is_none();
        self.doubts += u64::from(is_unjoined || placed.order == Order::Back);
        self.raise(record);
        self.follow.is_ahead = true;
        self.first.get_or_insert(mark);
        if self.is_contiguous(Via::Follow) {
            self.memory.settle(mark);
            self.position = Some(mark);
        } else {
            self.memory.open(record.stream, mark);
        }
        Verdict::New
    }

    /// Notes what the line is that ended with the record that a follow has just delivered.
    pub(crate) fn note(&mut self, sign: Sign) {
        if let Some(last) = self.follow.last {
            self.memory.note(last.key, sign);
        }
    }

    /// What was noted of the record that an audit has just met, if only a follow had delivered it.
    pub(crate) fn met(&self) -> Option<Sign> {
        self.met
    }

    /// Takes what was noted of records that no audit has met or will meet.
    pub(crate) fn take_missed(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.missed)
    }

    /// Says that no audit will come any more.
    pub(crate) fn give_up(&mut self) {
        let missed = self.memory.settle_all();
        self.missed.extend(missed);
    }

    /// Says that a follow has failed in a way that may have lost something.
    pub(crate) fn doubt(&mut self) {
        self.doubts += 1;
    }

    /// Takes a record from before the beginning.
    pub(crate) fn learn(&mut self, record: &Record<'_>) {
        let placed = self.follow.place(record, self.traits);
        self.raise(record);
        self.memory.settle(placed.mark);
        self.position = Some(placed.mark);
    }

    /// Says that records up to `time` were not shown to [`Self::learn`].
    pub(crate) fn begin_after(&mut self, time: Timestamp) {
        self.memory.forget_before(time);
        for newest in self.newest.each_mut() {
            *newest = (*newest).max(Some(time));
        }
    }

    /// True if what comes next on this way directly continues what is counted.
    pub(crate) fn is_contiguous(&self, via: Via) -> bool {
        match via {
            Via::Follow => {
                let is_sound = !self.traits.can_rotate && !self.is_in_doubt();
                is_sound && self.follow.is_joined && self.audit.is_none()
            }
            Via::Audit => self
                .audit
                .as_ref()
                .is_some_and(|audit| audit.reply.is_joined),
        }
    }

    /// True if something was seen that only an audit can explain.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.doubts > self.doubts_cleared
    }

    /// True if an audit should be made at once.
    pub(crate) fn wants_audit(&self) -> bool {
        self.is_overdue || self.is_in_doubt()
    }

    /// True if the present follow continues what is counted.
    pub(crate) fn is_joined(&self) -> bool {
        self.follow.is_joined
    }

    /// How many records a follow has delivered that no audit has met.
    pub(crate) fn waiting(&self) -> usize {
        self.memory.waiting()
    }

    /// True if no more records can be taken from a follow before an audit.
    pub(crate) fn is_full(&self) -> bool {
        self.memory.is_full()
    }

    /// True if this record, read alone, has been counted.
    pub(crate) fn has(&self, record: &Record<'_>) -> bool {
        let mark = Reply::default().place(record, self.traits).mark;
        !self.is_above(record) && self.knows(mark)
    }

    fn knows(&self, mark: Mark) -> bool {
        self.position == Some(mark) || self.memory.knows(mark.key)
    }

    fn is_above(&self, record: &Record<'_>) -> bool {
        Some(record.timestamp) > *self.newest.of(record.stream)
    }

    fn raise(&mut self, record: &Record<'_>) {
        let newest = self.newest.of_mut(record.stream);
        *newest = (*newest).max(Some(record.timestamp));
    }

    /// True if the position is well below the highest time before it: the engine's clock was set
    /// back.
    fn has_gone_back(&self) -> bool {
        let newest = self.memory.newest();
        let position = self.position.map(|mark| mark.time);
        newest.map(|newest| newest.earlier(OVERLAP)) > position
    }
}

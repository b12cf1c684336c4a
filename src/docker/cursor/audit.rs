//! The part of the cursor that reads the log as it is, and finds its position in it.

use super::{Cursor, OVERLAP, Verdict};
use crate::docker::frames::{PerStream, Record};
use crate::docker::reply::Reply;
use crate::docker::timestamp::Timestamp;

/// How much of a log an audit has asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Extent {
    /// The newest records; the first of them may be the middle of a line.
    Tail(u32),
    /// All from a time on, or all.
    Whole(Option<Timestamp>),
}

/// How an audit came out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Audited {
    /// Everything in the log is counted.
    Joined,
    /// The position is not among the newest records; ask for more.
    Short,
    /// The position is not in the log any more.
    Gap,
}

/// An audit that is under way.
#[derive(Debug)]
pub(super) struct Audit {
    extent: Extent,
    pub(super) reply: Reply,
    /// True if it has not shown the record with which the log began.
    has_gap: bool,
    /// True once it is clear that more of the log is needed.
    is_short: bool,
}

impl Cursor {
    /// Starts an audit: how many of the newest records should show the position; `None`: all.
    pub(crate) fn audit_size(&mut self) -> Option<u32> {
        self.doubts_in_audit = self.doubts;
        self.memory.begin_audit();
        let open = self.memory.waiting() + std::mem::take(&mut self.unplaced);
        let size = u32::try_from(open + open / 8 + 16).unwrap_or(u32::MAX);
        self.position.is_some().then_some(size)
    }

    /// What an audit asks for whose position is not near the end of the log.
    pub(crate) fn whole(&self) -> Extent {
        let is_told_by_time = !self.has_gone_back() && !self.ends_before;
        let position = self.position.filter(|_| is_told_by_time);
        Extent::Whole(position.map(|mark| mark.time.earlier(OVERLAP)))
    }

    /// Starts a reply of an audit.
    pub(crate) fn begin_audit(&mut self, extent: Extent) {
        let reply = Reply::new(self.position.is_none(), matches!(extent, Extent::Tail(_)));
        self.audit = Some(Audit {
            extent,
            reply,
            has_gap: self.position.is_none() && self.first.is_some(),
            is_short: false,
        });
    }

    pub(super) fn admit_audited(&mut self, audit: &mut Audit, record: &Record<'_>) -> Verdict {
        let placed = audit.reply.place(record, self.traits);
        let mark = placed.mark;
        audit.has_gap &= self.first != Some(mark);
        self.met = None;
        if !audit.reply.is_joined {
            if self.position == Some(mark) && !placed.is_cut {
                audit.reply.is_joined = true;
                return Verdict::Known;
            }
            if let Extent::Tail(_) = audit.extent {
                let passed = self.position.map(|position| position.time);
                let is_past = Some(mark.time.earlier(OVERLAP)) > passed;
                audit.is_short |= is_past && !self.has_gone_back();
                if placed.is_cut {
                    return Verdict::Unplaced;
                }
                return Verdict::Known;
            }
            let is_new = self.is_above(record) || self.memory.covers(mark.time);
            if self.knows(mark) || !is_new {
                return Verdict::Known;
            }
            self.raise(record);
            self.memory.settle(mark);
            return Verdict::New;
        }
        let position = self.position.map(|position| position.time);
        if placed.is_cut && Some(mark.time) <= position {
            audit.is_short = true;
            return Verdict::Unplaced;
        }
        let verdict = if self.memory.knows(mark.key) {
            Verdict::Known
        } else {
            Verdict::New
        };
        self.met = self.memory.noted(mark.key);
        self.raise(record);
        self.memory.settle(mark);
        self.position = Some(mark);
        verdict
    }

    /// The last time of each stream that the audit's reply has shown.
    pub(crate) fn shown(&self) -> PerStream<Option<Timestamp>> {
        let audit = self.audit.as_ref();
        PerStream::from_fn(|stream| audit.and_then(|audit| audit.reply.groups.of(stream).time))
    }

    /// Ends a reply of an audit that has come to its end, or that was found to be too short.
    pub(crate) fn end_audit(&mut self) -> Audited {
        let Some(Audit {
            extent,
            reply,
            has_gap,
            is_short,
        }) = self.audit.take()
        else {
            return Audited::Joined;
        };
        if is_short || (!reply.is_joined && matches!(extent, Extent::Tail(_))) {
            return Audited::Short;
        }
        if matches!(extent, Extent::Whole(Some(_))) && reply.last.is_none() {
            // It is not empty for that: an engine that was killed may have lost its newest records,
            // and a log may come from a backup.
            self.ends_before = true;
            return Audited::Short;
        }
        self.ends_before = false;
        self.doubts_cleared = self.doubts_in_audit;
        self.is_overdue = false;
        let before = self.position;
        if has_gap || !reply.is_joined {
            self.first = None;
        }
        if !reply.is_joined {
            // A log that cannot be read up to its end, because of a broken record in it, must not
            // take us back.
            let is_ahead = reply.last.map(|last| last.time) > self.position.map(|mark| mark.time);
            self.position = match reply.last {
                Some(last) if !is_ahead => self.follow.last.or(self.position).or(Some(last)),
                last => last,
            };
        }
        let missed = self.memory.settle_missed();
        self.missed.extend(missed);
        let last = self.follow.last;
        if self.traits.can_rotate {
            self.follow.is_joined = true;
        } else if self.follow.is_ahead
            && !self.is_in_doubt()
            && last.is_some_and(|last| self.memory.is_open(last.key))
        {
            // It leaves nothing out, and the audit has shown what came before.
            self.position = last;
            let missed = self.memory.settle_all();
            self.missed.extend(missed);
            self.follow.is_joined = true;
        } else {
            self.follow.is_joined |= last == self.position;
        }
        let has_gap = has_gap || !reply.is_joined;
        // One that was said already: the log still has nothing newer.
        let is_said = has_gap && before.is_some() && self.missing == before;
        self.missing = before.filter(|_| has_gap);
        if has_gap && !is_said {
            Audited::Gap
        } else {
            Audited::Joined
        }
    }

    /// Says that an audit has failed.
    pub(crate) fn abandon_audit(&mut self) {
        self.audit = None;
    }

    /// True if it is clear that the audit's present reply does not go back far enough.
    pub(crate) fn is_audit_short(&self) -> bool {
        self.audit.as_ref().is_some_and(|audit| audit.is_short)
    }
}

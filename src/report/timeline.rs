//! How many requests when: counts by minute, by hour where there are too many minutes, by day where
//! there are too many hours.

use std::collections::BTreeMap;

use crate::docker::Timestamp;

/// The most slots that are kept: two days of minutes, four months of hours.
const MAX_SLOTS: usize = 3_000;
/// The lengths of slots, in nanoseconds.
const LENGTHS: [i64; 3] = [60 * SECOND, 3_600 * SECOND, 86_400 * SECOND];
const SECOND: i64 = 1_000_000_000;

/// The requests of one time slot.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Slot {
    pub(crate) requests: u64,
    pub(crate) refused: u64,
    /// Answered 500 and more.
    pub(crate) failed: u64,
}

/// Slots by their number since 1970, those without requests left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    slots: BTreeMap<i64, Slot>,
    /// Index into [`LENGTHS`].
    scale: usize,
    /// The slot of the newest line, which most likely is that of the next: its beginning and what
    /// is not in `slots` yet.
    current: (i64, Slot),
}

impl Timeline {
    /// Counts a request that was answered with a code.
    pub(crate) fn add(&mut self, time: Timestamp, code: u16, is_refused: bool) {
        let start = self.current.0;
        let nanos = time.nanos();
        if nanos < start || nanos >= start.saturating_add(self.length()) {
            self.flush();
            self.current.0 = nanos.saturating_sub(nanos.rem_euclid(self.length()));
        }
        let slot = &mut self.current.1;
        slot.requests += 1;
        slot.refused += u64::from(is_refused);
        slot.failed += u64::from(code >= 500);
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn append(&mut self, other: &mut Self) {
        self.flush();
        other.flush();
        while self.scale < other.scale {
            self.coarsen();
        }
        while other.scale < self.scale {
            other.coarsen();
        }
        for (start, slot) in &other.slots {
            self.slots.entry(*start).or_default().append(slot);
        }
        self.limit();
    }

    /// Returns the slots in their order, with their beginnings.
    pub(crate) fn slots(&self) -> Vec<(Timestamp, Slot)> {
        let mut all = self.clone();
        all.flush();
        let slots = all.slots.into_iter();
        slots
            .map(|(start, slot)| (Timestamp::of_nanos(start), slot))
            .collect()
    }

    /// Returns how long a slot is, in seconds.
    pub(crate) fn step(&self) -> i64 {
        self.length() / SECOND
    }

    /// Makes the slots of one length at least: 3600 for hours, 86400 for days.
    pub(crate) fn coarsen_to(&mut self, seconds: i64) {
        self.flush();
        while self.step() < seconds && self.scale + 1 < LENGTHS.len() {
            self.coarsen();
        }
    }

    fn length(&self) -> i64 {
        LENGTHS.get(self.scale).copied().unwrap_or(i64::MAX)
    }

    fn flush(&mut self) {
        let (start, slot) = std::mem::take(&mut self.current);
        if slot.requests > 0 {
            self.slots.entry(start).or_default().append(&slot);
            self.limit();
        }
    }

    /// Makes the slots longer until they are not too many. Days are dropped, the oldest first: a log
    /// of eight years has wrong times in it.
    fn limit(&mut self) {
        while self.slots.len() > MAX_SLOTS {
            if self.scale + 1 < LENGTHS.len() {
                self.coarsen();
            } else {
                self.slots.pop_first();
            }
        }
    }

    fn coarsen(&mut self) {
        self.scale = (self.scale + 1).min(LENGTHS.len() - 1);
        let length = self.length();
        for (start, slot) in std::mem::take(&mut self.slots) {
            let start = start.saturating_sub(start.rem_euclid(length));
            self.slots.entry(start).or_default().append(&slot);
        }
    }
}

impl Slot {
    /// Adds the requests of another slot.
    pub(crate) fn append(&mut self, other: &Self) {
        self.requests += other.requests;
        self.refused += other.refused;
        self.failed += other.failed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(format!("2026-11-21T{text}Z").as_bytes()).unwrap()
    }

    fn seen(timeline: &Timeline) -> Vec<(i64, u64, u64, u64)> {
        let first = time("00:00:00").nanos();
        let since = |start: Timestamp| (start.nanos() - first) / SECOND;
        let slots = timeline.slots().into_iter();
        slots
            .map(|(start, slot)| (since(start), slot.requests, slot.refused, slot.failed))
            .collect()
    }

    #[test]
    fn counts_by_minute_in_any_order() {
        let mut timeline = Timeline::default();
        for (text, code) in [
            ("00:00:59", 200),
            ("00:01:00", 401),
            ("00:00:00", 500),
            ("00:01:59.999", 401),
        ] {
            timeline.add(time(text), code, code == 401);
        }
        assert_eq!(seen(&timeline), [(0, 2, 0, 1), (60, 2, 2, 0)]);
        assert_eq!(timeline.step(), 60);
    }

    #[test]
    fn parts_add_up_whatever_their_slots_are() {
        let (mut first, mut second) = (Timeline::default(), Timeline::default());
        first.add(time("00:01:00"), 200, false);
        second.add(time("00:02:00"), 200, false);
        second.coarsen_to(3_600);
        first.append(&mut second.clone());
        assert_eq!(seen(&first), [(0, 2, 0, 0)]);
        let mut third = Timeline::default();
        third.add(time("01:02:00"), 401, true);
        second.append(&mut third);
        assert_eq!(seen(&second), [(0, 1, 0, 0), (3_600, 1, 1, 0)]);
    }

    #[test]
    fn memory_is_bounded_whatever_the_times_are() {
        let mut timeline = Timeline::default();
        let start = time("00:00:00").nanos();
        for minute in 0..100_000 {
            timeline.add(Timestamp::of_nanos(start + minute * LENGTHS[0]), 200, false);
        }
        assert_eq!(timeline.step(), 3_600);
        let requests: u64 = timeline.slots().iter().map(|(_, slot)| slot.requests).sum();
        assert_eq!(requests, 100_000);
        for day in 0..10_000 {
            timeline.add(Timestamp::of_nanos(start + day * LENGTHS[2]), 200, false);
        }
        assert_eq!(timeline.slots().len(), MAX_SLOTS);
        for wild in [i64::MIN, i64::MAX] {
            timeline.add(Timestamp::of_nanos(wild), 200, false);
        }
        assert_eq!(timeline.slots().len(), MAX_SLOTS);
    }
}

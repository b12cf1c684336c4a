//! Percentiles of durations in little memory: a histogram whose classes grow with the duration.

use std::time::Duration;

/// Classes of each power of two: no duration is off by more than 1.6 %.
const CLASSES: u64 = 1 << FINE;
/// The power of two from which on classes are wider than a nanosecond.
const FINE: u32 = 6;
/// No duration is longer than a day, which is less than 2^47 ns.
const POWERS: usize = 47;
const SIZE: usize = (POWERS - FINE as usize + 1) << FINE;

/// Durations that were counted.
#[derive(Clone, Debug)]
pub(crate) struct Latency {
    counts: Vec<u64>,
    total: u64,
    max: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            counts: vec![0; SIZE],
            total: 0,
            max: Duration::ZERO,
        }
    }
}

impl Latency {
    /// Counts a duration.
    pub(crate) fn add(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let class = class(nanos).min(SIZE - 1);
        if let Some(count) = self.counts.get_mut(class) {
            *count += 1;
        }
        self.total += 1;
        self.max = self.max.max(duration);
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn append(&mut self, other: &Self) {
        for (ours, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *ours += theirs;
        }
        self.total += other.total;
        self.max = self.max.max(other.max);
    }

    /// Returns how many there are.
    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// Returns the longest.
    pub(crate) const fn max(&self) -> Duration {
        self.max
    }

    /// Returns the duration that so many of a thousand do not exceed.
    pub(crate) fn per_mille(&self, rank: u64) -> Duration {
        let wanted = (self.total * rank).div_ceil(1_000).max(1);
        let mut seen = 0;
        let class = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        let middle = class.map_or(self.max, middle);
        middle.min(self.max)
    }
}

/// The class of a duration in nanoseconds.
fn class(nanos: u64) -> usize {
    let Some(power) = nanos.checked_ilog2().filter(|&power| power >= FINE) else {
        return usize::try_from(nanos).unwrap_or(usize::MAX);
    };
    let shift = power - FINE;
    let class = u64::from(shift) * CLASSES + (nanos >> shift);
    usize::try_from(class).unwrap_or(usize::MAX)
}

/// The middle of a class: its reverse.
fn middle(class: usize) -> Duration {
    let class = u64::try_from(class).unwrap_or(u64::MAX);
    let shift = (class / CLASSES).saturating_sub(1);
    let start = (class - shift * CLASSES) << shift;
    Duration::from_nanos(start + (1 << shift) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_near_the_middle_of_its_class() {
        let mut nanos = 1_u64;
        while nanos < 1 << POWERS {
            for nanos in [nanos - 1, nanos, nanos + nanos / 3] {
                let found = middle(class(nanos)).as_nanos();
                let off = found.abs_diff(u128::from(nanos));
                assert!(off * 1_000 <= u128::from(nanos) * 16, "{nanos}: {found}");
            }
            nanos *= 2;
        }
        assert!(class((1 << POWERS) - 1) < SIZE);
    }

    #[test]
    fn percentiles_are_those_of_a_sorted_list() {
        let mut latency = Latency::default();
        for millis in (1..=1_000).rev() {
            latency.add(Duration::from_millis(millis));
        }
        for (rank, expected) in [(1, 1), (500, 500), (950, 950), (990, 990), (1_000, 1_000)] {
            let found = latency.per_mille(rank).as_secs_f64() * 1e3;
            let expected = f64::from(expected);
            assert!(
                (found - expected).abs() <= expected * 0.016,
                "{rank}: {found}"
            );
        }
        assert_eq!(latency.max(), Duration::from_secs(1));
    }

    #[test]
    fn parts_add_up() {
        let (mut first, mut second) = (Latency::default(), Latency::default());
        first.add(Duration::from_millis(1));
        second.add(Duration::from_secs(100_000));
        first.append(&second);
        assert_eq!((first.total(), first.max().as_secs()), (2, 100_000));
        let found = first.per_mille(1_000).as_secs();
        assert!((98_400..=100_000).contains(&found), "{found}");
    }
}

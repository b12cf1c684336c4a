//! When a share of refused requests was another one than before: the time in a series of slots that
//! differs most from the rest.

use super::band::{VOLUME_GUARD, share};
use super::timeline::Slot;
use crate::docker::Timestamp;

/// Finer slots are put together: the time that it takes grows with the square.
const MAX_SLOTS: usize = 720;
/// A share has to rise by so much to have begun.
const RISE: f64 = 0.3;
/// And to this at least: below one half everything is normal.
const HIGH: f64 = 0.5;

/// A time during which a much larger share of requests was refused than before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) began: Timestamp,
    /// `None`: it goes on until the end of the log.
    pub(crate) ended: Option<Timestamp>,
    pub(crate) before: Slot,
    pub(crate) during: Slot,
}

/// Finds the step in a series.
pub(crate) fn find(slots: &[(Timestamp, Slot)]) -> Option<Step> {
    let slots: Vec<_> = slots
        .chunks(slots.len().div_ceil(MAX_SLOTS).max(1))
        .filter_map(|part| Some((part.first()?.0, sum(part))))
        .collect();
    let (start, length) = window(&slots)?;
    let (before, rest) = slots.split_at_checked(start)?;
    let (during, after) = rest.split_at_checked(length)?;
    let after = Some(after).filter(|after| rises(sum(after), sum(during)));
    let during = if after.is_some() { during } else { rest };
    rises(sum(before), sum(during)).then_some(Step {
        began: during.first()?.0,
        ended: after.and_then(|after| Some(after.first()?.0)),
        before: sum(before),
        during: sum(during),
    })
}

/// Tells whether the share of `during` is much larger than that of what is before or after it.
fn rises(other: Slot, during: Slot) -> bool {
    let (low, high) = (refused(other), refused(during));
    other.requests >= VOLUME_GUARD && high >= HIGH && high - low >= RISE
}

/// Returns where the slots begin whose share is larger than that of all others, by a difference that
/// weighs most, and how many they are.
fn window(slots: &[(Timestamp, Slot)]) -> Option<(usize, usize)> {
    let all = sum(slots);
    let mut best = None;
    for start in 0..slots.len() {
        let mut inside = Slot::default();
        for (length, (_, slot)) in (1..).zip(slots.iter().skip(start)) {
            inside.append(slot);
            let outside = Slot {
                requests: all.requests - inside.requests,
                refused: all.refused - inside.refused,
                ..Slot::default()
            };
            if inside.requests < VOLUME_GUARD || outside.requests < VOLUME_GUARD {
                continue;
            }
            let difference = refused(inside) - refused(outside);
            // The part of the variance that is between both, up to what is always the same.
            let weight =
                share(inside.requests, all.requests) * share(outside.requests, all.requests);
            let gain = difference * difference * weight;
            if difference > 0.0 && best.is_none_or(|(_, most)| gain > most) {
                best = Some(((start, length), gain));
            }
        }
    }
    best.map(|(window, _)| window)
}

fn sum(slots: &[(Timestamp, Slot)]) -> Slot {
    slots.iter().fold(Slot::default(), |mut sum, (_, slot)| {
        sum.append(slot);
        sum
    })
}

fn refused(slot: Slot) -> f64 {
    share(slot.refused, slot.requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slot a minute, with so many of a hundred refused.
    fn slots(refused: &[u64]) -> Vec<(Timestamp, Slot)> {
        let minutes = (0..).map(|minute| Timestamp::of_nanos(minute * 60_000_000_000));
        let slots = refused.iter().map(|&refused| Slot {
            requests: 100,
            refused,
            failed: 0,
        });
        minutes.zip(slots).collect()
    }

    fn found(refused: &[u64]) -> Option<(i64, Option<i64>)> {
        let minute = |time: Timestamp| time.nanos() / 60_000_000_000;
        let step = find(&slots(refused))?;
        Some((minute(step.began), step.ended.map(minute)))
    }

    #[test]
    fn finds_when_it_began_and_whether_it_is_over() {
        assert_eq!(found(&[10, 12, 8, 95, 97, 96]), Some((3, None)));
        assert_eq!(found(&[10, 12, 95, 97, 9, 11, 10]), Some((2, Some(4))));
        assert_eq!(found(&[10, 95, 9, 11, 10, 8, 9, 12]), Some((1, Some(2))));
        assert_eq!(found(&[10, 11, 9, 10, 10, 9, 95, 9]), Some((6, Some(7))));
        assert_eq!(found(&[0, 100]), Some((1, None)));
        let mut day = vec![10; 1_440];
        day[700..710].fill(95);
        assert_eq!(found(&day), Some((700, Some(710))));
    }

    #[test]
    fn what_was_always_so_or_hardly_changes_is_no_step() {
        for refused in [
            &[][..],
            &[95],
            &[95, 96, 94, 97],
            &[10, 12, 8, 9],
            &[10, 10, 39, 39],
            &[40, 40, 65, 65],
            &[95, 95, 10, 10],
        ] {
            assert_eq!(found(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn few_requests_are_no_step() {
        let mut few = slots(&[0, 100]);
        few[1].1 = Slot {
            requests: 19,
            refused: 19,
            failed: 0,
        };
        assert_eq!(find(&few), None);
    }
}

//! What the probes have found so far: the numbers of each name. Pure.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::verdict::{Failure, Phases};
use crate::tally::Durations;

/// The labels of the series of a probe.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    pub(crate) source: String,
    pub(crate) probe: String,
}

/// What the last probe of one target has found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    /// `None` if nothing answered.
    pub(crate) code: Option<u16>,
    pub(crate) failure: Option<Failure>,
    pub(crate) phases: Phases,
    /// Whether the log of the source has shown it; `None` where that cannot be said.
    pub(crate) is_seen: Option<bool>,
}

/// The numbers of one name. Replicas of a source have the same labels, so they share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) durations: Durations,
    failures: [u64; Failure::ALL.len()],
    /// By container, or by nothing for a probe of the configuration; `None` before the first answer.
    targets: BTreeMap<String, Option<Finding>>,
}

/// The numbers of all names.
#[derive(Debug, Default)]
pub(crate) struct Results(Mutex<BTreeMap<Key, Record>>);

impl Results {
    /// Creates the series of a probe at zero.
    pub(super) fn expect(&self, key: &Key, target: &str) {
        let mut records = self.lock();
        let record = records.entry(key.clone()).or_default();
        record.targets.entry(target.to_owned()).or_default();
    }

    /// Takes a target away, and the series with the last one.
    pub(super) fn forget(&self, key: &Key, target: &str) {
        let mut records = self.lock();
        if let Some(record) = records.get_mut(key) {
            record.targets.remove(target);
            if record.targets.is_empty() {
                records.remove(key);
            }
        }
    }

    /// Counts a probe, and returns what the one before has found.
    pub(super) fn note(&self, key: &Key, target: &str, found: Finding) -> Option<Finding> {
        let mut records = self.lock();
        let record = records.get_mut(key)?;
        let last = record.targets.get_mut(target)?;
        // What failed at once says nothing about how long an answer takes.
        if found.code.is_some() || found.failure == Some(Failure::Timeout) {
            record.durations.observe(found.phases.total);
        }
        if let Some(failure) = found.failure
            && let Some(count) = record.failures.get_mut(failure as usize)
        {
            *count += 1;
        }
        // Known until something else is: an alert must not end while the log is looked at.
        let is_seen = last.as_ref().and_then(|last| last.is_seen);
        last.replace(Finding { is_seen, ..found })
    }

    /// Says whether the log has shown the last probe.
    pub(super) fn seen(&self, key: &Key, target: &str, is_seen: Option<bool>) {
        let mut records = self.lock();
        let record = records.get_mut(key);
        if let Some(Some(last)) = record.and_then(|record| record.targets.get_mut(target)) {
            last.is_seen = is_seen;
        }
    }

    /// All numbers of this moment.
    pub(crate) fn snapshot(&self) -> BTreeMap<Key, Record> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// Failed probes by reason.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let reasons = Failure::ALL.iter().map(|failure| failure.as_str());
        reasons.zip(self.failures)
    }

    /// What the targets have found last, together: the worst of it.
    pub(crate) fn last(&self) -> Option<Finding> {
        let found = || self.targets.values().flatten();
        // A replica that fails is the one to be shown.
        let shown = found()
            .find(|one| one.failure.is_some())
            .or_else(|| found().next())?;
        let longest =
            |part: fn(&Phases) -> Option<_>| found().filter_map(|one| part(&one.phases)).max();
        let total = found().map(|one| one.phases.total).max();
        Some(Finding {
            phases: Phases {
                connect: longest(|phases| phases.connect),
                tls: longest(|phases| phases.tls),
                first_byte: longest(|phases| phases.first_byte),
                total: total.unwrap_or_default(),
            },
            is_seen: found().filter_map(|one| one.is_seen).min(),
            ..*shown
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key() -> Key {
        Key {
            source: "auth".to_owned(),
            probe: "health".to_owned(),
        }
    }

    fn finding(code: Option<u16>, failure: Option<Failure>, millis: u64) -> Finding {
        let phases = Phases {
            connect: Some(Duration::from_millis(millis)),
            total: Duration::from_millis(2 * millis),
            ..Phases::default()
        };
        Finding {
            code,
            failure,
            phases,
            is_seen: None,
        }
    }

    fn only(results: &Results) -> Record {
        let snapshot = results.snapshot();
        assert_eq!(snapshot.len(), 1);
        snapshot[&key()].clone()
    }

    #[test]
    fn is_born_at_zero_and_has_no_last_answer_then() {
        let results = Results::default();
        results.expect(&key(), "");
        let record = only(&results);
        assert!(record.failures().all(|(_, count)| count == 0));
        assert_eq!(record.failures().count(), 10);
        assert_eq!(record.last(), None);
    }

    #[test]
    fn replicas_add_up_and_show_the_worst() {
        let results = Results::default();
        for target in ["a", "b"] {
            results.expect(&key(), target);
        }
        let well = finding(Some(200), None, 7);
        let ill = finding(None, Some(Failure::Timeout), 5);
        assert_eq!(results.note(&key(), "a", well), None);
        results.note(&key(), "b", ill);
        results.seen(&key(), "a", Some(true));
        let record = only(&results);
        let failed: Vec<_> = record.failures().filter(|&(_, count)| count > 0).collect();
        assert_eq!(failed, [("timeout", 1)]);
        assert_eq!(record.durations.buckets.iter().sum::<u64>(), 2);
        let last = record.last().unwrap();
        assert_eq!((last.code, last.failure), (None, Some(Failure::Timeout)));
        assert_eq!(last.phases.connect, Some(Duration::from_millis(7)));
        assert_eq!(last.is_seen, Some(true));

        results.seen(&key(), "b", Some(false));
        assert_eq!(only(&results).last().unwrap().is_seen, Some(false));
        results.forget(&key(), "b");
        let last = only(&results).last().unwrap();
        assert_eq!((last.code, last.is_seen), (Some(200), Some(true)));
        results.forget(&key(), "a");
        assert!(results.snapshot().is_empty());
    }

    #[test]
    fn a_probe_that_ends_after_its_target_is_gone_counts_nothing() {
        let results = Results::default();
        results.expect(&key(), "a");
        results.forget(&key(), "a");
        results.note(&key(), "a", finding(Some(200), None, 1));
        results.seen(&key(), "a", Some(true));
        assert!(results.snapshot().is_empty());
    }
}

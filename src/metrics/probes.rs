//! The samples of probes.

use std::collections::BTreeMap;
use std::time::Duration;

use super::catalog::{
    PROBE_DURATION, PROBE_FAILURES, PROBE_PHASE, PROBE_SEEN, PROBE_STATUS, PROBE_SUCCESS,
};
use super::family::Samples;
use crate::probe::{Key, Record};

/// Adds all samples of all probes. Their number is bounded where they are made.
pub(super) fn collect(samples: &mut Samples, records: &BTreeMap<Key, Record>) {
    for (Key { source, probe }, record) in records {
        let labels = [source.as_str(), probe.as_str()];
        let [source, probe] = labels;
        samples.observe(&PROBE_DURATION, &labels, &record.durations);
        for (reason, count) in record.failures() {
            samples.count(&PROBE_FAILURES, &[source, probe, reason], count);
        }
        let Some(last) = record.last() else {
            continue;
        };
        let is_success = last.failure.is_none();
        samples.count(&PROBE_SUCCESS, &labels, u64::from(is_success));
        let code = last.code.unwrap_or_default();
        samples.count(&PROBE_STATUS, &labels, u64::from(code));
        let seen = last.is_seen.map(|is_seen| f64::from(u8::from(is_seen)));
        samples.set_some(&PROBE_SEEN, &labels, seen);
        let phases = &last.phases;
        for (phase, time) in [
            ("connect", phases.connect),
            ("tls", phases.tls),
            ("first_byte", phases.first_byte),
        ] {
            let seconds = time.as_ref().map(Duration::as_secs_f64);
            samples.set_some(&PROBE_PHASE, &[source, probe, phase], seconds);
        }
    }
}

//! The samples of what inspect says about containers.

use std::collections::BTreeSet;

use super::catalog::{AUTH_REQUIRED, CREATED, HEALTHY, IMAGE_INFO, RESTARTS};
use super::family::Samples;
use crate::docker::Timestamp;
use crate::fleet::Presence;

/// Adds the facts of the containers that share these labels, `source` and `container`: in doubt the
/// worse ones.
pub(super) fn collect(samples: &mut Samples, labels: [&str; 2], present: &[Presence]) {
    let [source, container] = labels;
    let facts = || present.iter().map(|one| &one.facts);
    let images: BTreeSet<_> = facts()
        .filter(|one| !one.image_id.is_empty())
        .map(|one| [&*one.image_id, one.revision.as_deref().unwrap_or_default()])
        .collect();
    for [image, revision] in images {
        samples.count(&IMAGE_INFO, &[source, container, image, revision], 1);
    }
    let created = facts().filter_map(|one| one.created).max();
    samples.set_some(&CREATED, &labels, created.map(Timestamp::seconds));
    if !present.is_empty() {
        let restarts = facts().map(|one| one.restarts).sum();
        samples.count(&RESTARTS, &labels, restarts);
    }
    for (metric, is_so) in [
        (
            &HEALTHY,
            facts().filter_map(|one| one.health.is_good()).min(),
        ),
        (
            &AUTH_REQUIRED,
            facts().filter_map(|one| one.demands_auth).min(),
        ),
    ] {
        let value = is_so.map(|is_so| f64::from(u8::from(is_so)));
        samples.set_some(metric, &labels, value);
    }
}

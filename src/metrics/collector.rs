//! Builds the families of a page from the tallies, at the moment of the scrape.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use tracing::warn;

use super::catalog;
use super::family::Samples;
use super::{descriptions, facts, probes, process};
use crate::docker::{Status, Timestamp};
use crate::fleet::{Identity, Snapshot};
use crate::probe::Results;
use crate::state::Saves;

/// Our only collector.
#[derive(Debug)]
pub(super) struct AuthtailCollector {
    descriptions: Vec<Desc>,
    shown: Shown,
    status: Arc<Status>,
    saves: Arc<Saves>,
    results: Arc<Results>,
    max_series: usize,
    dropped: Mutex<Dropped>,
}

/// The numbers that the next page shows.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown(Arc<Mutex<Arc<Vec<Snapshot>>>>);

/// Series that were refused.
#[derive(Debug, Default)]
struct Dropped {
    total: u64,
    /// How many of each identity have been counted in `total`.
    counted: BTreeMap<Identity, usize>,
}

impl AuthtailCollector {
    pub(super) fn new(
        shown: Shown,
        status: Arc<Status>,
        saves: Arc<Saves>,
        results: Arc<Results>,
        max_series: usize,
    ) -> Result<Self, prometheus::Error> {
        let dropped = Mutex::default();
        Ok(Self {
            descriptions: descriptions()?,
            shown,
            status,
            saves,
            results,
            max_series,
            dropped,
        })
    }

    /// Adds the containers, oldest first, as long as there is room.
    fn containers(&self, samples: &mut Samples) {
        let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        let mut refused = BTreeMap::new();
        for snapshot in self.shown.get().iter() {
            let more = container(snapshot);
            if samples.series() + more.series() <= self.max_series {
                samples.extend(more);
            } else {
                refused.insert(snapshot.identity.clone(), more.series());
            }
        }
        dropped.replace(refused);
        samples.count(&catalog::SERIES_DROPPED, &[], dropped.total);
    }

    fn engine(&self, samples: &mut Samples) {
        let is_up = self.status.condition().is_up;
        samples.count(&catalog::DOCKER_UP, &[], u64::from(is_up));
        for (operation, count) in self.status.errors() {
            samples.count(&catalog::DOCKER_ERRORS, &[operation], count);
        }
        samples.set_some(&catalog::STATE_SAVED, &[], self.saves.last());
        samples.count(&catalog::STATE_FAILURES, &[], self.saves.failures());
    }
}

impl Collector for AuthtailCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut samples = Samples::default();
        self.containers(&mut samples);
        probes::collect(&mut samples, &self.results.snapshot());
        self.engine(&mut samples);
        let build = [
            env!("CARGO_PKG_VERSION"),
            env!("AUTHTAIL_REVISION"),
            env!("AUTHTAIL_RUSTC"),
        ];
        samples.count(&catalog::BUILD_INFO, &build, 1);
        process::collect(&mut samples);
        samples.into_families()
    }
}

impl Shown {
    pub(super) fn set(&self, snapshots: Arc<Vec<Snapshot>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = snapshots;
    }

    fn get(&self) -> Arc<Vec<Snapshot>> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Dropped {
    /// Takes over what is refused now, and counts what was not refused before.
    fn replace(&mut self, refused: BTreeMap<Identity, usize>) {
        for (identity, &series) in &refused {
            let before = self.counted.get(identity).copied();
            self.total += series.saturating_sub(before.unwrap_or_default()) as u64;
            if before.is_none() {
                let Identity { source, container } = identity;
                warn!(%source, %container, series, "too many series, not showing this container");
            }
        }
        self.counted = refused;
    }
}

/// All samples of one identity.
fn container(snapshot: &Snapshot) -> Samples {
    let mut samples = Samples::default();
    let Identity { source, container } = &snapshot.identity;
    let (tally, labels) = (&snapshot.tally, [source.as_str(), container.as_str()]);
    let [source, container] = labels;

    for route in tally.routes() {
        let labels = [source, container, &*route.name];
        for (code, count) in route.codes() {
            samples.count(
                &catalog::REQUESTS,
                &[source, container, &*route.name, code],
                count,
            );
        }
        if let Some(durations) = &route.durations {
            samples.observe(&catalog::REQUEST_DURATION, &labels, durations);
        }
        let last = route.last_request.map(Timestamp::seconds);
        samples.set_some(&catalog::LAST_REQUEST, &labels, last);
    }
    for (reason, count) in tally.denials() {
        samples.count(&catalog::DENIALS, &[source, container, reason], count);
    }
    for (kind, count) in tally.notices() {
        samples.count(&catalog::NOTICES, &[source, container, kind], count);
    }
    if let Some(is_required) = tally.is_auth_required() {
        samples.count(&catalog::AUTH_REPORTED, &labels, u64::from(is_required));
    }
    samples.count(&catalog::LINES, &labels, tally.lines);
    samples.count(&catalog::BYTES, &labels, tally.bytes);
    samples.count(&catalog::GAPS, &labels, tally.gaps);
    samples.count(&catalog::DUPLICATES, &labels, tally.duplicates);
    for (reason, count) in tally.unparsed_by_reason() {
        samples.count(&catalog::UNPARSED, &[source, container, reason], count);
    }
    for (reason, count) in tally.reconnects_by_reason() {
        samples.count(&catalog::RECONNECTS, &[source, container, reason], count);
    }
    let last = tally.last_line.map(Timestamp::seconds);
    samples.set_some(&catalog::LAST_LINE, &labels, last);
    samples.count(&catalog::RUNNING, &labels, u64::from(snapshot.is_running));
    let started = snapshot.started.map(Timestamp::seconds);
    samples.set_some(&catalog::START_TIME, &labels, started);
    if !snapshot.present.is_empty() {
        let is_readable = snapshot
            .present
            .iter()
            .all(|present| present.unreadable.is_none());
        samples.count(&catalog::READABLE, &labels, u64::from(is_readable));
        let is_lossy = snapshot.present.iter().any(|one| one.loses.is_some());
        samples.count(&catalog::LOSSY, &labels, u64::from(is_lossy));
    }
    facts::collect(&mut samples, labels, &snapshot.present);
    // Containers that share all labels would make one series twice.
    let infos: BTreeSet<[&str; 3]> = snapshot
        .present
        .iter()
        .map(|one| {
            [
                &*one.image,
                one.format.as_deref().unwrap_or_default(),
                &*one.log_driver,
            ]
        })
        .collect();
    for [image, format, driver] in infos {
        samples.count(
            &catalog::CONTAINER_INFO,
            &[source, container, image, format, driver],
            1,
        );
    }
    samples
}

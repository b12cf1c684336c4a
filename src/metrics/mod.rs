//! Tallies to the text that Prometheus scrapes; the only module that knows the `prometheus` crate.

pub(crate) mod catalog;
mod collector;
mod facts;
mod family;
mod probes;
mod process;

use std::collections::HashMap;
use std::sync::Arc;

use prometheus::{Encoder, Registry, TextEncoder};

use crate::docker::Status;
use crate::fleet::Snapshot;
use crate::probe::Results;
use crate::state::Saves;
use collector::{AuthtailCollector, Shown};

/// The content type of [`Exposition::text`].
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that can be scraped.
#[derive(Debug)]
pub(crate) struct Exposition {
    registry: Registry,
    shown: Shown,
}

impl Exposition {
    /// Shows at most `max_series` series of containers.
    pub(crate) fn new(
        status: Arc<Status>,
        saves: Arc<Saves>,
        results: Arc<Results>,
        max_series: usize,
    ) -> Result<Self, prometheus::Error> {
        let (registry, shown) = (Registry::new(), Shown::default());
        let collector = AuthtailCollector::new(shown.clone(), status, saves, results, max_series)?;
        registry.register(Box::new(collector))?;
        Ok(Self { registry, shown })
    }

    /// The page in text format 0.0.4, with these numbers.
    pub(crate) fn text(&self, snapshots: Arc<Vec<Snapshot>>) -> Result<Vec<u8>, prometheus::Error> {
        self.shown.set(snapshots);
        let mut page = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut page)?;
        Ok(page)
    }
}

/// The descriptions that the registry wants to have.
fn descriptions() -> Result<Vec<prometheus::core::Desc>, prometheus::Error> {
    let describe = |metric: &&catalog::Metric| {
        let labels = metric
            .labels
            .iter()
            .map(|label| (*label).to_owned())
            .collect();
        let (name, help) = (metric.name.to_owned(), metric.help.to_owned());
        prometheus::core::Desc::new(name, help, labels, HashMap::new())
    };
    catalog::ALL.iter().map(describe).collect()
}

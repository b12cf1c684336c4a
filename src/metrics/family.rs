//! Samples to the metric families of the `prometheus` crate.

use std::collections::HashMap;

use prometheus::proto;

use super::catalog::{Kind, Metric};
use crate::tally::{BOUNDS_MS, Durations};

/// Samples by the name of their metric.
#[derive(Debug, Default)]
pub(super) struct Samples {
    by_metric: HashMap<&'static str, (&'static Metric, Vec<proto::Metric>)>,
    series: usize,
}

impl Samples {
    /// Adds a counter or a gauge. `values` are those of the metric's labels, in their order.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the exposition format has doubles only"
    )]
    pub(super) fn count(&mut self, metric: &'static Metric, values: &[&str], value: u64) {
        self.set(metric, values, value as f64);
    }

    /// Adds a counter or a gauge.
    pub(super) fn set(&mut self, metric: &'static Metric, values: &[&str], value: f64) {
        let mut sample = labelled(metric, values);
        match metric.kind {
            Kind::Counter => {
                let mut counter = proto::Counter::default();
                counter.set_value(value);
                sample.set_counter(counter);
            }
            Kind::Histogram => return debug_assert!(false, "{} is a histogram", metric.name),
            Kind::Gauge => {
                let mut gauge = proto::Gauge::default();
                gauge.set_value(value);
                sample.set_gauge(gauge);
            }
        }
        self.series += 1;
        self.push(metric, sample);
    }

    /// Adds a gauge if there is a value.
    pub(super) fn set_some(
        &mut self,
        metric: &'static Metric,
        values: &[&str],
        value: Option<f64>,
    ) {
        if let Some(value) = value {
            self.set(metric, values, value);
        }
    }

    /// Adds a histogram.
    pub(super) fn observe(&mut self, metric: &'static Metric, values: &[&str], seen: &Durations) {
        let mut sample = labelled(metric, values);
        sample.set_histogram(histogram(seen));
        // The buckets, `+Inf`, sum and count.
        self.series += BOUNDS_MS.len() + 3;
        self.push(metric, sample);
    }

    /// How many series these samples make.
    pub(super) fn series(&self) -> usize {
        self.series
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.series += other.series;
        for (metric, samples) in other.by_metric.into_values() {
            self.of(metric).extend(samples);
        }
    }

    pub(super) fn into_families(self) -> Vec<proto::MetricFamily> {
        self.by_metric
            .into_values()
            .map(|(metric, samples)| family(metric, samples))
            .collect()
    }

    fn push(&mut self, metric: &'static Metric, sample: proto::Metric) {
        self.of(metric).push(sample);
    }

    fn of(&mut self, metric: &'static Metric) -> &mut Vec<proto::Metric> {
        &mut self
            .by_metric
            .entry(metric.name)
            .or_insert_with(|| (metric, Vec::new()))
            .1
    }
}

fn family(metric: &Metric, samples: Vec<proto::Metric>) -> proto::MetricFamily {
    let mut family = proto::MetricFamily::default();
    family.set_name(metric.name.to_owned());
    family.set_help(metric.help.to_owned());
    family.set_field_type(match metric.kind {
        Kind::Counter => proto::MetricType::COUNTER,
        Kind::Gauge => proto::MetricType::GAUGE,
        Kind::Histogram => proto::MetricType::HISTOGRAM,
    });
    family.set_metric(samples);
    family
}

fn labelled(metric: &Metric, values: &[&str]) -> proto::Metric {
    let pairs = metric.labels.iter().zip(values).map(|(name, value)| {
        let mut pair = proto::LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    });
    proto::Metric::from_label(pairs.collect())
}

#[expect(clippy::cast_precision_loss, reason = "bounds are at most 10,000 ms")]
fn histogram(seen: &Durations) -> proto::Histogram {
    let mut total = 0;
    let mut buckets = Vec::with_capacity(BOUNDS_MS.len());
    for (&bound, count) in BOUNDS_MS.iter().zip(seen.buckets) {
        total += count;
        let mut bucket = proto::Bucket::default();
        bucket.set_upper_bound(bound as f64 / 1000.0);
        bucket.set_cumulative_count(total);
        buckets.push(bucket);
    }
    let mut histogram = proto::Histogram::default();
    histogram.set_bucket(buckets);
    histogram.set_sample_count(seen.buckets.iter().sum());
    histogram.set_sample_sum(seen.sum.as_secs_f64());
    histogram
}

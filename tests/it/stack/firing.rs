//! Which alerts fire in a real Prometheus, with the shipped rules in a hurry.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::prometheus::Prometheus;
use super::shorten::shorten;
use super::tools::rule_files;

/// What all times are divided by: the scrapes, 15 s apart, are one second apart here.
const FACTOR: u32 = 15;
/// Six minutes, and a machine that is at its limit.
const LIMIT: Duration = Duration::from_secs(90);
/// How many evaluations later nothing else fires either.
const LATER: usize = 8;

/// Fails unless for each of these sources its alert fires, and no critical one besides it at any time.
pub async fn assert_firing(exporter: SocketAddr, expected: Vec<(String, Option<&str>)>) {
    let mut rules = Vec::new();
    let optional = |path: &str| path.starts_with("alerts/optional/");
    for (path, text) in rule_files().into_iter().filter(|(path, _)| !optional(path)) {
        rules.push((path, shorten(&text, FACTOR).await.unwrap()));
    }
    let prometheus = Prometheus::scraping(exporter, &rules).await;
    let wanted: BTreeSet<_> = expected
        .iter()
        .filter_map(|(source, alert)| Some((source.clone(), (*alert)?.to_owned())))
        .collect();
    let start = Instant::now();
    loop {
        let found = firing(&prometheus, ".+", LATER).await;
        if found.is_superset(&wanted) {
            break;
        }
        let missing: Vec<_> = wanted.difference(&found).collect();
        assert!(
            start.elapsed() < LIMIT,
            "not firing: {missing:?}; firing: {found:?}"
        );
        sleep(Duration::from_millis(200)).await;
    }
    let critical = firing(&prometheus, "critical", 1).await;
    // Other tests have containers too.
    let is_ours = |source: &String| expected.iter().any(|(ours, _)| ours == source);
    let besides = critical.difference(&wanted);
    let besides: Vec<_> = besides.filter(|(source, _)| is_ours(source)).collect();
    assert!(besides.is_empty(), "firing besides: {besides:?}");
}

/// The alerts with their sources that have fired in at least so many evaluations.
async fn firing(
    prometheus: &Prometheus,
    severity: &str,
    times: usize,
) -> BTreeSet<(String, String)> {
    let range = 2 * LIMIT.as_secs();
    let expression = format!(
        r#"count_over_time(ALERTS{{alertstate="firing",source!="",severity=~"{severity}"}}[{range}s]) >= {times}"#
    );
    let label = |labels: &Value, name| labels[name].as_str().unwrap().to_owned();
    let found = prometheus.query(&expression).await;
    let found = found.iter().map(|series| &series.labels);
    found
        .map(|labels| (label(labels, "source"), label(labels, "alertname")))
        .collect()
}

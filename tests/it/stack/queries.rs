//! Dashboard and rules on a real Prometheus that scrapes a real exporter with traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use regex::Regex;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::expressions::{dashboards, expressions, variables};
use super::prometheus::{Prometheus, Series};
use super::scene::watched;
use super::tools::rule_files;
use crate::support::exporter::DEADLINE;

/// The time that the dashboard shows, in seconds.
const RANGE: u64 = 60;

/// What this scene leads to, when alerts wait for nothing.
const FIRING: [&str; 7] = [
    "AuthRefusedShareCritical",
    "AuthRefusedShareHigh",
    "AuthServerErrors",
    "AuthServiceError",
    "AuthSlowResponses",
    // The clock of this engine stands still, hours ago.
    "AuthtailLagging",
    "Watchdog",
];

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

#[tokio::test]
async fn every_query_of_the_dashboards_has_an_answer_that_can_be_drawn() {
    let (_scene, prometheus) = watched().await;
    // Refused shares and slow answers fire at once here, so that also alerts can be drawn.
    let firing = r#"count(ALERTS{alertstate="firing",alertname="AuthRefusedShareCritical"})"#;
    prometheus.until(firing, 1.0).await;
    let mut problems = Vec::new();
    for dashboard in dashboards() {
        let variables = variables(&dashboard);
        for (place, written) in expressions(&dashboard) {
            let expression = filled_in(&written, variables.iter().copied());
            let instant = prometheus.query(&expression).await;
            let range = prometheus
                .query_range(&expression, now() - RANGE, now())
                .await;
            for (kind, found) in [("instant", instant), ("range", range)] {
                if let Some(problem) = problem(&expression, &found) {
                    let title = &dashboard["title"];
                    problems.push(format!("{title}, {place}, {kind}: {problem}: {expression}"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

fn filled_in<'a>(expression: &str, variables: impl Iterator<Item = &'a str>) -> String {
    let mut text = expression
        .replace("$__rate_interval", "10s")
        .replace("$__range", &format!("{RANGE}s"))
        .replace("$__interval", "1s");
    for name in variables {
        text = text.replace(&format!("${{{name}}}"), ".+");
        text = text.replace(&format!("${name}"), ".+");
    }
    assert!(!text.contains('$'), "{text}");
    text
}

/// Why an answer is not what these requests must lead to.
fn problem(expression: &str, found: &[Series]) -> Option<String> {
    let odd = |value: &f64| !value.is_finite();
    if let Some(series) = found.iter().find(|series| series.values.iter().any(odd)) {
        return Some(format!("{} has {:?}", series.labels, series.values));
    }
    let has_value = |is_wanted: fn(f64) -> bool| {
        let mut values = found.iter().flat_map(|series| &series.values);
        values.any(|value| is_wanted(*value))
    };
    if !has_value(|_| true) {
        return Some("empty".to_owned());
    }
    // Many end in `or 0 * …`, which would hide that the codes before it are none.
    let happens = ["authtail_request", "authtail_denials", "authtail_notices"];
    let happens = happens.iter().any(|name| expression.contains(name));
    if happens && !has_value(|value| value != 0.0) {
        return Some("only zeros".to_owned());
    }
    None
}

#[tokio::test]
async fn the_rules_are_evaluated_and_say_what_is_going_on() {
    let (_scene, prometheus) = watched().await;
    let rules = evaluated(&prometheus).await;
    let names = Regex::new(r"(?m)^ *- (?:record|alert): (\S+)$").unwrap();
    let files = rule_files();
    let names = files.iter().flat_map(|(_, text)| names.captures_iter(text));
    let names: BTreeSet<_> = names.map(|name| name[1].to_owned()).collect();
    assert!(rules.keys().eq(&names), "{rules:#?}");
    for (name, rule) in &rules {
        assert_eq!(rule["health"], "ok", "{name}: {rule}");
    }

    for (expression, value) in [
        (
            r#"job_source_route:authtail_requests_refused:ratio_rate2m{source="plain",route="voice"}"#,
            1.0,
        ),
        (
            r#"job_source_route:authtail_requests_refused:ratio_rate2m{source="timed",route="chat"} < bool 0.5"#,
            1.0,
        ),
        (
            r#"job_source_route:authtail_requests:increase5m{source="plain",route="chat"} >= bool 20"#,
            1.0,
        ),
        (
            r#"job_source_route:authtail_request_duration_seconds:p95_rate2m{route="voice"} > bool 1"#,
            1.0,
        ),
        ("count(job_source_route:authtail_requests:rate2m)", 6.0),
        (
            r#"job_source:authtail_notices_trouble:increase10m{source="plain"} > bool 0"#,
            1.0,
        ),
        // Steady traffic for a quarter of an hour is needed before it can have stopped.
        ("absent(job_source_route:authtail_stopped:bool)", 1.0),
    ] {
        prometheus.until(expression, value).await;
    }

    let fires = |name: &str, count: usize| {
        let alerts = rules[name]["alerts"].as_array().unwrap();
        assert_eq!(alerts.len(), count, "{name}: {alerts:#?}");
    };
    fires("Watchdog", 1);
    // The other source says itself why it refuses.
    fires("AuthRefusedShareHigh", 1);
    fires("AuthRefusedShareCritical", 1);
    fires("AuthSlowResponses", 1);
    fires("AuthServerErrors", 4);
    fires("AuthtailLagging", 2);
    let silent = rules
        .iter()
        .filter(|(name, rule)| rule["type"] == "alerting" && !FIRING.contains(&name.as_str()));
    for (name, _) in silent {
        fires(name, 0);
    }
    let slow = &rules["AuthSlowResponses"]["alerts"][0];
    assert_eq!(slow["labels"]["source"], "timed");
    for rule in rules.values() {
        for alert in rule["alerts"].as_array().into_iter().flatten() {
            let summary = alert["annotations"]["summary"].as_str().unwrap();
            assert!(!summary.contains("error"), "{alert}");
            assert!(!summary.contains("no value"), "{alert}");
        }
    }
}

/// All rules by name, once each has been evaluated and the alerts of this scene fire.
async fn evaluated(prometheus: &Prometheus) -> BTreeMap<String, Value> {
    let start = Instant::now();
    loop {
        let data = prometheus.api("rules", &[]).await;
        let groups = data["groups"].as_array().unwrap().iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
        let rules: BTreeMap<_, _> = rules
            .map(|rule| (rule["name"].as_str().unwrap().to_owned(), rule.clone()))
            .collect();
        let is_evaluated = rules.values().all(|rule| rule["health"] != "unknown");
        let fires = |name: &str| rules[name]["state"] == "firing";
        // At first there were not enough scrapes.
        let is_late = fires("AuthtailScrapedTooRarely");
        if is_evaluated && FIRING.into_iter().all(fires) && !is_late {
            return rules;
        }
        assert!(start.elapsed() < DEADLINE, "{rules:#?}");
        sleep(Duration::from_millis(50)).await;
    }
}

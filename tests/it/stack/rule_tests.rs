//! What the tests of the rules must show of each alert, and that the rules have their numbers from one place.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regex::Regex;
use serde_yaml::Value;

use super::tools::{read, root, rule_files};

/// Name and rule of each alert.
fn alerts() -> BTreeMap<String, Value> {
    let mut alerts = BTreeMap::new();
    for (path, text) in rule_files() {
        let file: Value = serde_yaml::from_str(&text).unwrap();
        for group in file["groups"].as_sequence().unwrap() {
            for rule in group["rules"].as_sequence().unwrap() {
                if let Some(name) = rule["alert"].as_str() {
                    let old = alerts.insert(name.to_owned(), rule.clone());
                    assert!(old.is_none(), "{path}: {name} is there twice");
                }
            }
        }
    }
    alerts
}

/// The cases of all tests, with the file they are in.
fn cases() -> Vec<Value> {
    let mut cases = Vec::new();
    for folder in ["alerts/tests", "alerts/optional/tests"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "yml") {
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let file: Value = serde_yaml::from_str(&text).unwrap();
            cases.extend(file["tests"].as_sequence().unwrap().iter().cloned());
        }
    }
    cases
}

/// Seconds of a time such as `1h2m30s`.
fn seconds(time: &str) -> u64 {
    let part = Regex::new("([0-9]+)([smhd])").unwrap();
    let parts = part.captures_iter(time).map(|part| {
        let unit = ["s", "m", "h", "d"]
            .iter()
            .position(|unit| *unit == &part[2]);
        let seconds = [1, 60, 3_600, 86_400][unit.unwrap()];
        part[1].parse::<u64>().unwrap() * seconds
    });
    parts.sum()
}

/// Whether the case shows that it fires, not before its time, holds, and resolves.
fn shows_a_whole_life(case: &Value, alert: &str) -> bool {
    let checks = case["alert_rule_test"].as_sequence().into_iter().flatten();
    let checks = checks.filter(|check| check["alertname"] == alert);
    let checks = checks.map(|check| {
        let fires = !check["exp_alerts"].as_sequence().unwrap().is_empty();
        (seconds(check["eval_time"].as_str().unwrap()), fires)
    });
    let checks: BTreeMap<_, _> = checks.collect();
    let life: String = checks
        .values()
        .map(|fires| if *fires { '1' } else { '0' })
        .collect();
    Regex::new("01+1+0").unwrap().is_match(&life)
}

/// Whether the case shows that it stays silent from beginning to end.
fn shows_silence(case: &Value, alert: &str) -> bool {
    let name = Regex::new(r#"alertname(=~|=)"([^"]*)""#).unwrap();
    let checks = case["promql_expr_test"].as_sequence().into_iter().flatten();
    let mut silent = checks.filter(|check| {
        let none = check["exp_samples"].as_sequence().unwrap().is_empty();
        let expression = check["expr"].as_str().unwrap();
        none && expression.starts_with("max_over_time(ALERTS{")
            && name.captures_iter(expression).any(|found| {
                let pattern = Regex::new(&format!("^(?:{})$", &found[2])).unwrap();
                pattern.is_match(alert)
            })
    });
    silent.next().is_some()
}

#[test]
fn each_alert_is_tested_from_silence_to_silence_and_where_it_must_stay_silent() {
    let cases = cases();
    for alert in alerts().keys().filter(|alert| *alert != "Watchdog") {
        let life = cases.iter().any(|case| shows_a_whole_life(case, alert));
        assert!(
            life,
            "{alert}: no case with: not yet, fires, still fires, resolved"
        );
        let silence = cases.iter().any(|case| shows_silence(case, alert));
        assert!(silence, "{alert}: no case in which it must stay silent");
    }
}

#[test]
fn each_alert_says_what_where_and_what_next() {
    for (name, rule) in alerts() {
        let text = |key: &str| {
            let text = rule["annotations"][key].as_str();
            text.unwrap_or_else(|| panic!("{name} has no {key}"))
        };
        assert!(text("summary").len() <= 150, "{name}");
        assert!(text("description").contains("Next: "), "{name}");
        assert_eq!(
            text("runbook_url"),
            format!("http://localhost:8401/runbooks/{name}")
        );
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(
            ["critical", "warning", "info", "none"].contains(&severity),
            "{name}: {severity}"
        );
    }
}

/// Thresholds by name, as the rules record them.
pub fn thresholds() -> BTreeMap<String, f64> {
    let one = Regex::new(
        r"record: authtail:threshold\n +labels: \{of: (\w+)\}\n +expr: vector\(([0-9.]+)\)\n",
    );
    let one = one.unwrap();
    let mut found = BTreeMap::new();
    for (path, text) in rule_files() {
        let all: Vec<_> = one.captures_iter(&text).collect();
        assert_eq!(
            all.len(),
            text.matches("record: authtail:threshold").count(),
            "{path}"
        );
        for one in all {
            let old = found.insert(one[1].to_owned(), one[2].parse().unwrap());
            assert_eq!(old, None, "{path}: {}", &one[1]);
        }
    }
    found
}

#[test]
fn thresholds_have_one_place_and_the_readme_shows_them_as_they_are() {
    let row = Regex::new(r"(?m)^\| `(\w+)` \| ([0-9.]+) \|").unwrap();
    let readme = read("alerts/README.md");
    let listed = row
        .captures_iter(&readme)
        .map(|row| (row[1].to_owned(), row[2].parse().unwrap()));
    assert_eq!(thresholds(), listed.collect());

    // All are used, and all that is used exists.
    let of = Regex::new(r#"authtail:threshold\{of="(\w+)"\}"#).unwrap();
    let files = rule_files();
    let used = files
        .iter()
        .flat_map(|(_, text)| of.captures_iter(text))
        .map(|found| found[1].to_owned());
    let used: BTreeSet<_> = used.collect();
    assert!(thresholds().keys().eq(&used), "{used:?}");
}

/// The reading of the share of refused requests that the whole project has.
#[test]
fn the_bands_of_refused_shares_are_those_of_the_project() {
    let thresholds = thresholds();
    let of = |name: &str| thresholds[name];
    let bands = [
        "refused_share_elevated",
        "refused_share_high",
        "refused_share_critical",
    ]
    .map(of);
    assert_eq!(bands, [0.5, 0.7, 0.9]);
    assert_eq!(of("requests"), 20.0);
    // Other numbers than these would not be exact: they are bounds of the histogram.
    assert_eq!(of("duration_seconds"), 1.0);
}

#[test]
fn the_readme_of_the_alerts_has_a_row_for_each() {
    let row = Regex::new(
        r"(?m)^\| `(\w+)` \| ([^|]{6,}) \| (—|at once|[0-9][^|]*) \| \[runbook\]\(runbooks/(\w+)\.md\) \|$",
    );
    let readme = read("alerts/README.md");
    let rows: Vec<_> = row
        .unwrap()
        .captures_iter(&readme)
        .map(|row| (row[1].to_owned(), row[4].to_owned()))
        .collect();
    let alerts = alerts();
    let listed: BTreeSet<_> = rows.iter().map(|row| &row.0).collect();
    assert!(listed.iter().copied().eq(alerts.keys()), "{listed:?}");
    assert_eq!(rows.len(), alerts.len());
    for (alert, runbook) in rows {
        assert_eq!(alert, runbook);
    }
    // Those that the end-to-end test causes.
    let measured = Regex::new(r"(?m)^\| `(\w+)` \| [^|]* \| [0-9]").unwrap();
    let measured = measured.captures_iter(&readme).count();
    assert!(measured >= 18, "{measured}");
}

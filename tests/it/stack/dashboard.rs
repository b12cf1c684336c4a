//! The rules that the dashboard keeps, as far as a look at the file shows it.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Value, json};

use super::expressions::{dashboards, expressions, panels, series, variables};
use super::promql::{parsed, selectors};
use super::rule_tests::thresholds;
use super::tools::rule_files;

const COLUMNS: u64 = 24;

#[test]
fn each_has_the_classic_format_and_its_own_name() {
    let mut uids = BTreeSet::new();
    for dashboard in dashboards() {
        assert_eq!(dashboard["schemaVersion"], 36);
        let uid = dashboard["uid"].as_str().unwrap();
        assert!(uids.insert(uid.to_owned()), "{uid}");
        let title = dashboard["title"].as_str().unwrap();
        assert!(title.starts_with("authtail"), "{title}");
        assert_eq!(dashboard["id"], Value::Null);
        // Of the export for sharing, which provisioning does not fill in, and of the format after this one.
        for key in ["__inputs", "__requires", "__elements", "elements", "spec"] {
            assert!(dashboard.get(key).is_none(), "{key}");
        }
    }
}

#[test]
fn panels_are_told_apart_and_do_not_cover_each_other() {
    for dashboard in dashboards() {
        let mut ids = BTreeSet::new();
        let mut cells = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
            let [x, y, w, h] =
                ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
            assert!(w > 0 && h > 0 && x + w <= COLUMNS, "{panel}");
            for row in y..y + h {
                for column in x..x + w {
                    assert!(cells.insert((row, column)), "{panel} covers another one");
                }
            }
            for inner in panel["panels"].as_array().into_iter().flatten() {
                assert!(ids.insert(inner["id"].as_u64().unwrap()), "{inner}");
            }
        }
    }
}

#[test]
fn every_panel_says_what_it_shows() {
    for dashboard in dashboards() {
        let mut titles = BTreeSet::new();
        for panel in panels(&dashboard) {
            for text in [
                &panel["title"],
                &panel["description"],
                &panel["fieldConfig"]["defaults"]["unit"],
            ] {
                let text = text.as_str().unwrap_or_default();
                assert!(!text.trim().is_empty(), "{panel}");
            }
            assert!(titles.insert(panel["title"].as_str().unwrap()), "{panel}");
        }
    }
}

#[test]
fn all_of_it_asks_the_chosen_data_source() {
    for dashboard in dashboards() {
        let chosen = json!({"type": "prometheus", "uid": "${datasource}"});
        let mut askers = panels(&dashboard);
        for panel in panels(&dashboard) {
            askers.extend(panel["targets"].as_array().unwrap());
        }
        askers.extend(dashboard["annotations"]["list"].as_array().unwrap());
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        askers.extend(variables.iter().filter(|one| one["type"] == "query"));
        for asker in askers {
            assert_eq!(asker["datasource"], chosen, "{asker}");
        }
        assert_eq!(variables[0]["name"], "datasource");
        assert_eq!(
            (&variables[0]["type"], &variables[0]["query"]),
            (&json!("datasource"), &json!("prometheus"))
        );
        for variable in variables.iter().filter(|one| one["type"] == "query") {
            // Read again when the time range changes; "All" also finds series without the label.
            assert_eq!(variable["refresh"], 2, "{variable}");
            assert_eq!(variable["allValue"], ".+", "{variable}");
        }
    }
}

#[test]
fn rates_are_taken_over_what_fits_the_resolution() {
    let call = Regex::new(r"\b(rate|irate|increase|delta|deriv)\s*\([^\[\]]*\[([^\]]*)\]").unwrap();
    let any = Regex::new(r"\b(?:rate|irate|increase|delta|deriv)\s*\(").unwrap();
    // Their brackets are no ranges.
    let texts = Regex::new(r#""[^"]*""#).unwrap();
    let bound = Regex::new(r"\ble\s*(?:=|!)").unwrap();
    for (place, written) in dashboards().iter().flat_map(expressions) {
        let expression = texts.replace_all(&written, "''");
        let calls: Vec<_> = call.captures_iter(&expression).collect();
        assert_eq!(
            calls.len(),
            any.find_iter(&expression).count(),
            "{place}: {expression}"
        );
        for found in calls {
            // A total is over the whole time that is shown.
            let is_total = &found[1] == "increase" && &found[2] == "$__range";
            assert!(
                is_total || &found[2] == "$__rate_interval",
                "{place}: {expression}"
            );
        }
        // The text of a bound depends on the format of the page: `1` or `1.0`.
        assert!(!bound.is_match(&expression), "{place}: {expression}");
    }
}

#[test]
fn only_series_and_variables_that_exist_are_asked_for() {
    let record = Regex::new(r"(?m)^ *- record: (\S+)$").unwrap();
    let variable = Regex::new(r"\$\{?(\w+)").unwrap();
    for dashboard in dashboards() {
        let mut known = series();
        for (_, rules) in rule_files() {
            known.extend(record.captures_iter(&rules).map(|one| one[1].to_owned()));
        }
        known.extend(
            [
                "up",
                "ALERTS",
                "ALERTS_FOR_STATE",
                // Of Prometheus and Alertmanager.
                "prometheus_rule_evaluation_failures_total",
                "alertmanager_notifications_failed_total",
            ]
            .map(str::to_owned),
        );
        let mut variables = variables(&dashboard);
        variables.extend(["__rate_interval", "__range", "__interval"]);
        for (place, expression) in expressions(&dashboard) {
            let query = parsed(&expression);
            let selectors = selectors(&query);
            assert!(!selectors.is_empty(), "{place}: {expression}");
            for one in selectors {
                let is_known = known.contains(one.name) || one.name.starts_with("scrape_");
                assert!(is_known, "{place}: {one:?} in {expression}");
            }
            for found in variable.captures_iter(&expression) {
                assert!(variables.contains(&found[1]), "{place}: {expression}");
            }
        }
    }
}

/// Colours and lines are where the alerts begin.
#[test]
fn the_thresholds_of_panels_are_those_of_the_rules() {
    let thresholds = thresholds();
    let shares = [
        "refused_share_elevated",
        "refused_share_high",
        "refused_share_critical",
    ];
    let mut found = 0;
    for dashboard in dashboards() {
        for panel in panels(&dashboard) {
            let title = panel["title"].as_str().unwrap();
            let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array();
            let steps = steps.into_iter().flatten();
            let steps: Vec<_> = steps.filter_map(|step| step["value"].as_f64()).collect();
            let expected: &[&str] = match title {
                "Highest refused share"
                | "Refused share"
                | "Refused share and its bands"
                | "Refused share by container" => &shares,
                "Failed share" => &["failed_share"],
                "Highest p95 duration"
                | "Duration of requests"
                | "p95 by source and route"
                | "95th percentile"
                | "Median duration of probes" => &["duration_seconds"],
                "Scrapes in two minutes" => &["scrapes"],
                "Unparsed share by container" => &["unparsed_share"],
                _ => continue,
            };
            let expected: Vec<_> = expected.iter().map(|name| thresholds[*name]).collect();
            assert_eq!(steps, expected, "{title}");
            found += 1;
        }
    }
    assert_eq!(found, 12);
}

#[test]
fn every_alert_leads_to_a_dashboard_and_variables_that_exist() {
    let url = Regex::new(r"dashboard_url: http://localhost:3000/d/([a-z-]+)(\S*)").unwrap();
    let variable = Regex::new(r"var-(\w+)=").unwrap();
    let dashboards = dashboards();
    for (path, rules) in rule_files() {
        let urls: Vec<_> = url.captures_iter(&rules).collect();
        assert_eq!(urls.len(), rules.matches("- alert:").count(), "{path}");
        for found in urls {
            let dashboard = dashboards.iter().find(|one| one["uid"] == found[1]);
            let dashboard = dashboard.unwrap_or_else(|| panic!("{path}: no {}", &found[1]));
            for one in variable.captures_iter(&found[2]) {
                assert!(
                    variables(dashboard).contains(&one[1]),
                    "{path}: {}",
                    &found[0]
                );
            }
        }
    }
}

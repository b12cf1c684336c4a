//! The rules that the dashboard keeps, as far as a look at the file shows it.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::{Value, json};

use super::expressions::{dashboard, expressions, panels, selected, series, variables};
use super::tools::read;

const COLUMNS: u64 = 24;

#[test]
fn it_has_the_classic_format_and_its_own_name() {
    let dashboard = dashboard();
    assert_eq!(dashboard["schemaVersion"], 36);
    assert_eq!(dashboard["uid"], "authtail");
    assert_eq!(dashboard["title"], "authtail");
    assert_eq!(dashboard["id"], Value::Null);
    // Of the export for sharing, which provisioning does not fill in, and of the format after this one.
    for key in ["__inputs", "__requires", "__elements", "elements", "spec"] {
        assert!(dashboard.get(key).is_none(), "{key}");
    }
}

#[test]
fn panels_are_told_apart_and_do_not_cover_each_other() {
    let dashboard = dashboard();
    let mut ids = BTreeSet::new();
    let mut cells = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
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

#[test]
fn every_panel_says_what_it_shows() {
    let dashboard = dashboard();
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

#[test]
fn all_of_it_asks_the_chosen_data_source() {
    let dashboard = dashboard();
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

#[test]
fn rates_are_taken_over_what_fits_the_resolution() {
    let call = Regex::new(r"\b(rate|irate|increase|delta|deriv)\s*\([^\[\]]*\[([^\]]*)\]").unwrap();
    let any = Regex::new(r"\b(?:rate|irate|increase|delta|deriv)\s*\(").unwrap();
    // Their brackets are no ranges.
    let texts = Regex::new(r#""[^"]*""#).unwrap();
    let bound = Regex::new(r"\ble\s*(?:=|!)").unwrap();
    for (place, written) in expressions(&dashboard()) {
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
    let dashboard = dashboard();
    let mut known = series();
    let record = Regex::new(r"(?m)^ *- record: (\S+)$").unwrap();
    let rules = read("alerts/authtail.rules.yml");
    known.extend(record.captures_iter(&rules).map(|one| one[1].to_owned()));
    known.extend(["up", "ALERTS", "ALERTS_FOR_STATE"].map(str::to_owned));
    let mut variables = variables(&dashboard);
    variables.extend(["__rate_interval", "__range", "__interval"]);
    let variable = Regex::new(r"\$\{?(\w+)").unwrap();
    for (place, expression) in expressions(&dashboard) {
        let names = selected(&expression);
        assert!(!names.is_empty(), "{place}: {expression}");
        for name in names {
            assert!(
                known.contains(&name) || name.starts_with("scrape_"),
                "{place}: {name} in {expression}"
            );
        }
        for found in variable.captures_iter(&expression) {
            assert!(variables.contains(&found[1]), "{place}: {expression}");
        }
    }
}

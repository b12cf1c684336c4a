//! What the dashboard asks Prometheus, and the metrics that there are to ask for.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use super::tools::read;

/// All dashboards as they are.
pub fn dashboards() -> Vec<Value> {
    let names = ["authtail", "authtail-alerts", "authtail-exporter"];
    let text = |name| read(&format!("grafana/dashboards/{name}.json"));
    let read = |name| serde_json::from_str(&text(name)).unwrap();
    names.map(read).into()
}

/// All panels that are no rows.
pub fn panels(dashboard: &Value) -> Vec<&Value> {
    let rows = dashboard["panels"].as_array().unwrap().iter();
    let inner = rows
        .clone()
        .filter_map(|row| row["panels"].as_array())
        .flatten();
    rows.chain(inner)
        .filter(|panel| panel["type"] != "row")
        .collect()
}

/// The names of its variables.
pub fn variables(dashboard: &Value) -> BTreeSet<&str> {
    let list = dashboard["templating"]["list"].as_array().unwrap();
    list.iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect()
}

/// Everything that the dashboard asks, as it is written: where, and what.
pub fn expressions(dashboard: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for panel in panels(dashboard) {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            let place = format!("{} {}", panel["title"], target["refId"]);
            found.push((place, text(&target["expr"])));
        }
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        found.push((text(&annotation["name"]), text(&annotation["expr"])));
    }
    let values = Regex::new(r"^label_values\((.+), *(\w+)\)$").unwrap();
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if variable["type"] == "datasource" {
            continue;
        }
        let query = text(&variable["query"]["query"]);
        let parts = values
            .captures(&query)
            .unwrap_or_else(|| panic!("{query} is no label_values"));
        let expression = format!("group by ({}) ({})", &parts[2], &parts[1]);
        found.push((format!("variable {}", variable["name"]), expression));
    }
    found
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

/// The names of all metrics of the exporter.
pub fn catalogue() -> BTreeSet<String> {
    let name = Regex::new(r#"(?m)^    name: "(\w+)",$"#).unwrap();
    let source = read("src/metrics/catalog.rs");
    let names: BTreeSet<_> = name
        .captures_iter(&source)
        .map(|found| found[1].to_owned())
        .collect();
    assert!(names.len() >= 20, "{names:?}");
    names
}

/// The names of the series of all metrics: a histogram has three.
pub fn series() -> BTreeSet<String> {
    let histogram = Regex::new(r#"name: "(\w+)",\s+kind: Kind::Histogram"#).unwrap();
    let source = read("src/metrics/catalog.rs");
    let mut names = catalogue();
    for found in histogram.captures_iter(&source) {
        names.remove(&found[1]);
        names.extend(["bucket", "sum", "count"].map(|part| format!("{}_{part}", &found[1])));
    }
    names
}

//! What the project promises about itself: its layout, and that its parts name each other rightly.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// All files below a folder with an ending, by their path from the root.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                let name = path
                    .strip_prefix(root())
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "{folder}");
    found
}

fn names(pattern: &str, text: &str) -> BTreeSet<String> {
    let found = Regex::new(pattern).unwrap();
    found
        .captures_iter(text)
        .map(|captures| captures[1].to_owned())
        .collect()
}

#[test]
fn each_foreign_crate_has_one_place() {
    for (krate, place) in [
        ("bollard", "src/docker/engine.rs"),
        ("prometheus", "src/metrics/"),
        ("clap", "src/cli.rs"),
        ("serde_yaml", "src/config/"),
        ("tokio_rustls", "src/probe/tls.rs"),
        ("webpki_roots", "src/probe/tls.rs"),
        ("ring", "src/probe/"),
    ] {
        let used = Regex::new(&format!(r"(?m)^\s*[^/\s].*\b{krate}::")).unwrap();
        let users: Vec<_> = files("src", "rs")
            .into_iter()
            .filter(|(_, text)| used.is_match(text))
            .collect();
        assert!(!users.is_empty(), "{krate}");
        for (name, _) in users {
            assert!(name.starts_with(place), "{name} uses {krate}");
        }
    }
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    for (name, text) in files("src", "rs") {
        assert!(text.starts_with("//! "), "{name}");
        assert!(text.lines().count() <= 400, "{name}");
    }
}

/// The metrics of the golden page: name to type and help.
fn catalogue() -> BTreeMap<String, (String, String)> {
    let page = read("tests/testdata/metrics.prom");
    let mut kinds = BTreeMap::new();
    let mut helps = BTreeMap::new();
    for line in page.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                kinds.insert(name.to_owned(), kind.to_owned());
            }
            (Some("#"), Some("HELP"), Some(name), Some(help)) => {
                helps.insert(name.to_owned(), help.to_owned());
            }
            _ => {}
        }
    }
    let described = kinds.into_iter().map(|(name, kind)| {
        let help = helps[&name].clone();
        (name, (kind, help))
    });
    described.collect()
}

#[test]
fn the_readme_lists_every_metric_as_it_is() {
    let row = Regex::new(r"(?m)^\| `((?:authtail|process)_\w+)` \| (\w+) \| ([^|]*) \| (.+) \|$");
    let rows: BTreeMap<_, _> = row
        .unwrap()
        .captures_iter(&read("README.md"))
        .map(|row| (row[1].to_owned(), (row[2].to_owned(), row[4].to_owned())))
        .collect();
    let own = |name: &str| name.starts_with("authtail_");
    let expected: BTreeMap<_, _> = catalogue()
        .into_iter()
        .filter(|(name, _)| own(name))
        .collect();
    assert_eq!(rows, expected);
}

/// All files of rules, those that are optional too.
fn rules() -> String {
    let files = files("alerts", "yml").into_iter();
    let rules = files.filter(|(name, _)| name.ends_with(".rules.yml"));
    let rules: Vec<_> = rules.map(|(_, text)| text).collect();
    assert!(rules.len() >= 5, "{}", rules.len());
    rules.concat()
}

#[test]
fn rules_and_dashboards_use_only_metrics_that_exist() {
    let catalogue = catalogue();
    let mut texts = files("grafana/dashboards", "json");
    texts.push(("rules".to_owned(), rules()));
    for (file, text) in texts {
        // Not the names of recording rules, which have colons around them.
        let used = names(r"(?:^|[^:\w])(authtail_[a-z_]+)(?:[^:\w]|$)", &text);
        assert!(!used.is_empty(), "{file}");
        for name in used {
            let base = ["_bucket", "_count", "_sum"]
                .iter()
                .find_map(|end| name.strip_suffix(end));
            let exists = catalogue.contains_key(&name)
                || base.is_some_and(|base| catalogue.get(base).is_some_and(|m| m.0 == "histogram"));
            assert!(exists, "{file} uses {name}");
        }
    }
}

#[test]
fn every_alert_has_a_runbook_and_a_place_in_the_readme() {
    let rules = rules();
    let alerts = names(r"(?m)^ *- alert: (\w+)$", &rules);
    assert!(alerts.len() >= 10, "{alerts:?}");
    let runbooks: BTreeSet<_> = files("alerts/runbooks", "md")
        .into_iter()
        .map(|(name, _)| {
            Path::new(&name)
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(alerts, runbooks);
    let links = names(r"http://localhost:8401/runbooks/(\w+)", &rules);
    assert_eq!(alerts, links);
    let listed = names(
        r"(?m)^\| \[`(\w+)`\]\(alerts/runbooks/\w+\.md\) \|",
        &read("README.md"),
    );
    assert_eq!(alerts, listed);
}

#[test]
fn the_readme_lists_every_flag() {
    let flags = names(r#"long = "([a-z.-]+)""#, &read("src/cli.rs"));
    let listed = names(r"(?m)^\| `--([a-z.-]+)`", &read("README.md"));
    assert_eq!(flags, listed);
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    for document in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        for link in names(r"\]\(([^)#:]+)\)", &read(document)) {
            assert!(root().join(&link).exists(), "{document} links to {link}");
        }
    }
}

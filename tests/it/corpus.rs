//! Reads what real servers printed, line by line, and compares with what was really requested.
//!
//! `corpus/<name>.log` holds the lines as printed, `corpus/<name>.expected.tsv` one row per line:
//! line number, kind, method, path, status, latency in seconds, client; `-` is absent or not
//! asserted. Kinds: `validate` is an access line on the route, `other-request` any other one,
//! `error` a line that says that something is wrong, `noise` anything but a request.
//! `corpus/index.tsv` says for each file which format it has, and what else has to be given.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::support::exporter::authtail;

/// Lines that a client has forged and that no reader can tell from real ones: file, line, why.
const FORGED: [(&str, &str, &str); 3] = [
    (
        "hazard-granian-path-newline",
        "8",
        "granian logs the decoded path, so `%0a` in it ends a line and begins another",
    ),
    (
        "hazard-gunicorn-U-newline",
        "9",
        "gunicorn's %(U)s is the decoded path, so `%0a` in it ends a line and begins another",
    ),
    (
        "hazard-hypercorn-path-newline",
        "5",
        "hypercorn logs the decoded path, so `%0a` in it ends a line and begins another",
    ),
];

/// One file: the format that its lines are in, and the arguments that say what they do not.
struct Entry {
    name: String,
    format: String,
    arguments: Vec<String>,
}

#[tokio::test]
async fn every_row_of_every_file_agrees() {
    let mut entries = BTreeMap::new();
    for row in fs::read_to_string(corpus("index.tsv")).unwrap().lines() {
        let mut fields = row.split('\t');
        let (name, format) = (fields.next().unwrap(), fields.next().unwrap());
        let entry = Entry {
            name: name.to_owned(),
            format: format.to_owned(),
            arguments: fields.map(str::to_owned).collect(),
        };
        assert!(
            entries.insert(entry.name.clone(), entry).is_none(),
            "{name} twice"
        );
    }
    let mut wrong = Vec::new();
    for file in fs::read_dir(corpus("")).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_suffix(".log") else {
            continue;
        };
        match entries.remove(name) {
            Some(entry) => wrong.extend(check(&entry).await),
            None => wrong.push(format!("{name} is not in the index")),
        }
    }
    wrong.extend(entries.keys().map(|name| format!("{name} has no file")));
    assert!(
        wrong.is_empty(),
        "{} rows:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Reads a file row by row and returns what differs.
async fn check(entry: &Entry) -> Vec<String> {
    let Entry {
        name,
        format,
        arguments,
    } = entry;
    let mut explain = authtail(&["explain", "--json"]);
    let output = explain
        .args(arguments)
        .arg(corpus(&format!("{name}.log")))
        .output()
        .await
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {stderr}");
    let lines = fs::read(corpus(&format!("{name}.log"))).unwrap();
    let lines = lines
        .strip_suffix(b"\n")
        .unwrap_or(&lines)
        .split(|&byte| byte == b'\n');
    let rows = fs::read(corpus(&format!("{name}.expected.tsv"))).unwrap();
    let rows: Vec<_> = rows
        .strip_suffix(b"\n")
        .unwrap()
        .split(|&byte| byte == b'\n')
        .collect();
    let explained: Vec<_> = output
        .stdout
        .strip_suffix(b"\n")
        .unwrap()
        .split(|&byte| byte == b'\n')
        .collect();
    assert_eq!(explained.len(), rows.len(), "{name}");
    let mut wrong = Vec::new();
    for ((row, explained), line) in rows.into_iter().zip(explained).zip(lines) {
        let row = String::from_utf8_lossy(row);
        let explained: Value = serde_json::from_slice(explained).unwrap();
        let number = row.split('\t').next().unwrap();
        if FORGED
            .iter()
            .any(|&(file, line, _)| (file, line) == (name, number))
        {
            assert_eq!(explained["kind"], "request", "{name}: told apart after all");
            continue;
        }
        if let Some(why) = difference(&row, &explained, format) {
            let line = String::from_utf8_lossy(line);
            wrong.push(format!(
                "{name}: {why}\n  row  {row}\n  got  {explained}\n  line {line:.300}"
            ));
        }
    }
    wrong
}

/// What is wrong with the reading of a line, if anything is.
fn difference(row: &str, explained: &Value, format: &str) -> Option<String> {
    let fields: Vec<_> = row.split('\t').collect();
    let [line, kind, method, path, status, latency, client] = fields[..] else {
        panic!("{row}")
    };
    let text = |field: &str| match &explained[field] {
        Value::String(text) => text.replace('\n', "\\n").replace('\t', "\\t"),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let seconds =
        |text: &str| (text != "-").then(|| Duration::from_secs_f64(text.parse().unwrap()));
    if text("line") != line {
        return Some("another line".to_owned());
    }
    let expected = match kind {
        "validate" | "other-request" => "request",
        "error" if matches!(&*text("kind"), "denial" | "notice") => return None,
        "noise" if text("kind") != "request" => return None,
        _ => return Some(format!("is a {}", text("kind"))),
    };
    let route = if kind == "validate" { "validate" } else { "-" };
    let pairs = [
        ("kind", expected),
        ("format", format),
        ("route", route),
        ("method", method),
        ("path", path),
        ("code", status),
    ];
    for (field, expected) in pairs {
        if text(field) != expected {
            return Some(format!("{field} is {}, not {expected}", text(field)));
        }
    }
    if seconds(&text("duration_seconds")) != seconds(latency) {
        return Some(format!("takes {}, not {latency}", text("duration_seconds")));
    }
    if client != "-" && text("client") != client {
        return Some(format!("client is {}, not {client}", text("client")));
    }
    None
}

fn corpus(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(file)
}

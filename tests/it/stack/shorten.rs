//! `alerts/shorten` changes times and nothing else.

use std::process::Stdio;

use regex::{Captures, Regex};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::tools::{read, root, rule_files};
use crate::support::exporter::DEADLINE;

/// A text with all times divided, or what the script says against it.
pub async fn shorten(text: &str, factor: u32) -> Result<String, String> {
    let mut command = Command::new(root().join("alerts/shorten"));
    command
        .arg(factor.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may have given up before the end.
    drop(stdin.write_all(text.as_bytes()).await);
    drop(stdin);
    let output = timeout(DEADLINE, child.wait_with_output()).await.unwrap();
    let output = output.unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// A text with `#` for each time, and the times in milliseconds.
fn apart(text: &str) -> (String, Vec<u64>) {
    let time = r"\b(?:\d+(?:ms|[smhdwy]))+\b|time\(\) - (?:\w+ [<>] )?\d+";
    let part = Regex::new(r"(\d+)(ms|[smhdwy]|\b)").unwrap();
    let mut times = Vec::new();
    let mut take = |found: &Captures<'_>| {
        let parts = part.captures_iter(&found[0]).map(|part| {
            let unit = match &part[2] {
                "ms" => 1,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                "s" | "" => 1_000,
                other => panic!("{other}"),
            };
            part[1].parse::<u64>().unwrap() * unit
        });
        times.push(parts.sum());
        "#".to_owned()
    };
    let time = Regex::new(time).unwrap();
    let lines = text.lines().map(|line| {
        if line.trim_start().starts_with('#') {
            return line.to_owned();
        }
        time.replace_all(line, &mut take).into_owned()
    });
    (lines.collect::<Vec<_>>().join("\n"), times)
}

#[tokio::test]
async fn every_time_of_the_shipped_files_is_divided_and_nothing_else_is_changed() {
    let others = ["alerts/alertmanager.yml", "compose/prometheus.yml"];
    let others = others.map(|path| (path.to_owned(), read(path)));
    let mut all = 0;
    for (path, long) in rule_files().into_iter().chain(others) {
        let (rest, times) = apart(&long);
        assert!(times.len() >= 2, "{path}: {times:?}");
        all += times.len();
        for factor in [1, 5, 15] {
            let short = shorten(&long, factor).await.unwrap();
            let (short_rest, short_times) = apart(&short);
            assert_eq!(short_rest, rest, "{path}");
            let longer = short_times.iter().map(|time| time * u64::from(factor));
            assert_eq!(longer.collect::<Vec<_>>(), times, "{path}");
        }
    }
    assert!(all >= 100, "{all}");
}

#[tokio::test]
async fn names_thresholds_counts_texts_and_comments_stay() {
    let text = r"
# every 30s, [5m]
- record: job:x:rate2m
  expr: rate(x:p95_rate2m[2m]) > 0.9 and y >= 20 and count_over_time(z[15m:1m] offset 30s) >= 48
- alert: After5m
  expr: time() - start_seconds > 120 or max_over_time(t[1h30m:]) > time() - 86400
  for: 7s
  annotations: {summary: 'for 5 minutes, 1 s'}
global: {scrape_interval: 15s, scrape_timeout: 10s}
";
    let expected = r"
# every 30s, [5m]
- record: job:x:rate2m
  expr: rate(x:p95_rate2m[24s]) > 0.9 and y >= 20 and count_over_time(z[180s:12s] offset 6s) >= 48
- alert: After5m
  expr: time() - start_seconds > 24 or max_over_time(t[1080s:]) > time() - 17280
  for: 1400ms
  annotations: {summary: 'for 5 minutes, 1 s'}
global: {scrape_interval: 3s, scrape_timeout: 2s}
";
    assert_eq!(shorten(text, 5).await.unwrap(), expected);
}

#[tokio::test]
async fn a_time_that_cannot_be_divided_is_an_error_and_so_is_no_number() {
    let refused = shorten("\n  for: 10s\n", 7).await.unwrap_err();
    assert!(
        refused.contains("10s") && refused.contains("line 2"),
        "{refused}"
    );
    let refused = shorten("expr: time() - 100 > x", 7).await.unwrap_err();
    assert!(refused.contains("100 s"), "{refused}");
    let refused = shorten("", 0).await.unwrap_err();
    assert!(refused.contains("usage"), "{refused}");
}

//! `authtail diagnose` as it is called: inputs, findings, exit codes, and what it never prints.

mod findings;
mod inputs;
mod secrets;
mod shape;

use std::fmt::Write;
use std::fs;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::support::exporter::authtail;

/// A folder for the logs of one test.
struct Logs(tempfile::TempDir);

impl Logs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let file = self.0.path().join(name);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }
}

/// Runs a diagnosis to its end: exit code, standard output, standard error.
async fn run(arguments: &[&str], input: Option<&[u8]>) -> (i32, String, String) {
    let mut command = authtail(&["diagnose"]);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.unwrap_or_default().to_vec();
    let feeding = tokio::spawn(async move { drop(stdin.write_all(&input).await) });
    let output = child.wait_with_output().await.unwrap();
    feeding.await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

/// The report of a text as JSON, and the exit code.
async fn report(text: &str, arguments: &[&str]) -> (i32, Value) {
    let arguments = [&["--format", "json", "-"], arguments].concat();
    let (code, stdout, stderr) = run(&arguments, Some(text.as_bytes())).await;
    assert_eq!(stderr, "");
    (code, serde_json::from_str(&stdout).unwrap())
}

/// So many access lines of the route, of which so many are refused, a second apart.
fn access(minute: u32, requests: u32, refused: u32) -> String {
    let mut text = String::new();
    for number in 0..requests {
        // Evenly mixed.
        let is_refused = number * refused / requests != (number + 1) * refused / requests;
        let answer = if is_refused {
            "401 Unauthorized"
        } else {
            "200 OK"
        };
        let (hour, minute) = (18 + minute / 60, minute % 60);
        writeln!(
            text,
            "2026-11-21T{hour:02}:{minute:02}:{:02}.000000000Z INFO:     203.0.113.{}:5 - \
             \"GET /api/v1/auth/validate HTTP/1.1\" {answer}",
            number % 60,
            number % 250,
        )
        .unwrap();
    }
    text
}

fn findings(report: &Value) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings
        .iter()
        .map(|finding| (text(&finding["id"]), text(&finding["severity"])))
        .collect()
}

#[track_caller]
fn assert_finds(report: &Value, id: &str, severity: &str) {
    let found = findings(report);
    let expected = (id.to_owned(), severity.to_owned());
    assert!(found.contains(&expected), "no {expected:?} in {found:?}");
}

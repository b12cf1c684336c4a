//! The whole page of metrics against a file that is reviewed when it changes.

use std::fs;
use std::path::Path;

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::Exporter;
use crate::support::records::{access, validate};
use crate::support::service::{Do, Service};

/// Values that differ from run to run.
const VARYING: [&str; 6] = [
    "authtail_container_created_timestamp_seconds",
    "process_",
    "authtail_build_info",
    "authtail_probe_duration_seconds",
    "authtail_probe_phase_seconds",
    "authtail_state_last_save_timestamp_seconds",
];

#[tokio::test]
async fn the_page_is_as_promised() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("authtail.yml");
    let state = engine.directory().join("state");
    let state = format!("state: {{file: {}}}", state.display());
    let text = r"
formats:
  timing: {regex: '(?<path>/\S+) (?<status>\d+) (?<duration>\S+)$', duration_unit: s}
routes:
  chat: /api/v1/chat/*
";
    let service = Service::start(|_| Do::Answer(200, String::new())).await;
    let url = service.url("/health");
    let probes = format!("probes: {{health: {{url: '{url}', source: probed, interval: 1h}}}}\n");
    fs::write(&file, state + text + &probes).unwrap();
    let exporter = Exporter::with(&engine, &["--config.file", file.to_str().unwrap()]).await;
    let compose = [
        ("com.docker.compose.project", "shop"),
        ("com.docker.compose.service", "auth"),
    ];
    let auth = engine.create(Container::running("shop-auth-1").labelled(&compose));
    for line in [
        "INFO:     Auth module loaded: AUTH_REQUIRED=True",
        "ERROR:    Token verification error: [Errno 111] Connect call failed ('127.0.0.1', 5432)",
        "WARNING:  REJECTED - Token validation failed | path=/api/v1/auth/validate",
    ] {
        engine.log(&auth, line);
    }
    for code in [401, 200, 200, 418] {
        engine.log(&auth, &validate(code));
    }
    engine.log(&auth, &access("GET", "/api/v1/chat/x", 403));
    engine.log(&auth, &(validate(200) + " forged"));
    exporter.until_lines("shop-auth-1", 9).await;
    let timing = [("authtail.format", "timing")];
    let timed = engine.create(Container::running("timed").labelled(&timing));
    for line in [
        "/api/v1/auth/validate 200 0.004",
        "/api/v1/auth/validate 401 1.5",
    ] {
        engine.log(&timed, line);
    }
    exporter.until_lines("timed", 2).await;
    let probed = engine.create(Container {
        environment: vec!["AUTH_REQUIRED=true"],
        health: Some("healthy"),
        image_id: "sha256:0123",
        ..Container::running("probed")
    });
    engine.log(&probed, "INFO:auth:Auth module loaded: AUTH_REQUIRED=True");
    let asked = service.until_asked(1).await;
    engine.log_now(&probed, &access("GET", &asked[0].target, 200));
    exporter.until_lines("probed", 2).await;
    exporter
        .until("seen", |page| {
            page.sum("authtail_probe_seen_in_log", &[]) == Some(1.0)
        })
        .await;

    let page: Vec<_> = exporter
        .get("/metrics")
        .await
        .text()
        .lines()
        .map(fixed)
        .collect();
    let page = page.join("\n") + "\n";
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/metrics.prom");
    if std::env::var_os("AUTHTAIL_GOLDEN").is_some() {
        fs::write(&golden, &page).unwrap();
    }
    assert_eq!(page, fs::read_to_string(golden).unwrap());
}

fn fixed(line: &str) -> String {
    let name = line.split(['{', ' ']).next().unwrap();
    // A mark is only known around the time of this machine.
    let is_now = line.contains("\"probed\"") && name.ends_with("_timestamp_seconds");
    if is_now || VARYING.iter().any(|varying| name.starts_with(varying)) {
        return format!("{name} (varies)");
    }
    line.to_owned()
}

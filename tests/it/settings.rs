//! Configuration: files, flags, environment and labels, and which of them wins.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{Exporter, authtail};
use crate::support::records::{access, validate};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/config")
}

/// Runs `config check` in the folder of the files, so that messages name them shortly.
async fn check(file: &str) -> (i32, String) {
    let mut command = authtail(&["config", "check", file]);
    let output = command.current_dir(testdata()).output().await.unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[tokio::test]
async fn every_broken_file_gets_its_message() {
    let mut files: Vec<_> = fs::read_dir(testdata())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|ending| ending == "yml")
        })
        .collect();
    files.sort();
    assert!(files.len() >= 20, "{files:?}");
    for file in files {
        let (code, stderr) = check(&file).await;
        if file.starts_with("valid-") {
            assert_eq!((code, stderr.as_str()), (0, ""), "{file}");
            continue;
        }
        let expected = testdata().join(&file).with_extension("stderr");
        if std::env::var_os("AUTHTAIL_GOLDEN").is_some() {
            fs::write(&expected, &stderr).unwrap();
        }
        assert_eq!(
            (code, stderr),
            (1, fs::read_to_string(expected).unwrap()),
            "{file}"
        );
    }
}

#[tokio::test]
async fn the_example_is_valid_and_says_everything() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("authtail.example.yml");
    let (code, stderr) = check(example.to_str().unwrap()).await;
    assert_eq!((code, stderr.as_str()), (0, ""));
    // Every key that the checker knows is in the example.
    let text = fs::read_to_string(&example).unwrap();
    let known = fs::read_to_string(testdata().join("invalid-unknown-keys.stderr")).unwrap();
    let allowed = known
        .lines()
        .filter_map(|line| line.split_once("allowed here: "));
    let mut count = 0;
    for key in allowed.flat_map(|(_, keys)| keys.split(", ")) {
        assert!(
            text.contains(&format!("{}:", key.trim_matches('`'))),
            "no {key} in the example"
        );
        count += 1;
    }
    assert!(count >= 15, "{known}");
}

#[tokio::test]
async fn the_flag_wins_over_the_environment_and_that_over_the_file() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("authtail.yml");
    fs::write(&file, "web:\n  telemetry_path: /file\n").unwrap();
    let base = |flags: &[&str]| {
        let mut command = authtail(&["--web.listen-address", "127.0.0.1:0"]);
        command
            .arg("--docker.host")
            .arg(engine.socket())
            .args(flags);
        command.env("AUTHTAIL_CONFIG_FILE", &file);
        command
    };
    let exporter = Exporter::start(base(&[])).await;
    assert_eq!(exporter.get("/file").await.status, 200);

    let mut command = base(&[]);
    command.env("AUTHTAIL_WEB_TELEMETRY_PATH", "/environment");
    let exporter = Exporter::start(command).await;
    assert_eq!(exporter.get("/environment").await.status, 200);
    assert_eq!(exporter.get("/file").await.status, 404);

    let mut command = base(&["--web.telemetry-path", "/flag"]);
    command.env("AUTHTAIL_WEB_TELEMETRY_PATH", "/environment");
    let exporter = Exporter::start(command).await;
    assert_eq!(exporter.get("/flag").await.status, 200);
    assert_eq!(exporter.get("/environment").await.status, 404);
}

#[tokio::test]
async fn several_routes_are_told_apart() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("authtail.yml");
    let routes = "routes:\n  chat: /api/v1/chat/*\n  voice: [/api/v1/voice, /api/v1/speech]\n  \
                  memory: ~/api/v1/memory/[0-9]+\n";
    fs::write(&file, routes).unwrap();
    let exporter = Exporter::with(&engine, &["--config.file", file.to_str().unwrap()]).await;
    let id = engine.run("web");
    for path in [
        "/api/v1/chat/completions",
        "/api/v1/chat/history?token=secret",
        "/api/v1/voice",
        "/api/v1/speech",
        "/api/v1/memory/17",
        "/api/v1/memory/x",
        "/api/v1/voice/",
        "/auth/api/v1/auth/%76alidate",
    ] {
        engine.log(&id, &access("POST", path, 401));
    }
    let page = exporter.until_lines("web", 8).await;
    let refused = |route| page.requests("web", route, "401").unwrap_or_default();
    let routes = ["chat", "voice", "memory", "validate"];
    assert_eq!(routes.map(refused), [2.0, 2.0, 1.0, 1.0]);
    assert!(!exporter.get("/").await.text().contains("secret"));
}

#[tokio::test]
async fn labels_win_over_the_file_and_their_routes_exist_at_once() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("authtail.yml");
    let text =
        "containers:\n  web: {source: file, routes: {chat: /file}}\n  off: {enable: false}\n";
    fs::write(&file, text).unwrap();
    let exporter = Exporter::with(&engine, &["--config.file", file.to_str().unwrap()]).await;
    engine.run("off");
    let enabled = Container {
        name: "off".to_owned(),
        ..Container::default()
    };
    engine.create(enabled.labelled(&[("authtail.enable", "true")]));
    let labels = [
        ("authtail.source", "label"),
        ("authtail.routes.voice", "/voice"),
    ];
    engine.create(Container::running("web").labelled(&labels));
    let page = exporter
        .until("followed", |page| page.running("web").is_some())
        .await;
    for route in ["chat", "voice"] {
        let labels = [("source", "label"), ("route", route), ("code", "401")];
        assert_eq!(
            page.sum("authtail_requests_total", &labels),
            Some(0.0),
            "{route}"
        );
    }
    // One of the two of that name says in its label that it wants to be followed.
    let page = exporter
        .until("followed", |page| page.running("off").is_some())
        .await;
    assert_eq!(page.running("off"), Some(0.0));
}

#[tokio::test]
async fn only_labelled_containers_are_followed_if_that_is_asked_for() {
    let engine = FakeEngine::start();
    let exporter = Exporter::with(&engine, &["--docker.select", "labelled"]).await;
    engine.run("plain");
    engine.create(Container::running("chosen").labelled(&[("authtail.enable", "true")]));
    let page = exporter
        .until("followed", |page| page.running("chosen").is_some())
        .await;
    assert_eq!(page.running("plain"), None);
}

#[tokio::test]
async fn a_format_of_the_file_brings_durations() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("authtail.yml");
    let text = r"
formats:
  timing:
    regex: '(?<method>[A-Z]+) (?<path>\S+) - Status: (?<status>\d{3}) - Time: (?<duration>[\d.]+)ms$'
    duration_unit: ms
containers:
  web: {format: timing}
";
    fs::write(&file, text).unwrap();
    let exporter = Exporter::with(&engine, &["--config.file", file.to_str().unwrap()]).await;
    let id = engine.run("web");
    for (path, code, time) in [
        ("/api/v1/auth/validate", 200, "4.9"),
        ("/api/v1/auth/validate", 401, "1000"),
        ("/api/v1/auth/validate", 401, "1000.001"),
        ("/health", 200, "1"),
    ] {
        engine.log(
            &id,
            &format!("app - INFO - GET {path} - Status: {code} - Time: {time}ms"),
        );
        engine.log(&id, &access("GET", path, code));
    }
    let page = exporter.until_lines("web", 8).await;
    assert_eq!(
        (page.validate("web", "200"), page.validate("web", "401")),
        (1.0, 2.0)
    );
    let of = |name: &str, bound: &[(&str, &str)]| page.sum(name, bound).unwrap();
    let bucket = |bound| of("authtail_request_duration_seconds_bucket", &[("le", bound)]);
    assert_eq!(
        (bucket("0.005"), bucket("1"), bucket("2.5"), bucket("+Inf")),
        (1.0, 2.0, 3.0, 3.0)
    );
    assert_eq!(of("authtail_request_duration_seconds_count", &[]), 3.0);
    assert!((of("authtail_request_duration_seconds_sum", &[]) - 2.004_901).abs() < 1e-9);
    let info = [("container", "web"), ("format", "timing")];
    assert_eq!(page.sum("authtail_container_info", &info), Some(1.0));

    // Who says that it has a route gets its series at zero, the histogram too.
    let labels = [
        ("authtail.format", "timing"),
        ("authtail.routes.token", "/token"),
    ];
    engine.create(Container::running("new").labelled(&labels));
    let page = exporter
        .until("followed", |page| page.running("new").is_some())
        .await;
    let labels = [("container", "new"), ("route", "token")];
    assert_eq!(
        page.sum("authtail_request_duration_seconds_count", &labels),
        Some(0.0)
    );
}

#[tokio::test]
async fn a_format_of_the_file_reads_fields_of_json_lines() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("authtail.yml");
    let text = r"
formats:
  gateway:
    json: {method: http.method, path: http.url, status: 'http\.status', duration: took, client: ip}
    match: {event: [request_finished, request_failed]}
    duration_unit: ms
";
    fs::write(&file, text).unwrap();
    let exporter = Exporter::with(&engine, &["--config.file", file.to_str().unwrap()]).await;
    let labels = [("authtail.format", "gateway")];
    let id = engine.create(Container::running("web").labelled(&labels));
    let line = |event: &str, more: &str| {
        format!(
            r#"{{"event":"{event}","http":{{"method":"GET","url":"http://h/api/v1/auth/validate?x"}},"http.status":"401","took":500{more}}}"#
        )
    };
    engine.log(&id, &line("request_finished", ""));
    engine.log(&id, &line("request_failed", r#","ip":"10.0.0.1""#));
    engine.log(&id, &line("request_started", ""));
    engine.log(&id, &line("request_finished", r#","took":1"#));
    engine.log(&id, &access("GET", "/api/v1/auth/validate", 401));
    let page = exporter.until_lines("web", 5).await;
    assert_eq!(page.validate("web", "401"), 2.0);
    let sum = "authtail_request_duration_seconds_sum";
    assert_eq!(page.sum(sum, &[("container", "web")]), Some(1.0));
    let unparsed = [("container", "web"), ("reason", "json")];
    let count = page.sum("authtail_log_lines_unparsed_total", &unparsed);
    assert_eq!(count, Some(1.0), "a key that comes twice");
    let info = [("container", "web"), ("format", "gateway")];
    assert_eq!(page.sum("authtail_container_info", &info), Some(1.0));
}

#[tokio::test]
async fn words_of_the_file_are_read_as_it_says() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("authtail.yml");
    let text = r"
denials: {expired: ticket too old, service_error: ['~^ERROR store: ', '~^ERROR ldap: ']}
notices: {invalid_request: '~^ERROR gateway: '}
containers:
  web: {denials: {revoked: '~ticket .* taken back'}, notices: {slow: '~ took \d{4,} ms$'}}
";
    fs::write(&file, text).unwrap();
    let exporter = Exporter::with(&engine, &["--config.file", file.to_str().unwrap()]).await;
    for name in ["web", "other"] {
        let id = engine.run(name);
        for line in [
            "INFO ticket too old",
            "INFO ticket 7 was taken back, because the ticket too old was",
            "ERROR store: no answer",
            "ERROR gateway: bad frame",
            "INFO: the check took 1234 ms",
            "WARNING: Token has expired",
        ] {
            engine.log(&id, line);
            engine.log(&id, &validate(401));
        }
        // An access line is one, whatever is in it.
        engine.log(
            &id,
            &access("GET", "/ticket%20too%20old?ERROR store: ", 200),
        );
        exporter.until_lines(name, 13).await;
    }
    let page = exporter.page().await;
    let denials = |name: &str| {
        ["expired", "revoked", "service_error"].map(|reason| page.denials(name, reason).unwrap())
    };
    let notices = |name: &str| {
        ["slow", "invalid_request", "error"].map(|kind| page.notices(name, kind).unwrap())
    };
    assert_eq!(denials("web"), [2.0, 1.0, 1.0]);
    assert_eq!(denials("other"), [3.0, 0.0, 1.0]);
    assert_eq!(notices("web"), [1.0, 1.0, 0.0]);
    assert_eq!(notices("other"), [0.0, 1.0, 0.0]);
}

#[tokio::test]
async fn labels_that_cannot_be_used_are_said_and_ignored() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let labels = [
        ("authtail.format", "apache"),
        ("authtail.routes.chat", "~("),
    ];
    let id = engine.create(Container::running("web").labelled(&labels));
    engine.log(&id, &validate(401));
    let page = exporter.until_lines("web", 1).await;
    assert_eq!(page.validate("web", "401"), 1.0);
    exporter
        .until_log("`apache` is no format; there are `")
        .await;
    exporter.until_log("`authtail.routes.chat`").await;
}

#[tokio::test]
async fn the_number_of_series_is_limited() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("authtail.yml");
    fs::write(&file, "metrics: {max_series: 1000}\n").unwrap();
    let exporter = Exporter::with(&engine, &["--config.file", file.to_str().unwrap()]).await;
    for number in 0..100 {
        engine.run(&format!("web-{number}"));
    }
    let dropped =
        |page: &crate::support::exporter::Page| page.get("authtail_series_dropped_total").unwrap();
    let running = |page: &crate::support::exporter::Page| {
        page.sum("authtail_container_running", &[])
            .unwrap_or_default()
    };
    let page = exporter.until("full", |page| dropped(page) > 0.0).await;
    let is_settled = |page: &crate::support::exporter::Page| dropped(page) >= 100.0;
    let page = if is_settled(&page) {
        page
    } else {
        exporter.until("settled", is_settled).await
    };
    let shown = running(&page);
    assert!((10.0..100.0).contains(&shown), "{shown}");
    exporter
        .until_log("too many series, not showing this container")
        .await;
}

//! Tokens that probes use are in no output of any kind.

use std::fs;

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{Exporter, authtail};
use crate::support::records::access;
use crate::support::service::{Asked, Do, Service};

/// Of these nothing may ever be seen, whole or in part.
const FILE_TOKEN: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmaWxlLXNlY3JldCJ9.c2lnbmF0dXJlLW9mLWZpbGU";
const VARIABLE_TOKEN: &str = "variable-secret-5f0a7c";
const HEADER_KEY: &str = "header-secret-91be22";

fn assert_none(what: &str, text: &str) {
    let parts = FILE_TOKEN.split('.').skip(1);
    for secret in parts.chain([VARIABLE_TOKEN, HEADER_KEY]) {
        assert!(!text.contains(secret), "{what} has `{secret}`: {text}");
    }
}

/// What a service may even log of what it was sent.
fn careless() -> Vec<String> {
    let mut lines = Vec::new();
    for token in [VARIABLE_TOKEN, FILE_TOKEN] {
        lines.extend([
            access("GET", &format!("/validate?token={token}"), 401),
            format!("ERROR:auth:Token verification error: {token}"),
            format!("ERROR:auth:database connection failed for Bearer {token}"),
            format!("WARNING:auth:Invalid token: {token}"),
            format!(
                "{{\"level\": \"error\", \"message\": \"refused {token}\", \"token\": \"{token}\"}}"
            ),
            format!("Traceback (most recent call last):\r  File \"{token}\""),
            format!("\"GET /{token} HTTP/1.1\" {token}"),
        ]);
    }
    lines
}

/// What the commands say, `check` with the configuration and the key of an exporter that runs.
async fn assert_commands(engine: &FakeEngine) {
    let folder = engine.directory();
    let log = folder.join("careless.log");
    fs::write(&log, careless().join("\n")).unwrap();
    let [log, token, config, state] = [
        log,
        folder.join("token"),
        folder.join("authtail.yml"),
        folder.join("state"),
    ]
    .map(|path| path.to_str().unwrap().to_owned());
    let socket = engine.socket();
    let check = [
        "check",
        "--container",
        "auth",
        "--token-file",
        &token,
        "--config.file",
        &config,
        "--state.file",
        &state,
        "--docker.host",
        socket.to_str().unwrap(),
    ];
    for arguments in [
        &check[..],
        &[&check[..], &["--json"]].concat(),
        &["explain", &log],
        &["explain", "--json", &log],
        &["diagnose", &log],
        &["diagnose", "--format", "json", &log],
    ] {
        let mut command = authtail(arguments);
        let output = command.env("PROBE_TOKEN", VARIABLE_TOKEN).output();
        let output = output.await.unwrap();
        assert!(output.stdout.len() > 100, "{arguments:?}: {output:?}");
        for said in [output.stdout, output.stderr] {
            assert_none(&arguments.join(" "), &String::from_utf8(said).unwrap());
        }
    }
}

#[tokio::test]
async fn no_token_is_in_any_output() {
    let engine = FakeEngine::start();
    let is_known = |asked: &Asked| {
        let token = asked.token().unwrap_or_default();
        [FILE_TOKEN, VARIABLE_TOKEN].contains(&token) && asked.header("x-api-key") == HEADER_KEY
    };
    // It repeats what it was sent, as a body and, when it refuses, too.
    let service = Service::start(move |asked| {
        let code = if is_known(asked) { 200 } else { 401 };
        Do::Answer(code, format!(r#"{{"status": "{:?}"}}"#, asked.headers))
    })
    .await;
    let engine_id = engine.create(Container::running("auth").at(service.address));
    let folder = engine.directory();
    for (name, text) in [("token", FILE_TOKEN), ("key", HEADER_KEY)] {
        fs::write(folder.join(name), text).unwrap();
    }
    let key = format!(
        "secret_headers: {{X-Api-Key: {{file: '{}'}}}}",
        folder.join("key").display()
    );
    let file = format!("token: {{file: '{}'}}", folder.join("token").display());
    let url = service.url("/validate");
    let text = format!(
        "log: {{level: debug}}\nprobes:\n  \
         well: {{kind: validate, url: '{url}', source: auth, {file}, {key}, interval: 1s}}\n  \
         variable: {{url: '{url}', source: auth, token: {{env: PROBE_TOKEN}}, {key}, interval: 1s}}\n  \
         body: {{url: '{url}', {file}, {key}, expect_json: {{status: healthy}}, interval: 1s}}\n  \
         tls: {{url: 'https://{}/', {file}, {key}, interval: 1s}}\n  \
         refused: {{url: '{url}', {file}, interval: 1s}}\n",
        service.address
    );
    let config = folder.join("authtail.yml");
    fs::write(&config, text).unwrap();
    let config = config.to_str().unwrap();
    let state = folder.join("state");
    let mut command = authtail(&["--config.file", config, "--state.file"]);
    command
        .arg(&state)
        .args(["--web.listen-address", "127.0.0.1:0", "--docker.host"])
        .arg(engine.socket())
        .env("PROBE_TOKEN", VARIABLE_TOKEN);
    let exporter = Exporter::start(command).await;
    let code = |probe| (format!("success of {probe}"), [("probe", probe)]);
    for (probe, expected) in [
        ("well_good_token", 1.0),
        ("well_bad_token", 1.0),
        ("variable", 1.0),
        ("body", 0.0),
        ("tls", 0.0),
        ("refused", 0.0),
    ] {
        let (what, labels) = code(probe);
        exporter
            .until(&what, |page| {
                page.sum("authtail_probe_success", &labels) == Some(expected)
            })
            .await;
    }
    let lines = careless();
    for line in &lines {
        engine.log_now(&engine_id, line);
    }
    let count = u32::try_from(lines.len()).unwrap();
    exporter.until_lines("auth", count).await;

    assert_commands(&engine).await;

    for path in [
        "/",
        "/metrics",
        "/-/ready",
        "/-/healthy",
        "/nothing",
        "/runbooks/AuthGoodTokenRefused",
    ] {
        let answer = exporter.get(path).await;
        assert_none(path, &format!("{:?}{}", answer.headers, answer.text()));
    }
    assert_none("the log", &exporter.log().join("\n"));
    assert!(exporter.terminate("-TERM").await.success());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("state") {
            assert_none(&name, &String::from_utf8_lossy(&fs::read(&path).unwrap()));
        }
    }

    let output = authtail(&["config", "check", config])
        .output()
        .await
        .unwrap();
    assert!(output.status.success());
    assert_none("config check", &format!("{output:?}"));
}

#[tokio::test]
async fn a_token_in_the_wrong_place_is_refused_without_being_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authtail.yml");
    let text = format!(
        "probes:\n  a: {{url: 'http://user:{VARIABLE_TOKEN}@host/'}}\n  \
         b: {{url: 'http://host/', headers: {{Authorization: 'Bearer {VARIABLE_TOKEN}'}}}}\n  \
         c: {{url: 'http://host/', headers: {{X-Tenant: \"a\\n{VARIABLE_TOKEN}\"}}}}\n  \
         d: {{url: 'http://host/', token: {VARIABLE_TOKEN}}}\n  \
         e: {{url: 'http://host/{VARIABLE_TOKEN} '}}\n"
    );
    fs::write(&file, text).unwrap();
    let output = authtail(&["config", "check", file.to_str().unwrap()]);
    let output = { output }.output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 6, "{said}");
    assert_none("config check", &said);
}

//! The command line: messages and exit codes for what is asked wrongly or cannot be done.

use std::os::unix::fs::PermissionsExt;

use tokio::net::TcpListener;

use crate::support::engine::FakeEngine;
use crate::support::exporter::{Exporter, authtail};

/// Runs a command to its end: exit code, standard output, standard error.
async fn run(arguments: &[&str]) -> (i32, String, String) {
    finish(authtail(arguments)).await
}

async fn finish(mut command: tokio::process::Command) -> (i32, String, String) {
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[tokio::test]
async fn wrong_usage_ends_with_2() {
    for arguments in [
        &["--no-such-flag"][..],
        &["no-such-command"],
        &["config", "check"],
        &["--log.level", "loud"],
        &["--web.listen-address", "8401"],
        &["--web.telemetry-path", "metrics"],
        &["--metrics.retention", "soon"],
        &["--docker.select", "none"],
        &["--docker.host", "ssh://me@there"],
    ] {
        let (code, stdout, stderr) = run(arguments).await;
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(stderr.contains("error: "), "{stderr}");
    }
    let (_, _, stderr) = run(&["--log.level", "loud"]).await;
    assert!(
        stderr.contains("`loud` is unknown; allowed: `debug`, `info`, `warn`"),
        "{stderr}"
    );
}

#[tokio::test]
async fn help_and_version_go_to_standard_output() {
    let (code, stdout, stderr) = run(&["--version"]).await;
    assert_eq!((code, stderr.as_str()), (0, ""));
    let version = concat!("authtail ", env!("CARGO_PKG_VERSION"), " (revision ");
    assert!(stdout.starts_with(version), "{stdout}");
    let (code, stdout, _) = run(&["--help"]).await;
    assert_eq!(code, 0);
    assert!(stdout.contains("--web.listen-address") && stdout.contains("AUTHTAIL_LOG_LEVEL"));
}

#[tokio::test]
async fn an_address_in_use_is_fatal() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, _, stderr) = run(&["--web.listen-address", &address]).await;
    assert_eq!(code, 1);
    let expected = format!(
        "error: cannot listen on `{address}`: Address already in use (os error 98); stop what \
         listens there, or choose another with `--web.listen-address`\n"
    );
    assert!(stderr.ends_with(&expected), "{stderr}");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_fatal() {
    for arguments in [
        &["--config.file", "/nonexistent/authtail.yml"][..],
        &["config", "check", "/nonexistent/authtail.yml"],
    ] {
        let (code, _, stderr) = run(arguments).await;
        let expected = "error: cannot read the configuration `/nonexistent/authtail.yml`: \
                        No such file or directory (os error 2)\n";
        assert_eq!((code, stderr.as_str()), (1, expected));
    }
    let (code, _, stderr) = run(&["config", "check", "/"]).await;
    assert_eq!(code, 1);
    assert!(stderr.contains("Is a directory"), "{stderr}");
}

#[tokio::test]
async fn an_engine_address_that_cannot_be_used_is_fatal_and_says_what_to_give() {
    for (variable, value, expected) in [
        (
            "DOCKER_HOST",
            "ssh://me@host",
            "`ssh` is not supported: give `unix:///path`",
        ),
        (
            "DOCKER_HOST",
            "somewhere",
            "`somewhere` is not an engine address",
        ),
        (
            "DOCKER_TLS_VERIFY",
            "1",
            "TLS to the engine is not supported",
        ),
        (
            "DOCKER_CONTEXT",
            "laptop",
            "docker context `laptop` is chosen",
        ),
    ] {
        let mut command = authtail(&[]);
        command.env(variable, value);
        let (code, _, stderr) = finish(command).await;
        assert_eq!(code, 1, "{variable}={value}");
        assert!(
            stderr.starts_with("error: ") && stderr.contains(expected),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[tokio::test]
async fn the_context_of_the_docker_configuration_counts() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".docker")).unwrap();
    let file = home.path().join(".docker/config.json");
    std::fs::write(&file, r#"{"currentContext": "colima"}"#).unwrap();
    let mut command = authtail(&[]);
    command.env("HOME", home.path());
    let (code, _, stderr) = finish(command).await;
    assert_eq!(code, 1);
    assert!(
        stderr.contains("docker context `colima` is chosen"),
        "{stderr}"
    );
}

#[tokio::test]
async fn a_socket_without_permission_is_said_once_with_the_group_to_join() {
    let engine = FakeEngine::start();
    let readable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(engine.directory(), readable).unwrap();
    std::fs::set_permissions(engine.socket(), std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root may open anything, so another user has to run a binary that it can reach.
    let binary = engine.directory().join("authtail");
    // By another process: a file that this one has open for writing may be inherited by a child of
    // another test, and cannot be run then.
    let mut copy = tokio::process::Command::new("cp");
    copy.arg(env!("CARGO_BIN_EXE_authtail")).arg(&binary);
    assert!(copy.status().await.unwrap().success());
    let mut command = tokio::process::Command::new(&binary);
    command.env_clear().kill_on_drop(true);
    command
        .args(["--web.listen-address", "127.0.0.1:0", "--docker.host"])
        .arg(engine.socket());
    if std::fs::metadata("/proc/self")
        .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
    {
        command.uid(65_534);
    }
    let exporter = Exporter::start(command).await;
    let group = std::os::unix::fs::MetadataExt::gid(&std::fs::metadata(engine.socket()).unwrap());
    let said = exporter.until_log("Permission denied").await;
    assert!(said.contains(&format!("--group-add {group}")), "{said}");
    let page = exporter.page().await;
    assert_eq!(page.get("authtail_docker_up"), Some(0.0));
}

#[tokio::test]
async fn healthcheck_asks_the_exporter_of_the_same_configuration() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let address = exporter.address.to_string();
    let arguments = ["healthcheck", "--web.listen-address", &address];
    assert_eq!(run(&arguments).await, (0, String::new(), String::new()));
    let mut command = authtail(&["healthcheck"]);
    command.env(
        "AUTHTAIL_WEB_LISTEN_ADDRESS",
        format!("0.0.0.0:{}", exporter.address.port()),
    );
    assert_eq!(finish(command).await.0, 0);
    exporter.terminate("-TERM").await;
    let (code, _, stderr) = run(&arguments).await;
    assert_eq!(code, 1);
    assert!(
        stderr.starts_with("error: cannot ask the exporter at"),
        "{stderr}"
    );
}

#[tokio::test]
async fn logs_in_the_format_that_is_asked_for() {
    let engine = FakeEngine::start();
    let arguments = ["--log.format", "json", "--log.level", "debug"];
    let mut command = authtail(&["--web.listen-address", "127.0.0.1:0", "--docker.host"]);
    command
        .arg(engine.socket())
        .args(arguments)
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines =
        tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(child.stderr.take().unwrap()));
    let line = lines.next_line().await.unwrap().unwrap();
    let json: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(json["message"], "starting");
    assert_eq!(json["level"], "INFO");
}

#[tokio::test]
async fn only_run_needs_an_engine_address() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/authtail.example.yml");
    let mut command = authtail(&["config", "check", file]);
    command
        .env("DOCKER_CONTEXT", "laptop")
        .env("DOCKER_HOST", "ssh://me@there");
    assert_eq!(finish(command).await.0, 0);
}

#[tokio::test]
async fn an_empty_variable_is_as_good_as_none() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/authtail.example.yml");
    let mut command = authtail(&["config", "check", file]);
    for name in [
        "LOG_LEVEL",
        "LOG_FORMAT",
        "WEB_LISTEN_ADDRESS",
        "CONFIG_FILE",
        "DOCKER_HOST",
    ] {
        command.env(format!("AUTHTAIL_{name}"), "");
    }
    let (code, _, stderr) = finish(command).await;
    assert_eq!((code, stderr.as_str()), (0, ""));
    let mut command = authtail(&["config", "check", file]);
    command.env("AUTHTAIL_LOG_LEVEL", "loud");
    assert_eq!(finish(command).await.0, 2);
}

//! What inspect says about a container besides its log, and what the service itself says.

use std::fs;

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{Exporter, Page};
use crate::support::records::{Record, validate};

fn fact(page: &Page, what: &str, container: &str) -> Option<f64> {
    let metric = format!("authtail_container_{what}");
    page.sum(&metric, &[("container", container)])
}

/// A container with an environment.
fn with(name: &str, environment: &[&'static str]) -> Container {
    Container {
        environment: environment.to_vec(),
        ..Container::running(name)
    }
}

#[tokio::test]
async fn only_the_named_variables_are_read_and_nothing_of_the_others_is_shown() {
    let engine = FakeEngine::start();
    let secrets = [
        "JWT_SECRET=environment-secret",
        "DB_URL=postgres://a:environment-secret@db/",
    ];
    for (name, environment) in [
        ("off", &[secrets[0], "AUTH_REQUIRED=False", secrets[1]][..]),
        ("on", &["AUTH_REQUIRED=1"]),
        ("other", &["REQUIRE_LOGIN=yes"]),
        ("odd", &["AUTH_REQUIRED=environment-secret"]),
        ("silent", &secrets),
    ] {
        engine.create(with(name, environment));
    }
    let required = |page: &Page| {
        ["off", "on", "other", "odd", "silent"].map(|name| fact(page, "auth_required", name))
    };
    let exporter = Exporter::with(&engine, &["--log.level", "debug"]).await;
    exporter
        .until("read", |page| {
            required(page) == [Some(0.0), Some(1.0), None, None, None]
        })
        .await;

    let file = engine.directory().join("authtail.yml");
    let text = "docker: {auth_variables: [REQUIRE_LOGIN, AUTH_REQUIRED]}\n";
    fs::write(&file, text).unwrap();
    let other = Exporter::with(&engine, &["--config.file", file.to_str().unwrap()]).await;
    other
        .until("read", |page| {
            required(page) == [Some(0.0), Some(1.0), Some(1.0), None, None]
        })
        .await;
    for exporter in [exporter, other] {
        for path in ["/", "/metrics"] {
            assert!(
                !exporter
                    .get(path)
                    .await
                    .text()
                    .contains("environment-secret")
            );
        }
        assert!(!exporter.log().concat().contains("environment-secret"));
    }
}

#[tokio::test]
async fn what_the_service_reports_is_compared_with_what_is_configured() {
    let engine = FakeEngine::start();
    // It was started long ago, and has logged much since.
    let old = engine.create(with("old", &["AUTH_REQUIRED=false"]));
    engine.log(
        &old,
        "INFO:auth.service:🔐 Auth module loaded: AUTH_REQUIRED=True",
    );
    engine.records(
        &old,
        (10..2_000).map(|time| Record::line(time, &validate(401))),
    );
    let unset = engine.run("unset");
    engine.log(
        &unset,
        "INFO:auth.service:🔐 Auth module loaded: AUTH_REQUIRED=True",
    );
    engine.records(
        &unset,
        (10..2_000).map(|time| Record::line(time, &validate(401))),
    );
    let exporter = Exporter::of(&engine).await;
    exporter
        .until("reported", |page| {
            fact(page, "auth_reported", "old") == Some(1.0)
        })
        .await;
    engine.until_followed(&unset).await;
    let looks = |id: &str| {
        let requests = engine.log_requests(id);
        requests
            .iter()
            .filter(|query| query.contains("since="))
            .count()
    };
    assert_eq!(looks(&old), 1, "{:?}", engine.log_requests(&old));
    assert_eq!(looks(&unset), 0, "there is nothing to compare it with");
    assert_eq!(fact(&exporter.page().await, "auth_reported", "unset"), None);

    // What is logged now wins.
    engine.until_followed(&old).await;
    engine.log(
        &old,
        "INFO:auth.service:✅ Auth bypass enabled (AUTH_REQUIRED=false) - returning POC user",
    );
    exporter
        .until("bypass", |page| {
            fact(page, "auth_reported", "old") == Some(0.0)
        })
        .await;
    assert_eq!(
        fact(&exporter.page().await, "auth_required", "old"),
        Some(0.0)
    );
}

#[tokio::test]
async fn image_revision_restarts_and_health_are_shown_and_followed() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container {
        image_id: "sha256:0123",
        restarts: 3,
        health: Some("starting"),
        ..Container::running("web").labelled(&[("org.opencontainers.image.revision", "3f1c")])
    });
    let page = exporter
        .until("there", |page| {
            fact(page, "restarts_total", "web") == Some(3.0)
        })
        .await;
    let labels = [("image_id", "sha256:0123"), ("revision", "3f1c")];
    assert_eq!(
        page.sum("authtail_container_image_info", &labels),
        Some(1.0)
    );
    assert!(fact(&page, "created_timestamp_seconds", "web") > Some(0.0));
    assert_eq!(fact(&page, "healthy", "web"), None);
    for (status, expected) in [("unhealthy", 0.0), ("healthy", 1.0)] {
        engine.until_followed(&id).await;
        engine.set_health(&id, status);
        exporter
            .until(status, |page| {
                fact(page, "healthy", "web") == Some(expected)
            })
            .await;
    }
}

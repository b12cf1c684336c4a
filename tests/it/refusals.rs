//! Refusals and notices: what the lines of a container say together, however they reach us.

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{Exporter, Page};
use crate::support::records::{Stream, validate};

const TROUBLE: &str =
    "ERROR:    Token verification error: [Errno 111] Connect call failed ('127.0.0.1', 5432)";
const REJECTED: &str = "WARNING:  REJECTED - Token validation failed | path=/x";
const NO_HEADER: &str =
    "[VALIDATE] REJECTED - No auth header | path=/api/v1/auth/validate | client_ip=1.2.3.4";

/// What a service prints for a request that it refuses because its database is gone: three lines.
fn refuse(engine: &FakeEngine, id: &str) {
    engine.log(id, TROUBLE);
    engine.log(id, REJECTED);
    engine.log(id, &validate(401));
}

fn denials(page: &Page) -> Vec<(&str, f64)> {
    ["service_error", "missing_token", "invalid_token"]
        .into_iter()
        .map(|reason| (reason, page.denials("web", reason).unwrap_or_default()))
        .filter(|(_, count)| *count > 0.0)
        .collect()
}

#[tokio::test]
async fn several_lines_are_one_refusal_and_the_most_specific_reason_wins() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    for _ in 0..5 {
        for line in [TROUBLE, REJECTED] {
            engine.log_to(&id, Stream::Stderr, line);
        }
        engine.log(&id, &validate(401));
        engine.log_to(&id, Stream::Stderr, NO_HEADER);
        engine.log(&id, &validate(401));
        engine.log(&id, &validate(200));
    }
    let page = exporter.until_lines("web", 30).await;
    assert_eq!(
        denials(&page),
        [("service_error", 5.0), ("missing_token", 5.0)]
    );
    assert_eq!(page.denials("web", "expired"), Some(0.0));
    assert_eq!(page.validate("web", "401"), 10.0);
}

#[tokio::test]
async fn a_refusal_that_nothing_follows_is_counted_after_a_while() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for container in [
        Container::running("web"),
        Container::rotating("other", "10m"),
    ] {
        let name = container.name.clone();
        let id = engine.create(container);
        engine.log(&id, TROUBLE);
        engine.log(&id, REJECTED);
        exporter.until_lines(&name, 2).await;
        let is_counted = |page: &Page| page.denials(&name, "service_error") == Some(1.0);
        let page = exporter.until("counted", is_counted).await;
        assert_eq!(page.denials(&name, "invalid_token"), Some(0.0));
    }
}

#[tokio::test]
async fn what_waits_is_counted_when_a_container_stops_or_goes() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let is_counted = |page: &Page, count| page.denials("web", "missing_token") == Some(count);
    let id = engine.run("web");
    engine.log(&id, NO_HEADER);
    engine.stop(&id);
    exporter
        .until("stopped", |page| is_counted(page, 1.0))
        .await;
    engine.remove(&id);
    exporter.until_log("container is gone").await;
    let id = engine.run("web");
    engine.log(&id, NO_HEADER);
    exporter.until_lines("web", 2).await;
    engine.remove(&id);
    exporter.until("gone", |page| is_counted(page, 2.0)).await;
}

#[tokio::test]
async fn a_kill_inside_a_refusal_neither_loses_nor_doubles_it() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("state");
    let mut exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.run("web");
    let mut lines = 0;
    for round in 1..=5 {
        for line in [TROUBLE, REJECTED, &validate(401)] {
            engine.log(&id, line);
            lines += 1;
            let page = exporter.until_lines("web", lines).await;
            exporter.kill().await;
            exporter = Exporter::keeping(&engine, &file).await;
            exporter.page().await.assert_not_below(&page);
        }
        let page = exporter.until_lines("web", lines).await;
        assert_eq!(denials(&page), [("service_error", f64::from(round))]);
    }
}

#[tokio::test]
async fn what_waits_in_a_container_that_is_gone_after_a_restart_is_counted() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("state");
    for container in [Container::running("web"), Container::rotating("web", "10m")] {
        let exporter = Exporter::keeping(&engine, &file).await;
        let before = exporter.page().await.denials("web", "service_error");
        let id = engine.create(container);
        engine.log(&id, TROUBLE);
        engine.log(&id, REJECTED);
        let lines = before.map_or(2, |_| 4);
        exporter.until_lines("web", lines).await;
        exporter.kill().await;
        engine.remove(&id);
        let exporter = Exporter::keeping(&engine, &file).await;
        let expected = before.unwrap_or_default() + 1.0;
        let is_counted = |page: &Page| page.denials("web", "service_error") == Some(expected);
        let page = exporter.until("counted", is_counted).await;
        assert_eq!(page.denials("web", "invalid_token"), Some(0.0));
        exporter.kill().await;
    }
}

#[tokio::test]
async fn refusals_are_exact_though_a_log_rotates_repeats_and_leaves_out() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "10m"));
    let mut refusals = 0;
    for round in 0..6 {
        refuse(&engine, &id);
        // A hole that begins and ends within a refusal.
        engine.log(&id, TROUBLE);
        engine.withhold(&id);
        engine.log(&id, REJECTED);
        engine.log(&id, &validate(401));
        (0..20).for_each(|_| refuse(&engine, &id));
        engine.log(&id, TROUBLE);
        engine.resume(&id);
        engine.log(&id, REJECTED);
        engine.log(&id, &validate(401));
        refusals += 23;
        engine.deliver_again(&id, 5);
        if round % 2 == 0 {
            engine.end_streams(&id);
        }
        exporter.until_lines("web", 3 * refusals).await;
    }
    let is_counted = |page: &Page| {
        denials(page).iter().map(|(_, count)| count).sum::<f64>() >= f64::from(refusals)
    };
    let page = exporter.until("all refusals", is_counted).await;
    assert_eq!(denials(&page), [("service_error", f64::from(refusals))]);
    assert_eq!(page.gaps("web"), Some(0.0));
}

#[tokio::test]
async fn a_kill_at_any_moment_leaves_refusals_exact() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("state");
    let mut exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.create(Container::rotating("web", "100k"));
    let mut refusals = 0;
    for round in 0..12 {
        let mut last: Option<Page> = None;
        for _ in 0..=round % 4 {
            (0..20).for_each(|_| refuse(&engine, &id));
            refusals += 20;
            let page = exporter.page().await;
            if let Some(last) = &last {
                page.assert_not_below(last);
            }
            last = Some(page);
        }
        exporter.kill().await;
        exporter = Exporter::keeping(&engine, &file).await;
        if let Some(last) = &last {
            exporter.page().await.assert_not_below(last);
        }
    }
    exporter.until_lines("web", 3 * refusals).await;
    let is_counted =
        |page: &Page| page.denials("web", "service_error") >= Some(f64::from(refusals));
    let page = exporter.until("all refusals", is_counted).await;
    assert_eq!(denials(&page), [("service_error", f64::from(refusals))]);
}

#[tokio::test]
async fn a_service_that_logs_refusals_only_is_counted_line_by_line() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    for path in 0..20 {
        let line = format!(
            "time=\"2026-11-21T19:00:00Z\" level=info msg=\"Access to https://a.example/{path} (method GET) is \
             not authorized to user <anonymous>, responding with status code 401\" method=GET \
             path=/api/authz/forward-auth remote_ip=1.2.3.4"
        );
        engine.log(&id, &line);
    }
    let is_counted = |page: &Page| page.denials("web", "missing_token") == Some(20.0);
    exporter.until("counted", is_counted).await;
}

#[tokio::test]
async fn notices_are_counted_once_for_each_exception() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    for line in [
        "INFO:     Application startup complete.",
        "ERROR:    Exception in ASGI application",
        "Traceback (most recent call last):",
        "  File \"/app/main.py\", line 14, in validate",
        "KeyError: 'sub'",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        "Traceback (most recent call last):",
        "  File \"/app/main.py\", line 16, in validate",
        "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached",
        "WARNING:  Invalid HTTP request received.",
        "ERROR:    out of luck",
        "INFO:     Database pool created: 5-20 connections",
    ] {
        engine.log(&id, line);
    }
    let page = exporter.until_lines("web", 14).await;
    // Not those that are zero: the container has not answered a request.
    let kinds = [
        "error",
        "invalid_request",
        "pool_exhausted",
        "startup",
        "traceback",
    ];
    for kind in kinds {
        assert_eq!(page.notices("web", kind), Some(1.0), "{kind}");
    }
    assert_eq!(page.sum("authtail_notices_total", &[]), Some(5.0));
    assert_eq!(page.sum("authtail_denials_total", &[]), None);
}

#[tokio::test]
async fn what_the_service_says_about_authentication_is_shown() {
    let engine = FakeEngine::start();
    let gauge = |page: &Page, name: &str| {
        page.sum("authtail_container_auth_reported", &[("container", name)])
    };
    let old = engine.run("old");
    engine.log(&old, "INFO:auth:Auth module loaded: AUTH_REQUIRED=False");
    engine.log(&old, &validate(200));
    let exporter = Exporter::of(&engine).await;
    let page = exporter
        .until("said before", |page| gauge(page, "old") == Some(0.0))
        .await;
    // It was said before counting began.
    assert_eq!(page.notices("old", "auth_mode"), Some(0.0));
    let id = engine.run("web");
    engine.log(&id, &validate(200));
    let page = exporter.until_lines("web", 1).await;
    assert_eq!(gauge(&page, "web"), None);
    for (line, expected) in [
        ("INFO:     Auth module loaded: AUTH_REQUIRED=False", 0.0),
        ("INFO:     Auth check: auth_required=True (type: bool)", 1.0),
    ] {
        engine.log(&id, line);
        exporter
            .until(line, |page| gauge(page, "web") == Some(expected))
            .await;
    }
}

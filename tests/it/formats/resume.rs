//! What a parser has learnt outlives the process: the format, and requests of which only one of
//! two lines has come.

use std::fs;

use crate::support::engine::FakeEngine;
use crate::support::exporter::{Exporter, Page};

fn asked(id: u32) -> String {
    format!(
        r#"{{"level":30,"time":1795289358657,"reqId":"req-{id}","req":{{"method":"GET","url":"/api/v1/auth/validate","remoteAddress":"10.0.0.1"}},"msg":"incoming request"}}"#
    )
}

fn answered(id: u32, code: u16) -> String {
    format!(
        r#"{{"level":30,"time":1795289358660,"reqId":"req-{id}","res":{{"statusCode":{code}}},"responseTime":3,"msg":"request completed"}}"#
    )
}

fn middleware(code: u16) -> String {
    format!("app - INFO - GET /api/v1/auth/validate - Status: {code} - Time: 0.5s")
}

fn server(code: u16) -> String {
    format!("INFO:     10.0.0.1:5 - \"GET /api/v1/auth/validate HTTP/1.1\" {code} X")
}

fn refused(page: &Page) -> f64 {
    page.validate("web", "401")
}

fn format(page: &Page, name: &str) -> Option<f64> {
    let labels = [("container", "web"), ("format", name)];
    page.sum("authtail_container_info", &labels)
}

#[tokio::test]
async fn a_request_between_its_two_lines_is_counted_after_a_kill() {
    let engine = FakeEngine::start();
    let state = engine.directory().join("state");
    let exporter = Exporter::keeping(&engine, &state).await;
    let id = engine.run("web");
    for line in [asked(1), answered(1, 401), asked(2), answered(3, 401)] {
        engine.log(&id, &line);
    }
    let page = exporter.until_lines("web", 4).await;
    assert_eq!((refused(&page), format(&page, "fastify")), (1.0, Some(1.0)));
    exporter.kill().await;
    for line in [answered(2, 401), asked(3)] {
        engine.log(&id, &line);
    }
    let exporter = Exporter::keeping(&engine, &state).await;
    let page = exporter.until_lines("web", 6).await;
    assert_eq!(refused(&page), 3.0);
    let count = "authtail_request_duration_seconds_count";
    assert_eq!(page.sum(count, &[("container", "web")]), Some(3.0));
}

#[tokio::test]
async fn a_format_that_was_found_is_not_found_again() {
    let engine = FakeEngine::start();
    let state = engine.directory().join("state");
    let exporter = Exporter::keeping(&engine, &state).await;
    let id = engine.run("web");
    // The server's line comes first, and is counted; the middleware's then takes over.
    for line in [server(401), middleware(401), server(401), middleware(401)] {
        engine.log(&id, &line);
    }
    let page = exporter.until_lines("web", 4).await;
    assert_eq!(
        (refused(&page), format(&page, "middleware")),
        (2.0, Some(1.0))
    );
    exporter.kill().await;
    for line in [server(401), middleware(401)] {
        engine.log(&id, &line);
    }
    let exporter = Exporter::keeping(&engine, &state).await;
    let page = exporter.until_lines("web", 6).await;
    assert_eq!(
        (refused(&page), format(&page, "middleware")),
        (3.0, Some(1.0))
    );
}

#[tokio::test]
async fn a_format_that_was_named_is_not_kept_when_it_is_named_no_more() {
    let engine = FakeEngine::start();
    let state = engine.directory().join("state");
    let file = engine.directory().join("authtail.yml");
    fs::write(&file, "containers: {web: {format: gin}}\n").unwrap();
    let flags = [
        "--config.file",
        file.to_str().unwrap(),
        "--state.file",
        state.to_str().unwrap(),
    ];
    let exporter = Exporter::with(&engine, &flags).await;
    let id = engine.run("web");
    engine.log(&id, &server(401));
    let page = exporter.until_lines("web", 1).await;
    assert_eq!(
        (format(&page, "gin"), format(&page, "uvicorn")),
        (Some(1.0), None)
    );
    exporter.kill().await;
    let exporter = Exporter::keeping(&engine, &state).await;
    engine.log(&id, &server(401));
    let page = exporter.until_lines("web", 2).await;
    assert_eq!((refused(&page), format(&page, "uvicorn")), (1.0, Some(1.0)));
}

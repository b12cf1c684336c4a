//! The exporter with the socket proxy between itself and the engine.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::proxy::Proxy;
use super::tools::replace;
use crate::support::engine::FakeEngine;
use crate::support::exporter::{DEADLINE, Exporter, Page, authtail};
use crate::support::records::{Stream, validate};

/// An exporter that knows the engine only by the proxy.
async fn behind(proxy: &Proxy) -> Exporter {
    let host = format!("tcp://{}", proxy.address);
    let command = authtail(&[
        "--docker.host",
        &host,
        "--web.listen-address",
        "127.0.0.1:0",
    ]);
    let exporter = Exporter::start(command).await;
    exporter.until_log("the engine is up").await;
    exporter
}

fn reconnects(page: &Page, reason: &str) -> f64 {
    let labels = [("container", "web"), ("reason", reason)];
    page.sum("authtail_log_reconnects_total", &labels).unwrap()
}

#[tokio::test]
async fn everything_that_the_exporter_asks_is_let_through() {
    let engine = FakeEngine::start();
    let old = engine.run("old");
    engine.log(&old, &validate(200));
    let proxy = Proxy::before(&engine.socket());
    let exporter = behind(&proxy).await;
    let id = engine.run("web");
    for code in [200, 401, 401] {
        engine.log(&id, &validate(code));
        engine.log_to(&id, Stream::Stderr, &validate(code));
    }
    let page = exporter.until_lines("web", 6).await;
    assert_eq!(
        (page.validate("web", "200"), page.validate("web", "401")),
        (2.0, 4.0)
    );
    engine.stop(&id);
    exporter
        .until("stopped", |page| page.running("web") == Some(0.0))
        .await;
    engine.restart(&id);
    engine.log(&id, &validate(401));
    exporter.until_lines("web", 7).await;
    engine.remove(&id);
    exporter
        .until("removed", |page| page.running("web") == Some(0.0))
        .await;
    engine.log(&old, &validate(401));
    let page = exporter.until_lines("old", 1).await;
    assert_eq!(page.validate("old", "401"), 1.0);
    assert_eq!(page.sum("authtail_docker_errors_total", &[]), Some(0.0));
    let refused = |line: &&String| line.contains(" 403 ");
    assert_eq!(proxy.log().iter().find(refused), None);
}

#[tokio::test]
async fn a_stream_that_the_proxy_cuts_loses_and_repeats_nothing() {
    let engine = FakeEngine::start();
    let proxy = Proxy::changed(&engine.socket(), |config| {
        replace(&config, "timeout server 1h", "timeout server 2s", 1)
    });
    let exporter = behind(&proxy).await;
    let id = engine.run("web");
    let mut lines = 0;
    let mut log = |code, count| {
        (0..count).for_each(|_| engine.log(&id, &validate(code)));
        lines += count;
        lines
    };
    for round in 1..=3 {
        let lines = log(200, 20);
        exporter.until_lines("web", lines).await;
        // Two quiet seconds later nobody reads, and just then these are logged.
        let follows = engine.follows(&id);
        let cut = async {
            while engine.is_followed(&id) && engine.follows(&id) == follows {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(DEADLINE, cut).await.unwrap();
        let lines = log(401, 5);
        let page = exporter.until_lines("web", lines).await;
        assert_eq!(
            (page.validate("web", "200"), page.validate("web", "401")),
            (f64::from(20 * round), f64::from(5 * round))
        );
        exporter
            .until("reconnected", |page| {
                reconnects(page, "broken") >= f64::from(round)
            })
            .await;
    }
    let page = exporter.page().await;
    for reason in ["ended", "error", "refused", "silent"] {
        assert_eq!(reconnects(&page, reason), 0.0, "{reason}");
    }
    let of_web = [("container", "web")];
    let duplicates = page.sum("authtail_log_duplicates_total", &of_web);
    assert_eq!(duplicates, Some(0.0));
    // The events are cut as well, and that does not mean that the engine is down.
    let events = page.get("authtail_docker_errors_total{operation=\"events\"}");
    assert!(events.unwrap() >= 1.0, "{events:?}");
    assert_eq!(page.get("authtail_docker_up"), Some(1.0));
}

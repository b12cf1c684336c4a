//! Records that the engine no longer has: they are said to be missing, and the rest is counted.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::Exporter;

/// A log of which the first lines have been read to the end, and are followed again.
async fn audited(engine: &FakeEngine, exporter: &Exporter, requests: u32) -> String {
    let id = engine.create(Container::rotating("web", "10m"));
    engine.print_requests(&id, 200, requests);
    exporter.until_lines("web", requests).await;
    engine.end_streams(&id);
    exporter.until_reconnects("web", "ended", 1).await;
    engine.until_followed(&id).await;
    id
}

#[tokio::test]
async fn what_the_engine_no_longer_has_is_a_gap_and_the_rest_is_counted() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = audited(&engine, &exporter, 5).await;
    engine.hide_requests(&id, 401, 100);
    engine.rotate(&id, 20);
    engine.cut(&id);
    let page = exporter.until_lines("web", 25).await;
    assert_eq!(page.codes(), [5.0, 20.0, 0.0]);
    let page = exporter
        .until("a gap", |page| page.gaps("web") == Some(1.0))
        .await;
    assert_eq!(page.duplicates("web"), Some(0.0));
    let said = exporter.until_log("records are missing").await;
    assert!(said.contains("container=web"), "{said}");

    // It is said once, and the next one is another one.
    engine.print_requests(&id, 200, 5);
    engine.cut(&id);
    engine.print_requests(&id, 403, 5);
    let page = exporter.until_lines("web", 35).await;
    assert_eq!(page.gaps("web"), Some(1.0));
    engine.cut(&id);
    engine.print_requests(&id, 403, 100);
    engine.rotate(&id, 1);
    exporter.until_lines("web", 36).await;
    exporter
        .until("another gap", |page| page.gaps("web") == Some(2.0))
        .await;
}

#[tokio::test]
async fn what_is_gone_before_the_log_was_read_to_its_end_once_is_a_gap_as_well() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "10m"));
    engine.print_requests(&id, 200, 5);
    exporter.until_lines("web", 5).await;
    engine.hide_requests(&id, 401, 100);
    engine.rotate(&id, 20);
    engine.cut(&id);
    let page = exporter.until_lines("web", 25).await;
    assert_eq!(page.codes(), [5.0, 20.0, 0.0]);
    exporter
        .until("a gap", |page| page.gaps("web") == Some(1.0))
        .await;
}

#[tokio::test]
async fn what_is_gone_behind_a_stream_that_goes_on_is_a_gap() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = audited(&engine, &exporter, 5).await;
    engine.hide_requests(&id, 401, 100);
    engine.rotate(&id, 20);
    engine.print_requests(&id, 403, 5);
    engine.deliver_again(&id, 1);
    let page = exporter.until_lines("web", 30).await;
    assert_eq!(page.codes(), [5.0, 20.0, 5.0]);
    exporter
        .until("a gap", |page| page.gaps("web") == Some(1.0))
        .await;
}

#[tokio::test]
async fn a_log_that_was_emptied_is_counted_from_its_new_beginning() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = audited(&engine, &exporter, 5).await;
    engine.truncate(&id);
    engine.end_streams(&id);
    // Nobody can know whether all that was in it has been seen.
    exporter
        .until("a gap", |page| page.gaps("web") == Some(1.0))
        .await;
    for round in 1..=3 {
        engine.print_requests(&id, 401, 5);
        exporter.until_lines("web", 5 + 5 * round).await;
        engine.end_streams(&id);
    }
    let page = exporter.page().await;
    assert_eq!(page.codes(), [5.0, 15.0, 0.0]);
    assert_eq!(page.gaps("web"), Some(1.0));
    assert_eq!(page.duplicates("web"), Some(0.0));
}

#[tokio::test]
async fn a_log_that_stays_empty_is_one_gap() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = audited(&engine, &exporter, 5).await;
    engine.rotate(&id, 0);
    for round in 2..=5 {
        engine.until_followed(&id).await;
        engine.end_streams(&id);
        exporter
            .until("opened again", |page| {
                page.reconnects("web") == Some(f64::from(round))
            })
            .await;
    }
    let page = exporter
        .until("a gap", |page| page.gaps("web") >= Some(1.0))
        .await;
    assert_eq!(page.gaps("web"), Some(1.0));
    assert_eq!(page.lines("web"), 5.0);
}

#[tokio::test]
async fn a_log_that_is_emptied_under_a_silent_stream_is_found() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    engine.print_requests(&id, 200, 5);
    exporter.until_lines("web", 5).await;
    engine.truncate(&id);
    engine.print_requests(&id, 401, 5);
    let start = Instant::now();
    while engine.follows(&id) < 2 {
        assert!(start.elapsed() < Duration::from_mins(1), "never found");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let page = exporter.until_lines("web", 10).await;
    assert_eq!(page.codes(), [5.0, 5.0, 0.0]);
    assert_eq!(page.duplicates("web"), Some(0.0));
}

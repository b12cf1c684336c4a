//! Numbers and positions are kept: after an end of any kind counting goes on where it was.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{Exporter, Page};
use crate::support::records::{Record, Stream, pieces, validate};

fn state() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    (folder, file)
}

/// What an exporter shows of the state alone, without an engine.
async fn kept(file: &Path) -> Page {
    let gone = FakeEngine::stopped();
    let exporter = Exporter::keeping(&gone, file).await;
    exporter.page().await
}

fn assert_whole(page: &Page, lines: u32) {
    assert_eq!(page.validate("web", "401"), f64::from(lines));
    assert_eq!(page.gaps("web"), Some(0.0));
    assert_eq!(page.duplicates("web"), Some(0.0));
}

#[tokio::test]
async fn after_a_kill_counting_goes_on_exactly_where_it_was() {
    let engine = FakeEngine::start();
    let (_folder, file) = state();
    let mut exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.run("web");
    let mut lines = 0;
    for _ in 0..5 {
        engine.print_requests(&id, 401, 10);
        lines += 10;
        let page = exporter.until_lines("web", lines).await;
        // These may have been counted, but nobody has seen them on a page.
        engine.print_requests(&id, 401, 10);
        exporter.kill().await;
        engine.print_requests(&id, 401, 10);
        lines += 20;
        exporter = Exporter::keeping(&engine, &file).await;
        exporter.until_log("numbers restored").await;
        exporter.page().await.assert_not_below(&page);
        exporter.until_lines("web", lines).await;
    }
    assert_whole(&exporter.page().await, lines);
}

#[tokio::test]
async fn what_a_page_has_shown_is_kept_without_an_engine() {
    for signal in ["-KILL", "-TERM", "-INT"] {
        let mut engine = FakeEngine::start();
        let (_folder, file) = state();
        let exporter = Exporter::keeping(&engine, &file).await;
        let id = engine.run("web");
        engine.print_requests(&id, 401, 10);
        let page = exporter.until_lines("web", 10).await;
        exporter.terminate(signal).await;
        engine.crash();
        drop(engine);
        let again = kept(&file).await;
        again.assert_not_below(&page);
        assert_eq!(again.lines("web"), 10.0, "{signal}");
        assert_eq!(again.validate("web", "401"), 10.0, "{signal}");
    }
}

#[tokio::test]
async fn a_stop_saves_what_no_page_has_shown() {
    let engine = FakeEngine::start();
    let (_folder, file) = state();
    let exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.run("web");
    engine.print_requests(&id, 401, 10);
    exporter.until_lines("web", 10).await;
    engine.print_requests(&id, 401, 10);
    // All of it has been read when this is said.
    engine.remove(&id);
    exporter.until_log("container is gone").await;
    assert!(exporter.terminate("-TERM").await.success());
    assert_eq!(kept(&file).await.lines("web"), 20.0);
}

#[tokio::test]
async fn numbers_are_kept_though_nobody_asks_for_a_page() {
    let engine = FakeEngine::start();
    let (_folder, file) = state();
    let exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.run("web");
    let saved = || std::fs::read(&file).unwrap_or_default();
    let until_saved = async |is_wanted: &dyn Fn(&[u8]) -> bool| {
        let start = Instant::now();
        while !is_wanted(&saved()) {
            assert!(start.elapsed() < Duration::from_secs(20), "not saved");
            sleep(Duration::from_millis(50)).await;
        }
    };
    // The container is known, and then nothing changes but what is counted.
    until_saved(&|state| state.windows(id.len()).any(|text| text == id.as_bytes())).await;
    let before = saved();
    engine.print_requests(&id, 401, 1);
    until_saved(&|state| state != before).await;
    exporter.kill().await;
    assert_eq!(kept(&file).await.lines("web"), 1.0);
}

#[tokio::test]
async fn a_page_says_when_the_numbers_were_saved() {
    let engine = FakeEngine::start();
    let (_folder, file) = state();
    let exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.run("web");
    engine.print_requests(&id, 401, 1);
    let page = exporter.until_lines("web", 1).await;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let saved = page.get("authtail_state_last_save_timestamp_seconds");
    assert!(
        (now.as_secs_f64() - saved.unwrap()).abs() < 10.0,
        "{page:?}"
    );
    assert_eq!(page.get("authtail_state_save_failures_total"), Some(0.0));
}

#[tokio::test]
async fn a_kill_at_any_moment_takes_nothing_from_a_page_and_loses_nothing() {
    let engine = FakeEngine::start();
    let (_folder, file) = state();
    let mut exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.create(Container::rotating("web", "100k"));
    let mut lines = 0;
    for round in 0..25 {
        // From the first milliseconds after a start to the midst of saving.
        let life = Duration::from_millis(round * 53 % 160);
        let start = Instant::now();
        let mut last = None;
        while start.elapsed() < life {
            engine.print_requests(&id, 401, 50);
            lines += 50;
            let page = exporter.page().await;
            if let Some(last) = &last {
                page.assert_not_below(last);
            }
            last = Some(page);
        }
        engine.print_requests(&id, 401, 50);
        lines += 50;
        exporter.kill().await;
        exporter = Exporter::keeping(&engine, &file).await;
        if let Some(last) = &last {
            exporter.page().await.assert_not_below(last);
        }
        assert!(!exporter.log().iter().any(|line| line.contains("set aside")));
    }
    assert_whole(&exporter.until_lines("web", lines).await, lines);
}

#[tokio::test]
async fn a_line_that_is_unfinished_at_the_end_is_finished_afterwards() {
    for signal in ["-KILL", "-TERM"] {
        let engine = FakeEngine::start();
        let (_folder, file) = state();
        let mut exporter = Exporter::keeping(&engine, &file).await;
        let id = engine.run("web");
        let path = format!("/api/v1/auth/validate?next={}", "x".repeat(60_000));
        let line = format!(r#"INFO:     172.26.0.3:1 - "GET {path} HTTP/1.1" 403 Forbidden"#);
        let mut others = 0;
        for piece in pieces(10, Stream::Stdout, &line) {
            engine.until_followed(&id).await;
            let is_last = piece.bytes.ends_with(b"\n");
            engine.record(&id, piece);
            // Its stream has brought the piece when it has brought what was written after it.
            engine.log_to(&id, Stream::Stderr, &validate(401));
            others += 1;
            let lines = others + u32::from(is_last);
            exporter.until_lines("web", lines).await;
            exporter.terminate(signal).await;
            exporter = Exporter::keeping(&engine, &file).await;
        }
        engine.record(&id, Record::line(11, &validate(401)));
        let page = exporter.until_lines("web", others + 2).await;
        assert_eq!(page.validate("web", "403"), 1.0, "{signal}");
        assert_whole(&page, others + 1);
        let length = |text: &str| f64::from(u32::try_from(text.len() + 1).unwrap());
        let bytes = length(&line) + f64::from(others + 1) * length(&validate(401));
        assert_eq!(page.bytes("web"), Some(bytes), "{signal}");
    }
}

#[tokio::test]
async fn a_hole_that_is_open_at_a_kill_is_filled_afterwards() {
    let engine = FakeEngine::start();
    let (_folder, file) = state();
    let exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.create(Container::rotating("web", "10m"));
    engine.print_requests(&id, 401, 3);
    exporter.until_lines("web", 3).await;
    engine.withhold(&id);
    engine.print_requests(&id, 401, 2_000);
    engine.resume(&id);
    engine.print_requests(&id, 401, 3);
    let page = exporter.until_lines("web", 6).await;
    exporter.kill().await;
    let exporter = Exporter::keeping(&engine, &file).await;
    exporter.page().await.assert_not_below(&page);
    assert_whole(&exporter.until_lines("web", 2_006).await, 2_006);
}

#[tokio::test]
async fn what_was_sent_again_and_what_is_missing_stay_said() {
    let engine = FakeEngine::start();
    let (_folder, file) = state();
    let exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.create(Container::rotating("web", "10m"));
    engine.print_requests(&id, 401, 3);
    exporter.until_lines("web", 3).await;
    engine.deliver_again(&id, 2);
    exporter
        .until("repeated", |page| page.duplicates("web") == Some(2.0))
        .await;
    engine.end_streams(&id);
    exporter.until_reconnects("web", "ended", 1).await;
    engine.until_followed(&id).await;
    engine.end_streams(&id);
    engine.print_requests(&id, 401, 10);
    engine.rotate(&id, 4);
    let is_wanted = |page: &Page| {
        page.lines("web") == 7.0
            && page.gaps("web") == Some(1.0)
            && page.duplicates("web") == Some(2.0)
            && page.reconnects("web") == Some(2.0)
    };
    exporter.until("all said", is_wanted).await;
    exporter.kill().await;
    let exporter = Exporter::keeping(&engine, &file).await;
    let page = exporter.page().await;
    assert!(is_wanted(&page), "{page:#?}");
    engine.print_requests(&id, 401, 1);
    let page = exporter.until_lines("web", 8).await;
    assert_eq!(page.gaps("web"), Some(1.0));
}

#[tokio::test]
async fn without_a_file_nothing_is_kept_and_that_is_said() {
    let engine = FakeEngine::start();
    let exporter = Exporter::with(&engine, &["--state.file", ""]).await;
    exporter.until_log("not keeping numbers").await;
    let id = engine.run("web");
    engine.print_requests(&id, 401, 5);
    let page = exporter.until_lines("web", 5).await;
    assert_eq!(page.get("authtail_state_last_save_timestamp_seconds"), None);
    assert_eq!(page.get("authtail_state_save_failures_total"), Some(0.0));
    assert!(exporter.terminate("-TERM").await.success());
    // It was there before, so it is counted from now on.
    let exporter = Exporter::with(&engine, &["--state.file", ""]).await;
    exporter.until_ready().await;
    engine.print_requests(&id, 401, 1);
    exporter.until_lines("web", 1).await;
}

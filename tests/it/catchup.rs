//! Backlogs, floods and crowds: it may take a while, but nothing is lost and memory is bounded.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::support::engine::{Container, FakeEngine, Gate, Reply};
use crate::support::exporter::{Exporter, Page};

/// Logs that many lines of three kilobytes.
fn flood(engine: &FakeEngine, id: &str, lines: u32, width: usize) {
    let line = "x".repeat(width);
    (0..lines).for_each(|_| engine.log(id, &line));
}

fn file(engine: &FakeEngine) -> PathBuf {
    engine.directory().join("state")
}

fn memory(page: &Page) -> f64 {
    page.get("process_resident_memory_bytes").unwrap()
}

/// An engine with a container of which ten lines have been counted.
async fn counted() -> (FakeEngine, String) {
    let engine = FakeEngine::start();
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    let id = engine.run("web");
    engine.print_requests(&id, 401, 10);
    exporter.until_lines("web", 10).await;
    exporter.kill().await;
    (engine, id)
}

#[tokio::test]
async fn it_is_ready_when_the_backlog_has_been_read_and_shows_numbers_all_the_time() {
    let (engine, id) = counted().await;
    engine.print_requests(&id, 401, 20_000);
    engine.hold(&id);
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    engine.until_held(&id).await;
    // The engine has been up for a while, and still this is not the end of the log.
    for _ in 0..20 {
        assert_eq!(exporter.get("/-/ready").await.status, 503);
        assert_eq!(exporter.page().await.lines("web"), 10.0);
        assert_eq!(exporter.get("/-/healthy").await.status, 200);
        sleep(Duration::from_millis(10)).await;
    }
    engine.release(&id);
    exporter.until_ready().await;
    let page = exporter.until_lines("web", 20_010).await;
    assert_eq!(page.validate("web", "401"), 20_010.0);
    assert_eq!(page.gaps("web"), Some(0.0));
    // It stays ready when more comes.
    engine.print_requests(&id, 401, 1);
    exporter.until_lines("web", 20_011).await;
    assert_eq!(exporter.get("/-/ready").await.status, 200);
}

#[tokio::test]
async fn one_log_that_is_not_read_yet_is_enough_to_be_not_ready() {
    let engine = FakeEngine::start();
    let ids: Vec<_> = (0..3).map(|at| engine.run(&format!("web-{at}"))).collect();
    engine.hold(&ids[1]);
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    engine.until_followed(&ids[0]).await;
    engine.until_followed(&ids[2]).await;
    assert_eq!(exporter.get("/-/ready").await.status, 503);
    // What comes later does not count.
    let new = engine.create_silently(Container::running("new"));
    engine.hold(&new);
    engine.event("start", &new);
    engine.release(&ids[1]);
    exporter.until_ready().await;
}

#[tokio::test]
async fn a_container_that_goes_away_or_cannot_be_read_holds_nobody_up() {
    let engine = FakeEngine::start();
    let (gone, unreadable) = (engine.run("gone"), engine.run("unreadable"));
    engine.hold(&gone);
    let text = r#"{"message":"configured logging driver does not support reading"}"#;
    let refusal = Reply::Status(501, text);
    engine.script(&unreadable, vec![refusal; 100]);
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    exporter.until_log("log is not readable").await;
    assert_eq!(exporter.get("/-/ready").await.status, 503);
    engine.remove(&gone);
    exporter.until_ready().await;
}

#[tokio::test]
async fn a_long_backlog_is_read_in_little_memory() {
    let (engine, id) = counted().await;
    // More than the process may take.
    flood(&engine, &id, 25_000, 3_000);
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    let mut last = exporter.page().await;
    let mut most = memory(&last);
    let start = Instant::now();
    while exporter.get("/-/ready").await.status != 200 {
        let page = exporter.page().await;
        page.assert_not_below(&last);
        most = most.max(memory(&page));
        last = page;
        assert!(start.elapsed() < Duration::from_mins(5), "{last:?}");
        sleep(Duration::from_millis(20)).await;
    }
    let page = exporter.until_lines("web", 25_010).await;
    assert_eq!(page.gaps("web"), Some(0.0));
    most = most.max(memory(&page));
    assert!(most < 40.0 * f64::from(1 << 20), "{most} bytes");
    engine.print_requests(&id, 401, 1);
    exporter.until_lines("web", 25_011).await;
}

#[tokio::test]
async fn a_backlog_is_read_though_the_engine_goes_away_meanwhile() {
    let (mut engine, id) = counted().await;
    engine.print_requests(&id, 401, 20_000);
    engine.hold(&id);
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    engine.until_held(&id).await;
    engine.crash();
    exporter.until_engine_is(0.0).await;
    assert_eq!(exporter.get("/-/ready").await.status, 503);
    // The new socket is another file.
    engine.release(&id);
    engine.listen();
    exporter.until_ready().await;
    let page = exporter.until_lines("web", 20_010).await;
    assert_eq!(page.gaps("web"), Some(0.0));
}

#[tokio::test]
async fn a_reader_that_is_too_slow_loses_nothing_and_takes_no_memory() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "1m"));
    engine.print_requests(&id, 401, 10);
    let before = memory(&exporter.until_lines("web", 10).await);
    let mut lines = 10;
    for _ in 0..2 {
        exporter.signal("-STOP").await;
        flood(&engine, &id, 5_000, 1_000);
        // An engine leaves out whole files when nobody takes what it sends.
        engine.withhold(&id);
        flood(&engine, &id, 5_000, 1_000);
        engine.resume(&id);
        flood(&engine, &id, 5_000, 1_000);
        lines += 15_000;
        exporter.signal("-CONT").await;
        let page = exporter.until_lines("web", lines).await;
        // Much less than what it was sent.
        let more = memory(&page) - before;
        assert!(more < 8.0 * f64::from(1 << 20), "{more} bytes more");
    }
    let page = exporter.page().await;
    assert_eq!(page.gaps("web"), Some(0.0));
    assert_eq!(page.duplicates("web"), Some(0.0));
}

#[tokio::test]
async fn a_proxy_that_cuts_everything_again_and_again_loses_nothing() {
    let engine = FakeEngine::start();
    let gate = Gate::before(&engine).await;
    let exporter = Exporter::behind(&gate).await;
    let ids: Vec<_> = ["plain", "rotating"]
        .map(|name| match name {
            "plain" => Container::running(name),
            _ => Container::rotating(name, "100k"),
        })
        .into_iter()
        .map(|container| engine.create(container))
        .collect();
    gate.limit(Some(Duration::from_millis(100)));
    for id in &ids {
        engine.until_followed(id).await;
        engine.end_streams(id);
    }
    let mut lines = 0;
    while gate.cuts() < 20 {
        for id in &ids {
            engine.print_requests(id, 401, 10);
        }
        lines += 10;
        sleep(Duration::from_millis(10)).await;
    }
    gate.limit(None);
    for name in ["plain", "rotating"] {
        let page = exporter.until_lines(name, lines).await;
        assert_eq!(page.validate(name, "401"), f64::from(lines), "{name}");
        assert_eq!(page.gaps(name), Some(0.0), "{name}");
        assert_eq!(page.duplicates(name), Some(0.0), "{name}");
    }
}

#[tokio::test]
async fn a_thousand_containers_need_more_files_than_the_soft_limit_allows() {
    raise_own_limit().await;
    let mut engine = FakeEngine::start();
    let config = engine.directory().join("authtail.yml");
    fs::write(&config, "metrics: {max_series: 1000000}\n").unwrap();
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", r#"ulimit -Sn 100; exec "$0" "$@""#])
        .arg(env!("CARGO_BIN_EXE_authtail"))
        .args(["--web.listen-address", "127.0.0.1:0", "--docker.host"])
        .arg(engine.socket())
        .arg("--config.file")
        .arg(config)
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let exporter = Exporter::start(command).await;
    exporter.until_log("the engine is up").await;
    let ids: Vec<_> = (0..1_000)
        .map(|at| engine.run(&format!("web-{at}")))
        .collect();
    for round in 1..=2 {
        for id in &ids {
            engine.until_followed(id).await;
            engine.print_requests(id, 401, 1);
        }
        let expected = Some(1_000.0 * f64::from(round));
        let lines = |page: &Page| page.sum("authtail_log_lines_total", &[]);
        exporter
            .until("all counted", |page| lines(page) == expected)
            .await;
        // All of them at once once more.
        engine.crash();
        engine.listen();
    }
    let page = exporter.page().await;
    assert!(page.get("process_max_fds").unwrap() > 1_000.0);
    assert_eq!(page.sum("authtail_log_readable", &[]), Some(1_000.0));
}

/// The fake engine has as many connections, and they are in this process.
async fn raise_own_limit() {
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft: u64 = files
        .unwrap()
        .split_whitespace()
        .nth(3)
        .unwrap()
        .parse()
        .unwrap();
    if soft < 4_096 {
        let own = std::process::id().to_string();
        let mut raise = Command::new("prlimit");
        raise.args(["--nofile=4096:", "--pid", &own]);
        assert!(raise.status().await.unwrap().success());
    }
}

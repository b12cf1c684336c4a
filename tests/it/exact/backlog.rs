//! An exporter that comes back to a long log.

use tokio::time::{Instant, sleep};

use super::stage::Stage;
use super::truth::Truth;
use super::watch::PERIOD;
use super::{LIMIT, PATIENCE, SAVED, scaled};
use crate::docker::lab::Lab;
use crate::support::exporter::Page;

const MAX_MEMORY: f64 = 40.0 * 1024.0 * 1024.0;

#[tokio::test]
async fn a_backlog_is_counted_exactly_in_little_memory_and_shown_as_it_grows() {
    let mut stage = Stage::new(Lab::alone().await).await;
    let log = ["--log-opt=max-size=20m", "--log-opt=max-file=20"];
    let mut web = stage.run("web", &log).await;
    let (before, backlog) = (1_000, scaled(1_000_000, 100_000));
    web.tell(&format!("numbered 0 {before}")).await;
    stage.until_lines(&web.name, 1_000.0).await;

    let down = stage.down("-TERM").await;
    web.send(&format!("numbered {before} {backlog}")).await;
    web.done_within(LIMIT).await;
    let (printed, after) = (before + backlog, scaled(20_000, 4_000));
    web.send(&format!("numbered {printed} {after} rate=1000"))
        .await;
    let mut stage = down.up().await;

    let seen = catch_up(&mut stage, &web.name, Truth::of(0..printed).lines).await;
    assert!(seen.refused > 0, "ready before the end: {seen:?}");
    assert!(
        seen.steps > scaled(2, 0),
        "no progress to be seen: {seen:?}"
    );
    web.done_within(LIMIT).await;

    let mut truth = Truth::of(0..printed + after);
    stage.until_held(&web.name, &truth).await;
    let outcome = stage.settle(&mut web, &mut truth).await;
    stage.assert_exact("authtail down under load, then a backlog", outcome);
}

/// What was seen on the way.
#[derive(Debug, Default)]
struct Seen {
    /// Times that it was not ready.
    refused: u32,
    /// Pages that showed more than the one before.
    steps: u32,
}

/// Scrapes until the exporter is ready; by then it must have counted that many lines.
async fn catch_up(stage: &mut Stage, container: &str, lines: f64) -> Seen {
    let mut seen = Seen::default();
    let mut before = 0.0;
    loop {
        let is_ready = stage.exporter.get("/-/ready").await.status == 200;
        let page = stage.watch.page(&stage.exporter).await;
        let memory = page.get("process_resident_memory_bytes").unwrap();
        assert!(memory < MAX_MEMORY, "{memory} bytes, {seen:?}");
        if is_ready {
            let ready = Instant::now();
            let reached =
                |page: &Page| page.lines(container) >= lines || ready.elapsed() > 2 * SAVED;
            let (watch, exporter) = (&mut stage.watch, &stage.exporter);
            let page = watch.until(exporter, PATIENCE, container, reached).await;
            assert!(page.lines(container) >= lines, "ready too early: {seen:?}");
            return seen;
        }
        seen.refused += 1;
        if page.lines(container) > before {
            before = page.lines(container);
            seen.steps += 1;
        }
        sleep(PERIOD).await;
    }
}

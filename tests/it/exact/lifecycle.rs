//! Containers that are ended and started again and again, and removed at work.

use super::report::Outcome;
use super::stage::Stage;
use super::truth::Truth;
use super::{LIMIT, scaled};
use crate::docker::lab::Lab;
use crate::support::exporter::Page;

/// A container is at work when it has printed this much more.
const STEP: f64 = 300.0;
/// More than is ever printed.
const AT_WORK: &str = "numbered 0 1000000 rate=1000";

#[tokio::test]
async fn a_container_that_is_stopped_and_started_at_work_is_counted_exactly() {
    let mut stage = Stage::new(Lab::new().await).await;
    let web = stage.run_with("web", &[], &[AT_WORK]).await;
    let mut lines = STEP;
    for _ in 0..scaled(10, 3) {
        for commands in [
            &[&["stop", "--time", "0"][..], &["start"]][..],
            &[&["restart", "--time", "0"]],
            &[&["kill"], &["start"]],
        ] {
            let page = stage.until_lines(&web.name, lines).await;
            lines = page.lines(&web.name) + STEP;
            for command in commands {
                web.docker(command).await;
            }
        }
    }
    stage.until_lines(&web.name, lines).await;
    web.docker(&["stop", "--time", "0"]).await;
    // Only the engine knows how far it came each time.
    let truth = stage.held(&web.name).await;
    let outcome = stage.finish(&web, &truth).await;
    stage.assert_exact("stop, start, kill, restart", outcome);
}

#[tokio::test]
async fn a_crash_loop_is_counted_exactly() {
    let mut stage = Stage::new(Lab::new().await).await;
    // The engine waits twice as long before each start, from 100 ms on.
    let restarts = scaled(8, 4);
    let policy = format!("--restart=on-failure:{restarts}");
    let commands = ["numbered 0 200", "exit 1"];
    let web = stage.run_with("web", &[&policy], &commands).await;
    let mut truth = Truth::default();
    for _ in 0..=restarts {
        truth.add(&Truth::of(0..200));
    }
    stage.until_lines(&web.name, truth.lines).await;
    stage.until_held(&web.name, &truth).await;
    let outcome = stage.finish(&web, &truth).await;
    stage.assert_exact("crash loop", outcome);
}

#[tokio::test]
async fn a_container_that_is_removed_at_work_is_counted_exactly() {
    let mut stage = Stage::new(Lab::alone().await).await;
    let mut total = Outcome::default();
    for round in 0..scaled(10, 3) {
        let command = "numbered 0 1000000 rate=3000";
        let what = format!("web{round}");
        let web = stage.run_with(&what, &[], &[command]).await;
        stage.until_lines(&web.name, 2.0 * STEP).await;
        web.docker(&["rm", "-f"]).await;
        stage.until_gone(&web.name).await;
        // It may have been ended between a line and its own note of it.
        let noted = usize::try_from(web.progress()).unwrap();
        let more = stage.compare(&web.name, &Truth::of(0..=noted)).await;
        total += if more.lost == 0.0 {
            more
        } else {
            stage.compare(&web.name, &Truth::of(0..noted)).await
        };
    }
    stage.assert_exact("`rm -f` at work", total);
}

#[tokio::test]
async fn a_container_that_removes_itself_after_a_burst_is_counted_exactly() {
    let mut stage = Stage::new(Lab::alone().await).await;
    let count = scaled(50_000, 10_000);
    let (mut total, mut name) = (Truth::default(), String::new());
    for _ in 0..scaled(5, 2) {
        let mut web = stage.run("web", &["--rm"]).await;
        // It is being read before it ends: what is gone when we come cannot be read.
        web.tell("print 1 200").await;
        total.mark();
        stage.until_lines(&web.name, total.lines).await;
        web.send(&format!("numbered 0 {count}")).await;
        web.send("exit 0").await;
        web.done_within(LIMIT).await;
        total.add(&Truth::of(0..count));
        stage.until_lines(&web.name, total.lines).await;
        name.clone_from(&web.name);
    }
    let outcome = stage.compare(&name, &total).await;
    stage.assert_exact("a burst, then `--rm`", outcome);
}

#[tokio::test]
async fn a_container_that_is_renamed_at_work_is_counted_exactly() {
    let mut stage = Stage::new(Lab::new().await).await;
    let mut web = stage.run("web", &[]).await;
    let count = scaled(20_000, 5_000);
    let mut truth = Truth::of(0..count);
    web.send(&format!("numbered 0 {count} rate=1000")).await;
    let other = stage.lab.name("other");
    for _ in 0..scaled(10, 3) {
        for names in [[&web.name, &other], [&other, &web.name]] {
            let mut rename = stage.lab.command();
            rename.arg("rename").args(names);
            assert!(rename.status().await.unwrap().success());
        }
        let page = stage.watch.page(&stage.exporter).await;
        stage
            .until_lines(&web.name, page.lines(&web.name) + STEP)
            .await;
    }
    web.done_within(LIMIT).await;
    stage.until_held(&web.name, &truth).await;
    let outcome = stage.settle(&mut web, &mut truth).await;
    let page: Page = stage.watch.page(&stage.exporter).await;
    assert_eq!(page.lines(&other), 0.0);
    stage.assert_exact("renamed at work", outcome);
}

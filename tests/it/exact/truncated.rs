//! A log file that is emptied under the engine's hands, as `logrotate` does with `copytruncate`.

use std::path::PathBuf;

use tokio::process::Command;

use super::stage::Stage;
use super::truth::Truth;
use super::{LIMIT, report, scaled};
use crate::docker::lab::{Lab, run};

#[tokio::test]
async fn a_log_that_is_emptied_loses_only_what_nobody_had_read() {
    let mut stage = Stage::new(Lab::new().await).await;
    let mut web = stage.run("web", &[]).await;
    let part = scaled(20_000, 3_000);

    // All that is cut has been counted.
    web.tell(&format!("numbered 0 {part} rate=3000")).await;
    let read = Truth::of(0..part);
    stage.until_lines(&web.name, read.lines).await;
    empty(&stage.lab, &web.name).await;
    web.tell(&format!("numbered {part} {part} rate=3000")).await;
    let mut printed = Truth::of(0..2 * part);
    stage.until_lines(&web.name, printed.lines).await;
    let live = stage.compare(&web.name, &printed).await;
    assert_eq!((live.lost, live.duplicated), (0.0, 0.0), "{live:?}");

    // These are cut while nobody reads.
    let down = stage.down("-TERM").await;
    let cut = 700;
    web.tell(&format!("numbered {} {cut}", 2 * part)).await;
    empty(&down.lab, &web.name).await;
    web.send(&format!("numbered {} {part} rate=3000", 2 * part + cut))
        .await;
    let mut stage = down.up().await;
    web.done_within(LIMIT).await;
    let mut left = printed.clone();
    left.add(&Truth::of(2 * part + cut..3 * part + cut));
    let exact = stage.settle(&mut web, &mut left).await;
    printed = left;
    printed.add(&Truth::of(2 * part..2 * part + cut));
    let outcome = stage.compare(&web.name, &printed).await;
    report::row("`truncate -s0` on the live log", outcome);
    let log = stage.exporter.log();
    assert_eq!((exact.lost, exact.duplicated), (0.0, 0.0), "{log:#?}");
    assert!(outcome.gaps > 0.0, "{outcome:?}\n{log:#?}");
}

/// Empties the log of a container.
async fn empty(lab: &Lab, container: &str) {
    let mut inspect = lab.command();
    inspect.args(["inspect", "--format", "{{.LogPath}}", container]);
    let path = PathBuf::from(run(inspect, LIMIT).await);
    let mut truncate = Command::new("truncate");
    truncate.arg("-s0").arg(path);
    run(truncate, LIMIT).await;
}

//! Logs that rotate while they are written as fast as the engine takes them. All that was printed is
//! still on the disk.

use super::proxy::{Fault, Proxy};
use super::stage::Stage;
use super::truth::Truth;
use super::{LIMIT, scaled};
use crate::docker::lab::Lab;

/// Options of a log that rotates; the short one holds as many files.
fn rotating(driver: &str, full: &str, short: &str) -> [String; 3] {
    let size = scaled(full, short);
    [
        format!("--log-driver={driver}"),
        format!("--log-opt=max-size={size}"),
        "--log-opt=max-file=50".to_owned(),
    ]
}

fn lines() -> usize {
    scaled(200_000, 20_000)
}

async fn is_exact(mut stage: Stage, case: &str, log: [String; 3], options: &str, count: usize) {
    let log: Vec<_> = log.iter().map(String::as_str).collect();
    let mut web = stage.run("web", &log).await;
    let long = options
        .split_once("long=")
        .map(|(_, every)| every.parse().unwrap());
    let mut truth = Truth::of_some_long(0..count, long);
    web.send(&format!("numbered 0 {count} {options}")).await;
    web.done_within(LIMIT).await;
    // Only now, when nothing is put aside any more: Docker 20.10 may show a second reader what a
    // compressed file held before.
    stage.until_lines(&web.name, truth.lines).await;
    stage.until_held(&web.name, &truth).await;
    let outcome = stage.settle(&mut web, &mut truth).await;
    stage.assert_exact(case, outcome);
}

#[tokio::test]
async fn a_log_that_rotates_at_full_speed_is_counted_exactly() {
    let stage = Stage::new(Lab::alone().await).await;
    let case = "flat out into `max-size=1m,max-file=50`";
    let log = rotating("json-file", "1m", "100k");
    is_exact(stage, case, log, "to=out", lines()).await;
}

#[tokio::test]
async fn two_streams_at_full_speed_are_counted_exactly() {
    let stage = Stage::new(Lab::alone().await).await;
    let case = "the same, two streams at once";
    let log = rotating("json-file", "1m", "100k");
    is_exact(stage, case, log, "to=each", lines()).await;
}

#[tokio::test]
async fn a_slow_reading_of_a_log_that_rotates_is_exact() {
    let proxy = Proxy::start(Fault::Slow(1_000_000));
    let stage = Stage::with(Lab::alone().await, &proxy.socket()).await;
    let case = "the same, our reading slowed to 1 MB/s";
    let log = rotating("json-file", "1m", "100k");
    is_exact(stage, case, log, "to=out", lines()).await;
}

#[tokio::test]
async fn compressed_files_of_the_local_driver_are_counted_exactly() {
    let stage = Stage::new(Lab::alone().await).await;
    let case = "`local` driver, compressed rotation";
    let log = rotating("local", "1m", "100k");
    is_exact(stage, case, log, "to=each", lines()).await;
}

#[tokio::test]
async fn long_lines_among_short_ones_are_counted_exactly() {
    let stage = Stage::new(Lab::alone().await).await;
    let case = "lines of 40 and 60 KB (pieces, some equal) among short ones, rotation";
    // Every third file or so begins within a line.
    let log = rotating("json-file", "1m", "200k");
    is_exact(stage, case, log, "long=10", scaled(8_000, 1_500)).await;
}

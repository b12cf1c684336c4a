//! Connections that never live long.

use std::time::Duration;

use super::proxy::{Fault, Proxy};
use super::stage::Stage;
use super::truth::Truth;
use super::{LIMIT, scaled};
use crate::docker::lab::Lab;

const LIFE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn streams_that_are_cut_every_two_seconds_are_counted_exactly() {
    is_exact("socket proxy that cuts every stream after 2 s", &[]).await;
}

#[tokio::test]
async fn streams_of_a_log_that_rotates_are_counted_exactly_when_they_are_cut() {
    let log = ["--log-opt=max-size=100k", "--log-opt=max-file=500"];
    is_exact("the same, the log rotates", &log).await;
}

async fn is_exact(case: &str, log: &[&str]) {
    let proxy = Proxy::start(Fault::Cut(LIFE));
    let mut stage = Stage::with(Lab::new().await, &proxy.socket()).await;
    let mut web = stage.run("web", log).await;
    let seconds = scaled(30, 8);
    let (steady, burst) = (2_000 * seconds, scaled(50_000, 5_000));
    let count = steady + burst;
    web.send(&format!("numbered 0 {steady} rate=2000")).await;
    web.send(&format!("numbered {steady} {burst} to=each"))
        .await;
    for _ in 0..2 {
        web.done_within(LIMIT).await;
    }
    let mut truth = Truth::of(0..count);
    stage.until_held(&web.name, &truth).await;
    let outcome = stage.settle(&mut web, &mut truth).await;
    let page = stage.watch.page(&stage.exporter).await;
    let reconnects = page.reconnects(&web.name).unwrap();
    assert!(reconnects >= 3.0, "hardly ever cut: {reconnects}");
    stage.assert_exact(case, outcome);
}

//! A log that is gone before anybody can read it: what the engine still held is counted once, and
//! that something is missing is said.

use super::report;
use super::stage::Stage;
use super::truth::Truth;
use super::{LIMIT, scaled};
use crate::docker::lab::Lab;

#[tokio::test]
async fn what_a_small_log_could_not_hold_is_reported_and_nothing_is_counted_twice() {
    let mut stage = Stage::new(Lab::alone().await).await;
    let log = ["--log-opt=max-size=10k", "--log-opt=max-file=3"];
    let mut web = stage.run("web", &log).await;
    let count = scaled(20_000, 10_000);
    let mut truth = Truth::of(0..count);
    // 100 lines are about two files.
    web.send(&format!("numbered 0 {count} rate=10000 burst=100"))
        .await;
    web.done_within(LIMIT).await;
    let name = web.name.clone();
    let held = stage.held(&name).await;
    stage.mark(&mut web, &mut truth).await;
    let outcome = stage.end(&mut web, &mut truth).await;
    report::row("bursts into `max-size=10k,max-file=3`", outcome);

    let log = stage.exporter.log();
    assert_eq!(outcome.duplicated, 0.0, "{outcome:?}\n{log:#?}");
    assert!(
        outcome.lost == 0.0 || outcome.gaps > 0.0,
        "{outcome:?}\n{log:#?}"
    );
    let page = stage.watch.page(&stage.exporter).await;
    let counted = Truth::of_page(&page, &name);
    assert_eq!(held.difference(&counted).lost, 0.0, "{held:?}\n{log:#?}");
}

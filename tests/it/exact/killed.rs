//! An exporter that is killed again and again, and always goes on where it was.

use std::time::Duration;

use tokio::time::timeout;

use super::stage::Stage;
use super::truth::Truth;
use super::{LIMIT, scaled};
use crate::docker::lab::Lab;

/// The longest life of an exporter, in milliseconds.
const LIFE: u64 = 3000;

#[tokio::test]
async fn an_exporter_that_is_killed_at_any_moment_loses_nothing_and_never_goes_back() {
    let mut stage = Stage::new(Lab::alone().await).await;
    let mut web = stage.run("web", &[]).await;
    let count = scaled(300_000, 60_000);
    let mut truth = Truth::of(0..count);
    web.send(&format!("numbered 0 {count} rate=5000")).await;
    for _ in 0..scaled(20, 5) {
        let life = Duration::from_millis(fastrand::u64(..LIFE));
        // Also in the middle of a page.
        let alive = timeout(life, stage.watch.scrape(&stage.exporter));
        alive.await.unwrap_err();
        stage = stage.again("-KILL").await;
    }
    let at_last_kill = usize::try_from(web.progress()).unwrap();
    assert!(at_last_kill < count, "the load was over before the kills");
    web.done_within(LIMIT).await;

    stage.until_held(&web.name, &truth).await;
    let outcome = stage.settle(&mut web, &mut truth).await;
    let case = "`kill -9` of authtail at random moments, 5,000 lines/s, scraped every 200 ms";
    stage.assert_exact(case, outcome);
}

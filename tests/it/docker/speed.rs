//! How soon a line is on the page, and how many lines a short life can have.

use std::time::{Duration, SystemTime};

use crate::support::exporter::{Exporter, Page, authtail};

use super::lab::Lab;

/// From the line to the page.
const LIMIT: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_line_is_on_the_page_within_two_seconds_without_any_configuration() {
    let lab = Lab::alone().await;
    let mut old = lab.run("old", &[], &["print 1 200", "listen"]).await;
    old.done().await;
    // Only the port is chosen, because the default one may be taken.
    let exporter = Exporter::start(authtail(&["--web.listen-address", "127.0.0.1:0"])).await;
    exporter
        .until("series at zero", |page| {
            page.requests(&old.name, "validate", "401") == Some(0.0)
        })
        .await;

    // One that prints as soon as it runs.
    let mut new = lab.run("new", &[], &["print 1 500", "listen"]).await;
    let began = new.done().await;
    exporter
        .until("counted", |page| page.validate(&new.name, "500") == 1.0)
        .await;
    assert_soon(began);

    for count in 1..=5 {
        for printer in [&mut old, &mut new] {
            for code in ["200", "401", "403"] {
                let began = SystemTime::now();
                printer.send(&format!("print 1 {code}")).await;
                let name = &printer.name;
                exporter
                    .until("counted", |page| {
                        page.validate(name, code) == f64::from(count)
                    })
                    .await;
                assert_soon(began);
            }
        }
    }
}

fn assert_soon(began: SystemTime) {
    let elapsed = began.elapsed().unwrap();
    assert!(elapsed < LIMIT, "{elapsed:?}");
}

/// 10,000 lines flat out, and what they make.
const BURST: &str = "print 10000 200,401,401,403,500";
const COUNTS: [f64; 4] = [2_000.0, 4_000.0, 2_000.0, 2_000.0];

fn counts(page: &Page, container: &str) -> [f64; 4] {
    ["200", "401", "403", "500"].map(|code| page.validate(container, code))
}

#[tokio::test]
async fn a_burst_before_the_end_is_counted_in_full() {
    let lab = Lab::new().await;
    let exporter = lab.exporter().await;
    let web = lab.run("web", &[], &[BURST]).await;
    let page = exporter.until_lines(&web.name, 10_000).await;
    assert_eq!(counts(&page, &web.name), COUNTS);
}

#[tokio::test]
async fn a_burst_before_the_removal_is_counted_in_full() {
    // An engine that is busy with others has removed the log before anybody can read its end.
    let lab = Lab::alone().await;
    let exporter = lab.exporter().await;
    let mut web = lab.run("web", &["--rm"], &["listen"]).await;
    // It is followed before it ends: what is gone when we come cannot be read.
    web.tell("print 1 403").await;
    exporter.until_lines(&web.name, 1).await;
    web.send(BURST).await;
    web.send("exit 0").await;
    let page = exporter.until_lines(&web.name, 10_001).await;
    let [ok, unauthorized, forbidden, error] = COUNTS;
    let expected = [ok, unauthorized, forbidden + 1.0, error];
    assert_eq!(counts(&page, &web.name), expected);
}

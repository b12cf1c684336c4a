//! Many containers at once.

use super::report::Outcome;
use super::stage::{FOLLOWED, Stage};
use super::truth::Truth;
use super::{LIMIT, PATIENCE, scaled};
use crate::docker::lab::Lab;
use crate::support::exporter::Page;

/// Lines a second of each.
const RATE: usize = 100;

#[tokio::test]
async fn many_containers_are_counted_exactly() {
    let mut stage = Stage::new(Lab::alone().await).await;
    let log = ["--log-opt=max-size=500k", "--log-opt=max-file=20"];
    // One route is enough: 100 containers with 16 have more series than a page shows.
    let routes = ["authtail.routes.block=/block/*"];
    let labels = [&FOLLOWED[..], &routes].concat();
    let labels: Vec<_> = labels.into_iter().map(str::to_owned).collect();
    let mut printers = Vec::new();
    for number in 0..scaled(100, 15) {
        let what = format!("web{number}");
        let web = stage.run_labelled(&what, &labels, &log, &["listen"]);
        printers.push(web.await);
    }
    let count = RATE * scaled(120, 10);
    let truth = Truth::of(0..count);
    for printer in &mut printers {
        printer
            .send(&format!("numbered 0 {count} rate={RATE}"))
            .await;
    }
    let mut total = Outcome::default();
    let mut marked = truth.clone();
    marked.mark();
    for printer in &mut printers {
        printer.done_within(LIMIT).await;
        // The last words: whatever is read again comes before them.
        printer.tell("print 1 200").await;
        printer.send("exit 0").await;
    }
    for printer in &printers {
        stage.until_held(&printer.name, &marked).await;
        let name = &printer.name;
        stage.until_lines(name, marked.lines).await;
        let has_ended = |page: &Page| page.running(name) == Some(0.0);
        let (watch, exporter) = (&mut stage.watch, &stage.exporter);
        watch.until(exporter, PATIENCE, name, has_ended).await;
    }
    for printer in &printers {
        total += stage.finish(printer, &marked.by_code()).await;
    }
    stage.assert_exact("many containers, 100 lines/s each", total);
}

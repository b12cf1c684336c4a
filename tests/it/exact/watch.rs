//! A Prometheus that forgets nothing: no counter of a container may go back from one page to the
//! next, whatever happened to the exporter in between.

use std::time::Duration;

use tokio::time::{Instant, interval, sleep};

use crate::support::exporter::{Exporter, Page};

/// The time between two pages.
pub const PERIOD: Duration = Duration::from_millis(200);

/// What was shown last.
#[derive(Debug, Default)]
pub struct Watch {
    last: Option<Page>,
}

impl Watch {
    /// Scrapes a page and compares it with the one before.
    pub async fn page(&mut self, exporter: &Exporter) -> Page {
        let page = exporter.page().await;
        if let Some(last) = self.last.replace(page.clone()) {
            page.assert_not_below(&last);
        }
        page
    }

    /// Scrapes for ever.
    pub async fn scrape(&mut self, exporter: &Exporter) -> ! {
        let mut ticks = interval(PERIOD);
        loop {
            ticks.tick().await;
            self.page(exporter).await;
        }
    }

    /// Scrapes until `reached` returns true, or until what is counted has not changed for `patience`.
    /// Returns the last page either way.
    pub async fn until(
        &mut self,
        exporter: &Exporter,
        patience: Duration,
        container: &str,
        reached: impl Fn(&Page) -> bool,
    ) -> Page {
        let (mut lines, mut changed) = (0.0, Instant::now());
        loop {
            let page = self.page(exporter).await;
            if page.lines(container) > lines {
                (lines, changed) = (page.lines(container), Instant::now());
            }
            if reached(&page) || changed.elapsed() > patience {
                return page;
            }
            sleep(PERIOD).await;
        }
    }
}

//! Makes the pages of metrics, one after the other on a thread of its own: a large page takes
//! milliseconds, in which the thread that reads the logs has better things to do.

use std::io::{self, Write};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::{mpsc, oneshot};

use crate::metrics::Exposition;

/// Scrapes at once; more are told to come back.
const MAX_SCRAPES: usize = 40;
/// Smaller pages are not worth compressing.
const MIN_GZIP: usize = 1024;

/// A page of metrics.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) bytes: Vec<u8>,
    pub(super) is_gzip: bool,
}

/// Why there is no page; a message for the log.
type Problem = String;

/// A scrape that waits for its page.
#[derive(Debug)]
struct Scrape {
    gzip: bool,
    answer: oneshot::Sender<Result<Page, Problem>>,
}

/// The thread that makes pages; it ends with this value.
#[derive(Debug)]
pub(crate) struct Renderer {
    scrapes: mpsc::Sender<Scrape>,
}

impl Renderer {
    /// Starts the thread.
    pub(crate) fn start(exposition: Exposition) -> io::Result<Self> {
        let (scrapes, mut waiting) = mpsc::channel::<Scrape>(MAX_SCRAPES);
        thread::Builder::new()
            .name("pages".to_owned())
            .spawn(move || {
                while let Some(Scrape { gzip, answer }) = waiting.blocking_recv() {
                    // Nobody waits any more for a scrape that has timed out.
                    if !answer.is_closed() {
                        drop(answer.send(page(&exposition, gzip)));
                    }
                }
            })?;
        Ok(Self { scrapes })
    }

    /// Waits for a page; `None` if too many scrapes wait already.
    pub(super) async fn render(&self, gzip: bool) -> Option<Result<Page, Problem>> {
        let (answer, page) = oneshot::channel();
        self.scrapes.try_send(Scrape { gzip, answer }).ok()?;
        Some(
            page.await
                .unwrap_or_else(|_| Err("the thread that makes pages has ended".to_owned())),
        )
    }
}

fn page(exposition: &Exposition, gzip: bool) -> Result<Page, Problem> {
    let text = exposition.text().map_err(|error| error.to_string())?;
    if !gzip || text.len() < MIN_GZIP {
        return Ok(Page {
            bytes: text,
            is_gzip: false,
        });
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let bytes = encoder.write_all(&text).and_then(|()| encoder.finish());
    Ok(Page {
        bytes: bytes.map_err(|error| error.to_string())?,
        is_gzip: true,
    })
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn more_scrapes_than_the_limit_are_refused_until_there_is_room() {
        let (scrapes, mut waiting) = mpsc::channel(MAX_SCRAPES);
        let renderer = Renderer { scrapes };
        for _ in 0..MAX_SCRAPES {
            assert!(
                renderer.render(false).now_or_never().is_none(),
                "has to wait"
            );
        }
        assert!(
            matches!(renderer.render(false).now_or_never(), Some(None)),
            "is refused"
        );
        // Those that hang up are not worth a page.
        assert!(waiting.recv().await.unwrap().answer.is_closed());
        assert!(
            renderer.render(false).now_or_never().is_none(),
            "has to wait"
        );
    }
}

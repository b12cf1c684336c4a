//! Makes the pages of metrics, one after the other on a thread of its own: a large page and the
//! saving of what it shows take milliseconds, in which the thread that reads the logs has better
//! things to do.

use std::io::{self, Write};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::{mpsc, oneshot};

use crate::metrics::Exposition;
use crate::state::Keeper;

/// Scrapes at once; more are told to come back.
const MAX_TASKS: usize = 40;
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

/// What the thread has to do.
#[derive(Debug)]
enum Task {
    /// A scrape waits for its page.
    Page {
        gzip: bool,
        answer: oneshot::Sender<Result<Page, Problem>>,
    },
    /// Dropped when all is saved.
    Save { done: oneshot::Sender<()> },
}

/// The thread that makes pages; it ends with this value.
#[derive(Clone, Debug)]
pub(crate) struct Renderer {
    tasks: mpsc::Sender<Task>,
}

impl Renderer {
    /// Starts the thread.
    pub(crate) fn start(exposition: Exposition, mut keeper: Keeper) -> io::Result<Self> {
        let (tasks, mut waiting) = mpsc::channel(MAX_TASKS);
        thread::Builder::new()
            .name("pages".to_owned())
            .spawn(move || {
                while let Some(task) = waiting.blocking_recv() {
                    match task {
                        Task::Page { gzip, answer } if !answer.is_closed() => {
                            drop(answer.send(page(&exposition, &mut keeper, gzip)));
                        }
                        // Nobody waits any more for a scrape that has timed out.
                        Task::Page { .. } => {}
                        Task::Save { done } => {
                            keeper.save();
                            drop(done);
                        }
                    }
                }
            })?;
        Ok(Self { tasks })
    }

    /// Waits for a page; `None` if too many scrapes wait already.
    pub(super) async fn render(&self, gzip: bool) -> Option<Result<Page, Problem>> {
        let (answer, page) = oneshot::channel();
        self.tasks.try_send(Task::Page { gzip, answer }).ok()?;
        Some(
            page.await
                .unwrap_or_else(|_| Err("the thread that makes pages has ended".to_owned())),
        )
    }

    /// Saves what has changed, and waits until that is done.
    pub(crate) async fn save(&self) {
        let (done, saved) = oneshot::channel();
        if self.tasks.send(Task::Save { done }).await.is_ok() {
            // Nothing is ever sent.
            drop(saved.await);
        }
    }
}

fn page(exposition: &Exposition, keeper: &mut Keeper, gzip: bool) -> Result<Page, Problem> {
    let text = exposition
        .text(keeper.snapshots())
        .map_err(|error| error.to_string())?;
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
        let (tasks, mut waiting) = mpsc::channel(MAX_TASKS);
        let renderer = Renderer { tasks };
        for _ in 0..MAX_TASKS {
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
        assert!(matches!(
            waiting.recv().await,
            Some(Task::Page { answer, .. }) if answer.is_closed()
        ));
        assert!(
            renderer.render(false).now_or_never().is_none(),
            "has to wait"
        );
    }
}

//! Keeps positions and numbers across restarts, and shows only what is kept.
//!
//! What a page shows has been saved before. So whatever happens to the process, the numbers that it
//! begins with are never below those that somebody has seen, and reading on from the saved
//! positions counts the rest.

mod file;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use tracing::{info, warn};
use xxhash_rust::xxh3::xxh3_64;

use crate::docker::Status;
use crate::fleet::{Fleet, Saved, Snapshot};
#[cfg(fuzzing)]
pub(crate) use file::parse;
pub(crate) use file::{StateFile, key_of};

/// One save serves all pages of this time.
const SHARED: Duration = Duration::from_secs(1);

/// How saving is going, for `/metrics`.
#[derive(Debug, Default)]
pub(crate) struct Saves {
    last: Mutex<Option<SystemTime>>,
    failures: AtomicU64,
}

/// Makes snapshots of the fleet, each saved before it is given out.
#[derive(Debug)]
pub(crate) struct Keeper {
    fleet: Arc<Fleet>,
    status: Arc<Status>,
    file: Option<StateFile>,
    saves: Arc<Saves>,
    shown: Option<(Instant, Arc<Vec<Snapshot>>)>,
    /// Of the contents that the file has.
    hash: Option<u64>,
    is_failing: bool,
}

impl Keeper {
    /// Without a file nothing is saved.
    pub(crate) fn new(
        fleet: Arc<Fleet>,
        status: Arc<Status>,
        file: Option<StateFile>,
        saves: Arc<Saves>,
    ) -> Self {
        Self {
            fleet,
            status,
            file,
            saves,
            shown: None,
            hash: None,
            is_failing: false,
        }
    }

    /// The numbers to show: at most a second old where they are saved.
    pub(crate) fn snapshots(&mut self) -> Arc<Vec<Snapshot>> {
        if self.file.is_none() {
            return Arc::new(self.fleet.snapshot());
        }
        match &self.shown {
            Some((made, snapshots)) if made.elapsed() < SHARED => Arc::clone(snapshots),
            _ => self.save(),
        }
    }

    /// Saves what has changed, and returns what a page shows of it.
    pub(crate) fn save(&mut self) -> Arc<Vec<Snapshot>> {
        // Before the first list nothing can have changed, and the file has to keep its time: what was
        // created since is read from its beginning.
        let (Some(file), Some(listed)) = (&self.file, self.status.listed()) else {
            return Arc::new(self.fleet.snapshot());
        };
        let (result, snapshots) = match self.fleet.checkpoint() {
            Ok((contents, snapshots)) => {
                let hash = Some(xxh3_64(&contents));
                let result = if hash == self.hash {
                    Ok(())
                } else {
                    file.write(&contents, listed)
                };
                self.hash = result.is_ok().then_some(hash).flatten();
                (result.map_err(|error| error.to_string()), snapshots)
            }
            Err(error) => (Err(error.to_string()), self.fleet.snapshot()),
        };
        match result {
            Ok(()) => {
                self.saves.saved();
                if std::mem::take(&mut self.is_failing) {
                    info!(file = %file.path().display(), "saving again");
                }
            }
            Err(error) => {
                self.saves.failures.fetch_add(1, Relaxed);
                if !std::mem::replace(&mut self.is_failing, true) {
                    warn!(
                        file = %file.path().display(), %error,
                        "cannot save the numbers, going on without; trying again until it works"
                    );
                }
            }
        }
        let snapshots = Arc::new(snapshots);
        self.shown = Some((Instant::now(), Arc::clone(&snapshots)));
        snapshots
    }
}

impl Saves {
    fn saved(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(SystemTime::now());
    }

    /// When the file was last known to have everything, in seconds since the epoch.
    pub(crate) fn last(&self) -> Option<f64> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let since = last?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(since.as_secs_f64())
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }
}

/// Opens the file, puts what it holds into the fleet, and says when containers were last listed.
pub(crate) fn restore(file: &StateFile, fleet: &Fleet) -> Option<SystemTime> {
    let Some((listed, contents)) = file.read() else {
        info!(file = %file.path().display(), "no numbers from before, beginning at zero");
        return None;
    };
    match Saved::read(&contents) {
        Ok(saved) => {
            let containers = saved.containers();
            info!(file = %file.path().display(), containers, "numbers restored");
            fleet.restore(saved);
            Some(listed)
        }
        Err(error) => {
            file.set_aside(&format!("its contents cannot be read: {error}"));
            None
        }
    }
}

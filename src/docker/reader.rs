//! Reads the log of one container into its intake: the look back at the start, the follow, and the
//! comparison of a silent follow with the end of the log.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;
use tracing::debug;

use super::endpoint::Endpoint;
use super::frames::Item;
use super::logs::{Log, LogError, Query};
use crate::fleet::Member;

/// How many records before the beginning are looked at, to see format and routes.
const LOOK_BACK: u32 = 1000;
const LOOK_BACK_TIMEOUT: Duration = Duration::from_mins(1);
/// A stream that is silent for this long is compared with the end of the log: external log
/// rotation (`copytruncate`) silences a follow for ever on Docker 23 and later (moby#45728), and
/// so do some proxies.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a record may take from the log to the stream.
const GRACE: Duration = Duration::from_secs(5);

/// How a stream came to its end without an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// The engine ended it.
    Ended,
    /// It was given up, because the log goes on without it.
    Silent,
}

/// A log and where its records go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) id: &'a str,
    pub(super) member: &'a Member,
    pub(super) tty: bool,
}

impl Reader<'_> {
    /// Finds the position of "now", and learns format and routes from what came before.
    pub(super) async fn look_back(&self) -> Result<(), LogError> {
        let (mut records, mut oldest) = (0, None);
        self.member.lock().intake.resume();
        self.tail(LOOK_BACK, |item| {
            if let Item::Record(record) = item {
                records += 1;
                oldest.get_or_insert(record.timestamp);
                self.member.lock().intake.learn(&record);
            }
        })
        .await?;
        if let Some(oldest) = oldest.filter(|_| records >= LOOK_BACK) {
            self.member.lock().intake.begin_after(oldest);
        }
        Ok(())
    }

    /// Opens the log at the last position; `None` if that takes longer than it may.
    pub(super) async fn open(&self) -> Result<Option<Log>, LogError> {
        let since = self.member.lock().intake.resume();
        let opening = Log::open(self.endpoint, self.id, Query::Follow { since }, self.tty);
        let log = self.unless_behind(opening).await.transpose()?;
        if log.is_some() {
            self.member.lock().unreadable = None;
        }
        Ok(log)
    }

    /// Reads an open log until it ends.
    pub(super) async fn follow(&self, mut log: Log) -> Result<End, LogError> {
        loop {
            let Some(filled) = self.unless_behind(log.fill()).await else {
                return Ok(End::Silent);
            };
            let has_ended = !filled?;
            let intake = &mut self.member.lock().intake;
            while let Some(item) = log.next()? {
                intake.take(item);
            }
            if has_ended {
                if let Some(item) = log.end()? {
                    intake.take_end(item);
                }
                return Ok(End::Ended);
            }
        }
    }

    /// Waits for `work` for as long as the log has nothing newer than what was read; `None` if
    /// it has.
    async fn unless_behind<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            if let Ok(done) = timeout(SILENCE, &mut work).await {
                return Some(done);
            }
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                is_behind = self.is_behind() => if is_behind {
                    return timeout(GRACE, &mut work).await.ok();
                },
            }
        }
    }

    /// Looks at the newest record of the log. If that fails nothing is known, and the stream may
    /// still be sound.
    async fn is_behind(&self) -> bool {
        let mut is_behind = false;
        let look = |item: Item<'_>| is_behind |= self.member.lock().intake.is_ahead(&item);
        match self.tail(1, look).await {
            Ok(()) => is_behind,
            Err(error) => {
                debug!(container = %self.member.identity.container, %error, "cannot look at the log");
                false
            }
        }
    }

    /// Hands the newest records of the log to `take`.
    async fn tail(&self, records: u32, mut take: impl FnMut(Item<'_>)) -> Result<(), LogError> {
        let reading = async {
            let mut log = Log::open(self.endpoint, self.id, Query::Tail(records), self.tty).await?;
            while log.fill().await? {
                while let Some(item) = log.next()? {
                    take(item);
                }
            }
            Ok(())
        };
        timeout(LOOK_BACK_TIMEOUT, reading)
            .await
            .map_err(|_| LogError::Timeout)?
    }
}

//! Reads the log of one container into its intake: the look back at the start, the follow, and the
//! audits that make up for what a follow leaves out.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info, warn};

use super::cursor::{Audited, Extent, Via};
use super::endpoint::Endpoint;
use super::frames::Item;
use super::logs::{Log, LogError, Query};
use crate::chain::chain;
use crate::fleet::Member;

/// How many records before the beginning are looked at, to see format and routes.
const LOOK_BACK: u32 = 1000;
/// How long a look at the end of the log may take.
const LOOK_TIMEOUT: Duration = Duration::from_mins(1);
/// How long an audit may wait for the next bytes.
const AUDIT_TIMEOUT: Duration = Duration::from_mins(1);
/// A stream that is silent for this long is compared with the end of the log: external log
/// rotation (`copytruncate`) silences a follow for ever on Docker 23 and later (moby#45728), and
/// so do some proxies.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a record may take from the log to the stream.
const GRACE: Duration = Duration::from_secs(5);
/// How long what a follow has delivered from a log that rotates may wait for an audit.
const AUDIT_PERIOD: Duration = Duration::from_secs(10);
/// How many records of such a log may wait.
const AUDIT_RECORDS: usize = 20_000;
/// The shortest time between two audits.
const AUDIT_PAUSE: Duration = Duration::from_millis(100);
/// The same after one that failed.
const AUDIT_RETRY: Duration = Duration::from_secs(5);
/// An audit that does not find the position asks for so many times more records …
const GROWTH: u32 = 8;
/// … and beyond this number for the whole log.
const MAX_TAIL: u32 = 500_000;
/// How often the progress of a long audit is logged.
const PROGRESS: Duration = Duration::from_secs(10);

/// How a stream came to its end without an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// The engine ended it.
    Ended,
    /// It was given up, because the log goes on without it.
    Silent,
    /// More came than can be remembered until an audit meets it.
    Behind,
}

/// A log and where its records go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) id: &'a str,
    pub(super) member: &'a Member,
    pub(super) tty: bool,
    /// How many bytes of a follow may wait for an audit; `None` where no log is put aside.
    pub(super) audit_bytes: Option<usize>,
}

/// When the next audit of a follow is due.
#[derive(Debug)]
struct Schedule {
    not_before: Instant,
    /// When the oldest record came that waits for one.
    waiting_since: Option<Instant>,
}

type Audit<'a> = Pin<Box<dyn Future<Output = Result<(), LogError>> + Send + 'a>>;

impl Reader<'_> {
    /// Finds the position of "now", and learns format and routes from what came before.
    pub(super) async fn look_back(&self) -> Result<(), LogError> {
        let (mut records, mut oldest) = (0, None);
        self.member.lock().intake.begin_follow();
        self.look(LOOK_BACK, |item| {
            if let Item::Record(record) = item {
                records += 1;
                oldest.get_or_insert(record.timestamp);
                self.member.lock().intake.learn(&record);
            }
        })
        .await?;
        if let Some(oldest) = oldest.filter(|_| records >= LOOK_BACK) {
            let intake = &mut self.member.lock().intake;
            intake.cursor_mut().begin_after(oldest);
        }
        Ok(())
    }

    /// Opens a follow at the last position; `None` if that takes longer than it may.
    pub(super) async fn open(&self) -> Result<Option<Log>, LogError> {
        let extent = self.member.lock().intake.begin_follow();
        let opening = Log::open(self.endpoint, self.id, Query::Follow(extent), self.tty);
        let log = self.unless_behind(opening).await.transpose()?;
        if log.is_some() {
            self.member.lock().unreadable = None;
        }
        Ok(log)
    }

    /// Reads a follow until it ends, with audits beside it, so that the engine never has to wait
    /// for us: it leaves out files that are put aside meanwhile.
    pub(super) async fn follow(&self, mut log: Log) -> Result<End, LogError> {
        let mut schedule = Schedule {
            not_before: Instant::now(),
            waiting_since: None,
        };
        let mut audit: Option<Audit<'_>> = None;
        let end = loop {
            let due = match audit {
                None => self.due(&mut schedule),
                Some(_) => None,
            };
            tokio::select! {
                result = finish(&mut audit), if audit.is_some() => {
                    audit = None;
                    schedule.finished(&result);
                    self.report(result);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    audit = Some(Box::pin(self.audit()));
                }
                filled = self.unless_behind(log.fill()) => match filled {
                    None => break Ok(End::Silent),
                    Some(Err(error)) => break Err(error),
                    Some(Ok(is_open)) => match self.drain(&mut log, Via::Follow, is_open) {
                        Err(error) => break Err(error),
                        Ok(()) if !is_open => break Ok(End::Ended),
                        Ok(()) => {}
                    }
                },
            }
            if self.member.lock().intake.cursor().is_full() {
                break Ok(End::Behind);
            }
        };
        if end.is_err() {
            self.member.lock().intake.cursor_mut().doubt();
        }
        if let Some(audit) = audit {
            self.report(audit.await);
        }
        end
    }

    /// Says so if an audit beside a follow has failed; the next one makes up for it.
    fn report(&self, audited: Result<(), LogError>) {
        if let Err(error) = audited {
            let (container, problem) = (&self.member.identity.container, chain(&error));
            debug!(%container, %problem, "cannot audit the log");
        }
    }

    /// Reads the log as it is, and counts what a follow has left out.
    pub(super) async fn audit(&self) -> Result<(), LogError> {
        let mut size = self.member.lock().intake.audit_size();
        let began = Instant::now();
        loop {
            let extent = match size {
                Some(size) if size <= MAX_TAIL => Extent::Tail(size),
                _ => self.member.lock().intake.cursor().whole(),
            };
            let result = self.read(extent, began).await;
            let container = &self.member.identity.container;
            match result {
                Ok(Audited::Short) => size = size.map(|size| size.saturating_mul(GROWTH)),
                Ok(Audited::Joined) => break,
                Ok(Audited::Gap) => {
                    warn!(%container, "records are missing: the log was cut, or rotated away before it could be read");
                    break;
                }
                Err(error) => {
                    self.member.lock().intake.cursor_mut().abandon_audit();
                    return Err(error);
                }
            }
        }
        if began.elapsed() > PROGRESS {
            let container = &self.member.identity.container;
            let lines = self.member.lock().intake.tally().lines;
            info!(%container, lines, "caught up");
        }
        Ok(())
    }

    /// Reads so much of the log for an audit.
    async fn read(&self, extent: Extent, began: Instant) -> Result<Audited, LogError> {
        let query = Query::Read(extent);
        let mut log = Log::open(self.endpoint, self.id, query, self.tty).await?;
        self.member.lock().intake.begin_audit(extent);
        let mut reported = began;
        loop {
            let filled = timeout(AUDIT_TIMEOUT, log.fill());
            let is_open = filled.await.map_err(|_| LogError::Timeout)??;
            self.drain(&mut log, Via::Audit, is_open)?;
            let intake = &mut self.member.lock().intake;
            if !is_open || intake.cursor().is_audit_short() {
                return Ok(intake.end_audit());
            }
            if reported.elapsed() > PROGRESS {
                reported = Instant::now();
                let (container, tally) = (&self.member.identity.container, intake.tally());
                let at = tally.last_line.map(|time| time.to_string());
                info!(%container, lines = tally.lines, at, "catching up");
            }
        }
    }

    /// Takes what has arrived.
    fn drain(&self, log: &mut Log, via: Via, is_open: bool) -> Result<(), LogError> {
        let intake = &mut self.member.lock().intake;
        while let Some(item) = log.next()? {
            intake.take(via, item);
        }
        if !is_open && let Some(item) = log.end()? {
            intake.take_end(via, item);
        }
        Ok(())
    }

    /// When the next audit has to begin.
    fn due(&self, schedule: &mut Schedule) -> Option<Instant> {
        let state = self.member.lock();
        let (cursor, unaudited) = (state.intake.cursor(), state.intake.unaudited);
        let is_much = self.audit_bytes.is_some_and(|bytes| unaudited >= bytes);
        if cursor.wants_audit() || is_much || cursor.waiting() >= AUDIT_RECORDS {
            return Some(schedule.not_before);
        }
        if self.audit_bytes.is_none() || cursor.waiting() == 0 {
            return None;
        }
        let since = *schedule.waiting_since.get_or_insert_with(Instant::now);
        Some(schedule.not_before.max(since + AUDIT_PERIOD))
    }

    /// Waits for `work` for as long as the log has nothing but what was read; `None` if it has.
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
        let look = |item: Item<'_>| {
            if let Item::Record(record) = item {
                is_behind = !self.member.lock().intake.cursor().has(&record);
            }
        };
        match self.look(1, look).await {
            Ok(()) => is_behind,
            Err(error) => {
                debug!(container = %self.member.identity.container, %error, "cannot look at the log");
                false
            }
        }
    }

    /// Hands the newest records of the log to `take`.
    async fn look(&self, records: u32, mut take: impl FnMut(Item<'_>)) -> Result<(), LogError> {
        let query = Query::Read(Extent::Tail(records));
        let reading = async {
            let mut log = Log::open(self.endpoint, self.id, query, self.tty).await?;
            while log.fill().await? {
                while let Some(item) = log.next()? {
                    take(item);
                }
            }
            Ok(())
        };
        timeout(LOOK_TIMEOUT, reading)
            .await
            .map_err(|_| LogError::Timeout)?
    }
}

impl Schedule {
    /// Notes that an audit has ended.
    fn finished(&mut self, result: &Result<(), LogError>) {
        let pause = match result {
            Ok(()) => AUDIT_PAUSE,
            Err(_) => AUDIT_RETRY,
        };
        self.not_before = Instant::now() + pause;
        self.waiting_since = None;
    }
}

/// Waits for an audit that is under way.
async fn finish(audit: &mut Option<Audit<'_>>) -> Result<(), LogError> {
    match audit {
        Some(audit) => audit.await,
        None => Ok(()),
    }
}

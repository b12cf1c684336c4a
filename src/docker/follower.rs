//! Follows the log of one container for as long as the container exists.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

use super::backoff::Backoff;
use super::details::Details;
use super::ending::{audit_bytes, close, reconnect_reason};
use super::endpoint::Endpoint;
use super::engine::{Engine, EngineError, Version};
use super::facts::Health;
use super::intake::{Intake, Kind};
use super::logs::LogError;
use super::own::Own;
use super::reader::{End, Reader};
use super::startup::reported;
use super::status::{Operation, Status};
use super::timestamp::Timestamp;
use crate::chain::chain;
use crate::config::{Config, Plan};
use crate::fleet::{Fleet, Member, SavedMember, State};
use crate::probe::Marker;

/// How often a stopped container is looked at, in case the event of its start was lost.
const STOPPED_CHECK: Duration = Duration::from_mins(1);
/// How often one that has a health check is looked at, in case the event of its result was lost.
const HEALTH_PERIOD: Duration = Duration::from_mins(1);
/// A stream that lived this long was no failed attempt, even if it brought nothing.
const SETTLED: Duration = Duration::from_secs(10);

/// How far the clocks of the engine and of this host may differ when it is asked whether a container
/// was created after the last save, and how long it may take until a new one is saved.
const SKEW: Duration = Duration::from_mins(1);

/// What all followers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) config: Arc<Config>,
    pub(super) fleet: Arc<Fleet>,
    pub(super) status: Arc<Status>,
    /// Knows the requests of our own probes.
    pub(super) marker: Arc<Marker>,
    pub(super) endpoint: Endpoint,
    pub(super) engine: Engine,
    pub(super) version: Version,
    pub(super) own: Own,
    /// When an earlier process has saved where it was.
    pub(super) saved_at: Option<Timestamp>,
}

/// Where to begin in a log that is seen for the first time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// At its beginning: the container was created while we watched.
    Beginning,
    /// At its end: the container was there before us.
    Now,
}

/// One container and how to reach its log.
#[derive(Debug)]
pub(crate) struct Follower {
    pub(super) shared: Arc<Shared>,
    pub(super) id: String,
    pub(super) origin: Origin,
    pub(super) doorbell: Arc<Doorbell>,
}

/// How the watcher reaches a follower.
#[derive(Debug, Default)]
pub(crate) struct Doorbell {
    /// Rung when something happened to the container.
    pub(super) bell: Notify,
    /// What the follower believes, so that the watcher can tell whether it has missed something.
    pub(super) is_running: AtomicBool,
}

/// Why a follower has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The container is our own, or not selected.
    Declined,
    /// The engine does not know the container any more.
    Gone,
}

/// What is known about the present attempt.
#[derive(Debug)]
struct Attempt {
    details: Details,
    /// True if it has brought something new.
    has_progressed: bool,
    /// When its follow was opened, if it was.
    opened: Option<Instant>,
    backoff: Backoff,
    /// True after a failure has been reported, until one attempt succeeds.
    is_failing: bool,
}

impl Follower {
    /// Runs until the container is removed, or until it is clear that it is not to be followed.
    pub(crate) async fn run(self) -> Outcome {
        let fleet = &self.shared.fleet;
        let Some(details) = self.first_inspect().await else {
            fleet.arrived(&self.id);
            return Outcome::Gone;
        };
        let Some(member) = self.join(&details) else {
            fleet.bury(|id| id != self.id);
            fleet.arrived(&self.id);
            return Outcome::Declined;
        };
        self.follow(&member, details).await;
        close(&member);
        fleet.retire(&self.id);
        fleet.arrived(&self.id);
        info!(container = %member.identity.container, "container is gone");
        Outcome::Gone
    }

    async fn first_inspect(&self) -> Option<Details> {
        let mut backoff = Backoff::new();
        let mut is_failing = false;
        loop {
            match self.shared.engine.inspect(&self.id).await {
                Ok(details) => return Some(details),
                Err(EngineError::NotFound) => return None,
                Err(error) => {
                    self.shared.status.failed(Operation::Inspect);
                    if std::mem::replace(&mut is_failing, true) {
                        // Nobody should have to wait for one that is broken.
                        self.shared.fleet.arrived(&self.id);
                    } else {
                        warn!(id = %self.id, %error, "cannot inspect a container, trying again");
                    }
                    tokio::time::sleep(backoff.wait()).await;
                }
            }
        }
    }

    /// Adds the container to the fleet, unless it is our own or configured away.
    fn join(&self, details: &Details) -> Option<Arc<Member>> {
        if self.shared.own.is(&self.id, &details.command) {
            info!(container = %details.name, "not following my own log");
            return None;
        }
        let plan = self.shared.config.plan(&details.name, &details.labels);
        for problem in &plan.problems {
            warn!(container = %details.name, %problem, "ignoring a label");
        }
        if !plan.is_followed {
            debug!(container = %details.name, "not selected");
            return None;
        }
        info!(container = %details.name, source = %plan.identity.source, "following");
        if let Some(loss) = details.driver.loses() {
            warn!(container = %details.name, "the log driver itself may drop lines: {loss}");
        }
        let identity = plan.identity.clone();
        let make = |saved| self.member(plan, details, saved);
        Some(self.shared.fleet.add(&self.id, &identity, make))
    }

    fn member(&self, plan: Plan, details: &Details, saved: Option<SavedMember>) -> Member {
        let progress = saved.map(|saved| saved.progress);
        let kind = Kind {
            driver: &details.driver.name,
            is_podman: self.shared.version.is_podman,
            can_rotate: details.driver.rotates_at().is_some(),
        };
        let marker = Some(Arc::clone(&self.shared.marker));
        let intake = Intake::new(plan.format, plan.routes, kind, progress);
        let mut intake = intake.knowing(marker).reading(plan.patterns);
        for route in plan.expected {
            intake.expect(route);
        }
        let state = State {
            intake,
            is_running: details.is_running,
            started: details.started,
            facts: details.facts.clone(),
            place: details.place.clone(),
            unreadable: None,
            is_caught_up: self.origin == Origin::Beginning,
        };
        let (image, driver) = (details.image.clone(), details.driver.clone());
        Member::new(plan.identity, image, driver, state).wishing(plan.wishes)
    }

    async fn follow(&self, member: &Member, details: Details) {
        self.doorbell.is_running.store(details.is_running, Relaxed);
        if self.origin == Origin::Now
            && let Some((started, mode)) = reported(&self.shared.endpoint, &self.id, &details).await
        {
            let mut state = member.lock();
            let tally = state.intake.tally_mut();
            tally.report_mode(mode, started);
        }
        let mut attempt = Attempt {
            details,
            has_progressed: false,
            opened: None,
            backoff: Backoff::new(),
            is_failing: false,
        };
        loop {
            let records_before = member.lock().intake.records;
            let result = self.read(member, &mut attempt).await;
            attempt.has_progressed = member.lock().intake.records > records_before;
            let opened = attempt.opened.take();
            if attempt.has_progressed || opened.is_some_and(|at| at.elapsed() > SETTLED) {
                attempt.backoff.reset();
                attempt.is_failing = false;
            }
            match &result {
                Err(LogError::NotFound) => return,
                Err(LogError::Unreadable(reason)) => {
                    self.shared.fleet.arrived(&self.id);
                    if member.lock().unreadable.replace(reason.clone()).is_none() {
                        warn!(container = %member.identity.container, %reason, "log is not readable");
                    }
                }
                Err(error) => self.report(member, error, &mut attempt),
                Ok(_) => {}
            }
            if self.pause(member, &result, &mut attempt).await.is_none() {
                return;
            }
        }
    }

    /// Waits until the log is worth opening again; `None` if the container is gone.
    async fn pause(
        &self,
        member: &Member,
        result: &Result<End, LogError>,
        attempt: &mut Attempt,
    ) -> Option<()> {
        // Rung while the log was being read: what it was about has been read too.
        self.doorbell.bell.notified().now_or_never();
        let mut has_waited = false;
        loop {
            let details = match self.shared.engine.inspect(&self.id).await {
                Ok(details) => details,
                Err(EngineError::NotFound) => return None,
                Err(error) => {
                    self.shared.status.failed(Operation::Inspect);
                    debug!(container = %member.identity.container, %error, "cannot inspect");
                    self.wait(attempt.backoff.wait()).await;
                    continue;
                }
            };
            let was_restarted = details.started != attempt.details.started;
            let has_stopped = was_restarted || !details.is_running;
            self.publish(member, &details);
            attempt.details = details;
            if has_stopped && matches!(result, Ok(End::Ended)) {
                // Until a reply brings nothing new: an engine can end the log of a container that
                // ends after a burst before it has sent all of it (2 of 12 on a busy machine, 20.10).
                if !attempt.has_progressed {
                    // The process is gone, so nothing will continue its last line.
                    member.lock().intake.flush();
                }
                if was_restarted || attempt.has_progressed || self.wait(STOPPED_CHECK).await {
                    return Some(());
                }
                continue;
            }
            match reconnect_reason(result) {
                None => {
                    self.wait(STOPPED_CHECK).await;
                }
                Some(_) if !has_waited => {
                    // Also lets a stop become visible: a log ends 1 to 6 ms before the container.
                    self.wait(attempt.backoff.wait()).await;
                    has_waited = true;
                }
                Some(reason) => {
                    member.lock().intake.tally_mut().reconnect(reason);
                    return Some(());
                }
            }
        }
    }

    /// Shows what the engine says about the container.
    fn publish(&self, member: &Member, details: &Details) {
        self.doorbell.is_running.store(details.is_running, Relaxed);
        let mut state = member.lock();
        state.is_running = details.is_running;
        state.started = details.started;
        state.facts = details.facts.clone();
        state.place = details.place.clone();
    }

    /// Reads from the last position until the stream ends.
    async fn read(&self, member: &Member, attempt: &mut Attempt) -> Result<End, LogError> {
        let reader = Reader {
            endpoint: &self.shared.endpoint,
            id: &self.id,
            member,
            tty: attempt.details.has_tty,
            audit_bytes: audit_bytes(member),
        };
        if !member.lock().is_caught_up {
            self.catch_up(&reader, &attempt.details).await?;
            member.lock().is_caught_up = true;
            self.shared.fleet.arrived(&self.id);
        }
        let Some(log) = reader.open().await? else {
            return Ok(End::Silent);
        };
        attempt.opened = Some(Instant::now());
        if !attempt.details.is_running {
            // Asked only now, because a container may live for a few milliseconds.
            self.refresh(member).await;
        }
        // Beside it, so that an engine that is slow to answer does not keep us from reading.
        let refreshing = async {
            loop {
                let is_checked = member.lock().facts.health != Health::Unchecked;
                let period = if is_checked {
                    HEALTH_PERIOD
                } else {
                    Duration::MAX
                };
                self.wait(period).await;
                self.refresh(member).await;
            }
        };
        let end = tokio::select! {
            biased;
            end = reader.follow(log) => end?,
            () = refreshing => End::Ended,
        };
        if end == End::Ended {
            reader.audit().await?;
        }
        Ok(end)
    }

    /// Finds where to begin, or counts what was logged while nobody watched.
    async fn catch_up(&self, reader: &Reader<'_>, details: &Details) -> Result<(), LogError> {
        let was_created_meanwhile = self.shared.saved_at.is_some_and(|saved_at| {
            details.facts.created.map(|created| created.later(SKEW)) > Some(saved_at)
        });
        if reader.member.lock().intake.is_resumed || was_created_meanwhile {
            reader.audit().await
        } else {
            reader.look_back().await
        }
    }

    async fn refresh(&self, member: &Member) {
        if let Ok(details) = self.shared.engine.inspect(&self.id).await {
            self.publish(member, &details);
        }
    }

    fn report(&self, member: &Member, error: &LogError, attempt: &mut Attempt) {
        self.shared.status.failed(Operation::Logs);
        let container = &member.identity.container;
        let problem = chain(error);
        if attempt.is_failing {
            debug!(%container, %problem, "cannot read the log, trying again");
            // Not the first time: a stream that a proxy cuts now and then is readable.
            member.lock().unreadable = Some(problem);
            // An engine that is away says nothing about this log.
            if !matches!(error, LogError::Connect(_)) {
                self.shared.fleet.arrived(&self.id);
            }
        } else {
            warn!(%container, %problem, "cannot read the log, trying again");
        }
        attempt.is_failing = true;
    }

    /// Waits for a time, or until something happens to the container; returns true if it did.
    async fn wait(&self, time: Duration) -> bool {
        timeout(time, self.doorbell.bell.notified()).await.is_ok()
    }
}

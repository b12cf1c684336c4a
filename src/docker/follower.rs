//! Follows the log of one container for as long as the container exists.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

use super::backoff::Backoff;
use super::endpoint::Endpoint;
use super::engine::{Details, Engine, EngineError, Version};
use super::intake::Intake;
use super::logs::LogError;
use super::own::Own;
use super::reader::{End, Reader};
use super::status::{Operation, Status};
use crate::chain::chain;
use crate::config::Config;
use crate::fleet::{Fleet, Member, State};
use crate::tally::Reconnect;

/// How often a stopped container is looked at, in case the event of its start was lost.
const STOPPED_CHECK: Duration = Duration::from_mins(1);
/// A stream that lived this long was no failed attempt, even if it brought nothing.
const SETTLED: Duration = Duration::from_secs(10);

/// What all followers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) config: Arc<Config>,
    pub(super) fleet: Arc<Fleet>,
    pub(super) status: Arc<Status>,
    pub(super) endpoint: Endpoint,
    pub(super) engine: Engine,
    pub(super) version: Version,
    pub(super) own: Own,
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
    /// True once the beginning has been found.
    has_begun: bool,
    /// True if it has brought something new.
    has_progressed: bool,
    backoff: Backoff,
    /// True after a failure has been reported, until one attempt succeeds.
    is_failing: bool,
}

impl Follower {
    /// Runs until the container is removed, or until it is clear that it is not to be followed.
    pub(crate) async fn run(self) -> Outcome {
        let Some(details) = self.first_inspect().await else {
            return Outcome::Gone;
        };
        let Some(member) = self.join(&details) else {
            return Outcome::Declined;
        };
        self.follow(&member, details).await;
        member.lock().intake.flush();
        self.shared.fleet.retire(&self.id);
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
                    if !std::mem::replace(&mut is_failing, true) {
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
        let is_podman = self.shared.version.is_podman;
        let mut intake =
            Intake::new(plan.format, plan.routes).of_driver(&details.log_driver, is_podman);
        for route in plan.expected {
            intake.expect(route);
        }
        let state = State {
            intake,
            is_running: details.is_running,
            started: details.started,
            unreadable: None,
        };
        let (image, driver) = (details.image.clone(), details.log_driver.clone());
        info!(container = %details.name, source = %plan.identity.source, "following");
        Some(
            self.shared
                .fleet
                .add(&self.id, Member::new(plan.identity, image, driver, state)),
        )
    }

    async fn follow(&self, member: &Member, details: Details) {
        self.doorbell.is_running.store(details.is_running, Relaxed);
        let mut attempt = Attempt {
            details,
            has_begun: self.origin == Origin::Beginning,
            has_progressed: false,
            backoff: Backoff::new(),
            is_failing: false,
        };
        loop {
            let began = Instant::now();
            let records_before = member.lock().intake.records;
            let result = self.read(member, &mut attempt).await;
            attempt.has_progressed = member.lock().intake.records > records_before;
            if attempt.has_progressed || began.elapsed() > SETTLED {
                attempt.backoff.reset();
                attempt.is_failing = false;
            }
            match &result {
                Err(LogError::NotFound) => return,
                Err(LogError::Unreadable(reason)) => {
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
                    member.lock().intake.tally.reconnect(reason);
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
    }

    /// Reads from the last position until the stream ends.
    async fn read(&self, member: &Member, attempt: &mut Attempt) -> Result<End, LogError> {
        let reader = Reader {
            endpoint: &self.shared.endpoint,
            id: &self.id,
            member,
            tty: attempt.details.has_tty,
        };
        if !attempt.has_begun {
            reader.look_back().await?;
            attempt.has_begun = true;
        }
        let Some(log) = reader.open().await? else {
            return Ok(End::Silent);
        };
        if !attempt.details.is_running {
            // Asked only now, because a container may live for a few milliseconds.
            self.refresh(member).await;
        }
        let mut following = pin!(reader.follow(log));
        loop {
            tokio::select! {
                biased;
                end = &mut following => return end,
                () = self.doorbell.bell.notified() => self.refresh(member).await,
            }
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

fn reconnect_reason(result: &Result<End, LogError>) -> Option<Reconnect> {
    match result {
        Ok(End::Ended) => Some(Reconnect::Ended),
        Ok(End::Silent) => Some(Reconnect::Silent),
        Err(LogError::Broken(_) | LogError::Timeout) => Some(Reconnect::Broken),
        Err(LogError::Connect(_) | LogError::Status { .. }) => Some(Reconnect::Refused),
        Err(LogError::Frame(_)) => Some(Reconnect::Error),
        Err(LogError::NotFound | LogError::Unreadable(_)) => None,
    }
}

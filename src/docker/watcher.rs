//! Decides which containers to follow: all that the engine lists, as soon as they exist.
//!
//! Events are only a doorbell, because an engine drops them for slow readers and forgets them when
//! it restarts; the list, read every 15 s and after every loss of the events, is the truth.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use super::backoff::Backoff;
use super::endpoint::{Endpoint, choose};
use super::engine::{Engine, EngineError, Listed, Version};
use super::follower::{Doorbell, Follower, Origin, Outcome, Shared};
use super::own::Own;
use super::status::{Operation, Status};
use super::timestamp::Timestamp;
use crate::config::Config;
use crate::fleet::Fleet;
use crate::probe::Marker;

const RELIST: Duration = Duration::from_secs(15);
/// Events that wait for us to finish a list. The engine keeps as many for a subscriber.
const EVENT_QUEUE: usize = 1024;

/// Watches the engine at the first of these addresses that exists, for ever.
pub(crate) async fn watch(
    endpoints: Vec<Endpoint>,
    config: Arc<Config>,
    fleet: Arc<Fleet>,
    status: Arc<Status>,
    marker: Arc<Marker>,
    saved_at: Option<SystemTime>,
) {
    let (endpoint, engine, version) = connect(&endpoints, &status).await;
    let engine = engine.reading(&config.auth_variables);
    let own = Own::read();
    let shared = Arc::new(Shared {
        config,
        fleet,
        status,
        marker,
        endpoint,
        engine,
        version,
        own,
        saved_at: saved_at.and_then(Timestamp::of),
    });
    Watcher {
        shared,
        containers: HashMap::new(),
        followers: JoinSet::new(),
        origin: Origin::Now,
    }
    .run()
    .await;
}

/// Tries until an engine answers.
async fn connect(candidates: &[Endpoint], status: &Status) -> (Endpoint, Engine, Version) {
    let mut backoff = Backoff::new();
    loop {
        if let Some(endpoint) = choose(candidates) {
            match greet(endpoint).await {
                Ok((engine, version)) => {
                    info!(engine = %version.text, %endpoint, "connected");
                    status.answered(version.text.clone());
                    return (endpoint.clone(), engine, version);
                }
                Err(problem) => {
                    if status.down(Operation::Connect, &problem) {
                        warn!("{problem}; trying again until it works");
                    }
                }
            }
        }
        sleep(backoff.wait().min(RELIST)).await;
    }
}

/// Makes sure that an engine answers, or says why not and what to do about it.
pub(super) async fn greet(endpoint: &Endpoint) -> Result<(Engine, Version), String> {
    reach(endpoint).await?;
    let engine = Engine::new(endpoint).map_err(|error| unusable(endpoint, &error))?;
    let version = engine
        .version()
        .await
        .map_err(|error| unusable(endpoint, &error))?;
    Ok((engine, version))
}

/// Opens a connection only to say what is wrong, and what to do about it, if that fails.
async fn reach(endpoint: &Endpoint) -> Result<(), String> {
    match endpoint.connect().await {
        Ok(_) => Ok(()),
        Err(error) => {
            let hint = endpoint.hint(&error);
            Err(format!(
                "cannot reach the engine at {endpoint}: {error}; {hint}"
            ))
        }
    }
}

fn unusable(endpoint: &Endpoint, error: &EngineError) -> String {
    format!("cannot use the engine at {endpoint}: {error}")
}

/// A container that was seen, followed or not.
#[derive(Debug)]
struct Container {
    doorbell: Arc<Doorbell>,
    /// Why its follower has ended, if it has.
    outcome: Option<Outcome>,
}

struct Watcher {
    shared: Arc<Shared>,
    containers: HashMap<String, Container>,
    /// The followers; each returns the id of its container.
    followers: JoinSet<(String, Outcome)>,
    /// Where to begin in the log of a container that is new to us.
    origin: Origin,
}

impl Watcher {
    async fn run(mut self) {
        let mut list_backoff = Backoff::new();
        let mut events_backoff = Backoff::new();
        let mut events = None;
        let mut has_events = true;
        loop {
            let mut wait = RELIST;
            let subscription = events.get_or_insert_with(|| self.subscribe());
            match self.shared.engine.list().await {
                Ok(list) => {
                    if self.shared.status.up() {
                        info!(containers = list.len(), "the engine is up");
                        self.ring_all();
                    }
                    list_backoff.reset();
                    self.reconcile(&list);
                    self.origin = Origin::Beginning;
                }
                Err(error) => {
                    self.down(&error).await;
                    wait = list_backoff.wait().min(RELIST);
                }
            }
            if let Err(error) = self.listen(subscription, Instant::now() + wait).await {
                self.shared.status.failed(Operation::Events);
                if std::mem::take(&mut has_events) {
                    warn!(%error, "no events, finding new containers by the list until they are back");
                }
                events = None;
                sleep(events_backoff.wait().min(RELIST)).await;
            } else if self.shared.status.condition().is_up {
                events_backoff.reset();
                has_events = true;
            }
        }
    }

    async fn down(&self, error: &EngineError) {
        let endpoint = &self.shared.endpoint;
        let problem = reach(endpoint)
            .await
            .err()
            .unwrap_or_else(|| unusable(endpoint, error));
        if self.shared.status.down(Operation::List, &problem) {
            warn!("{problem}; trying again until it works");
        }
    }

    /// Starts to receive events. They are read by a task of their own, so that the engine never
    /// has to wait for a list: it drops what a reader does not take within 100 ms.
    fn subscribe(&self) -> Subscription {
        let (sender, receiver) = mpsc::channel(EVENT_QUEUE);
        let events = self.shared.engine.events();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                if sender.send(event).await.is_err() {
                    break;
                }
            }
        });
        Subscription {
            receiver,
            _task: task,
        }
    }

    /// Handles events until a time; fails when the events have ended.
    async fn listen(
        &mut self,
        events: &mut Subscription,
        until: Instant,
    ) -> Result<(), EventsLost> {
        loop {
            tokio::select! {
                () = sleep_until(until) => return Ok(()),
                event = events.receiver.recv() => match event {
                    Some(Ok(id)) => self.ring(&id),
                    Some(Err(error)) => return Err(EventsLost(Some(error))),
                    None => return Err(EventsLost(None)),
                },
            }
        }
    }

    /// Something happened to a container.
    fn ring(&mut self, id: &str) {
        match self.containers.get(id) {
            Some(container) => container.doorbell.bell.notify_one(),
            // Before the first list nobody knows whether it is new.
            None if self.origin == Origin::Now => {}
            None => self.follow(id, Origin::Beginning),
        }
    }

    /// The engine is back: nobody needs to wait any longer.
    fn ring_all(&self) {
        for container in self.containers.values() {
            container.doorbell.bell.notify_one();
        }
    }

    /// Brings the followers in line with the list.
    fn reconcile(&mut self, list: &[Listed]) {
        while let Some(ended) = self.followers.try_join_next() {
            let Ok((id, outcome)) = ended else { continue };
            if let Some(container) = self.containers.get_mut(&id) {
                container.outcome = Some(outcome);
            }
        }
        let listed: HashMap<&str, bool> = list
            .iter()
            .map(|listed| (listed.id.as_str(), listed.is_running))
            .collect();
        self.containers.retain(|id, container| {
            let is_running = listed.get(id.as_str());
            let believed = container.doorbell.is_running.load(Relaxed);
            if is_running != Some(&believed) {
                container.doorbell.bell.notify_one();
            }
            container.outcome.is_none() || is_running.is_some()
        });
        self.shared.fleet.bury(|id| listed.contains_key(id));
        for id in listed.into_keys() {
            if self.origin == Origin::Now && !self.containers.contains_key(id) {
                self.shared.fleet.expect(id);
            }
            match self.containers.get(id).map(|container| container.outcome) {
                None => self.follow(id, self.origin),
                // The engine, or a proxy, has denied it once and lists it again.
                Some(Some(Outcome::Gone)) => self.follow(id, Origin::Now),
                Some(_) => {}
            }
        }
    }

    fn follow(&mut self, id: &str, origin: Origin) {
        let doorbell = Arc::new(Doorbell::default());
        let container = Container {
            doorbell: Arc::clone(&doorbell),
            outcome: None,
        };
        self.containers.insert(id.to_owned(), container);
        let (shared, id) = (Arc::clone(&self.shared), id.to_owned());
        self.followers.spawn(async move {
            let follower = Follower {
                shared,
                id: id.clone(),
                origin,
                doorbell,
            };
            (id, follower.run().await)
        });
    }
}

/// The events of an engine, as the ids of the containers that they are about.
#[derive(Debug)]
struct Subscription {
    receiver: mpsc::Receiver<Result<String, EngineError>>,
    /// Ends with this value.
    _task: JoinSet<()>,
}

/// The event stream has ended or broken.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.as_ref().map_or_else(|| "the stream ended".to_owned(), ToString::to_string))]
struct EventsLost(Option<EngineError>);

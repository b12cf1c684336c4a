//! A Docker engine on a unix socket that does what a test tells it, faults included.

mod container;
mod faults;
mod gate;
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::body::Frame;
use serde_json::json;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

pub use container::{Container, End, Reply};
pub use gate::{Close, Gate};

use self::container::Living;
use self::server::{Broken, Sender, serve};
use super::exporter::DEADLINE;
use super::records::{EPOCH, Record, Stream, pieces, validate};

#[derive(Debug, Default)]
struct State {
    containers: BTreeMap<String, Living>,
    subscribers: Vec<Sender>,
    requests: Vec<String>,
    created: u32,
    clock: i64,
    is_listing_broken: bool,
    /// Of every image.
    image_names: Vec<String>,
    kind: Kind,
}

impl State {
    /// The id of the container with this name or id.
    fn id(&self, name: &str) -> String {
        let mut named = self.containers.iter();
        let named = named.find(|(_, living)| living.container.name == name);
        named.map_or(name, |(id, _)| id).to_owned()
    }
}

/// Which engine it is like.
#[derive(Clone, Copy, Debug)]
struct Kind {
    is_podman: bool,
    names_layout: bool,
    filters_every_record: bool,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            is_podman: false,
            names_layout: true,
            filters_every_record: false,
        }
    }
}

/// The engine; it stops when it is dropped.
pub struct FakeEngine {
    directory: tempfile::TempDir,
    state: Arc<Mutex<State>>,
    server: Option<JoinHandle<()>>,
}

impl FakeEngine {
    /// Starts an engine without containers.
    pub fn start() -> Self {
        let mut engine = Self::stopped();
        engine.listen();
        engine
    }

    /// An engine that does not listen yet.
    pub fn stopped() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            directory,
            state: Arc::default(),
            server: None,
        }
    }

    /// Begins to listen.
    pub fn listen(&mut self) {
        let listener = UnixListener::bind(self.socket()).unwrap();
        let state = Arc::clone(&self.state);
        self.server = Some(tokio::spawn(serve(listener, state)));
    }

    /// Ends all connections and goes away, as a daemon does that is killed.
    pub fn crash(&mut self) {
        self.server.take().unwrap().abort();
        std::fs::remove_file(self.socket()).unwrap();
        let mut state = self.state();
        state.containers.values_mut().for_each(Living::cut);
        for sender in state.subscribers.drain(..) {
            drop(sender.send(Err(Broken)));
        }
    }

    pub fn is_listening(&self) -> bool {
        self.server.is_some()
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Creates and starts a container; its id is made from the name.
    pub fn run(&self, name: &str) -> String {
        self.create(Container::running(name))
    }

    /// Creates a container. A running one also sends its events.
    pub fn create(&self, container: Container) -> String {
        let id = self.create_silently(container);
        self.event("create", &id);
        self.event("start", &id);
        id
    }

    /// Creates a container whose events are lost.
    pub fn create_silently(&self, container: Container) -> String {
        let mut state = self.state();
        state.created += 1;
        let id = format!("{:064x}", 0xabc0_0000_u64 + u64::from(state.created));
        state.containers.insert(id.clone(), Living::new(container));
        id
    }

    /// Runs a container whose log is answered by a script first.
    pub fn run_scripted(&self, name: &str, replies: impl IntoIterator<Item = Reply>) -> String {
        let id = self.create_silently(Container::running(name));
        self.script(&id, replies);
        self.event("start", &id);
        id
    }

    /// Changes the name of a container and opens its streams anew.
    pub fn rename(&self, id: &str, name: &str) {
        self.change(id, |living| name.clone_into(&mut living.container.name));
        self.event("rename", id);
        self.cut(id);
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Living)) {
        change(self.state().containers.get_mut(id).unwrap());
    }

    /// Says what all images are called now.
    pub fn name_images(&self, names: &[&str]) {
        self.state().image_names = names.iter().map(|&name| name.to_owned()).collect();
    }

    /// Changes what a container's health check says.
    pub fn set_health(&self, id: &str, status: &'static str) {
        self.change(id, |living| living.container.health = Some(status));
        self.event(&format!("health_status: {status}"), id);
    }

    /// Stops a container: its streams end, then the event comes.
    pub fn stop(&self, id: &str) {
        self.change(id, |living| {
            living.container.is_running = false;
            living.followers.clear();
        });
        self.event("die", id);
    }

    /// Starts a stopped container.
    pub fn restart(&self, id: &str) {
        self.start_silently(id);
        self.event("start", id);
    }

    pub fn start_silently(&self, id: &str) {
        self.change(id, |living| {
            living.container.is_running = true;
            living.starts += 1;
        });
    }

    /// Removes a container; open streams end.
    pub fn remove(&self, id: &str) {
        self.state().containers.remove(id);
        self.event("destroy", id);
    }

    /// Sends an event to all subscribers.
    pub fn event(&self, action: &str, id: &str) {
        let event =
            json!({"Type": "container", "Action": action, "Actor": {"ID": id, "Attributes": {}}});
        self.event_bytes(format!("{event}\n").as_bytes());
    }

    /// Sends bytes to all subscribers of events.
    pub fn event_bytes(&self, bytes: &[u8]) {
        let frame = || Ok(Frame::data(Bytes::copy_from_slice(bytes)));
        self.state()
            .subscribers
            .retain(|subscriber| subscriber.send(frame()).is_ok());
    }

    /// Ends all event streams.
    pub fn end_events(&self) {
        self.state().subscribers.clear();
    }

    /// Logs a line on standard output.
    pub fn log(&self, id: &str, text: &str) {
        self.log_to(id, Stream::Stdout, text);
    }

    /// Logs that many requests with a code.
    pub fn print_requests(&self, id: &str, code: u16, count: u32) {
        (0..count).for_each(|_| self.log(id, &validate(code)));
    }

    /// Logs a line as the engine does: in pieces of 16 KiB with one timestamp.
    pub fn log_to(&self, id: &str, stream: Stream, text: &str) {
        let time = self.tick();
        self.records(id, pieces(time, stream, text));
    }

    /// Logs a line now, by this machine's clock.
    pub fn log_now(&self, id: &str, text: &str) {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let time = i64::try_from(now).unwrap() - EPOCH;
        self.record(id, Record::line(time, text));
    }

    /// Logs a line so many times, in the last milliseconds before now.
    pub fn log_lately(&self, id: &str, text: &str, times: usize) {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let (now, times) = (i64::try_from(now).unwrap(), i64::try_from(times).unwrap());
        let before = (1..=times).rev();
        self.records(id, before.map(|ago| Record::line(now - EPOCH - ago, text)));
    }

    /// The next time of the engine's clock.
    fn tick(&self) -> i64 {
        let mut state = self.state();
        state.clock += 1;
        state.clock
    }

    /// Appends a record as it is.
    pub fn record(&self, id: &str, record: Record) {
        self.change(id, |living| living.append(record));
    }

    /// Appends records as they are.
    pub fn records(&self, id: &str, records: impl IntoIterator<Item = Record>) {
        self.change(id, |living| {
            records.into_iter().for_each(|record| living.append(record));
        });
    }

    /// A crash loop waits, or goes on.
    pub fn set_restarting(&self, id: &str, is_restarting: bool) {
        self.change(id, |living| living.container.is_restarting = is_restarting);
    }

    /// All request lines so far: method, path and query.
    pub fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }

    /// All requests for the log of a container so far, as their queries.
    pub fn log_requests(&self, id: &str) -> Vec<String> {
        let path = format!("GET /containers/{id}/logs?");
        let requests = self.requests();
        requests
            .iter()
            .filter_map(|line| line.strip_prefix(&path).map(str::to_owned))
            .collect()
    }

    /// How many follows of a container have been asked for.
    pub fn follows(&self, id: &str) -> usize {
        let requests = self.log_requests(id);
        requests
            .iter()
            .filter(|query| query.contains("follow=1"))
            .count()
    }

    /// Whether somebody follows a container now.
    pub fn is_followed(&self, id: &str) -> bool {
        let mut state = self.state();
        let container = state.containers.get_mut(id).unwrap();
        container.forget_closed();
        !container.followers.is_empty()
    }

    /// Waits until somebody follows a container.
    pub async fn until_followed(&self, id: &str) {
        let start = tokio::time::Instant::now();
        while !self.is_followed(id) {
            assert!(start.elapsed() < DEADLINE, "nobody follows {id}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until a container was followed so many times.
    pub async fn until_follows(&self, id: &str, follows: usize) {
        let start = tokio::time::Instant::now();
        while self.follows(id) < follows {
            assert!(start.elapsed() < DEADLINE, "{:#?}", self.log_requests(id));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for FakeEngine {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

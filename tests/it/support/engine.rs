//! A Docker engine on a unix socket that does what a test tells it, faults included.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::exporter::DEADLINE;
use super::records::{Record, Stream, mux, raw, seconds};

/// A body that a test can break: an error ends the connection without a final chunk.
type Body = UnsyncBoxBody<Bytes, Broken>;
type Sender = mpsc::UnboundedSender<Result<Frame<Bytes>, Broken>>;

/// The connection is cut.
#[derive(Debug, thiserror::Error)]
#[error("cut")]
pub struct Broken;

/// How a scripted body ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// With its final chunk.
    Clean,
    /// Without.
    Broken,
    /// Not at all.
    Never,
}

/// A scripted answer to a request for a log.
#[derive(Clone, Debug)]
pub enum Reply {
    /// 200 with these chunks.
    Body(Vec<Vec<u8>>, End),
    /// Another status with this body.
    Status(u16, &'static str),
}

/// What a container of the fake engine is like.
#[derive(Clone, Debug, Default)]
pub struct Container {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub is_running: bool,
    /// Between two runs of a crash loop; Docker says that such a container runs, too.
    pub is_restarting: bool,
    pub tty: bool,
    pub driver: Option<&'static str>,
}

impl Container {
    /// A container that runs.
    pub fn running(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_running: true,
            ..Self::default()
        }
    }

    /// The same with labels.
    #[must_use]
    pub fn labelled(mut self, labels: &[(&str, &str)]) -> Self {
        let labels = labels
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()));
        self.labels.extend(labels);
        self
    }
}

/// A container with its past and its readers.
#[derive(Debug)]
struct Living {
    container: Container,
    starts: u32,
    log: Vec<Record>,
    followers: Vec<Sender>,
    script: VecDeque<Reply>,
    /// New records do not reach open streams.
    is_deaf: bool,
}

#[derive(Debug, Default)]
struct State {
    containers: BTreeMap<String, Living>,
    subscribers: Vec<Sender>,
    requests: Vec<String>,
    created: u32,
    clock: u64,
    is_listing_broken: bool,
    is_podman: bool,
    names_layout: bool,
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
        let state = State {
            names_layout: true,
            ..State::default()
        };
        Self {
            directory,
            state: Arc::new(Mutex::new(state)),
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
        let followers = state
            .containers
            .values_mut()
            .flat_map(|one| one.followers.drain(..));
        let followers: Vec<_> = followers.collect();
        for sender in followers.into_iter().chain(state.subscribers.drain(..)) {
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

    /// Answers the next requests for the log of a container with these.
    pub fn script(&self, id: &str, replies: impl IntoIterator<Item = Reply>) {
        self.change(id, |living| living.script.extend(replies));
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

    /// Logs a line as the engine does: in pieces of 16 KiB with one timestamp.
    pub fn log_to(&self, id: &str, stream: Stream, text: &str) {
        let mut state = self.state();
        state.clock += 1;
        let time = state.clock;
        let line = format!("{text}\n");
        let container = state.containers.get_mut(id).unwrap();
        for piece in line.as_bytes().chunks(16 * 1024) {
            container.append(Record {
                time,
                stream,
                bytes: piece.to_vec(),
            });
        }
    }

    /// Appends a record as it is.
    pub fn record(&self, id: &str, record: Record) {
        self.change(id, |living| living.append(record));
    }

    /// Adds to the newest record, for those who ask for it again.
    pub fn extend_last_record(&self, id: &str, text: &str) {
        self.change(id, |living| {
            let last = living.log.last_mut().unwrap();
            last.bytes.extend(text.as_bytes());
        });
    }

    /// Cuts the open streams of a container without a final chunk.
    pub fn cut(&self, id: &str) {
        self.change(id, |living| {
            for follower in living.followers.drain(..) {
                drop(follower.send(Err(Broken)));
            }
        });
    }

    /// Ends the open streams of a container cleanly although it runs, as proxies do.
    pub fn end_streams(&self, id: &str) {
        self.change(id, |living| living.followers.clear());
    }

    /// New records no longer reach open streams, only new requests.
    pub fn deafen(&self, id: &str) {
        self.change(id, |living| living.is_deaf = true);
    }

    /// Lists fail from now on, or work again.
    pub fn break_lists(&self, is_broken: bool) {
        self.state().is_listing_broken = is_broken;
    }

    /// Calls itself Podman.
    pub fn be_podman(&self) {
        self.state().is_podman = true;
    }

    /// A crash loop waits, or goes on.
    pub fn set_restarting(&self, id: &str, is_restarting: bool) {
        self.change(id, |living| living.container.is_restarting = is_restarting);
    }

    /// Sends no Content-Type with logs, as engines before 23.0.
    pub fn hide_layout(&self) {
        self.state().names_layout = false;
    }

    /// All request lines so far: method, path and query.
    pub fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }

    /// How many follows of a container have been asked for.
    pub fn follows(&self, id: &str) -> usize {
        let path = format!("/containers/{id}/logs");
        let requests = self.requests();
        requests
            .iter()
            .filter(|line| line.contains(&path) && line.contains("follow=1"))
            .count()
    }

    /// Whether somebody follows a container now.
    pub fn is_followed(&self, id: &str) -> bool {
        let mut state = self.state();
        let container = state.containers.get_mut(id).unwrap();
        container.followers.retain(|follower| !follower.is_closed());
        !container.followers.is_empty()
    }

    /// Waits until somebody follows a container.
    pub async fn until_followed(&self, id: &str) {
        let start = tokio::time::Instant::now();
        while !self.is_followed(id) {
            assert!(start.elapsed() < DEADLINE, "nobody follows {id}");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
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

impl Living {
    fn new(container: Container) -> Self {
        let (log, followers, script) = Default::default();
        Self {
            container,
            starts: 1,
            log,
            followers,
            script,
            is_deaf: false,
        }
    }

    fn append(&mut self, record: Record) {
        let bytes = if self.container.tty {
            raw(&record)
        } else {
            mux(&record)
        };
        self.log.push(record);
        if !self.is_deaf {
            self.send(&bytes);
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        let frame = || Ok(Frame::data(Bytes::copy_from_slice(bytes)));
        self.followers
            .retain(|follower| follower.send(frame()).is_ok());
    }

    /// What a request selects, as the engine does: first `tail`, then the prefix before `since`.
    fn select(&self, query: &BTreeMap<String, String>) -> Vec<u8> {
        let tail = query
            .get("tail")
            .and_then(|tail| tail.parse().ok())
            .unwrap_or(usize::MAX);
        let since = query.get("since").map_or(0, |since| seconds(since));
        let tail = &self.log[self.log.len().saturating_sub(tail)..];
        let selected = tail.iter().skip_while(|record| record.nanos() < since);
        selected
            .flat_map(|record| {
                if self.container.tty {
                    raw(record)
                } else {
                    mux(record)
                }
            })
            .collect()
    }
}

async fn serve(listener: UnixListener, state: Arc<Mutex<State>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(&state, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            // A client that goes away is nothing to fail about.
            drop(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

fn answer(state: &Mutex<State>, request: &Request<Incoming>) -> Response<Body> {
    let mut state = state.lock().unwrap();
    let target = request.uri().path_and_query().unwrap().as_str();
    state
        .requests
        .push(format!("{} {target}", request.method()));
    let query = parameters(request.uri().query().unwrap_or_default());
    let segments: Vec<_> = request
        .uri()
        .path()
        .trim_start_matches('/')
        .split('/')
        .collect();
    match segments.as_slice() {
        ["version"] => {
            let name = if state.is_podman {
                "Podman Engine"
            } else {
                "Engine"
            };
            let parts = json!([{"Name": name, "Version": "99.0"}]);
            found(&json!({"Version": "99.0", "ApiVersion": "1.99", "Components": parts}))
        }
        ["events"] => {
            let (sender, body) = channel();
            state.subscribers.push(sender);
            Response::new(body)
        }
        ["containers", "json"] if state.is_listing_broken => {
            plain(500, r#"{"message":"the list is broken"}"#)
        }
        ["containers", "json"] => {
            let list: Vec<_> = state
                .containers
                .iter()
                .map(|(id, one)| one.listed(id))
                .collect();
            found(&json!(list))
        }
        ["containers", id, "json"] => match state.containers.get(*id) {
            Some(container) => found(&container.inspected(id)),
            None => plain(404, r#"{"message":"No such container"}"#),
        },
        ["containers", id, "logs"] => {
            let names_layout = state.names_layout;
            match state.containers.get_mut(*id) {
                Some(container) => container.logs(&query, names_layout),
                None => plain(404, r#"{"message":"No such container"}"#),
            }
        }
        _ => plain(403, "forbidden"),
    }
}

impl Living {
    fn listed(&self, id: &str) -> serde_json::Value {
        let state = match (self.container.is_restarting, self.container.is_running) {
            (true, _) => "restarting",
            (false, true) => "running",
            (false, false) => "exited",
        };
        json!({"Id": id, "Names": [format!("/{}", self.container.name)], "State": state})
    }

    fn inspected(&self, id: &str) -> serde_json::Value {
        json!({
            "Id": id,
            "Name": format!("/{}", self.container.name),
            "State": {
                "Running": self.container.is_running,
                "Restarting": self.container.is_restarting,
                "StartedAt": format!("2026-11-21T18:{:02}:{:02}.5Z", self.starts / 60, self.starts % 60),
            },
            "Config": {"Image": "auth:1", "Tty": self.container.tty, "Labels": self.container.labels},
            "HostConfig": {"LogConfig": {"Type": self.container.driver.unwrap_or("json-file"), "Config": {}}},
        })
    }

    fn logs(&mut self, query: &BTreeMap<String, String>, names_layout: bool) -> Response<Body> {
        let (sender, body) = channel();
        let is_follow = query.get("follow").is_some_and(|follow| follow == "1");
        match self.script.pop_front() {
            Some(Reply::Status(status, text)) => return plain(status, text),
            Some(Reply::Body(chunks, end)) => {
                for chunk in chunks {
                    sender.send(Ok(Frame::data(chunk.into()))).unwrap();
                }
                match end {
                    End::Clean => {}
                    End::Broken => sender.send(Err(Broken)).unwrap(),
                    End::Never => self.followers.push(sender),
                }
            }
            None => {
                sender
                    .send(Ok(Frame::data(self.select(query).into())))
                    .unwrap();
                if is_follow && self.container.is_running && !self.container.is_restarting {
                    self.followers.push(sender);
                }
            }
        }
        let mut response = Response::new(body);
        if names_layout {
            let kind = if self.container.tty {
                "raw"
            } else {
                "multiplexed"
            };
            let kind = format!("application/vnd.docker.{kind}-stream")
                .parse()
                .unwrap();
            response.headers_mut().insert("content-type", kind);
        }
        response
    }
}

#[expect(clippy::disallowed_methods, reason = "holds what one test has written")]
fn channel() -> (Sender, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|frame| (frame, receiver))
    });
    (sender, StreamBody::new(stream).boxed_unsync())
}

fn found(value: &serde_json::Value) -> Response<Body> {
    let mut response = plain(200, &value.to_string());
    response
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    response
}

fn plain(status: u16, text: &str) -> Response<Body> {
    let body = Full::new(Bytes::copy_from_slice(text.as_bytes()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

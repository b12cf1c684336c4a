//! A container of the fake engine: what it is, its log, and who reads it.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use bytes::Bytes;
use hyper::Response;
use hyper::body::Frame;
use serde_json::{Value, json};

use super::Kind;
use super::server::{Body, Broken, Sender, channel, plain};
use crate::support::records::{Record, Times, mux_as, raw_as, seconds, timestamp};

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
    pub log_options: BTreeMap<&'static str, &'static str>,
    /// In its network, while it runs.
    pub address: Option<IpAddr>,
    /// Ports that its image exposes.
    pub ports: Vec<u16>,
    /// The time of its start, if it is not the usual one.
    pub started: Option<String>,
    /// `NAME=value`.
    pub environment: Vec<&'static str>,
    /// What its health check says, if it has one.
    pub health: Option<&'static str>,
    pub restarts: u32,
    /// The image that it was made from.
    pub image_id: &'static str,
    /// The program and its arguments.
    pub command: Vec<&'static str>,
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

    /// A container that runs and whose log begins a new file after that many bytes.
    pub fn rotating(name: &str, max_size: &'static str) -> Self {
        Self::running(name).log_option("max-size", max_size)
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

    /// The same in a network, where it exposes a port, and started now.
    #[must_use]
    pub fn at(self, address: SocketAddr) -> Self {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        Self {
            address: Some(address.ip()),
            ports: vec![address.port()],
            started: Some(timestamp(i64::try_from(now).unwrap())),
            ..self
        }
    }

    /// The same with an option of its log driver.
    #[must_use]
    pub fn log_option(mut self, key: &'static str, value: &'static str) -> Self {
        self.log_options.insert(key, value);
        self
    }
}

/// A container with its past and its readers.
#[derive(Debug)]
pub(super) struct Living {
    pub(super) container: Container,
    /// In milliseconds after 1970.
    created: i64,
    pub(super) starts: u32,
    pub(super) log: Vec<Entry>,
    pub(super) followers: Vec<Follower>,
    pub(super) script: VecDeque<Reply>,
    /// New records do not reach open streams.
    pub(super) is_withholding: bool,
    /// Requests for the log that wait for their answer, while they have to.
    pub(super) held: Option<Vec<(Sender, Query)>>,
    pub(super) times: Times,
}

/// A record and how its time is printed.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: Record,
    times: Times,
}

/// An open stream.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) sender: Sender,
    /// What is new never reaches it.
    pub(super) is_deaf: bool,
    /// In nanoseconds; what is older does not reach it.
    since: i64,
}

pub(super) type Query = BTreeMap<String, String>;

impl Living {
    pub(super) fn new(container: Container) -> Self {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        Self {
            container,
            created: i64::try_from(now).unwrap(),
            starts: 1,
            log: Vec::new(),
            followers: Vec::new(),
            script: VecDeque::new(),
            is_withholding: false,
            held: None,
            times: Times::Nanos,
        }
    }

    pub(super) fn append(&mut self, record: Record) {
        let times = self.times;
        self.log.push(Entry { record, times });
        if !self.is_withholding {
            self.deliver(self.log.len() - 1);
        }
    }

    /// Sends the records from an index on to the open streams.
    pub(super) fn deliver(&mut self, from: usize) {
        for entry in &self.log[from..] {
            let bytes = Bytes::from(self.printed(entry));
            let nanos = entry.record.nanos();
            for follower in &self.followers {
                if !follower.is_deaf && nanos >= follower.since {
                    drop(follower.sender.send(Ok(Frame::data(bytes.clone()))));
                }
            }
        }
        self.forget_closed();
    }

    pub(super) fn forget_closed(&mut self) {
        self.followers.retain(|one| !one.sender.is_closed());
    }

    /// Ends the open streams without a final chunk.
    pub(super) fn cut(&mut self) {
        for follower in self.followers.drain(..) {
            drop(follower.sender.send(Err(Broken)));
        }
    }

    fn printed(&self, entry: &Entry) -> Vec<u8> {
        if self.container.tty {
            raw_as(&entry.record, entry.times)
        } else {
            mux_as(&entry.record, entry.times)
        }
    }

    /// Answers a request for the log.
    pub(super) fn logs(&mut self, query: Query, kind: Kind) -> Response<Body> {
        let (sender, body) = channel();
        match self.script.pop_front() {
            Some(Reply::Status(status, text)) => return plain(status, text),
            Some(Reply::Body(chunks, end)) => self.play(sender, chunks, end),
            None => match &mut self.held {
                Some(held) => held.push((sender, query)),
                None => self.answer(sender, &query, kind),
            },
        }
        let mut response = Response::new(body);
        if kind.names_layout {
            let layout = if self.container.tty {
                "application/vnd.docker.raw-stream"
            } else {
                "application/vnd.docker.multiplexed-stream"
            };
            let headers = response.headers_mut();
            headers.insert("content-type", layout.parse().unwrap());
        }
        response
    }

    fn play(&mut self, sender: Sender, chunks: Vec<Vec<u8>>, end: End) {
        for chunk in chunks {
            sender.send(Ok(Frame::data(chunk.into()))).unwrap();
        }
        match end {
            End::Clean => {}
            End::Broken => sender.send(Err(Broken)).unwrap(),
            End::Never => self.follow(sender, i64::MIN),
        }
    }

    /// Sends what a request selects, then what is new if it follows.
    pub(super) fn answer(&mut self, sender: Sender, query: &Query, kind: Kind) {
        let since = query.get("since").map_or(i64::MIN, |since| seconds(since));
        for chunk in self.select(query, since, kind).chunks(64 * 1024) {
            drop(sender.send(Ok(Frame::data(Bytes::copy_from_slice(chunk)))));
        }
        let is_follow = query.get("follow").is_some_and(|follow| follow == "1");
        if is_follow && self.container.is_running && !self.container.is_restarting {
            let filters = kind.filters_every_record;
            self.follow(sender, if filters { since } else { i64::MIN });
        }
    }

    fn follow(&mut self, sender: Sender, since: i64) {
        self.followers.push(Follower {
            sender,
            is_deaf: false,
            since,
        });
    }

    /// What a request selects: of the newest records those from a time on. Engines before 24.0 look
    /// at the time of every record, newer ones only skip what comes before the first of that time.
    fn select(&self, query: &Query, since: i64, kind: Kind) -> Vec<u8> {
        let tail = query.get("tail").and_then(|tail| tail.parse().ok());
        let start = self.log.len().saturating_sub(tail.unwrap_or(usize::MAX));
        let is_wanted = |entry: &&Entry| entry.record.nanos() >= since;
        let tail = self.log[start..].iter();
        let selected: Vec<_> = if kind.filters_every_record {
            tail.filter(is_wanted).collect()
        } else {
            tail.skip_while(|entry| !is_wanted(entry)).collect()
        };
        let records: Vec<_> = selected
            .into_iter()
            .map(|entry| self.printed(entry))
            .collect();
        records.concat()
    }

    pub(super) fn listed(&self, id: &str) -> Value {
        let state = match (self.container.is_restarting, self.container.is_running) {
            (true, _) => "restarting",
            (false, true) => "running",
            (false, false) => "exited",
        };
        let name = format!("/{}", self.container.name);
        json!({"Id": id, "Names": [name], "State": state, "Created": self.created / 1000})
    }

    pub(super) fn inspected(&self, id: &str) -> Value {
        let Container {
            name,
            labels,
            tty,
            driver,
            log_options,
            ports,
            environment,
            ..
        } = &self.container;
        let health = self
            .container
            .health
            .map(|status| json!({"Status": status}));
        let command = &self.container.command;
        let starts = (self.starts / 60, self.starts % 60);
        let started = format!("2026-11-21T18:{:02}:{:02}.5Z", starts.0, starts.1);
        let started = self.container.started.clone().unwrap_or(started);
        let ports: BTreeMap<_, _> = ports
            .iter()
            .map(|port| (format!("{port}/tcp"), json!({})))
            .collect();
        // As Docker does, which keeps the network of a stopped container without its address.
        let address = self.container.address.filter(|_| self.container.is_running);
        let address = address.map_or_else(String::new, |address| address.to_string());
        json!({
            "Id": id,
            "Name": format!("/{name}"),
            "Created": timestamp(self.created),
            "State": {
                "Running": self.container.is_running,
                "Restarting": self.container.is_restarting,
                "StartedAt": started,
                "Health": health,
            },
            "Image": self.container.image_id,
            "RestartCount": self.container.restarts,
            "Path": command.first(),
            "Args": command.get(1..),
            "Config": {"Image": "auth:1", "Tty": tty, "Labels": labels, "ExposedPorts": ports, "Env": environment},
            "NetworkSettings": {"Networks": {"bridge": {"IPAddress": address}}},
            "HostConfig": {"LogConfig": {"Type": driver.unwrap_or("json-file"), "Config": log_options}},
        })
    }
}

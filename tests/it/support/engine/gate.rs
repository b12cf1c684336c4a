//! A proxy in front of the fake engine that says what it likes and cuts what it passes on.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::FakeEngine;

/// How an answer of the gate itself ends.
#[derive(Clone, Copy, Debug)]
pub enum Close {
    Orderly,
    /// With a reset of the connection.
    Reset,
    /// When the client goes.
    Never,
}

#[derive(Debug, Default)]
struct Rules {
    /// Answers to the next requests for a log.
    answers: VecDeque<(Vec<u8>, Close)>,
    /// How long a connection may last.
    limit: Option<Duration>,
    /// How many connections have reached it.
    cuts: u32,
}

/// The proxy; it stops when it is dropped.
pub struct Gate {
    pub address: String,
    rules: Arc<Mutex<Rules>>,
    server: JoinHandle<()>,
}

impl Gate {
    pub async fn before(engine: &FakeEngine) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let rules = Arc::<Mutex<Rules>>::default();
        let server = tokio::spawn(serve(listener, engine.socket(), Arc::clone(&rules)));
        Self {
            address,
            rules,
            server,
        }
    }

    /// Answers the next request for a log with these bytes.
    pub fn answer_log(&self, bytes: impl Into<Vec<u8>>, close: Close) {
        let answer = (bytes.into(), close);
        self.rules.lock().unwrap().answers.push_back(answer);
    }

    /// True if there are answers that nobody has asked for yet.
    pub fn has_answers(&self) -> bool {
        !self.rules.lock().unwrap().answers.is_empty()
    }

    /// No new connection lasts longer than this, or any time.
    pub fn limit(&self, limit: Option<Duration>) {
        self.rules.lock().unwrap().limit = limit;
    }

    /// How many connections were cut because they lasted too long.
    pub fn cuts(&self) -> u32 {
        self.rules.lock().unwrap().cuts
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, engine: PathBuf, rules: Arc<Mutex<Rules>>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        connections.spawn(pass(client, engine.clone(), Arc::clone(&rules)));
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(mut client: TcpStream, engine: PathBuf, rules: Arc<Mutex<Rules>>) {
    let Some(head) = head(&mut client).await else {
        return;
    };
    let is_log = String::from_utf8_lossy(&head).contains("/logs?");
    let (answer, limit) = {
        let mut rules = rules.lock().unwrap();
        let answer = is_log.then(|| rules.answers.pop_front()).flatten();
        (answer, rules.limit)
    };
    if let Some((bytes, close)) = answer {
        return say(client, &bytes, close).await;
    }
    let Ok(mut engine) = UnixStream::connect(engine).await else {
        return;
    };
    if engine.write_all(&head).await.is_err() {
        return;
    }
    let passing = copy_bidirectional(&mut client, &mut engine);
    if timeout(limit.unwrap_or(Duration::MAX), passing)
        .await
        .is_err()
    {
        rules.lock().unwrap().cuts += 1;
    }
}

/// The head of a request, which has no body.
async fn head(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if client.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

async fn say(mut client: TcpStream, bytes: &[u8], close: Close) {
    drop(client.write_all(bytes).await);
    match close {
        Close::Orderly => drop(client.shutdown().await),
        Close::Reset => {
            // The bytes first: a reset overtakes what has not been read.
            tokio::time::sleep(Duration::from_millis(20)).await;
            client.set_zero_linger().unwrap();
        }
        Close::Never => while client.read_u8().await.is_ok() {},
    }
}

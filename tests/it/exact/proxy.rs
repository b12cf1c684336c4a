//! A socket before the engine's that is slow, or that cuts every connection after a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use crate::docker::lab::SOCKET;

/// What the proxy does to its connections.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// All answers together have this many bytes a second.
    Slow(u32),
    /// No connection lives longer.
    Cut(Duration),
}

/// A running proxy; it ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    folder: TempDir,
    task: JoinHandle<()>,
}

impl Proxy {
    pub fn start(fault: Fault) -> Self {
        let folder = TempDir::new().unwrap();
        let listener = UnixListener::bind(folder.path().join("docker.sock")).unwrap();
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            let budget = Arc::new(Mutex::new(Instant::now()));
            loop {
                let (client, _) = listener.accept().await.unwrap();
                connections.spawn(serve(client, fault, Arc::clone(&budget)));
            }
        });
        Self { folder, task }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries both directions of a connection until either ends. `budget` is when the next byte of an
/// answer may pass.
async fn serve(client: UnixStream, fault: Fault, budget: Arc<Mutex<Instant>>) {
    let Ok(engine) = UnixStream::connect(SOCKET).await else {
        return;
    };
    let (mut requests, to_client) = client.into_split();
    let (answers, mut to_engine) = engine.into_split();
    let (rate, life) = match fault {
        Fault::Slow(rate) => (Some(rate), Duration::MAX),
        Fault::Cut(life) => (None, life),
    };
    tokio::select! {
        _ = copy(&mut requests, &mut to_engine) => {}
        () = carry(answers, to_client, rate, &budget) => {}
        () = sleep(life) => {}
    }
}

async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    rate: Option<u32>,
    budget: &Mutex<Instant>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if let Some(rate) = rate {
            let mut next = budget.lock().await;
            let start = (*next).max(Instant::now());
            *next = start + Duration::from_secs(1) * u32::try_from(length).unwrap() / rate;
            drop(next);
            sleep_until(start).await;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

//! A real haproxy with the shipped configuration, and something behind it that must be protected.

use std::convert::Infallible;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::tools::{Process, read, replace, tool};
use crate::support::exporter::DEADLINE;

/// A running proxy; it ends when it is dropped.
pub struct Proxy {
    process: Process,
    _directory: tempfile::TempDir,
    pub address: SocketAddr,
}

impl Proxy {
    /// Starts the proxy as it is shipped, but for its two addresses.
    pub fn before(socket: &Path) -> Self {
        Self::changed(socket, |config| config)
    }

    /// Starts the proxy with a changed configuration.
    pub fn changed(socket: &Path, change: impl FnOnce(String) -> String) -> Self {
        let config = read("compose/haproxy.cfg");
        // It gets the port open, as its standard input: nobody else can take it meanwhile.
        let config = replace(&config, "bind :2375", "bind fd@0", 1);
        let engine = format!("unix@{}", socket.display());
        let config = change(replace(&config, "unix@/var/run/docker.sock", &engine, 2));
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("haproxy.cfg");
        fs::write(&file, config).unwrap();

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut command = tool("haproxy");
        command.arg("-f").arg(file).arg("-db");
        command.stdin(OwnedFd::from(listener));
        Self {
            process: Process::start(command),
            _directory: directory,
            address,
        }
    }

    /// Sends these bytes and returns all that comes back.
    pub async fn exchange(&self, request: &str) -> String {
        let exchange = async {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            // What is refused by its headers may not be read to its end.
            drop(stream.write_all(request.as_bytes()).await);
            let mut answer = Vec::new();
            drop(stream.read_to_end(&mut answer).await);
            String::from_utf8_lossy(&answer).into_owned()
        };
        let answer = timeout(DEADLINE, exchange).await;
        answer.unwrap_or_else(|_| panic!("no end of the answer to {request:?}: {:?}", self.log()))
    }

    /// Its log: what it has refused, or could not do.
    pub fn log(&self) -> Vec<String> {
        self.process.log()
    }
}

/// Something on a unix socket that says yes to everything.
pub struct Upstream {
    directory: tempfile::TempDir,
    reached: Arc<Mutex<Reached>>,
    server: JoinHandle<()>,
}

/// What has arrived.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reached {
    pub connections: usize,
    /// Method and target of each.
    pub requests: Vec<String>,
}

impl Upstream {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("docker.sock")).unwrap();
        let reached = Arc::new(Mutex::new(Reached::default()));
        Self {
            directory,
            reached: Arc::clone(&reached),
            server: tokio::spawn(serve(listener, reached)),
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }

    /// What has arrived since the last look.
    pub fn take(&self) -> Reached {
        std::mem::take(&mut self.reached.lock().unwrap())
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: UnixListener, reached: Arc<Mutex<Reached>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        reached.lock().unwrap().connections += 1;
        let reached = Arc::clone(&reached);
        connections.spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let line = format!("{} {}", request.method(), request.uri());
                reached.lock().unwrap().requests.push(line);
                async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("yes")))) }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            drop(connection.await);
        });
    }
}

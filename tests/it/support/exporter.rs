//! The real binary, and what it shows.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::engine::{FakeEngine, Gate};

/// How long anything may take before a test fails.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A command line without the surroundings of the test run.
pub fn authtail(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtail"));
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// A running exporter.
pub struct Exporter {
    child: Child,
    pub address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    lines: watch::Receiver<usize>,
}

/// An answer of the exporter.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

impl Exporter {
    /// Starts an exporter of an engine.
    pub async fn of(engine: &FakeEngine) -> Self {
        Self::with(engine, &[]).await
    }

    /// Starts an exporter of an engine with more arguments.
    pub async fn with(engine: &FakeEngine, arguments: &[&str]) -> Self {
        let socket = engine.socket();
        let mut command = authtail(&["--docker.host", socket.to_str().unwrap()]);
        command
            .args(["--web.listen-address", "127.0.0.1:0"])
            .args(arguments);
        let may_say = ["--state.file", "--config.file"];
        if !arguments.iter().any(|one| may_say.contains(one)) {
            // Not where an installed one keeps its numbers.
            command.args(["--state.file", ""]);
        }
        let exporter = Self::start(command).await;
        if engine.is_listening() {
            // From now on a new container is one that was created while we watched.
            exporter.until_log("the engine is up").await;
        }
        exporter
    }

    /// Starts an exporter of an engine that keeps its numbers in a file.
    pub async fn keeping(engine: &FakeEngine, state: &Path) -> Self {
        Self::with(engine, &["--state.file", state.to_str().unwrap()]).await
    }

    /// Starts an exporter of what is behind a gate.
    pub async fn behind(gate: &Gate) -> Self {
        let mut command = authtail(&["--docker.host", &gate.address, "--state.file", ""]);
        command.args(["--web.listen-address", "127.0.0.1:0"]);
        let exporter = Self::start(command).await;
        exporter.until_log("the engine is up").await;
        exporter
    }

    /// Starts a command and waits until it listens.
    pub async fn start(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (count, lines) = watch::channel(0);
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                kept.lock().unwrap().push(line);
                count.send_modify(|count| *count += 1);
            }
        });
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut exporter = Self {
            child,
            address,
            log,
            lines,
        };
        let listening = exporter.until_log("message=listening").await;
        exporter.address = listening
            .rsplit_once("address=")
            .unwrap()
            .1
            .parse()
            .unwrap();
        exporter
    }

    /// Waits for a line of the exporter's own log that holds a text.
    pub async fn until_log(&self, text: &str) -> String {
        self.until_log_within(DEADLINE, text).await
    }

    /// The same, for what takes its time.
    pub async fn until_log_within(&self, limit: Duration, text: &str) -> String {
        let mut lines = self.lines.clone();
        let found = timeout(limit, async {
            loop {
                if let Some(line) = self.log().into_iter().find(|line| line.contains(text)) {
                    return line;
                }
                lines.changed().await.expect("the exporter ended");
            }
        });
        found
            .await
            .unwrap_or_else(|_| panic!("no `{text}` in {:#?}", self.log()))
    }

    /// The exporter's own log so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Empty::new()).unwrap())
            .await
    }

    pub async fn send<B>(&self, request: Request<B>) -> Answer
    where
        B: hyper::body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync,
    {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let response = timeout(DEADLINE, sender.send_request(request))
            .await
            .unwrap()
            .unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec();
        Answer {
            status,
            headers,
            body,
        }
    }

    /// A page of metrics.
    pub async fn page(&self) -> Page {
        let answer = self.get("/metrics").await;
        assert_eq!(answer.status, 200);
        Page::parse(&answer.text())
    }

    /// Scrapes until a page is as wanted, and returns it.
    pub async fn until(&self, what: &str, is_wanted: impl Fn(&Page) -> bool) -> Page {
        let start = tokio::time::Instant::now();
        loop {
            let page = self.page().await;
            if is_wanted(&page) {
                return page;
            }
            assert!(
                start.elapsed() < DEADLINE,
                "not {what}: {page:#?}\n{:#?}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Scrapes until the engine is up, or down.
    pub async fn until_engine_is(&self, up: f64) -> Page {
        self.until("up or down", |page| {
            page.get("authtail_docker_up") == Some(up)
        })
        .await
    }

    /// Asks until everything that was there at the start has been read.
    pub async fn until_ready(&self) {
        let start = tokio::time::Instant::now();
        while self.get("/-/ready").await.status != 200 {
            assert!(start.elapsed() < DEADLINE, "not ready: {:#?}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Scrapes until the log of a container had to be opened again so many times.
    pub async fn until_reconnects(&self, container: &str, reason: &str, times: u32) -> Page {
        let labels = [("container", container), ("reason", reason)];
        self.until(&format!("{times} reconnects: {reason}"), |page| {
            let seen = page.sum("authtail_log_reconnects_total", &labels);
            seen == Some(f64::from(times))
        })
        .await
    }

    /// Scrapes until a container has logged that many lines in all.
    pub async fn until_lines(&self, container: &str, lines: u32) -> Page {
        let is_wanted = |page: &Page| page.lines(container) >= f64::from(lines);
        let page = self
            .until(&format!("{lines} lines of {container}"), is_wanted)
            .await;
        assert_eq!(page.lines(container), f64::from(lines), "{page:#?}");
        page
    }

    /// Sends a signal to the process.
    pub async fn signal(&self, signal: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Asks the process to stop and waits for its end.
    pub async fn terminate(mut self, signal: &str) -> ExitStatus {
        self.signal(signal).await;
        timeout(DEADLINE, self.child.wait()).await.unwrap().unwrap()
    }

    /// Ends the process without a chance to do anything.
    pub async fn kill(self) {
        self.terminate("-KILL").await;
    }
}

/// The samples of a page by series.
#[derive(Clone, Debug)]
pub struct Page(BTreeMap<String, f64>);

impl Page {
    pub fn parse(text: &str) -> Self {
        let samples = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                let (series, value) = line.rsplit_once(' ').unwrap();
                (series.to_owned(), value.parse().unwrap())
            });
        Self(samples.collect())
    }

    /// All series, written as on the page, and their values.
    pub fn series(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0
            .iter()
            .map(|(series, value)| (series.as_str(), *value))
    }

    /// The value of a series, written as on the page.
    pub fn get(&self, series: &str) -> Option<f64> {
        self.0.get(series).copied()
    }

    /// The sum of all series of a metric whose labels hold all of these pairs.
    pub fn sum(&self, metric: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found = None;
        for (series, value) in &self.0 {
            let name = series.split('{').next().unwrap();
            let holds =
                |(key, value): &(&str, &str)| series.contains(&format!("{key}=\"{value}\""));
            if name == metric && labels.iter().all(holds) {
                *found.get_or_insert(0.0) += value;
            }
        }
        found
    }

    /// Requests of a container on route `validate` with a code.
    pub fn validate(&self, container: &str, code: &str) -> f64 {
        self.requests(container, "validate", code)
            .unwrap_or_default()
    }

    pub fn requests(&self, container: &str, route: &str, code: &str) -> Option<f64> {
        let labels = [("container", container), ("route", route), ("code", code)];
        self.sum("authtail_requests_total", &labels)
    }

    /// Requests of the container `web` by 200, 401 and 403.
    pub fn codes(&self) -> [f64; 3] {
        ["200", "401", "403"].map(|code| self.validate("web", code))
    }

    pub fn lines(&self, container: &str) -> f64 {
        let labels = [("container", container)];
        self.sum("authtail_log_lines_total", &labels)
            .unwrap_or_default()
    }

    /// Refusals of a container with a reason.
    pub fn denials(&self, container: &str, reason: &str) -> Option<f64> {
        let labels = [("container", container), ("reason", reason)];
        self.sum("authtail_denials_total", &labels)
    }

    /// Notices of a container of a kind.
    pub fn notices(&self, container: &str, kind: &str) -> Option<f64> {
        let labels = [("container", container), ("kind", kind)];
        self.sum("authtail_notices_total", &labels)
    }

    /// Records that a container's log repeated.
    pub fn duplicates(&self, container: &str) -> Option<f64> {
        self.sum("authtail_log_duplicates_total", &[("container", container)])
    }

    /// Holes in a container's log that the engine could not fill any more.
    pub fn gaps(&self, container: &str) -> Option<f64> {
        self.sum("authtail_log_gaps_total", &[("container", container)])
    }

    /// The bytes of all lines of a container.
    pub fn bytes(&self, container: &str) -> Option<f64> {
        self.sum("authtail_log_bytes_total", &[("container", container)])
    }

    /// Fails if a counter is below what an earlier page has shown.
    pub fn assert_not_below(&self, earlier: &Self) {
        for (series, before) in &earlier.0 {
            let name = series.split('{').next().unwrap();
            let is_counter = ["_total", "_bucket", "_count"]
                .iter()
                .any(|end| name.ends_with(end));
            // What the process itself did begins anew with each process.
            let kept = ["request", "log", "denials", "notices"];
            let is_kept = kept
                .iter()
                .any(|kept| name.starts_with(&format!("authtail_{kept}")));
            if is_counter && is_kept {
                let now = self.get(series).unwrap_or_default();
                assert!(now >= *before, "{series} went from {before} to {now}");
            }
        }
    }

    /// Times that a container's log was opened again, for any reason.
    pub fn reconnects(&self, container: &str) -> Option<f64> {
        self.sum("authtail_log_reconnects_total", &[("container", container)])
    }

    pub fn running(&self, container: &str) -> Option<f64> {
        self.sum("authtail_container_running", &[("container", container)])
    }
}

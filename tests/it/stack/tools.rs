//! Programs that are not ours: where they are, what they say, and that they end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::support::exporter::DEADLINE;

/// The folder of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the project.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files of rules by their path, those that are optional too.
pub fn rule_files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["alerts", "alerts/optional"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".rules.yml") {
                let path = format!("{folder}/{name}");
                found.push((path.clone(), read(&path)));
            }
        }
    }
    found.sort();
    assert!(found.len() >= 5, "{}", found.len());
    found
}

/// A program that `tests/tools` brings, to be given arguments.
pub fn tool(name: &str) -> Command {
    let folder = std::env::var_os("AUTHTAIL_TOOLS")
        .map_or_else(|| root().join("target/tools/bin"), PathBuf::from);
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{name} is not in {}: run tests/tools first, or set AUTHTAIL_TOOLS to the `bin` that it made",
        folder.display()
    );
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// A replacement that is known to happen, and how often.
pub fn replace(text: &str, from: &str, to: &str, times: usize) -> String {
    assert_eq!(text.matches(from).count(), times, "`{from}` in {text}");
    text.replace(from, to)
}

/// A running program and everything that it has said.
pub struct Process {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    lines: watch::Receiver<usize>,
}

impl Process {
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let log = Arc::new(Mutex::new(Vec::new()));
        let (count, lines) = watch::channel(0);
        let count = Arc::new(count);
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        tokio::spawn(keep(stdout, Arc::clone(&log), Arc::clone(&count)));
        tokio::spawn(keep(stderr, Arc::clone(&log), count));
        Self { child, log, lines }
    }

    /// Waits for a line that holds a text.
    pub async fn until_log(&self, text: &str) -> String {
        let mut lines = self.lines.clone();
        let found = timeout(DEADLINE, async {
            loop {
                if let Some(line) = self.log().into_iter().find(|line| line.contains(text)) {
                    return Some(line);
                }
                if lines.changed().await.is_err() {
                    return None; // it has ended
                }
            }
        });
        let found = found.await.ok().flatten();
        found.unwrap_or_else(|| panic!("no `{text}` in {:#?}", self.log()))
    }

    /// The address that a server of the Prometheus project says it listens on.
    pub async fn until_listening(&self) -> SocketAddr {
        let line = self.until_log("Listening on").await;
        let address = line.rsplit_once("address=").unwrap().1;
        address.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// What it has said so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Process {
    /// Returns when it has ended, so that its folder can be removed.
    fn drop(&mut self) {
        drop(self.child.start_kill());
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < Duration::from_secs(5)
        {
            std::thread::yield_now();
        }
    }
}

async fn keep(
    output: impl AsyncRead + Unpin,
    log: Arc<Mutex<Vec<String>>>,
    count: Arc<watch::Sender<usize>>,
) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        log.lock().unwrap().push(line);
        count.send_modify(|count| *count += 1);
    }
}

/// Runs a program to its end: whether it succeeded, and all that it said.
pub async fn finish(mut command: Command) -> (bool, String) {
    let output = timeout(DEADLINE, command.kill_on_drop(true).output()).await;
    let output = output
        .unwrap_or_else(|_| panic!("{command:?} does not end"))
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

//! authtail itself, as a process that is looked at from outside.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::process::Process;
use crate::stand::{Container, LIMIT, Stand, until};

/// A running exporter; killed when it is dropped.
pub(crate) struct Exporter {
    child: Child,
    pub(crate) process: Process,
    address: String,
    /// Its log, line by line.
    log: Receiver<String>,
}

impl Exporter {
    /// Starts it with a state file and waits until it watches the engine.
    pub(crate) fn start(stand: &Stand, state: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_authtail"))
            .env_clear()
            .args(["--web.listen-address", "127.0.0.1:0", "--docker.host"])
            .arg(stand.engine.socket())
            .arg("--state.file")
            .arg(stand.folder().join(state))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Nobody may be listening any more.
                drop(sender.send(line));
            }
        });
        let process = Process::new(child.id());
        let mut exporter = Self {
            child,
            process,
            address: String::new(),
            log,
        };
        let listening = exporter.until_log("message=listening");
        let address = listening.rsplit_once("address=").unwrap().1;
        address.clone_into(&mut exporter.address);
        exporter.until_log("the engine is up");
        exporter
    }

    /// Waits for the next line of its log that holds a text.
    pub(crate) fn until_log(&self, text: &str) -> String {
        loop {
            let next = self.log.recv_timeout(LIMIT);
            let next = next.unwrap_or_else(|error| panic!("no `{text}` in the log: {error}"));
            if next.contains(text) {
                return next;
            }
        }
    }

    /// Waits until it has read all logs to their ends.
    pub(crate) fn until_ready(&self) {
        until("ready", || {
            self.get("/-/ready").starts_with("HTTP/1.1 200 ")
        });
    }

    /// Waits until it has counted the last line of a container. Lines before it may still be missing
    /// where a log rotates, until the next audit.
    pub(crate) fn until_last(&self, container: &Container<'_>) {
        let last = "route=\"validate\",code=\"403\"";
        until("counted", || self.value(last, container) == 1);
    }

    /// How many lines of a container it has counted.
    pub(crate) fn lines(&self, container: &Container<'_>) -> u32 {
        self.value("authtail_log_lines_total{", container)
    }

    /// The value of the series of a container whose name and labels hold a text; 0 if there is none.
    fn value(&self, text: &str, container: &Container<'_>) -> u32 {
        let name = format!("container=\"{}\"", container.name);
        let page = self.get("/metrics");
        let mut lines = page.lines();
        let found = lines.find(|line| line.contains(text) && line.contains(&name));
        let value = |line: &str| line.rsplit_once(' ').unwrap().1.parse().unwrap();
        found.map_or(0, value)
    }

    /// A page, with its head.
    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: authtail\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn stop(mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

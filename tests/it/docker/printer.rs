//! The other end of a printer: tells it what to print, and knows what it has printed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::Builder;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};
use tokio::process::Command;
use tokio::time::timeout;

use super::lab::{docker_of, run};

/// How long a printer may be at work.
const LIMIT: Duration = Duration::from_mins(1);

/// A container with a printer (`tests/fixtures/printer.rs`).
#[derive(Debug)]
pub struct Printer {
    pub name: String,
    /// The engine's address.
    host: String,
    folder: PathBuf,
    commands: Sender,
    answers: Lines<BufReader<Receiver>>,
}

impl Printer {
    /// Makes the pipes to a container that is still to be made.
    pub async fn new(name: &str, host: &str, folder: &Path) -> Self {
        let folder = Builder::new().prefix("control-").tempdir_in(folder);
        // Removed with the folder around it.
        let folder = folder.unwrap().keep();
        let pipes = ["commands", "answers"].map(|pipe| folder.join(pipe));
        let mut mkfifo = Command::new("mkfifo");
        mkfifo.args(&pipes);
        run(mkfifo, LIMIT).await;
        // Both ways, so that the pipes stay while the container comes and goes.
        let mut options = OpenOptions::new();
        let options = options.read_write(true);
        Self {
            name: name.to_owned(),
            host: host.to_owned(),
            folder,
            commands: options.open_sender(&pipes[0]).unwrap(),
            answers: BufReader::new(options.open_receiver(&pipes[1]).unwrap()).lines(),
        }
    }

    /// The option `-v` of its container.
    pub fn mount(&self) -> String {
        format!("{}:/control", self.folder.display())
    }

    /// Sends a command to a printer that listens.
    pub async fn send(&mut self, command: &str) {
        let line = format!("{command}\n");
        self.commands.write_all(line.as_bytes()).await.unwrap();
    }

    /// Waits until the next command has been carried out, and returns when it began. Those of the
    /// command line are carried out at each start.
    pub async fn done(&mut self) -> SystemTime {
        self.done_within(LIMIT).await
    }

    /// The same, for a command that takes its time.
    pub async fn done_within(&mut self, limit: Duration) -> SystemTime {
        let line = timeout(limit, self.answers.next_line()).await;
        let line = line
            .unwrap_or_else(|_| panic!("{} does not answer", self.name))
            .unwrap()
            .unwrap();
        SystemTime::UNIX_EPOCH + Duration::from_nanos(line.parse().unwrap())
    }

    /// Sends a command and waits until it has been carried out.
    pub async fn tell(&mut self, command: &str) {
        self.send(command).await;
        self.done().await;
    }

    /// Lines that the present process has printed so far, without waiting for it.
    pub fn progress(&self) -> u32 {
        let text = std::fs::read_to_string(self.folder.join("progress")).unwrap();
        text.parse().unwrap()
    }

    /// Runs `docker COMMAND… NAME`.
    pub async fn docker(&self, command: &[&str]) {
        let mut docker = docker_of(&self.host);
        docker.args(command).arg(&self.name);
        run(docker, LIMIT).await;
    }
}

//! An engine of the benchmark's own: nobody else's containers are in its figures, and no settings of
//! this machine's.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use crate::dockerd;
use crate::process::Process;
use crate::stand::LIMIT;

/// A Docker engine with a socket and files of its own. It ends when it is dropped.
pub(crate) struct Engine {
    child: Child,
    pub(crate) process: Process,
    socket: PathBuf,
}

impl Engine {
    /// Starts it and waits until it answers.
    pub(crate) fn start(folder: &Path) -> Self {
        let child = dockerd::dockerd(folder).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("cannot start dockerd: {error}"));
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (up, is_up) = channel();
        thread::spawn(move || {
            // To the end, because it cannot go on when nobody reads.
            for line in stderr.lines().map_while(Result::ok) {
                if line.contains(dockerd::UP) {
                    // Said once, while `start` waits for it.
                    up.send(()).unwrap();
                }
            }
        });
        let is_up = is_up.recv_timeout(LIMIT);
        is_up.expect("dockerd does not start; it needs root");
        Self {
            process: Process::new(child.id()),
            child,
            socket: dockerd::socket(folder),
        }
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The docker command line.
    pub(crate) fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command
            .args(arguments)
            .env("DOCKER_HOST", format!("unix://{}", self.socket.display()))
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        // It ends the processes of its own; killed, it would leave them behind.
        drop(Command::new("kill").args(["-TERM", &id]).status());
        drop(self.child.wait());
    }
}

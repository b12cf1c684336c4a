//! What a test makes on the engine, and its end.

use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::time::timeout;

use super::printer::Printer;
use crate::support::exporter::{Exporter, authtail};

/// The engine's socket, as the host names it.
pub const SOCKET: &str = "/var/run/docker.sock";
/// How long a call to the engine may take.
const CALL: Duration = Duration::from_mins(2);

/// The docker command line for the engine at an address.
pub fn docker_of(host: &str) -> Command {
    let mut command = Command::new("docker");
    command.env("DOCKER_HOST", host);
    command
}

/// Runs the docker command line and returns what it printed.
pub async fn docker(arguments: &[&str]) -> String {
    let mut command = Command::new("docker");
    command.args(arguments);
    run(command, CALL).await
}

/// Runs a program to its end, which must be a good one, and returns what it printed.
pub async fn run(mut command: Command, limit: Duration) -> String {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(limit, command.output())
        .await
        .unwrap_or_else(|_| panic!("not done after {limit:?}: {command:?}"))
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{command:?}: {}\n{stdout}\n{stderr}",
        output.status
    );
    stdout.trim_end().to_owned()
}

/// Runs a docker command that goes on for ever, until it prints a line that holds a text.
pub async fn docker_until(arguments: &[&str], text: &str, limit: Duration) {
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec docker \"$@\" 2>&1", "docker"])
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed = Vec::new();
    let found = timeout(limit, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(text) {
                return true;
            }
            printed.push(line);
        }
        false
    });
    let found = found.await.unwrap_or_default();
    assert!(found, "no `{text}` from docker {arguments:?}: {printed:#?}");
}

/// Tests with a lab run at the same time, except for those that need the engine for themselves.
static ENGINE: RwLock<()> = RwLock::const_new(());

/// A test's turn at the engine.
#[derive(Debug)]
enum Turn {
    Alone(#[expect(dead_code, reason = "held")] RwLockWriteGuard<'static, ()>),
    Shared(#[expect(dead_code, reason = "held")] RwLockReadGuard<'static, ()>),
}

/// One test's part of the engine. What it holds is removed when it is dropped.
#[derive(Debug)]
pub struct Lab {
    /// In the name of everything.
    run: String,
    /// The engine's address.
    host: String,
    folder: TempDir,
    /// Given back after everything has been removed.
    _turn: Turn,
}

impl Lab {
    /// A lab with an image of the printer.
    pub async fn new() -> Self {
        Self::empty().await.with_printer().await
    }

    /// The same for a test in which time matters: no other lab is open meanwhile.
    pub async fn alone() -> Self {
        let turn = Turn::Alone(ENGINE.write().await);
        Self::on(turn).with_printer().await
    }

    pub async fn empty() -> Self {
        Self::on(Turn::Shared(ENGINE.read().await))
    }

    /// The same as [`Self::new`] on an engine of the test's own, with this socket.
    pub async fn at(socket: &Path) -> Self {
        let mut lab = Self::empty().await;
        lab.host = format!("unix://{}", socket.display());
        lab.with_printer().await
    }

    fn on(turn: Turn) -> Self {
        Self {
            run: format!("authtail-test-{:08x}", fastrand::u32(..)),
            host: format!("unix://{SOCKET}"),
            folder: TempDir::new().unwrap(),
            _turn: turn,
        }
    }

    async fn with_printer(self) -> Self {
        let printer = compiled_printer().await;
        let folder = printer.parent().unwrap();
        let entry = ["ENTRYPOINT [\"/printer\"]"];
        self.import(&self.name("printer"), folder, &entry).await;
        self
    }

    /// A name on the engine that no other test has.
    pub fn name(&self, what: &str) -> String {
        format!("{}-{what}", self.run)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The labels of everything that this test makes, in the form `key=value`.
    pub fn labels(&self) -> [String; 2] {
        [
            "authtail.test=1".to_owned(),
            format!("authtail.run={}", self.run),
        ]
    }

    /// The engine's address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The docker command line.
    pub fn command(&self) -> Command {
        docker_of(&self.host)
    }

    /// Makes an image of a folder.
    pub async fn import(&self, image: &str, folder: &Path, changes: &[&str]) {
        let archive = self.folder().join("image.tar");
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(folder).arg("-cf").arg(&archive).arg(".");
        run(tar, CALL).await;
        let labels = format!("LABEL {}", self.labels().join(" "));
        let mut import = self.command();
        import.args(["import", "--change", &labels]);
        for change in changes {
            import.args(["--change", change]);
        }
        import.arg(&archive).arg(image);
        run(import, CALL).await;
    }

    /// A docker command that makes something, `run` or `network create` say, with our labels.
    pub fn making(&self, what: &[&str]) -> Command {
        let mut command = self.command();
        command.args(what);
        for label in self.labels() {
            command.args(["--label", &label]);
        }
        command
    }

    /// Runs a printer in a new container.
    pub async fn run(&self, what: &str, options: &[&str], commands: &[&str]) -> Printer {
        self.printer(&["run", "-d"], what, options, commands).await
    }

    /// Makes a container with a printer, and does not start it.
    pub async fn create(&self, what: &str, options: &[&str], commands: &[&str]) -> Printer {
        self.printer(&["create"], what, options, commands).await
    }

    async fn printer(
        &self,
        how: &[&str],
        what: &str,
        options: &[&str],
        commands: &[&str],
    ) -> Printer {
        let name = self.name(what);
        let printer = Printer::new(&name, &self.host, self.folder()).await;
        let mut command = self.making(how);
        command
            .args(["--name", &name, "--network", "none", "-v", &printer.mount()])
            .args(options)
            .arg(self.name("printer"))
            .args(commands);
        run(command, CALL).await;
        printer
    }

    /// Starts an exporter of this engine and waits until it watches.
    pub async fn exporter(&self) -> Exporter {
        let arguments = [
            "--web.listen-address",
            "127.0.0.1:0",
            "--docker.host",
            SOCKET,
        ];
        let exporter = Exporter::start(authtail(&arguments)).await;
        exporter.until_log("the engine is up").await;
        exporter
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let ours = format!("label=authtail.run={}", self.run);
        for (list, remove) in [
            (&["ps", "-aq"][..], &["rm", "-fv"][..]),
            (&["network", "ls", "-q"], &["network", "rm"]),
            (&["volume", "ls", "-q"], &["volume", "rm"]),
            (&["images", "-q"], &["rmi", "-f"]),
            // Once more for those that others were built on.
            (&["images", "-q"], &["rmi", "-f"]),
        ] {
            let docker = || {
                let mut command = Blocking::new("docker");
                command.env("DOCKER_HOST", &self.host);
                command
            };
            let listed = docker().args(list).args(["--filter", &ours]).output();
            let listed = listed.map(|output| output.stdout).unwrap_or_default();
            let listed = String::from_utf8_lossy(&listed);
            if listed.trim().is_empty() {
                continue;
            }
            let mut remove_all = docker();
            remove_all.args(remove).args(listed.split_whitespace());
            // The test is over either way, and may be failing already.
            drop(remove_all.output());
        }
    }
}

/// The printer as a static program, alone in a folder.
async fn compiled_printer() -> PathBuf {
    static COMPILED: OnceCell<PathBuf> = OnceCell::const_new();
    let compile = async || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("printer");
        let program = folder.join("printer");
        std::fs::create_dir_all(&folder).unwrap();
        let mut rustc = Command::new("rustc");
        rustc
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args([
                "--edition",
                "2024",
                "-O",
                "-C",
                "target-feature=+crt-static",
            ])
            .args(["-C", "strip=symbols", "-o"])
            .arg(&program)
            .arg("tests/fixtures/printer.rs");
        run(rustc, CALL).await;
        program
    };
    COMPILED.get_or_init(compile).await.clone()
}

//! Real FastAPI services in containers, and an exporter that asks them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::demo::{Python, python};
use super::http::Client;
use super::lab::{Lab, SOCKET, docker, run};
use crate::support::exporter::{Exporter, authtail};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
pub const PATIENCE: Duration = Duration::from_mins(1);
/// The one that the services take.
pub const TOKEN: &str = "good-token-of-the-scene";
pub const VALIDATE: &str = "/api/v1/auth/validate";

/// The services, and what an exporter needs.
pub struct Night {
    pub lab: Lab,
    pub python: Python,
    pub network: String,
}

impl Night {
    pub async fn begin() -> Self {
        let (lab, python) = (Lab::empty().await, python().await);
        let empty = lab.folder().join("empty");
        fs::create_dir(&empty).unwrap();
        lab.import(&lab.name("empty"), &empty, &[]).await;
        let network = lab.name("network");
        let mut create = lab.making(&["network", "create"]);
        create.arg(&network);
        run(create, PATIENCE).await;
        fs::write(lab.folder().join("token"), TOKEN).unwrap();
        Self {
            lab,
            python,
            network,
        }
    }

    /// Starts a service, with options of `docker run` and arguments of uvicorn. Its source is its name, which
    /// no other test has: the exporters of all tests see all containers.
    pub async fn service(&self, mode: &str, options: &[&str], arguments: &[&str]) -> String {
        let about = ["--expose=8000", "--workdir=/app"];
        let mode_is = format!("MODE={mode}");
        let environment = [
            "-e",
            &mode_is,
            "-e",
            "PYTHONUNBUFFERED=1",
            "-e",
            "PYTHONDONTWRITEBYTECODE=1",
        ];
        let app = format!("{ROOT}/tests/fixtures:/app:ro");
        let program = self.python.venv.join("bin/python");
        let uvicorn = "-m uvicorn service:app --host 0.0.0.0 --port 8000".split(' ');
        let command: Vec<_> = [program.to_str().unwrap()]
            .into_iter()
            .chain(uvicorn)
            .chain(arguments.iter().copied())
            .collect();
        let options = [&about[..], &environment, &["-v", &app], options].concat();
        self.run(mode, &options, &command).await
    }

    /// Runs a program of this host in a container.
    pub async fn run(&self, what: &str, options: &[&str], command: &[&str]) -> String {
        let name = self.lab.name(what);
        let mut docker = self.lab.making(&["run", "-d", "--network", &self.network]);
        docker.args(["--name", &name, "--tmpfs=/tmp"]);
        docker.args(options).args(&self.python.mounts);
        docker.arg(self.lab.name("empty")).args(command);
        run(docker, PATIENCE).await;
        name
    }

    /// What listens in a container, once it answers a path with a code.
    pub async fn client(&self, name: &str, path: &str, code: u16) -> Client {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = docker(&["inspect", "--format", format, name]).await;
        let client = Client {
            address: format!("{address}:8000").parse().unwrap(),
        };
        let start = Instant::now();
        while client.get(path, None).await != code {
            assert!(start.elapsed() < PATIENCE, "{name} does not listen");
            sleep(Duration::from_millis(100)).await;
        }
        client
    }

    /// A client of a service; its log has a request then, if it shows them.
    pub async fn listening(&self, name: &str) -> Client {
        self.client(name, "/nothing", 404).await
    }

    /// The probes of a service in a configuration: its health, and who is let through.
    pub fn probes(&self, mode: &str, client: Client, interval: &str) -> String {
        let (source, address) = (self.lab.name(mode), client.address);
        let health = format!(
            "  {mode}_health: {{url: 'http://{address}/health', source: {source}, \
             expect_json: {{status: healthy}}, interval: {interval}}}\n"
        );
        health + &self.pair(mode, &format!("http://{address}{VALIDATE}"), interval)
    }

    pub fn pair(&self, mode: &str, url: &str, interval: &str) -> String {
        let source = self.lab.name(mode);
        let token = self.lab.folder().join("token");
        let token = token.display();
        format!(
            "  {mode}: {{kind: validate, url: '{url}', source: {source}, \
             token: {{file: '{token}'}}, interval: {interval}}}\n"
        )
    }

    /// Writes a configuration with these probes.
    pub fn configure(&self, probes: &str) {
        let state = self.lab.folder().join("state");
        let text = format!(
            "state: {{file: '{}'}}\ndocker: {{host: '{SOCKET}'}}\nprobes:\n{probes}",
            state.display()
        );
        fs::write(self.config(), text).unwrap();
    }

    pub fn config(&self) -> PathBuf {
        self.lab.folder().join("authtail.yml")
    }

    /// Starts an exporter that goes on where the one before it was.
    pub async fn exporter(&self) -> Exporter {
        let mut command = authtail(&["--web.listen-address", "127.0.0.1:0", "--config.file"]);
        command.arg(self.config());
        let exporter = Exporter::start(command).await;
        exporter.until_log("the engine is up").await;
        exporter
    }

    /// What `check` says about a service with the configuration of the exporter, and so with its key.
    pub async fn check(&self, name: &str) -> (i32, Value) {
        let mut command = authtail(&["check", "--json", "--container", name, "--config.file"]);
        command.arg(self.config());
        let output = command.output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(!said.contains(TOKEN), "{said}");
        let json = serde_json::from_str(&said);
        let json = json.unwrap_or_else(|error| panic!("{error}: {said}{:?}", output.stderr));
        (output.status.code().unwrap(), json)
    }
}

//! Real services on their worst nights: `authtail check` names the cause first.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::demo::{Python, python};
use super::http::Client;
use super::lab::{Lab, SOCKET, docker, docker_until, run};
use crate::support::exporter::authtail;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PATIENCE: Duration = Duration::from_secs(30);
const TOKEN: &str = "good-token-of-the-scene";
/// A gateway that asks for a password itself.
const GATEWAY: &str = "
http:
  routers: {all: {rule: 'PathPrefix(`/`)', service: api, middlewares: [own], entryPoints: [web]}}
  middlewares: {own: {basicAuth: {users: ['a:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/']}}}
  services: {api: {loadBalancer: {servers: [{url: 'http://SERVICE:8000'}]}}}
";

/// Containers with FastAPI services.
struct Night {
    lab: Lab,
    python: Python,
    network: String,
}

impl Night {
    async fn begin() -> Self {
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

    /// Starts a service, and waits until it listens.
    async fn service(&self, mode: &str, environment: &[&str], arguments: &[&str]) -> String {
        let name = self.lab.name(mode);
        let mut docker = self.lab.making(&["run", "-d", "--network", &self.network]);
        docker.args([
            "--name",
            &name,
            "--expose",
            "8000",
            "-w",
            "/app",
            "--tmpfs=/tmp",
        ]);
        docker.args(["-e", &format!("MODE={mode}"), "-e", "PYTHONUNBUFFERED=1"]);
        docker.args(["-e", "PYTHONDONTWRITEBYTECODE=1"]);
        docker.args(environment.iter().flat_map(|one| ["-e", one]));
        docker.args(["-v", &format!("{ROOT}/tests/fixtures:/app:ro")]);
        docker.args(&self.python.mounts).arg(self.lab.name("empty"));
        docker.arg(self.python.venv.join("bin/python"));
        docker.args("-m uvicorn service:app --host 0.0.0.0 --port 8000".split(' '));
        docker.args(arguments);
        run(docker, PATIENCE).await;
        docker_until(&["logs", "-f", &name], "Auth module loaded", PATIENCE).await;
        let start = Instant::now();
        while (self.client(&name).await.get("/nothing", None).await) != 404 {
            assert!(start.elapsed() < PATIENCE, "{name} does not listen");
            sleep(Duration::from_millis(100)).await;
        }
        name
    }

    async fn client(&self, name: &str) -> Client {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = docker(&["inspect", "--format", format, name]).await;
        Client {
            address: format!("{address}:8000").parse().unwrap(),
        }
    }

    /// Requests without a token.
    async fn refuse(&self, name: &str) {
        let client = self.client(name).await;
        for _ in 0..30 {
            assert_eq!(client.get("/api/v1/auth/validate", None).await, 401);
        }
    }

    /// Fails if `check` finds another cause first.
    async fn finds(&self, name: &str, more: &[&str], expected: &str, code: i32) {
        let token = self.lab.folder().join("token");
        let mut arguments = vec!["check", "--json", "--container", name, "--state.file", ""];
        arguments.extend(["--docker.host", SOCKET]);
        arguments.extend(["--token-file", token.to_str().unwrap()]);
        arguments.extend(more);
        let output = authtail(&arguments).output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(!said.contains(TOKEN), "{said}");
        let json: Value = serde_json::from_str(&said).unwrap();
        let first = json["sources"][0]["findings"][0]["id"].as_str().unwrap();
        let found = (first, output.status.code().unwrap());
        assert_eq!(found, (expected, code), "{name}: {json:#}");
    }
}

#[tokio::test]
async fn the_cause_of_401s_all_day_is_named() {
    let night = Night::begin().await;
    let healthy = night.service("healthy", &[], &[]).await;
    night.finds(&healthy, &[], "well", 0).await;
    night.refuse(&healthy).await;
    night.finds(&healthy, &[], "refused_share", 2).await;
    docker(&["stop", "-t", "1", &healthy]).await;
    night.finds(&healthy, &[], "container_stopped", 2).await;
    for (mode, expected, code) in [
        ("secret", "good_token_refused", 2),
        ("database", "unhealthy", 2),
        ("slow", "slow", 1),
        ("hung", "no_answer", 2),
    ] {
        let name = night.service(mode, &[], &[]).await;
        night.finds(&name, &[], expected, code).await;
    }
    let quiet = ["--log-level", "warning"];
    let hidden = night.service("hidden", &[], &quiet).await;
    night.finds(&hidden, &[], "access_lines_hidden", 1).await;
}

#[tokio::test]
async fn a_gateway_that_refuses_is_told_from_a_service_that_does() {
    let night = Night::begin().await;
    let off = ["AUTH_REQUIRED=false"];
    let refusing = night.service("refusing", &off, &[]).await;
    night.refuse(&refusing).await;
    night.finds(&refusing, &[], "off_but_refusing", 2).await;

    let open = night.service("open", &off, &[]).await;
    night.finds(&open, &[], "well", 0).await;
    let dynamic = night.lab.folder().join("dynamic.yml");
    fs::write(&dynamic, GATEWAY.replace("SERVICE", &open)).unwrap();
    let gateway = night.lab.name("gateway");
    let mut docker_run = night
        .lab
        .making(&["run", "-d", "--network", &night.network]);
    let binary = night.python.venv.join("bin/traefik");
    docker_run.args([
        "--name",
        &gateway,
        "--label",
        "authtail.enable=false",
        "--tmpfs=/tmp",
    ]);
    docker_run.args(["-v", &format!("{}:/traefik:ro", binary.display())]);
    docker_run.args(["-v", &format!("{}:/dynamic.yml:ro", dynamic.display())]);
    docker_run
        .args(&night.python.mounts)
        .arg(night.lab.name("empty"));
    docker_run.args(["/traefik", "--entrypoints.web.address=:8000"]);
    docker_run.arg("--providers.file.filename=/dynamic.yml");
    run(docker_run, PATIENCE).await;
    let client = night.client(&gateway).await;
    let start = Instant::now();
    while client.get("/api/v1/chat", None).await != 401 {
        assert!(start.elapsed() < PATIENCE, "the gateway does not answer");
        sleep(Duration::from_millis(100)).await;
    }
    let url = format!("http://{}/api/v1/chat", client.address);
    night
        .finds(&open, &["--url", &url], "answered_in_front", 2)
        .await;
}

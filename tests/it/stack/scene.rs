//! Two sources with three routes and requests of every kind, an exporter, and a Prometheus.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use regex::Regex;
use tokio::time::timeout;

use super::prometheus::Prometheus;
use super::tools::rule_files;
use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{DEADLINE, Exporter};
use crate::support::records::access;
use crate::support::service::{Do, Service};

/// One format that has durations, in which the second source writes.
const CONFIG: &str = r"
formats:
  timing: {regex: '(?<path>/\S+) (?<status>\d+) (?<duration>\S+)$', duration_unit: s}
routes:
  chat: /api/v1/chat/*
  voice: /api/v1/voice/*
";

const VALIDATE: &str = "/api/v1/auth/validate";
const CHAT: &str = "/api/v1/chat/stream";
const VOICE: &str = "/api/v1/voice/say";

/// Of 200 to 504 everything that has a meaning in the dashboard, and two that are counted by class.
const CODES: [u16; 17] = [
    101, 200, 204, 302, 304, 401, 401, 403, 404, 418, 422, 429, 499, 500, 502, 503, 504,
];

/// A running scene.
pub struct Scene {
    pub engine: FakeEngine,
    pub exporter: Exporter,
    plain: String,
    timed: String,
    logged: u32,
    /// What is probed; stops with the scene.
    service: Service,
    /// Lines of the first source that are no requests.
    said: u32,
}

impl Scene {
    /// Starts with one request on each route of each source.
    pub async fn start() -> Self {
        let engine = FakeEngine::start();
        let file = engine.directory().join("authtail.yml");
        let service = Service::start(|_| Do::Answer(200, String::new())).await;
        let url = service.url(VALIDATE);
        let probes =
            format!("probes: {{health: {{url: '{url}', source: probed, interval: 1s}}}}\n");
        fs::write(&file, format!("{CONFIG}{probes}")).unwrap();
        let probed = engine.create(Container {
            environment: vec!["AUTH_REQUIRED=true"],
            health: Some("healthy"),
            image_id: "sha256:0123",
            ..Container::running("probed")
        });
        let plain = engine.run("plain");
        let labels = BTreeMap::from([("authtail.format".to_owned(), "timing".to_owned())]);
        let timed = engine.create(Container {
            labels,
            ..Container::running("timed")
        });
        let state = engine.directory().join("state");
        let arguments = [("--config.file", &file), ("--state.file", &state)];
        let arguments = arguments.map(|(option, path)| [option, path.to_str().unwrap()]);
        let exporter = Exporter::with(&engine, arguments.as_flattened()).await;
        let mut scene = Self {
            engine,
            exporter,
            plain,
            timed,
            logged: 0,
            service,
            said: 0,
        };
        scene.engine.until_followed(&probed).await;
        let engine = &scene.engine;
        engine.log_now(&probed, "INFO:auth:Auth module loaded: AUTH_REQUIRED=True");
        let asked = scene.service.until_asked(1).await;
        engine.log_now(&probed, &access("GET", &asked[0].target, 200));
        let is_seen = |page: &crate::support::exporter::Page| {
            page.sum("authtail_probe_seen_in_log", &[]).is_some()
        };
        scene.exporter.until("probed", is_seen).await;
        // Both are read from now on once they are followed.
        let followed = async {
            for id in [&scene.plain, &scene.timed] {
                while !scene.engine.is_followed(id) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        };
        timeout(DEADLINE, followed).await.unwrap();
        for path in [VALIDATE, CHAT, VOICE] {
            scene.log(path, 200, "0.02");
        }
        scene.say("INFO:     Auth module loaded: AUTH_REQUIRED=True");
        scene.settle().await;
        scene
    }

    /// Logs at least 20 requests on each route of each source; `voice` only refuses.
    pub async fn traffic(&mut self) {
        for _ in 0..3 {
            self.say(
                "ERROR:    Token verification error: [Errno 111] Connect call failed ('db', 5432)",
            );
            self.say("WARNING:  REJECTED - Token validation failed | path=/");
            self.log(VOICE, 401, "1.5");
        }
        self.say("INFO:     Application startup complete.");
        self.say("ERROR:    out of luck");
        for code in CODES.into_iter().cycle().take(2 * CODES.len()) {
            self.log(VALIDATE, code, "0.004");
            self.log(CHAT, code, "0.3");
            self.log(VOICE, 401, "1.5");
        }
        self.settle().await;
    }

    /// Requests on all routes of a source so far.
    pub fn requests(&self) -> f64 {
        f64::from(self.logged)
    }

    fn log(&mut self, path: &str, code: u16, duration: &str) {
        self.engine.log(&self.plain, &access("GET", path, code));
        let timed = format!("{path} {code} {duration}");
        self.engine.log(&self.timed, &timed);
        self.logged += 1;
    }

    fn say(&mut self, line: &str) {
        self.engine.log(&self.plain, line);
        self.said += 1;
    }

    async fn settle(&self) {
        for (container, lines) in [("plain", self.logged + self.said), ("timed", self.logged)] {
            self.exporter.until_lines(container, lines).await;
        }
    }
}

/// A Prometheus with the rules, to which a scene has shown three rounds of traffic.
pub async fn watched() -> (Scene, Prometheus) {
    let mut scene = Scene::start().await;
    let prometheus = Prometheus::scraping(scene.exporter.address, &rules()).await;
    let counted = r#"sum(authtail_requests_total{source="timed"})"#;
    prometheus.until(counted, scene.requests()).await;
    for _ in 0..3 {
        scene.traffic().await;
        prometheus.until(counted, scene.requests()).await;
    }
    (scene, prometheus)
}

/// All rules in a hurry: evaluated every second, and firing at once.
fn rules() -> Vec<(String, String)> {
    let times = Regex::new(r"(?m)^( +)(interval|for): \w+$").unwrap();
    let hurried = |(path, text): (String, String)| {
        assert!(times.is_match(&text), "{path}");
        let text = times.replace_all(&text, "${1}${2}: 1s").into_owned();
        (path, text)
    };
    rule_files().into_iter().map(hurried).collect()
}

//! Two sources with three routes and requests of every kind, an exporter, and a Prometheus.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use regex::Regex;
use tokio::time::timeout;

use super::prometheus::Prometheus;
use super::tools::{read, replace};
use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{DEADLINE, Exporter};
use crate::support::records::access;

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
    /// Lines of the first source that are no requests.
    said: u32,
}

impl Scene {
    /// Starts with one request on each route of each source.
    pub async fn start() -> Self {
        let engine = FakeEngine::start();
        let file = engine.directory().join("authtail.yml");
        fs::write(&file, CONFIG).unwrap();
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
            said: 0,
        };
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

/// The rules in a hurry: evaluated every second, and firing at once.
fn rules() -> String {
    let rules = replace(
        &read("alerts/authtail.rules.yml"),
        "interval: 15s",
        "interval: 1s",
        2,
    );
    let waits = Regex::new(r"(?m)^( +)for: \w+$").unwrap();
    assert!(waits.is_match(&rules));
    waits.replace_all(&rules, "${1}for: 1s").into_owned()
}

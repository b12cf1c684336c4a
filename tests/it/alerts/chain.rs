//! Exporter, Prometheus, Alertmanager and receivers, with the shipped files in a hurry.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::sink::{Notification, Sink};
use crate::docker::lab::{Lab, SOCKET};
use crate::stack::prometheus::{Prometheus, get};
use crate::stack::shorten::shorten;
use crate::stack::tools::{Process, read, replace, rule_files, tool};
use crate::support::exporter::{Exporter, authtail};

/// What all times are divided by: 15 s between two scrapes are one second here.
pub const FACTOR: u32 = 15;

/// What is longest on the way: a quarter of an hour of steady traffic, and then some minutes.
const LIMIT: Duration = Duration::from_mins(2);

/// The format of `took=…` lines.
const FORMATS: &str = r"
formats:
  timing:
    regex: '- (?<method>[A-Z]+) (?<path>\S+) - Status: (?<status>\d{3}) - Time: (?<duration>[\d.]+)s$'
    duration_unit: s
";

/// A running chain. It sees the containers that are labelled `authtail.enable=true`.
pub struct Chain {
    pub sink: Sink,
    pub prometheus: Prometheus,
    alertmanager: SocketAddr,
    pub exporter: Exporter,
    _processes: Vec<Process>,
}

impl Chain {
    /// Starts what receives before what sends. The exporter makes these probes; `elsewhere` are exporters of
    /// another cluster: what they cannot see must not hide what this one sees.
    pub async fn start(lab: &Lab, probes: &str, elsewhere: &[SocketAddr]) -> Self {
        let sink = Sink::start().await;
        let (process, alertmanager) = alertmanager(lab, sink.address).await;
        let exporter = exporter(lab, probes).await;
        let targets: Vec<_> = elsewhere.iter().map(SocketAddr::to_string).collect();
        let elsewhere = format!(
            "[{}]\n        labels: {{cluster: elsewhere}}",
            targets.join(", ")
        );
        let targets = format!("{}]\n      - targets: {elsewhere}", exporter.address);
        let prometheus = prometheus(&targets, &lab.name(""), alertmanager).await;
        Self {
            sink,
            prometheus,
            alertmanager,
            exporter,
            _processes: vec![process],
        }
    }

    /// Waits until an expression is true.
    pub async fn until(&self, expression: &str) {
        let start = Instant::now();
        loop {
            let found = self.prometheus.query(expression).await;
            if !found.is_empty() {
                return;
            }
            assert!(start.elapsed() < LIMIT, "never: {expression}");
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until Alertmanager holds back an alert of a source for the sake of another one.
    pub async fn until_inhibited(&self, alert: &str, source: &str) {
        let start = Instant::now();
        loop {
            let alerts = get(self.alertmanager, "/api/v2/alerts").await;
            let alerts = alerts.as_array().unwrap();
            let is_it = |found: &&Value| {
                found["labels"]["alertname"] == alert && found["labels"]["source"] == source
            };
            let found = alerts.iter().find(is_it);
            let by = found.map(|found| &found["status"]["inhibitedBy"]);
            if by.is_some_and(|by| by.as_array().is_some_and(|by| !by.is_empty())) {
                return;
            }
            assert!(
                start.elapsed() < LIMIT,
                "{alert} of {source} is not inhibited: {alerts:#?}"
            );
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits for a notification about an alert of a source.
    pub async fn until_told(&self, alert: &str, source: &str, status: &str) -> Notification {
        let what = format!("{status} {alert} of {source}");
        let found = self.sink.until(LIMIT, &what, |one| {
            let found = [one.label("alertname"), one.label("source"), &one.status];
            found == [alert, source, status]
        });
        found.await
    }
}

async fn alertmanager(lab: &Lab, sink: SocketAddr) -> (Process, SocketAddr) {
    let folder = lab.folder().join("alertmanager");
    fs::create_dir(&folder).unwrap();
    let config = shortened("alerts/alertmanager.yml").await;
    let config = replace(&config, "127.0.0.1:9095", &sink.to_string(), 3);
    let file = folder.join("alertmanager.yml");
    fs::write(&file, config).unwrap();
    fs::create_dir(folder.join("templates")).unwrap();
    let template = "templates/authtail.tmpl";
    fs::write(folder.join(template), read(&format!("alerts/{template}"))).unwrap();
    let mut command = tool("alertmanager");
    command
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.path={}", folder.display()))
        .args([
            "--cluster.listen-address=",
            "--web.listen-address=127.0.0.1:0",
        ])
        .env("TZ", "UTC");
    let process = Process::start(command);
    let address = process.until_listening().await;
    (process, address)
}

async fn exporter(lab: &Lab, probes: &str) -> Exporter {
    let folder = lab.folder();
    let config = folder.join("authtail.yml");
    fs::write(&config, format!("{FORMATS}probes:\n{probes}")).unwrap();
    let mut command = authtail(&["--docker.host", SOCKET, "--docker.select", "labelled"]);
    command
        .args(["--web.listen-address", "127.0.0.1:0"])
        .arg("--config.file")
        .arg(config)
        .arg("--state.file")
        .arg(folder.join("state"))
        .env("GOOD_TOKEN", super::probed::TOKEN);
    let exporter = Exporter::start(command).await;
    exporter.until_log("the engine is up").await;
    exporter
}

/// `targets` is the rest of the list of exporters. Containers whose names begin otherwise are another test's.
async fn prometheus(targets: &str, prefix: &str, alertmanager: SocketAddr) -> Prometheus {
    let mut config = shortened("compose/prometheus.yml").await;
    let job = "job_name: authtail\n";
    let ours = format!("{{source_labels: [container], regex: '({prefix}.+)?', action: keep}}");
    let only_ours = format!("{job}    metric_relabel_configs: [{ours}]\n");
    config = replace(&config, job, &only_ours, 1);
    for (name, address, times) in [
        ("authtail:8401]", targets.to_owned(), 1),
        ("alertmanager:9093", alertmanager.to_string(), 2),
        // Nobody is there, and nobody asks who.
        ("grafana:3000", "127.0.0.1:1".to_owned(), 1),
    ] {
        config = replace(&config, name, &address, times);
    }
    let mut rules = Vec::new();
    for (path, text) in rule_files() {
        rules.push((path, shorten(&text, FACTOR).await.unwrap()));
    }
    // Two defaults of Prometheus, as much shorter.
    let [resend, lookback] = [60, 300].map(|seconds| seconds / FACTOR);
    let arguments = [
        format!("--rules.alert.resend-delay={resend}s"),
        format!("--query.lookback-delta={lookback}s"),
    ];
    Prometheus::start(&config, &rules, &arguments).await
}

/// A file of the project with all times shortened.
pub async fn shortened(path: &str) -> String {
    let short = shorten(&read(path), FACTOR).await;
    short.unwrap_or_else(|error| panic!("{path}: {error}"))
}

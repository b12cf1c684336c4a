//! A real Prometheus that scrapes an exporter every second.

use std::fmt::Write;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::tools::{Process, tool};
use crate::support::exporter::DEADLINE;

const CONFIG: &str = "
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: ['alerts/*.rules.yml', 'alerts/optional/*.rules.yml']
scrape_configs:
  - job_name: authtail
    static_configs: [{targets: ['EXPORTER']}]
";

/// A running Prometheus; it ends and its data goes when it is dropped.
pub struct Prometheus {
    // Before the folder: it must have ended when that is removed.
    _process: Process,
    _directory: tempfile::TempDir,
    address: SocketAddr,
}

/// The answer to a query.
#[derive(Debug)]
pub struct Series {
    pub labels: Value,
    /// Instant queries have one.
    pub values: Vec<f64>,
}

impl Prometheus {
    /// Starts a server with these files of rules, and waits until it answers.
    pub async fn scraping(exporter: SocketAddr, rules: &[(String, String)]) -> Self {
        let config = CONFIG.replace("EXPORTER", &exporter.to_string());
        Self::start(&config, rules, &[]).await
    }

    /// Starts a server with a configuration, files beside it and further arguments.
    pub async fn start(config: &str, files: &[(String, String)], arguments: &[String]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("prometheus.yml");
        fs::write(&path, config).unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let data = directory.path().join("data");
        let mut command = tool("prometheus");
        command
            .arg(format!("--config.file={}", path.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .args(arguments);
        let process = Process::start(command);
        let address = process.until_listening().await;
        process
            .until_log("Server is ready to receive web requests")
            .await;
        Self {
            address,
            _process: process,
            _directory: directory,
        }
    }

    /// The data of an answer of the API; errors and warnings fail.
    pub async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let mut target = format!("/api/v1/{path}?");
        for (key, value) in parameters {
            write!(target, "{key}={}&", encode(value)).unwrap();
        }
        let answer = timeout(DEADLINE, get(self.address, &target)).await.unwrap();
        assert_eq!(answer["status"], "success", "{parameters:?}: {answer}");
        assert!(
            answer.get("warnings").is_none(),
            "{parameters:?}: {answer:?}"
        );
        answer["data"].clone()
    }

    /// What a query finds now.
    pub async fn query(&self, expression: &str) -> Vec<Series> {
        let data = self.api("query", &[("query", expression)]).await;
        series(&data, expression)
    }

    /// What a query finds in each second from a time on until another one, in Unix seconds.
    pub async fn query_range(&self, expression: &str, from: u64, to: u64) -> Vec<Series> {
        let (from, to) = (from.to_string(), to.to_string());
        let parameters = [
            ("query", expression),
            ("start", &from),
            ("end", &to),
            ("step", "1s"),
        ];
        series(&self.api("query_range", &parameters).await, expression)
    }

    /// Waits until a query finds one series with a value.
    pub async fn until(&self, expression: &str, wanted: f64) {
        let start = Instant::now();
        loop {
            let found = self.query(expression).await;
            if matches!(&found[..], [only] if only.values == [wanted]) {
                return;
            }
            assert!(
                start.elapsed() < DEADLINE,
                "{expression} is not {wanted}: {found:?}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The JSON that a server answers.
pub async fn get(address: SocketAddr, target: &str) -> Value {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(target).header("host", "localhost");
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{target}: {body:?}"))
}

fn series(data: &Value, expression: &str) -> Vec<Series> {
    let kind = data["resultType"].as_str().unwrap();
    assert!(
        ["vector", "matrix"].contains(&kind),
        "{expression} is a {kind}"
    );
    let one = |series: &Value| {
        let points = series["values"].as_array().cloned();
        let points = points.unwrap_or_else(|| vec![series["value"].clone()]);
        let value = |point: &Value| point[1].as_str().unwrap().parse().unwrap();
        Series {
            labels: series["metric"].clone(),
            values: points.iter().map(value).collect(),
        }
    };
    data["result"].as_array().unwrap().iter().map(one).collect()
}

fn encode(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").unwrap();
        }
    }
    text
}

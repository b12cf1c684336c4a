//! The page of metrics as promtool and Prometheus see it.

use std::process::Stdio;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use tokio::io::AsyncWriteExt;

use super::expressions::catalogue;
use super::prometheus::Prometheus;
use super::scene::Scene;
use super::tools::tool;
use crate::support::engine::FakeEngine;
use crate::support::exporter::Exporter;
use crate::support::records::{access, validate};

#[tokio::test]
async fn promtool_finds_nothing_to_complain_about_in_a_page_with_every_metric() {
    let mut scene = Scene::start().await;
    scene.traffic().await;
    let text = scene.exporter.get("/metrics").await.text();
    for name in catalogue() {
        let kind = format!("# TYPE {name} ");
        assert!(text.contains(&kind), "no {name} in {text}");
    }
    let mut command = tool("promtool");
    command
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[tokio::test]
async fn a_real_prometheus_takes_every_sample_with_its_value() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    let prometheus = Prometheus::scraping(exporter.address, &[]).await;
    let codes = [200, 200, 401, 403, 500, 418];
    for round in 1..=3 {
        for code in codes {
            engine.log(&id, &validate(code));
        }
        engine.log(&id, &access("GET", "/health", 200));
        exporter.until_lines("web", round * 7).await;
        let requests = f64::from(round * 6);
        prometheus
            .until("sum(authtail_requests_total)", requests)
            .await;
        for (code, each) in [("200", 2), ("401", 1), ("403", 1), ("500", 1), ("4xx", 1)] {
            let labels = format!(
                r#"{{container="web",source="web",route="validate",code="{code}",job="authtail"}}"#
            );
            let expression = format!("authtail_requests_total{labels}");
            prometheus.until(&expression, f64::from(round * each)).await;
        }
    }
    prometheus.until("up", 1.0).await;

    let text = exporter.get("/metrics").await.text();
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    let samples = f64::from(u32::try_from(samples).unwrap());
    prometheus.until("scrape_samples_scraped", samples).await;
    let series = r#"count({__name__=~"authtail_.+|process_.+"})"#;
    prometheus.until(series, samples).await;
    for sample in text.lines().filter(|line| line.starts_with("authtail_")) {
        let (series, value) = sample.rsplit_once(' ').unwrap();
        prometheus.until(series, value.parse().unwrap()).await;
    }
}

#[tokio::test]
async fn a_real_prometheus_takes_the_page_as_what_it_says_that_it_is() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    // What Prometheus 2.42 and 3.5 ask for.
    for accept in [
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
         text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
         application/openmetrics-text;version=0.0.1;q=0.5,\
         text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    ] {
        let request = Request::get("/metrics").header("accept", accept);
        let answer = exporter
            .send(request.body(Empty::<Bytes>::new()).unwrap())
            .await;
        let kind = answer.header("content-type");
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    }
    let prometheus = Prometheus::scraping(exporter.address, &[]).await;
    prometheus.until("up", 1.0).await;
    let targets = prometheus.api("targets", &[]).await;
    let target = &targets["activeTargets"][0];
    assert_eq!(
        (&target["health"], &target["lastError"]),
        (&"up".into(), &"".into()),
        "{target}"
    );
    // Types and help texts are known only from a page that was understood.
    let metadata = prometheus.api("targets/metadata", &[]).await;
    for (name, kind) in [
        ("authtail_docker_errors_total", "counter"),
        ("authtail_docker_up", "gauge"),
    ] {
        let found = metadata.as_array().unwrap().iter();
        let mut found = found.filter(|found| found["metric"] == name);
        let found = found
            .next()
            .unwrap_or_else(|| panic!("no {name} in {metadata}"));
        assert_eq!(found["type"], kind, "{found}");
        assert!(!found["help"].as_str().unwrap().is_empty(), "{found}");
    }
}

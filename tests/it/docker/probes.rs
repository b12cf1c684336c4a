//! Probes of real services: what they leave in the numbers, and where they get to.

use std::collections::BTreeMap;
use std::fs;

use super::inside::{host_libraries, published, start};
use super::lab::{SOCKET, docker, run};
use super::night::{Night, PATIENCE, TOKEN, VALIDATE};
use crate::support::exporter::{Exporter, Page};

/// The probes of a `kind: validate` and of the health.
const PROBES: [&str; 4] = [
    "sound_health",
    "sound_anonymous",
    "sound_good_token",
    "sound_bad_token",
];

#[tokio::test]
async fn probes_change_no_count_of_requests_and_a_restart_changes_nothing_about_that() {
    let night = Night::begin().await;
    let name = night.service("sound", &[], &[]).await;
    let client = night.listening(&name).await;
    night.configure(&night.probes("sound", client, "1s"));
    let mut exporter = night.exporter().await;
    let good = format!("Bearer {TOKEN}");
    for (times, token) in [(3, Some(good.as_str())), (5, None)] {
        for _ in 0..times {
            client.get(VALIDATE, token).await;
        }
    }
    until_probed(&exporter, 3.0).await;
    for signal in ["-TERM", "-KILL"] {
        assert_eq!(
            exporter.terminate(signal).await.success(),
            signal == "-TERM"
        );
        // What `check` asks meanwhile stands in the log as well, with marks under the same key.
        let (code, json) = night.check(&name).await;
        assert_eq!(code, 0, "{json:#}");
        assert_eq!(json["sources"][0]["requests"]["total"], 8, "{json:#}");
        exporter = night.exporter().await;
        exporter.until_log("numbers restored").await;
        exporter.until_ready().await;
        until_probed(&exporter, 3.0).await;
        let page = exporter.page().await;
        let counted = ["200", "401"].map(|code| page.validate(&name, code));
        assert_eq!(counted, [3.0, 5.0], "after {signal}");
        let logged = logged(&name).await;
        assert_eq!(logged[&false], 8, "after {signal}");
        // Three of each that asks there, and those of `check`.
        assert!(logged[&true] >= 3 * 3 + 3, "{logged:?}");
    }
}

/// Waits until an exporter has made so many of each probe, and has seen the last one in the log.
async fn until_probed(exporter: &Exporter, times: f64) {
    let is_probed = |page: &Page| {
        PROBES.iter().all(|probe| {
            let labels = [("probe", *probe)];
            let sum = |metric| page.sum(metric, &labels);
            sum("authtail_probe_duration_seconds_count") >= Some(times)
                && sum("authtail_probe_seen_in_log") == Some(1.0)
                && sum("authtail_probe_success") == Some(1.0)
        })
    };
    exporter.until("probed", is_probed).await;
}

/// The lines about the route by whether they have a mark, as anybody would count them.
async fn logged(name: &str) -> BTreeMap<bool, usize> {
    let mut counts = BTreeMap::new();
    let log = docker(&["logs", name]).await;
    for line in log.lines().filter(|line| line.contains(VALIDATE)) {
        *counts.entry(line.contains("authtail_mark=")).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn in_a_container_they_get_to_the_services_whose_network_it_is_given() {
    let night = Night::begin().await;
    let health = ["--label", "authtail.probe.labelled.path=/health"];
    let every = ["--label", "authtail.probe.labelled.interval=1s"];
    let service = night.service("sound", &[health, every].concat(), &[]).await;
    night.listening(&service).await;
    let own = night.lab.name("own");
    let mut create = night.lab.making(&["network", "create"]);
    create.arg(&own);
    run(create, PATIENCE).await;

    let text = format!(
        "state: {{file: ''}}\nprobes:\n  \
         named: {{url: 'http://{service}:8000/health', source: {service}, interval: 1s}}\n"
    );
    fs::write(night.config(), text).unwrap();
    let name = night.lab.name("exporter");
    let mut command = night.lab.making(&["run", "--name", &name]);
    command
        .args(["--network", &own, "-p", "127.0.0.1::8401"])
        .args(host_libraries())
        .args([
            "-v",
            concat!(env!("CARGO_BIN_EXE_authtail"), ":/authtail:ro"),
        ])
        .args(["-v", &format!("{SOCKET}:{SOCKET}")])
        .args([
            "-v",
            &format!("{}:/authtail.yml:ro", night.config().display()),
        ])
        .arg(night.lab.name("empty"))
        .args(["/authtail", "--config.file", "/authtail.yml"]);
    let mut exporter = start(command, &name).await;
    let failed = |page: &Page, probe, reasons: &[&str]| {
        reasons.iter().any(|reason| {
            let labels = [("source", &*service), ("probe", probe), ("reason", *reason)];
            page.sum("authtail_probe_failures_total", &labels) >= Some(1.0)
        })
    };
    exporter
        .until("apart", |page| {
            failed(page, "named", &["resolve"]) && failed(page, "labelled", &["timeout", "connect"])
        })
        .await;
    docker(&["network", "connect", &night.network, &name]).await;
    // The engine may publish the port anew, by the other network.
    exporter.address = published(&name).await;
    exporter
        .until("together", |page| {
            ["named", "labelled"].iter().all(|probe| {
                let labels = [("source", &*service), ("probe", *probe)];
                page.sum("authtail_probe_success", &labels) == Some(1.0)
            })
        })
        .await;
    assert!(exporter.terminate("-TERM").await.success());
}

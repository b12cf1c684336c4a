//! A service that Compose puts into a new container again and again.

use std::fs;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;

use super::scaled;
use super::stage::{Stage, labels};
use super::truth::Truth;
use crate::docker::lab::{Lab, run};
use crate::docker::printer::Printer;

const UP: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_service_that_is_recreated_by_compose_is_counted_exactly_in_one_series() {
    let mut stage = Stage::new(Lab::new().await).await;
    // As Compose names it, which has done so in two ways.
    let project = stage.lab.name("compose");
    let mut printer = Printer::new(&project, stage.lab.host(), stage.lab.folder()).await;
    let file = stage.lab.folder().join("docker-compose.yml");
    let own = stage.lab.labels();
    let labels: Vec<_> = labels().into_iter().chain(own).collect();
    let service = json!({
        "image": stage.lab.name("printer"),
        "command": ["listen"],
        "network_mode": "none",
        "stop_signal": "SIGKILL",
        "volumes": [printer.mount()],
        "labels": labels,
        "logging": {"driver": "json-file", "options": {"max-size": "1g", "max-file": "2"}},
    });
    let text = json!({"version": "2.4", "services": {"web": service}});
    fs::write(&file, text.to_string()).unwrap();

    let mut truth = Truth::default();
    for _ in 0..scaled(10, 3) {
        let mut up = Command::new("docker-compose");
        up.env("DOCKER_HOST", stage.lab.host())
            .args(["--project-name", &project, "--file"])
            .arg(&file)
            .args(["up", "--detach", "--force-recreate"]);
        run(up, UP).await;
        // The next one comes as soon as this one has printed its last line.
        printer.tell("numbered 0 3000").await;
        truth.add(&Truth::of(0..3000));
    }
    let mut list = stage.lab.command();
    let filter = format!("label=com.docker.compose.project={project}");
    list.args(["ps", "--format", "{{.Names}}", "--filter", &filter]);
    printer.name = run(list, UP).await;
    let outcome = stage.settle(&mut printer, &mut truth).await;
    stage.assert_exact("recreated by Compose", outcome);
}

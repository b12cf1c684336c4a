//! The image that the Dockerfile makes: small, healthy, at home in a hardened container, and with
//! numbers that outlive it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use super::inside::{assert_follows_others_only, start};
use super::lab::{Lab, SOCKET, docker, docker_until, run};
use super::printer::Printer;
use crate::support::exporter::Exporter;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const VERSION: &str = env!("CARGO_PKG_VERSION");
const REVISION: &str = "abc123";
const STATE: &str = "/var/lib/authtail";
const MAX_BYTES: u64 = 15_000_000;
/// It compiles everything, on a machine that may be slow.
const BUILD: Duration = Duration::from_mins(30);
/// The first look of the health check comes after its interval of 15 s.
const HEALTH: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_image_is_small_and_healthy_follows_others_only_and_keeps_its_numbers() {
    let lab = Lab::new().await;
    let image = lab.name("image");
    build(&lab, &image).await;
    assert_description(&image).await;

    let (own, volume) = (lab.name("exporter"), lab.name("state"));
    let mut create = lab.making(&["volume", "create"]);
    create.arg(&volume);
    run(create, HEALTH).await;
    let exporter = start(hardened(&lab, &own, &volume, &image), &own).await;
    let mut web = lab.run("web", &[], &["listen"]).await;
    web.tell(TEN).await;
    assert_follows_others_only(&exporter, &own, &web.name, 10).await;

    let page = exporter.page().await;
    let labels = [("version", VERSION), ("revision", REVISION)];
    assert_eq!(page.sum("authtail_build_info", &labels), Some(1.0));
    let container = format!("container={own}");
    let events = ["events", "--since", "10m", "--filter", &container];
    docker_until(&events, "health_status: healthy", HEALTH).await;
    assert_is_writable(&lab, &volume).await;
    assert!(exporter.terminate("-TERM").await.success());

    // The same container again, then another one in its place, with lines that nobody read meanwhile.
    web.tell(TEN).await;
    let mut again = Command::new("docker");
    again.args(["start", "--attach", &own]);
    let exporter = start(again, &own).await;
    goes_on(&exporter, &mut web, 10).await;
    docker(&["rm", "-f", &own]).await;
    web.tell(TEN).await;
    let exporter = start(hardened(&lab, &own, &volume, &image), &own).await;
    goes_on(&exporter, &mut web, 30).await;
    assert!(exporter.terminate("-TERM").await.success());

    numbers_outlive_a_container_of_compose(&lab, &image).await;
}

const TEN: &str = "print 10 200,401";

/// A new process knows the lines that an earlier one has shown, reads ten more that it has missed, and
/// then what is printed before its eyes.
async fn goes_on(exporter: &Exporter, web: &mut Printer, shown: u32) {
    let first = exporter.page().await.lines(&web.name);
    assert!(first >= f64::from(shown), "{first} after {shown}");
    exporter.until_log("numbers restored").await;
    exporter.until_lines(&web.name, shown + 10).await;
    web.tell(TEN).await;
    let lines = shown + 20;
    let page = exporter.until_lines(&web.name, lines).await;
    let counts = ["200", "401"].map(|code| page.validate(&web.name, code));
    assert_eq!(counts, [f64::from(lines / 2); 2]);
}

async fn numbers_outlive_a_container_of_compose(lab: &Lab, image: &str) {
    let compose = override_file(lab, image);
    let own = lab.name("composed");
    let exporter = composed(lab, &compose, &own).await;
    exporter.until_log("the engine is up").await;
    let mut web = lab.run("watched", &[], &["listen"]).await;
    web.tell(TEN).await;
    exporter.until_lines(&web.name, 10).await;
    docker(&["rm", "-f", &own]).await;
    web.tell(TEN).await;
    let exporter = composed(lab, &compose, &own).await;
    goes_on(&exporter, &mut web, 10).await;
}

/// Changes to the stack: our image and our labels, and the engine's socket instead of the proxy, whose
/// image nobody may have.
fn override_file(lab: &Lab, image: &str) -> PathBuf {
    let labels = lab.labels();
    let all = |names: &[&str]| -> Value {
        let labelled = |name: &&str| ((*name).to_owned(), json!({"labels": labels}));
        Value::Object(names.iter().map(labelled).collect())
    };
    let changes = json!({
        "services": {"authtail": {
            "image": image,
            "environment": {"AUTHTAIL_DOCKER_HOST": SOCKET},
            "volumes": [format!("{SOCKET}:{SOCKET}:ro")],
            "group_add": [socket_group()],
            "labels": labels,
        }},
        // Compose makes all of them, also for one service.
        "networks": all(&["socket", "monitoring", "demo"]),
        "volumes": all(&["state", "prometheus", "alertmanager", "grafana"]),
    });
    let file = lab.folder().join("override.yml");
    // JSON is YAML too.
    fs::write(&file, changes.to_string()).unwrap();
    file
}

/// The service `authtail` of the stack, alone.
async fn composed(lab: &Lab, changes: &Path, own: &str) -> Exporter {
    let mut compose = Command::new("docker-compose");
    compose
        .env("DOCKER_GID", socket_group())
        .env("GRAFANA_ADMIN_PASSWORD", "unused")
        .args(["--project-name", &lab.name("stack"), "--file"])
        .arg(Path::new(ROOT).join("docker-compose.yml"))
        .arg("--file")
        .arg(changes)
        .args(["run", "--detach", "--no-deps", "--name", own])
        .args(["--publish", "127.0.0.1::8401", "authtail"]);
    run(compose, HEALTH).await;
    let mut log = Command::new("docker");
    log.args(["logs", "--follow", own]);
    start(log, own).await
}

/// Builds the image, and the image of its first stage if nobody has it.
async fn build(lab: &Lab, image: &str) {
    let dockerfile = fs::read_to_string(Path::new(ROOT).join("Dockerfile")).unwrap();
    let (from, rest) = dockerfile.split_once('\n').unwrap();
    let base = from.strip_prefix("FROM ").unwrap();
    let base = base.strip_suffix(" AS build").unwrap();
    // The stages leave images without a name; what is ours is told by this line.
    let label = format!("LABEL {}", lab.labels().join(" "));
    let labelled = lab.folder().join("Dockerfile");
    fs::write(&labelled, format!("{from}\n{label}\n{rest}")).unwrap();

    if docker(&["images", "-q", base]).await.is_empty() {
        let mut make = Command::new(Path::new(ROOT).join("compose/build-base"));
        make.args([base, "--change", &label]);
        run(make, BUILD).await;
    }
    let mut build = lab.making(&["build", "--network", "host", "--force-rm"]);
    build
        .env("DOCKER_BUILDKIT", "0")
        .args(["--build-arg", &format!("VERSION={VERSION}")])
        .args(["--build-arg", &format!("REVISION={REVISION}")])
        .args(["-t", image, "-f"])
        .arg(&labelled)
        .arg(ROOT);
    run(build, BUILD).await;
}

async fn assert_description(image: &str) {
    let inspected = docker(&["image", "inspect", image]).await;
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    let (size, config) = (&inspected[0]["Size"], &inspected[0]["Config"]);
    assert!(size.as_u64().unwrap() < MAX_BYTES, "{size} bytes");
    assert_eq!(config["User"], "65532:65532");
    let label = |name| &config["Labels"][format!("org.opencontainers.image.{name}")];
    assert_eq!(label("version"), VERSION);
    assert_eq!(label("revision"), REVISION);
}

/// The group that may open the engine's socket.
fn socket_group() -> String {
    fs::metadata(SOCKET).unwrap().gid().to_string()
}

fn hardened(lab: &Lab, name: &str, volume: &str, image: &str) -> Command {
    let group = socket_group();
    let mut command = lab.making(&["run", "--name", name, "-p", "127.0.0.1::8401"]);
    command
        .args(["--read-only", "--cap-drop=ALL"])
        .args(["--security-opt=no-new-privileges", "--group-add", &group])
        .args(["-v", &format!("{SOCKET}:{SOCKET}:ro")])
        .args(["-v", &format!("{volume}:{STATE}")])
        .arg(image);
    command
}

/// The volume was new, so it has the owner of the image's folder.
async fn assert_is_writable(lab: &Lab, volume: &str) {
    let mut write = lab.making(&["run", "--rm", "--network", "none"]);
    write
        .args(["--user", "65532:65532", "--cap-drop=ALL"])
        .args(["-v", &format!("{volume}:/state"), &lab.name("printer")])
        .arg("write /state/probe");
    run(write, HEALTH).await;
}

//! The exporter in a container of the engine that it follows.

use std::net::SocketAddr;
use std::path::Path;

use tokio::process::Command;

use crate::support::exporter::{Exporter, Page};

use super::lab::{Lab, SOCKET, docker};

/// Starts an exporter in a container; its port 8401 must be published by the command.
pub async fn start(command: Command, name: &str) -> Exporter {
    let mut exporter = Exporter::start(command).await;
    exporter.address = published(name).await;
    exporter
}

/// Where the page of an exporter in a container can be had.
pub async fn published(name: &str) -> SocketAddr {
    let published = docker(&["port", name, "8401/tcp"]).await;
    published.lines().next().unwrap().parse().unwrap()
}

/// Options of `docker run` that let a container without files run the host's programs.
pub fn host_libraries() -> Vec<String> {
    let mut folders = vec!["/usr", "/lib", "/lib64"];
    folders.retain(|folder| Path::new(folder).exists());
    let mounts = folders
        .iter()
        .map(|folder| format!("--volume={folder}:{folder}:ro"));
    mounts.collect()
}

/// Waits until it has said so itself, and checks that it follows `other` and not `own`.
pub async fn assert_follows_others_only(exporter: &Exporter, own: &str, other: &str, lines: u32) {
    let own_log = format!("message=\"not following my own log\" container={own}");
    exporter.until_log(&own_log).await;
    let page = exporter.until_lines(other, lines).await;
    assert!(is_absent(&page, own), "{page:#?}");
}

fn is_absent(page: &Page, container: &str) -> bool {
    page.running(container).is_none() && page.lines(container) == 0.0
}

#[tokio::test]
async fn it_never_follows_itself_whatever_its_host_name() {
    let lab = Lab::new().await;
    // The binary of the tests needs the host's C library.
    let empty = lab.folder().join("empty");
    std::fs::create_dir(&empty).unwrap();
    lab.import(&lab.name("empty"), &empty, &[]).await;
    let program = format!("{}:/authtail:ro", env!("CARGO_BIN_EXE_authtail"));
    let socket = format!("{SOCKET}:{SOCKET}");

    for (what, options) in [
        ("default", &[][..]),
        ("named", &["--hostname", "other"]),
        ("two", &["--hostname", "0123456789ab"]),
    ] {
        let own = lab.name(what);
        let mut command = lab.making(&["run"]);
        command.args(["--name", &own, "-p", "127.0.0.1::8401"]);
        command
            .args(host_libraries())
            .args(["-v", &program, "-v", &socket])
            .args(options)
            .args([&lab.name("empty"), "/authtail"]);
        let exporter = start(command, &own).await;
        let mut web = lab.run(&format!("web-{what}"), &[], &["listen"]).await;
        web.tell("print 10 200,401").await;
        assert_follows_others_only(&exporter, &own, &web.name, 10).await;
        assert!(exporter.terminate("-TERM").await.success());
    }
}

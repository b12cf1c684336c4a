//! An engine of the test's own that is restarted while its containers print.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::dockerd::{UP, dockerd, socket};
use super::scaled;
use super::stage::Stage;
use crate::docker::lab::Lab;

/// How long the engine may take to begin or to end.
const LIMIT: Duration = Duration::from_mins(1);
const STEP: f64 = 1000.0;
/// More than is ever printed.
const AT_WORK: &str = "numbered 0 1000000 rate=1000";

/// An engine with a socket and files of its own.
struct Engine {
    folder: TempDir,
    is_live: bool,
    process: Child,
}

impl Engine {
    async fn start(is_live: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let process = daemon(&folder, is_live).await;
        Self {
            folder,
            is_live,
            process,
        }
    }

    fn socket(&self) -> PathBuf {
        socket(self.folder.path())
    }

    async fn restart(&mut self) {
        self.stop().await;
        self.process = daemon(&self.folder, self.is_live).await;
    }

    async fn stop(&mut self) {
        let id = self.process.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.unwrap().success());
        let ended = timeout(LIMIT, self.process.wait()).await;
        ended.expect("the engine does not end").unwrap();
    }
}

/// Starts an engine and waits until it answers.
async fn daemon(folder: &TempDir, is_live: bool) -> Child {
    let folder = folder.path();
    let mut command = Command::from(dockerd(folder));
    command
        .arg(format!("--live-restore={is_live}"))
        .kill_on_drop(true);
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let (up, is_up) = oneshot::channel();
    tokio::spawn(async move {
        let (mut up, mut said) = (Some(up), Vec::new());
        // To the end, because it cannot go on when nobody reads.
        while let Ok(Some(line)) = lines.next_line().await {
            if line.contains(UP) {
                up.take().map(|up| up.send(()));
            }
            if up.is_some() {
                said.push(line);
            }
        }
        assert!(up.is_none(), "{said:#?}");
    });
    let is_up = timeout(LIMIT, is_up).await;
    is_up.expect("the engine does not start").unwrap();
    process
}

#[tokio::test]
async fn a_restart_of_the_engine_loses_nothing() {
    is_exact("engine restarted", false).await;
}

#[tokio::test]
async fn a_restart_of_the_engine_under_live_containers_loses_nothing() {
    is_exact("engine restarted, live-restore", true).await;
}

async fn is_exact(case: &str, is_live: bool) {
    let mut engine = Engine::start(is_live).await;
    let lab = Lab::at(&engine.socket()).await;
    let mut stage = Stage::with(lab, &engine.socket()).await;
    // The engine has to end it, and then starts it again.
    let options = ["--restart=always", "--stop-signal=SIGKILL"];
    let log = ["--log-opt=max-size=100k", "--log-opt=max-file=100"];
    let plain = stage.run_with("plain", &options, &[AT_WORK]).await;
    let options = [options, log].concat();
    let rotating = stage.run_with("rotating", &options, &[AT_WORK]).await;
    for _ in 0..scaled(5, 2) {
        for web in [&plain, &rotating] {
            let page = stage.watch.page(&stage.exporter).await;
            let lines = page.lines(&web.name) + STEP;
            let page = stage.until_lines(&web.name, lines).await;
            assert!(
                page.lines(&web.name) >= lines,
                "{:#?}",
                stage.exporter.log()
            );
        }
        engine.restart().await;
    }
    let mut total = super::report::Outcome::default();
    for web in [&plain, &rotating] {
        web.docker(&["stop"]).await;
        // What the engine itself has lost is not in its log.
        let truth = stage.held(&web.name).await;
        total += stage.finish(web, &truth).await;
    }
    stage.assert_exact(case, total);
    drop(stage);
    engine.stop().await;
}

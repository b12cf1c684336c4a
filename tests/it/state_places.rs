//! Where the numbers are kept, by somebody who may write only where anybody may.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use tokio::process::Command;

use crate::support::engine::FakeEngine;
use crate::support::exporter::Exporter;
use crate::support::records::validate;

/// An exporter of an engine, run by nobody.
async fn of_nobody(engine: &FakeEngine) -> Command {
    let anybody = fs::Permissions::from_mode(0o755);
    fs::set_permissions(engine.directory(), anybody).unwrap();
    fs::set_permissions(engine.socket(), fs::Permissions::from_mode(0o777)).unwrap();
    // Root may write anywhere, so another user has to run a binary that it can reach.
    let binary = engine.directory().join("authtail");
    let mut copy = Command::new("cp");
    copy.arg(env!("CARGO_BIN_EXE_authtail")).arg(&binary);
    assert!(copy.status().await.unwrap().success());
    let mut command = Command::new(&binary);
    command
        .args(["--web.listen-address", "127.0.0.1:0", "--docker.host"])
        .arg(engine.socket())
        .env_clear()
        .kill_on_drop(true);
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(65_534);
    }
    command
}

#[tokio::test]
async fn a_folder_that_may_not_be_written_stops_nothing() {
    let engine = FakeEngine::start();
    let mut command = of_nobody(&engine).await;
    let folder = engine.directory().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    command.arg("--state.file").arg(folder.join("state"));
    let exporter = Exporter::start(command).await;
    exporter.until_log("the engine is up").await;
    let id = engine.run("web");
    (0..3).for_each(|_| engine.log(&id, &validate(401)));
    exporter.until_lines("web", 3).await;
    let said = exporter.until_log("cannot save").await;
    assert!(said.contains("Permission denied"), "{said}");
    let page = exporter
        .until("failures", |page| {
            page.get("authtail_state_save_failures_total") >= Some(1.0)
        })
        .await;
    assert_eq!(page.get("authtail_state_last_save_timestamp_seconds"), None);
    assert_eq!(page.validate("web", "401"), 3.0);
}

#[tokio::test]
async fn who_names_no_file_has_it_at_home_or_nowhere() {
    for variable in [Some("XDG_STATE_HOME"), None] {
        let engine = FakeEngine::start();
        let home = engine.directory().join("home");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o777)).unwrap();
        let start = async || {
            let mut command = of_nobody(&engine).await;
            if let Some(variable) = variable {
                command.env(variable, &home);
            }
            let exporter = Exporter::start(command).await;
            exporter.until_log("the engine is up").await;
            exporter
        };
        let exporter = start().await;
        let id = engine.run("web");
        (0..3).for_each(|_| engine.log(&id, &validate(401)));
        exporter.until_lines("web", 3).await;
        if variable.is_none() {
            exporter.until_log("not keeping numbers").await;
            continue;
        }
        exporter.kill().await;
        let exporter = start().await;
        exporter.until_log("numbers restored").await;
        assert_eq!(exporter.page().await.lines("web"), 3.0, "{variable:?}");
    }
}

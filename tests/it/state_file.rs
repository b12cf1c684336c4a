//! The state file: damaged, foreign, unreadable or not to be written. It is never a reason to stop,
//! and never passed over in silence.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::support::engine::FakeEngine;
use crate::support::exporter::{Exporter, Page};

fn failures(page: &Page) -> f64 {
    page.get("authtail_state_save_failures_total").unwrap()
}

fn aside(file: &Path) -> PathBuf {
    file.with_file_name("state.bad")
}

/// What an exporter has saved that has counted ten lines.
async fn saved() -> Vec<u8> {
    let engine = FakeEngine::start();
    let file = engine.directory().join("state");
    let exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.run("web");
    engine.print_requests(&id, 401, 10);
    exporter.until_lines("web", 10).await;
    assert!(exporter.terminate("-TERM").await.success());
    fs::read(file).unwrap()
}

/// Starts with a file that is no state: it is set aside, and a new one is kept.
async fn assert_set_aside(what: &str, bytes: &[u8]) {
    let engine = FakeEngine::start();
    let file = engine.directory().join("state");
    fs::write(&file, bytes).unwrap();
    let exporter = Exporter::keeping(&engine, &file).await;
    let said = exporter.until_log("set aside").await;
    assert!(said.contains("level=warn"), "{what}: {said}");
    assert!(said.contains("state.bad"), "{what}: {said}");
    assert_eq!(fs::read(aside(&file)).unwrap(), bytes, "{what}");
    assert_eq!(exporter.page().await.lines("web"), 0.0, "{what}");
    let id = engine.run("web");
    engine.print_requests(&id, 401, 3);
    exporter.until_lines("web", 3).await;
    exporter.kill().await;
    let exporter = Exporter::keeping(&engine, &file).await;
    exporter.until_log("numbers restored").await;
    assert_eq!(exporter.page().await.lines("web"), 3.0, "{what}");
}

#[tokio::test]
async fn what_is_no_state_is_set_aside() {
    for (what, bytes) in [
        ("empty", &b""[..]),
        ("text", b"hello\n"),
        ("json", b"{}\n"),
        ("list", b"[]"),
        ("null", b"null"),
        ("zeros", &[0; 4096]),
        ("not utf-8", &[0xff; 100]),
        ("deep", "[".repeat(100_000).as_bytes()),
        ("of another program", b"SQLite format 3\0"),
    ] {
        assert_set_aside(what, bytes).await;
    }
}

#[tokio::test]
async fn a_state_that_was_cut_is_set_aside() {
    let state = saved().await;
    for length in [1, 8, state.len() / 3, state.len() / 2, state.len() - 2] {
        assert_set_aside(&format!("{length} bytes"), &state[..length]).await;
    }
}

#[tokio::test]
async fn a_state_that_was_changed_anywhere_is_set_aside() {
    let state = saved().await;
    for part in 0..12 {
        let at = part * (state.len() - 1) / 11;
        let mut changed = state.clone();
        changed[at] ^= 1;
        if at + 1 == state.len() && state.ends_with(b"\n") {
            continue;
        }
        assert_set_aside(&format!("byte {at} changed"), &changed).await;
    }
}

#[tokio::test]
async fn a_state_of_another_version_is_set_aside() {
    let state = saved().await;
    // The version comes after the name.
    for (what, step) in [("newer", 1), ("older", -1)] {
        let mut other = state.clone();
        let version = &mut other["authtail".len()];
        *version = version.wrapping_add_signed(step);
        assert_set_aside(what, &other).await;
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_set_aside() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("state");
    fs::create_dir_all(file.join("and more")).unwrap();
    let exporter = Exporter::keeping(&engine, &file).await;
    exporter.until_log("set aside").await;
    assert!(aside(&file).join("and more").is_dir());
    let id = engine.run("web");
    engine.print_requests(&id, 401, 3);
    let page = exporter.until_lines("web", 3).await;
    assert_eq!(failures(&page), 0.0);
    assert!(file.is_file());
}

#[tokio::test]
async fn every_step_of_a_save_may_be_the_last() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("state");
    let beside = file.with_file_name("state.tmp");
    let exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.run("web");
    engine.print_requests(&id, 401, 10);
    exporter.until_lines("web", 10).await;
    exporter.terminate("-TERM").await;
    let old = fs::read(&file).unwrap();
    engine.print_requests(&id, 401, 10);
    let exporter = Exporter::keeping(&engine, &file).await;
    exporter.until_lines("web", 20).await;
    exporter.terminate("-TERM").await;
    let new = fs::read(&file).unwrap();
    assert_ne!(old, new);
    for (step, state, left) in [
        ("created", &old, Some(&new[..0])),
        ("begun", &old, Some(&new[..new.len() / 2])),
        ("written", &old, Some(&new[..])),
        ("renamed", &new, None),
        ("another one was longer", &new, Some(&[b'x'; 10_000][..])),
    ] {
        fs::write(&file, state).unwrap();
        if let Some(left) = left {
            fs::write(&beside, left).unwrap();
        }
        let exporter = Exporter::keeping(&engine, &file).await;
        let page = exporter.until_lines("web", 20).await;
        assert_eq!(page.validate("web", "401"), 20.0, "{step}");
        assert_eq!(failures(&page), 0.0, "{step}");
        assert!(!aside(&file).exists(), "{step}");
        assert!(exporter.terminate("-TERM").await.success());
        let exporter = Exporter::keeping(&engine, &file).await;
        exporter.until_log("numbers restored").await;
        exporter.until_lines("web", 20).await;
        exporter.kill().await;
    }
}

#[tokio::test]
async fn a_first_save_that_was_not_finished_is_no_state() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("state");
    fs::write(file.with_file_name("state.tmp"), "half of a sta").unwrap();
    let exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.run("web");
    engine.print_requests(&id, 401, 3);
    let page = exporter.until_lines("web", 3).await;
    assert_eq!(failures(&page), 0.0);
    assert!(!aside(&file).exists());
    exporter.kill().await;
    let exporter = Exporter::keeping(&engine, &file).await;
    assert_eq!(exporter.page().await.lines("web"), 3.0);
}

#[tokio::test]
async fn a_folder_that_goes_away_and_comes_back_is_said_once_and_harms_nothing() {
    let engine = FakeEngine::start();
    let folder = engine.directory().join("folder");
    let elsewhere = engine.directory().join("elsewhere");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("state");
    let exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.run("web");
    engine.print_requests(&id, 401, 3);
    exporter.until_lines("web", 3).await;
    fs::rename(&folder, &elsewhere).unwrap();
    fs::write(&folder, "a file").unwrap();
    for round in 1..=3 {
        engine.print_requests(&id, 401, 1);
        exporter.until_lines("web", 3 + round).await;
    }
    exporter.until_log("cannot save").await;
    exporter
        .until("failures", |page| failures(page) >= 1.0)
        .await;
    let said = exporter.log();
    let said = said.iter().filter(|line| line.contains("cannot save"));
    assert_eq!(said.count(), 1, "{:#?}", exporter.log());

    fs::remove_file(&folder).unwrap();
    fs::rename(&elsewhere, &folder).unwrap();
    let before = fs::read(&file).unwrap();
    engine.print_requests(&id, 401, 1);
    exporter.until_lines("web", 7).await;
    exporter
        .until("saved again", |_| fs::read(&file).unwrap() != before)
        .await;
    let page = exporter.page().await;
    exporter.kill().await;
    let exporter = Exporter::keeping(&engine, &file).await;
    exporter.page().await.assert_not_below(&page);
    exporter.until_lines("web", 7).await;
}

/// An exporter for which every disk is full.
async fn without_space(engine: &FakeEngine, file: &Path) -> Exporter {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"trap "" XFSZ; ulimit -f 0; exec "$0" "$@""#]);
    command
        .arg(env!("CARGO_BIN_EXE_authtail"))
        .args(["--web.listen-address", "127.0.0.1:0", "--docker.host"])
        .arg(engine.socket())
        .arg("--state.file")
        .arg(file)
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let exporter = Exporter::start(command).await;
    exporter.until_log("the engine is up").await;
    exporter
}

#[tokio::test]
async fn a_full_disk_keeps_the_last_good_state_and_stops_nothing() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("state");
    let exporter = Exporter::keeping(&engine, &file).await;
    let id = engine.run("web");
    engine.print_requests(&id, 401, 3);
    exporter.until_lines("web", 3).await;
    exporter.terminate("-TERM").await;
    let good = fs::read(&file).unwrap();

    let exporter = without_space(&engine, &file).await;
    engine.print_requests(&id, 401, 3);
    exporter.until_lines("web", 6).await;
    exporter.until_log("cannot save").await;
    let page = exporter
        .until("failures", |page| failures(page) >= 1.0)
        .await;
    assert_eq!(page.lines("web"), 6.0);
    assert!(exporter.terminate("-TERM").await.success());
    assert_eq!(fs::read(&file).unwrap(), good);

    // Counted again from the last good state: neither lost nor twice.
    engine.print_requests(&id, 401, 3);
    let exporter = Exporter::keeping(&engine, &file).await;
    let page = exporter.until_lines("web", 9).await;
    assert_eq!(page.validate("web", "401"), 9.0);
    assert_eq!(page.gaps("web"), Some(0.0));
}

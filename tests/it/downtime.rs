//! What happens to containers while the exporter is down: it is all counted afterwards.

use std::path::{Path, PathBuf};

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{Exporter, Page};
use crate::support::records::{Record, validate};

fn file(engine: &FakeEngine) -> PathBuf {
    engine.directory().join("state")
}

/// An exporter that has counted three lines of a container and is down again.
async fn watched(engine: &FakeEngine, container: Container) -> String {
    let exporter = Exporter::keeping(engine, &file(engine)).await;
    let name = container.name.clone();
    let id = engine.create(container);
    engine.print_requests(&id, 401, 3);
    exporter.until_lines(&name, 3).await;
    exporter.kill().await;
    id
}

#[tokio::test]
async fn a_container_that_was_created_meanwhile_is_read_from_its_beginning() {
    let engine = FakeEngine::start();
    let web = watched(&engine, Container::running("web")).await;
    let new = engine.run("new");
    engine.print_requests(&new, 401, 2_000);
    let short = engine.run("short");
    engine.print_requests(&short, 401, 5);
    engine.stop(&short);
    engine.print_requests(&web, 401, 1);
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    for (name, lines) in [("new", 2_000), ("short", 5), ("web", 4)] {
        let page = exporter.until_lines(name, lines).await;
        assert_eq!(page.validate(name, "401"), f64::from(lines), "{name}");
    }
}

#[tokio::test]
async fn a_container_that_ran_stopped_and_ran_again_meanwhile_loses_no_line() {
    let engine = FakeEngine::start();
    let id = watched(&engine, Container::running("web")).await;
    for _ in 0..3 {
        engine.print_requests(&id, 401, 5);
        engine.stop(&id);
        engine.restart(&id);
    }
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    let page = exporter.until_lines("web", 18).await;
    assert_eq!(page.gaps("web"), Some(0.0));
    engine.print_requests(&id, 401, 5);
    engine.stop(&id);
    exporter.until_lines("web", 23).await;
    exporter.kill().await;
    // Stopped all the time.
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    exporter.until_ready().await;
    let page = exporter.page().await;
    assert_eq!((page.lines("web"), page.running("web")), (23.0, Some(0.0)));
    engine.restart(&id);
    engine.print_requests(&id, 401, 1);
    exporter.until_lines("web", 24).await;
}

#[tokio::test]
async fn a_container_that_was_removed_meanwhile_keeps_its_numbers_until_the_retention() {
    let engine = FakeEngine::start();
    let id = watched(&engine, Container::running("web")).await;
    engine.remove(&id);
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    exporter.until_ready().await;
    let page = exporter
        .until("removed", |page| page.running("web") == Some(0.0))
        .await;
    assert_eq!((page.lines("web"), page.validate("web", "401")), (3.0, 3.0));
    exporter.kill().await;
    // Its numbers are kept on as those of a removed one.
    let file = file(&engine);
    let arguments = ["--metrics.retention", "5s", "--state.file"];
    let exporter = Exporter::with(
        &engine,
        &[&arguments[..], &[file.to_str().unwrap()]].concat(),
    )
    .await;
    assert_eq!(exporter.page().await.lines("web"), 3.0);
    let page = exporter
        .until("forgotten", |page| page.running("web").is_none())
        .await;
    assert_eq!(page.requests("web", "validate", "401"), None);
}

#[tokio::test]
async fn the_numbers_of_one_that_was_recreated_meanwhile_go_on() {
    let engine = FakeEngine::start();
    let id = watched(&engine, Container::running("web")).await;
    engine.remove(&id);
    let id = engine.run("web");
    engine.print_requests(&id, 401, 5);
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    let page = exporter.until_lines("web", 8).await;
    assert_eq!(page.validate("web", "401"), 8.0);
    assert_eq!(page.gaps("web"), Some(0.0));
    exporter.kill().await;
    engine.print_requests(&id, 401, 1);
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    exporter.until_lines("web", 9).await;
}

#[tokio::test]
async fn names_that_were_swapped_meanwhile_take_nothing_from_a_series() {
    let engine = FakeEngine::start();
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    let (one, other) = (engine.run("one"), engine.run("other"));
    engine.print_requests(&one, 401, 3);
    engine.print_requests(&other, 401, 5);
    exporter.until_lines("one", 3).await;
    let page = exporter.until_lines("other", 5).await;
    exporter.kill().await;
    engine.rename(&one, "other");
    engine.rename(&other, "one");
    engine.print_requests(&one, 401, 1);
    engine.print_requests(&other, 401, 1);
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    exporter.page().await.assert_not_below(&page);
    let lines = |page: &Page| page.sum("authtail_log_lines_total", &[]);
    let again = exporter
        .until("all counted", |page| lines(page) >= Some(10.0))
        .await;
    assert_eq!(lines(&again), Some(10.0));
    again.assert_not_below(&page);
}

#[tokio::test]
async fn what_rotated_away_meanwhile_is_a_gap() {
    let engine = FakeEngine::start();
    let id = watched(&engine, Container::rotating("web", "10k")).await;
    engine.print_requests(&id, 401, 3);
    // Read to the end once.
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    exporter.until_lines("web", 6).await;
    exporter.until_ready().await;
    exporter.terminate("-TERM").await;
    engine.print_requests(&id, 401, 100);
    engine.rotate(&id, 50);
    let exporter = Exporter::keeping(&engine, &file(&engine)).await;
    exporter.until_lines("web", 56).await;
    let page = exporter
        .until("a gap", |page| page.gaps("web") == Some(1.0))
        .await;
    assert_eq!(page.validate("web", "401"), 56.0);
    exporter.until_log("records are missing").await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_meanwhile_loses_and_repeats_nothing() {
    for filters_every_record in [false, true] {
        let engine = FakeEngine::start();
        if filters_every_record {
            engine.filter_every_record();
        }
        let exporter = Exporter::keeping(&engine, &file(&engine)).await;
        let id = engine.run("web");
        let at = |time| Record::line(time, &validate(401));
        // The state is from the future of all that comes.
        engine.records(&id, (3_600_000..3_600_010).map(at));
        exporter.until_lines("web", 10).await;
        exporter.kill().await;
        engine.records(&id, (0..10).map(at));
        let exporter = Exporter::keeping(&engine, &file(&engine)).await;
        exporter.until_lines("web", 20).await;
        engine.record(&id, at(10));
        engine.end_streams(&id);
        let page = exporter.until_lines("web", 21).await;
        assert_eq!(page.gaps("web"), Some(0.0));
        assert_eq!(page.duplicates("web"), Some(0.0));
    }
}

#[tokio::test]
async fn every_container_is_found_where_it_was_left() {
    let engine = FakeEngine::start();
    let state = file(&engine);
    let names: Vec<_> = (0..50).map(|at| format!("web-{at}")).collect();
    let exporter = Exporter::keeping(&engine, &state).await;
    let ids: Vec<_> = names.iter().map(|name| engine.run(name)).collect();
    let mut expected = Vec::new();
    for (at, (id, name)) in (1..).zip(ids.iter().zip(&names)) {
        engine.print_requests(id, 401, at);
        exporter.until_lines(name, at).await;
        expected.push(2 * at);
    }
    exporter.kill().await;
    for (at, id) in (1..).zip(&ids) {
        engine.print_requests(id, 401, at);
    }
    assert_counted(&engine, &state, &names, &expected).await;
    // And once more, with nothing new.
    assert_counted(&engine, &state, &names, &expected).await;
}

async fn assert_counted(engine: &FakeEngine, state: &Path, names: &[String], lines: &[u32]) {
    let exporter = Exporter::keeping(engine, state).await;
    for (name, lines) in names.iter().zip(lines) {
        exporter.until_lines(name, *lines).await;
    }
    exporter.until_ready().await;
    exporter.kill().await;
}

//! Containers and engines that come and go: everything is followed, nothing is counted twice.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::engine::{Container, End, FakeEngine, Reply};
use crate::support::exporter::{Exporter, Page, authtail};
use crate::support::records::{Record, Stream, mux, validate};

#[tokio::test]
async fn counts_both_streams_by_code() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    for code in [200, 401, 401, 403, 500, 418] {
        engine.log(&id, &validate(code));
        engine.log_to(&id, Stream::Stderr, &validate(code));
    }
    engine.log(&id, "INFO:     Application startup complete.");
    let page = exporter.until_lines("web", 13).await;
    let counts = ["200", "401", "403", "500", "4xx", "204"].map(|code| page.validate("web", code));
    assert_eq!(counts, [2.0, 4.0, 2.0, 2.0, 2.0, 0.0]);
}

#[tokio::test]
async fn a_container_that_was_there_before_is_counted_from_now_on_and_known_at_once() {
    let engine = FakeEngine::start();
    let old = engine.run("old");
    let stopped = engine.run("stopped");
    let quiet = engine.run("quiet");
    let many = engine.run("many");
    for id in [&old, &stopped] {
        engine.log(id, &validate(200));
        engine.log(id, &validate(401));
    }
    engine.log(&quiet, "nothing to see");
    // More than is looked at, so that the second stream has its newest record before that.
    engine.log_to(&many, Stream::Stderr, &validate(500));
    (0..1_500).for_each(|_| engine.log(&many, &validate(200)));
    engine.stop(&stopped);

    let exporter = Exporter::of(&engine).await;
    let is_known = |page: &Page| {
        ["old", "stopped", "many"]
            .iter()
            .all(|name| page.requests(name, "validate", "401") == Some(0.0))
    };
    let page = exporter.until("series at zero", is_known).await;
    assert_eq!(page.requests("quiet", "validate", "401"), None);
    assert_eq!(
        (page.running("old"), page.running("stopped")),
        (Some(1.0), Some(0.0))
    );
    let format = |name| [("container", name), ("format", "uvicorn")];
    assert_eq!(
        page.sum("authtail_container_info", &format("old")),
        Some(1.0)
    );
    assert_eq!(page.sum("authtail_container_info", &format("quiet")), None);

    engine.restart(&stopped);
    for id in [&old, &stopped, &quiet, &many] {
        engine.log(id, &validate(401));
    }
    for name in ["old", "stopped", "quiet", "many"] {
        let page = exporter.until_lines(name, 1).await;
        assert_eq!(
            (page.validate(name, "200"), page.validate(name, "401")),
            (0.0, 1.0)
        );
    }
}

#[tokio::test]
async fn goes_on_after_a_restart_of_the_container() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    for round in 1..=10 {
        engine.log(&id, &validate(401));
        exporter.until_lines("web", round).await;
        engine.stop(&id);
        exporter
            .until("stopped", |page| page.running("web") == Some(0.0))
            .await;
        engine.restart(&id);
        exporter
            .until("running", |page| page.running("web") == Some(1.0))
            .await;
    }
    let page = exporter.page().await;
    assert_eq!(page.validate("web", "401"), 10.0);
    // A stop is no failure.
    assert_eq!(page.reconnects("web"), Some(0.0));
}

#[tokio::test]
async fn a_crash_loop_loses_no_line() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    for _ in 0..50 {
        engine.log(&id, &validate(500));
        engine.stop(&id);
        engine.restart(&id);
    }
    let page = exporter.until_lines("web", 50).await;
    assert_eq!(page.validate("web", "500"), 50.0);
}

#[tokio::test]
async fn a_log_that_ends_at_once_again_and_again_is_not_hammered() {
    let engine = FakeEngine::start();
    let _exporter = Exporter::of(&engine).await;
    let start = Instant::now();
    let ends = vec![Reply::Body(Vec::new(), End::Clean); 1000];
    let id = engine.run_scripted("web", ends);
    while engine.follows(&id) < 5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The four waits between five requests are at least half of 200, 400, 800 and 1600 ms.
    assert!(
        start.elapsed() >= Duration::from_millis(1_490),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_cut_stream_goes_on_where_it_was() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    let mut lines = 0;
    for round in 0..10 {
        engine.until_followed(&id).await;
        for _ in 0..20 {
            engine.log(&id, &validate(200));
            lines += 1;
        }
        exporter.until_lines("web", lines).await;
        if round % 2 == 0 {
            engine.cut(&id);
        } else {
            engine.end_streams(&id);
        }
        // These are logged while nobody reads.
        engine.log(&id, &validate(401));
        lines += 1;
    }
    let page = exporter.until_lines("web", lines).await;
    assert_eq!(
        (page.validate("web", "200"), page.validate("web", "401")),
        (200.0, 10.0)
    );
    assert_eq!(page.duplicates("web"), Some(0.0));
    exporter.until_reconnects("web", "broken", 5).await;
    exporter.until_reconnects("web", "ended", 5).await;
}

#[tokio::test]
async fn events_that_come_twice_start_one_follower() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    (0..20).for_each(|_| engine.event("start", &id));
    engine.log(&id, &validate(200));
    exporter.until_lines("web", 1).await;
    assert_eq!(engine.follows(&id), 1);
}

#[tokio::test]
async fn events_that_are_lost_are_made_up_for_by_the_list() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let stopped = engine.run("stopped");
    engine.log(&stopped, &validate(200));
    exporter.until_lines("stopped", 1).await;
    engine.stop(&stopped);
    exporter
        .until("stopped", |page| page.running("stopped") == Some(0.0))
        .await;

    let id = engine.create_silently(Container::running("silent"));
    engine.log(&id, &validate(401));
    engine.start_silently(&stopped);
    engine.log(&stopped, &validate(401));
    let page = exporter.until_lines("silent", 1).await;
    assert_eq!(page.validate("silent", "401"), 1.0);
    exporter.until_lines("stopped", 2).await;
}

#[tokio::test]
async fn events_that_are_no_events_do_no_harm() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    exporter.until_engine_is(1.0).await;
    for (name, bytes) in [
        ("blank", &b"\n"[..]),
        ("no-json", b"what?\n"),
        ("half", b"{\"Type\":\"container\",\"Acti"),
        (
            "legacy",
            b"{\"status\":\"start\",\"id\":\"abc\",\"from\":\"x\"}\n",
        ),
        ("empty", b"{}\n"),
    ] {
        engine.event_bytes(bytes);
        engine.end_events();
        let id = engine.run(name);
        engine.log(&id, &validate(401));
        let page = exporter.until_lines(name, 1).await;
        assert_eq!(page.validate(name, "401"), 1.0);
        assert_eq!(page.get("authtail_docker_up"), Some(1.0));
    }
}

#[tokio::test]
async fn a_rename_moves_no_counts() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let (one, other) = (engine.run("one"), engine.run("other"));
    for (id, code) in [(&one, 200), (&other, 401)] {
        engine.log(id, &validate(code));
    }
    exporter.until_lines("one", 1).await;
    exporter.until_lines("other", 1).await;
    // The names are swapped, and both logs have to be opened again.
    for (id, name, code) in [(&one, "other", 200), (&other, "one", 401)] {
        engine.rename(id, name);
        engine.log(id, &validate(code));
    }
    exporter.until_lines("one", 2).await;
    let page = exporter.until_lines("other", 2).await;
    assert_eq!(
        (page.validate("one", "200"), page.validate("one", "401")),
        (2.0, 0.0)
    );
    assert_eq!(
        (page.validate("other", "200"), page.validate("other", "401")),
        (0.0, 2.0)
    );
}

#[tokio::test]
async fn numbers_survive_the_recreation_of_a_container() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let mut lines = 0;
    for name in ["web-1", "0123456789ab_web-1", "web-1"] {
        let id = engine.run(name);
        engine.log(&id, &validate(401));
        lines += 1;
        exporter.until_lines("web-1", lines).await;
        engine.remove(&id);
        let page = exporter
            .until("removed", |page| page.running("web-1") == Some(0.0))
            .await;
        assert_eq!(page.validate("web-1", "401"), f64::from(lines));
    }
}

#[tokio::test]
async fn a_removed_container_is_drained_and_its_series_go_after_the_retention() {
    let engine = FakeEngine::start();
    let exporter = Exporter::with(&engine, &["--metrics.retention", "2s"]).await;
    let id = engine.run("job");
    (0..5_000).for_each(|_| engine.log(&id, &validate(200)));
    exporter
        .until("begun", |page| page.running("job") == Some(1.0))
        .await;
    engine.until_followed(&id).await;
    engine.remove(&id);
    let page = exporter
        .until("removed", |page| page.running("job") == Some(0.0))
        .await;
    assert_eq!(page.validate("job", "200"), 5_000.0);
    assert_eq!(
        page.sum("authtail_log_readable", &[("container", "job")]),
        None
    );
    let page = exporter
        .until("forgotten", |page| page.running("job").is_none())
        .await;
    assert_eq!(page.requests("job", "validate", "200"), None);
}

#[tokio::test]
async fn replicas_share_a_source() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let labels = [
        ("com.docker.compose.project", "shop"),
        ("com.docker.compose.service", "auth"),
    ];
    for name in ["shop-auth-1", "shop-auth-2"] {
        let id = engine.create(Container::running(name).labelled(&labels));
        engine.log(&id, &validate(401));
        exporter.until_lines(name, 1).await;
    }
    let page = exporter.page().await;
    let labels = [("source", "shop/auth"), ("code", "401")];
    assert_eq!(page.sum("authtail_requests_total", &labels), Some(2.0));
}

#[tokio::test]
async fn an_engine_that_crashes_is_found_again() {
    let mut engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    engine.log(&id, &validate(200));
    exporter.until_lines("web", 1).await;
    for round in 0..3 {
        engine.crash();
        exporter.until_engine_is(0.0).await;
        engine.log(&id, &validate(401));
        engine.listen();
        let page = exporter.until_lines("web", 2 + round).await;
        assert_eq!(page.validate("web", "401"), f64::from(round + 1));
        exporter.until_engine_is(1.0).await;
    }
}

#[tokio::test]
async fn an_engine_that_is_not_there_yet_is_waited_for() {
    let mut engine = FakeEngine::stopped();
    let exporter = Exporter::of(&engine).await;
    let said = exporter.until_log("cannot reach the engine").await;
    assert!(
        said.contains("No such file") && said.contains("--docker.host"),
        "{said}"
    );
    let page = exporter.page().await;
    assert_eq!(page.get("authtail_docker_up"), Some(0.0));
    let ready = exporter.get("/-/ready").await;
    assert_eq!(ready.status, 503);
    assert!(
        ready.text().contains("cannot reach the engine"),
        "{}",
        ready.text()
    );
    let is_trying = |page: &Page| {
        page.get("authtail_docker_errors_total{operation=\"connect\"}")
            .unwrap()
            >= 3.0
    };
    exporter.until("trying again", is_trying).await;
    let said = exporter
        .log()
        .into_iter()
        .filter(|line| line.contains("cannot reach"))
        .count();
    assert_eq!(said, 1, "{:#?}", exporter.log());

    engine.listen();
    let id = engine.run("web");
    exporter.until_engine_is(1.0).await;
    exporter.until_ready().await;
    // It was there before us, so only what comes from now on counts.
    engine.until_followed(&id).await;
    engine.log(&id, &validate(401));
    exporter
        .until("counted", |page| page.validate("web", "401") == 1.0)
        .await;
}

#[tokio::test]
async fn a_list_that_fails_stops_no_follower() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    engine.log(&id, &validate(200));
    exporter.until_lines("web", 1).await;
    engine.break_lists(true);
    engine.end_events();
    let page = exporter.until_engine_is(0.0).await;
    assert!(
        page.get("authtail_docker_errors_total{operation=\"list\"}")
            .unwrap()
            >= 1.0
    );
    exporter.until_log("the list is broken").await;
    engine.log(&id, &validate(200));
    exporter.until_lines("web", 2).await;
    engine.break_lists(false);
    exporter.until_engine_is(1.0).await;
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_said_to_be_so() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let message = "configured logging driver does not support reading";
    let reply = Reply::Status(
        501,
        r#"{"message":"configured logging driver does not support reading"}"#,
    );
    let id = engine.run_scripted("web", vec![reply; 100]);
    let is_unreadable =
        |page: &Page| page.sum("authtail_log_readable", &[("container", "web")]) == Some(0.0);
    exporter.until("unreadable", is_unreadable).await;
    assert!(
        exporter
            .until_log("log is not readable")
            .await
            .contains(message)
    );
    assert!(exporter.get("/").await.text().contains(message));
    assert_eq!(engine.follows(&id), 1);
    engine.remove(&id);
    exporter
        .until("removed", |page| page.running("web") == Some(0.0))
        .await;
}

#[tokio::test]
async fn a_request_that_is_refused_is_tried_again() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let replies = [
        Reply::Status(
            409,
            r#"{"message":"can not get logs from container which is dead"}"#,
        ),
        Reply::Status(502, "<html><body>Bad Gateway</body></html>"),
        Reply::Status(500, ""),
    ];
    let id = engine.run_scripted("web", replies);
    engine.log(&id, &validate(401));
    let page = exporter.until_lines("web", 1).await;
    let labels = [("container", "web"), ("reason", "refused")];
    assert_eq!(
        page.sum("authtail_log_reconnects_total", &labels),
        Some(3.0)
    );
    assert_eq!(
        page.get("authtail_docker_errors_total{operation=\"logs\"}"),
        Some(3.0)
    );
}

#[tokio::test]
async fn a_stream_that_falls_silent_while_the_log_goes_on_is_opened_again() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let (deaf, idle) = (engine.run("deaf"), engine.run("idle"));
    for id in [&deaf, &idle] {
        engine.log(id, &validate(200));
    }
    exporter.until_lines("deaf", 1).await;
    exporter.until_lines("idle", 1).await;
    engine.deafen(&deaf);
    engine.log(&deaf, &validate(401));
    let start = Instant::now();
    while engine.follows(&deaf) < 2 {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "never opened again"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let page = exporter.until_lines("deaf", 2).await;
    let labels = [("container", "deaf"), ("reason", "silent")];
    assert_eq!(
        page.sum("authtail_log_reconnects_total", &labels),
        Some(1.0)
    );
    assert_eq!(engine.follows(&idle), 1);
}

#[tokio::test]
async fn only_the_promised_calls_reach_the_engine() {
    let mut engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    engine.log(&id, &validate(200));
    exporter.until_lines("web", 1).await;
    engine.stop(&id);
    exporter
        .until("stopped", |page| page.running("web") == Some(0.0))
        .await;
    engine.restart(&id);
    exporter
        .until("running", |page| page.running("web") == Some(1.0))
        .await;
    engine.crash();
    engine.listen();
    engine.remove(&id);
    exporter
        .until("removed", |page| page.running("web") == Some(0.0))
        .await;
    let requests = engine.requests();
    for request in &requests {
        let (method, target) = request.split_once(' ').unwrap();
        let path = target.split('?').next().unwrap();
        let segments: Vec<_> = path.split('/').skip(1).collect();
        assert_eq!(method, "GET", "{request}");
        let is_allowed = match segments[..] {
            ["version" | "events"] | ["containers", "json"] => true,
            ["containers", asked, "json" | "logs"] => asked == id,
            _ => false,
        };
        assert!(is_allowed, "{request} in {requests:#?}");
    }
    assert!(
        requests.iter().any(|request| request.contains("logs")),
        "{requests:#?}"
    );
}

#[tokio::test]
async fn the_engine_is_found_as_the_docker_command_line_finds_it() {
    let engine = FakeEngine::start();
    let socket = engine.socket().display().to_string();
    for (variable, value) in [
        ("DOCKER_HOST", format!("unix://{socket}")),
        ("DOCKER_HOST", socket.clone()),
        ("AUTHTAIL_DOCKER_HOST", format!("unix://{socket}")),
    ] {
        let mut command = authtail(&["--web.listen-address", "127.0.0.1:0"]);
        command.env(variable, value);
        let exporter = Exporter::start(command).await;
        exporter.until_engine_is(1.0).await;
    }
}

#[tokio::test]
async fn a_container_between_two_runs_of_a_crash_loop_does_not_run() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    engine.log(&id, &validate(500));
    exporter.until_lines("web", 1).await;
    engine.set_restarting(&id, true);
    engine.end_streams(&id);
    engine.event("die", &id);
    exporter
        .until("not running", |page| page.running("web") == Some(0.0))
        .await;
    engine.set_restarting(&id, false);
    engine.restart(&id);
    engine.log(&id, &validate(500));
    let page = exporter.until_lines("web", 2).await;
    assert_eq!(page.running("web"), Some(1.0));
    assert_eq!(page.reconnects("web"), Some(0.0));
}

#[tokio::test]
async fn an_old_log_is_not_counted_when_the_first_list_fails() {
    let engine = FakeEngine::start();
    let id = engine.run("web");
    (0..100).for_each(|_| engine.log(&id, &validate(401)));
    engine.break_lists(true);
    let mut command = authtail(&["--web.listen-address", "127.0.0.1:0", "--docker.host"]);
    command.arg(engine.socket());
    let exporter = Exporter::start(command).await;
    exporter.until_log("the list is broken").await;
    engine.event("start", &id);
    engine.break_lists(false);
    exporter.until_engine_is(1.0).await;
    exporter
        .until("known", |page| {
            page.requests("web", "validate", "401").is_some()
        })
        .await;
    engine.log(&id, &validate(401));
    let page = exporter.until_lines("web", 1).await;
    assert_eq!(page.validate("web", "401"), 1.0);
}

#[tokio::test]
async fn a_log_that_is_refused_again_and_again_is_not_readable_until_it_is() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run_scripted("web", vec![Reply::Status(403, "forbidden by the proxy"); 4]);
    engine.log(&id, &validate(401));
    let readable = |page: &Page| page.sum("authtail_log_readable", &[("container", "web")]);
    exporter
        .until("unreadable", |page| readable(page) == Some(0.0))
        .await;
    assert!(
        exporter
            .get("/")
            .await
            .text()
            .contains("forbidden by the proxy")
    );
    exporter.until_lines("web", 1).await;
    exporter
        .until("readable", |page| readable(page) == Some(1.0))
        .await;
}

#[tokio::test]
async fn a_container_that_was_denied_once_is_followed_when_it_is_listed_again() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run_scripted("web", [Reply::Status(404, "no")]);
    exporter
        .until("gone", |page| page.running("web") == Some(0.0))
        .await;
    let page = exporter
        .until("back", |page| page.running("web") == Some(1.0))
        .await;
    assert_eq!(page.lines("web"), 0.0);
    engine.until_followed(&id).await;
    engine.log(&id, &validate(401));
    exporter.until_lines("web", 1).await;
}

#[tokio::test]
async fn a_log_that_is_ended_too_early_is_read_to_its_end() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create_silently(Container::running("job"));
    (0..100).for_each(|_| engine.log(&id, &validate(401)));
    let first = mux(&Record::line(1, &validate(401)));
    engine.script(&id, [Reply::Body(vec![first], End::Clean)]);
    engine.stop(&id);
    let page = exporter.until_lines("job", 100).await;
    assert_eq!(page.running("job"), Some(0.0));
    assert_eq!(page.reconnects("job"), Some(0.0));
}

//! Events that come in any order and any form: the list is the truth, and nothing is lost.

use serde_json::json;

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::Exporter;
use crate::support::records::validate;

#[tokio::test]
async fn events_that_are_not_true_change_nothing() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    engine.log(&id, &validate(401));
    exporter.until_lines("web", 1).await;
    // In the wrong order, late, and of containers that nobody knows.
    for action in ["destroy", "die", "create", "start", "die", "unpause"] {
        engine.event(action, &id);
        engine.event(action, &"f".repeat(64));
    }
    engine.log(&id, &validate(401));
    let page = exporter.until_lines("web", 2).await;
    assert_eq!(page.running("web"), Some(1.0));
    assert_eq!(engine.follows(&id), 1);
}

#[tokio::test]
async fn a_start_that_is_announced_after_the_end_loses_no_line() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    for round in 1..=10 {
        engine.log(&id, &validate(500));
        // Both streams of events say it, one of them late.
        engine.stop(&id);
        engine.event("start", &id);
        engine.start_silently(&id);
        engine.event("die", &id);
        exporter.until_lines("web", round).await;
    }
    let page = exporter
        .until("running", |page| page.running("web") == Some(1.0))
        .await;
    assert_eq!(page.validate("web", "500"), 10.0);
}

#[tokio::test]
async fn events_of_old_and_new_engines_are_understood_in_any_number_of_chunks() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    exporter.until_engine_is(1.0).await;
    for (name, is_old) in [("new", false), ("old", true)] {
        let container = Container::running(name);
        let id = engine.create_silently(container);
        engine.log(&id, &validate(401));
        let mut event = json!({
            "Type": "container", "Action": "start", "time": 1, "timeNano": 1,
            "Actor": {"ID": id, "Attributes": {"name": name, "image": "auth:1"}},
        });
        if is_old {
            // Dropped in API 1.52.
            event["status"] = json!("start");
            event["id"] = json!(id);
            event["from"] = json!("auth:1");
        }
        for byte in format!("\n{event}\n\n").as_bytes() {
            engine.event_bytes(&[*byte]);
        }
        let page = exporter.until_lines(name, 1).await;
        assert_eq!(page.validate(name, "401"), 1.0, "{name}");
    }
}

#[tokio::test]
async fn a_container_that_crashes_again_and_again_is_read_in_every_life() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    for _ in 0..10 {
        engine.until_followed(&id).await;
        engine.log(&id, &validate(500));
        engine.stop(&id);
        engine.log(&id, "Traceback (most recent call last):");
        engine.restart(&id);
    }
    let page = exporter.until_lines("web", 20).await;
    assert_eq!(page.validate("web", "500"), 10.0);
    assert_eq!(page.reconnects("web"), Some(0.0));
}

//! Log drivers: which of them can rotate, and which of them lose lines themselves.

use std::time::Duration;

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::Exporter;
use crate::support::records::validate;

fn of_driver(name: &str, driver: &'static str) -> Container {
    Container {
        driver: Some(driver),
        ..Container::running(name)
    }
}

#[tokio::test]
async fn a_driver_that_drops_lines_is_said_to_do_so() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let blocking = |container: Container| container.log_option("mode", "blocking");
    let hasty = |container: Container| container.log_option("mode", "non-blocking");
    for (container, is_lossy) in [
        (of_driver("json", "json-file"), false),
        (blocking(of_driver("json-blocking", "json-file")), false),
        (hasty(of_driver("json-hasty", "json-file")), true),
        (of_driver("local", "local"), false),
        (hasty(of_driver("local-hasty", "local")), true),
        (of_driver("journal", "journald"), false),
        (hasty(of_driver("journal-hasty", "journald")), true),
        // Read through the engine's cache, which drops lines unless it is told not to.
        (of_driver("syslog", "syslog"), true),
        (blocking(of_driver("syslog-blocking", "syslog")), false),
        (of_driver("fluentd", "fluentd"), true),
        (hasty(of_driver("gelf-hasty", "gelf")), true),
    ] {
        let name = container.name.clone();
        let id = engine.create(container);
        engine.log(&id, &validate(401));
        let page = exporter.until_lines(&name, 1).await;
        let lossy = page.sum("authtail_log_lossy", &[("container", &name)]);
        assert_eq!(lossy, Some(f64::from(u8::from(is_lossy))), "{name}");
    }
}

#[tokio::test]
async fn a_hole_in_a_log_that_can_rotate_is_found_though_its_stream_goes_on() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let containers = [
        of_driver("local", "local"),
        of_driver("syslog", "syslog"),
        Container::rotating("json", "10m"),
    ];
    let mut names = Vec::new();
    for container in containers {
        names.push(container.name.clone());
        let id = engine.create(container);
        engine.until_followed(&id).await;
        engine.log(&id, &validate(200));
        engine.withhold(&id);
        (0..50).for_each(|_| engine.log(&id, &validate(401)));
        engine.resume(&id);
        engine.log(&id, &validate(200));
    }
    for name in names {
        let page = exporter.until_lines(&name, 52).await;
        assert_eq!(page.validate(&name, "401"), 50.0, "{name}");
        assert_eq!(page.gaps(&name), Some(0.0), "{name}");
        assert_eq!(page.reconnects(&name), Some(0.0), "{name}");
    }
}

#[tokio::test]
async fn a_log_that_cannot_rotate_is_read_once() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    for round in 1..=12 {
        (0..1_000).for_each(|_| engine.log(&id, &validate(200)));
        exporter.until_lines("web", 1_000 * round).await;
        // Longer in all than the time after which a log that can rotate is looked at.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let requests = engine.log_requests(&id);
    assert_eq!(requests.len(), 1, "{requests:#?}");
}

#[tokio::test]
async fn a_quiet_log_that_can_rotate_costs_nothing() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "10m"));
    engine.log(&id, &validate(200));
    exporter.until_lines("web", 1).await;
    tokio::time::sleep(Duration::from_secs(25)).await;
    // One follow, and one look after what it has brought.
    let requests = engine.log_requests(&id);
    assert!(requests.len() <= 2, "{requests:#?}");
}

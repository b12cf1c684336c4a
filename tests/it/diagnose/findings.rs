//! What is found in logs of every kind, how bad it is, and the exit code.

use std::fmt::Write;

use serde_json::Value;

use super::{Logs, access, assert_finds, findings, report};

#[tokio::test]
async fn the_share_of_401_decides_with_its_bands() {
    for (refused, code, id, severity, band) in [
        (0, 0, "refused-share", "ok", "normal"),
        (49, 0, "refused-share", "ok", "normal"),
        (50, 0, "refused-share", "info", "elevated"),
        (70, 0, "refused-share", "info", "elevated"),
        (71, 1, "refused-share", "warning", "investigate"),
        (90, 1, "refused-share", "warning", "investigate"),
        (91, 2, "refused-share", "critical", "critical"),
        (100, 2, "everything-refused", "critical", "critical"),
    ] {
        let (exit, report) = report(&access(0, 100, refused), &[]).await;
        assert_eq!(exit, code, "{refused}: {:?}", findings(&report));
        assert_finds(&report, id, severity);
        assert_eq!(report["routes"][0]["band"], band);
        assert_eq!(report["routes"][0]["refused"], refused);
    }
    let (exit, report) = report(&access(0, 19, 19), &[]).await;
    assert_eq!(
        (exit, &report["routes"][0]["band"]),
        (0, &Value::Null),
        "too few"
    );
}

#[tokio::test]
async fn a_step_in_time_is_dated_and_graded_by_what_came_after() {
    let day: String = (0..60).map(|minute| access(minute, 40, 4)).collect();
    let storm: String = (60..64).map(|minute| access(minute, 40, 39)).collect();
    let (exit, report) = report(&(day.clone() + &storm), &[]).await;
    assert_eq!(exit, 2, "the share of the whole hour is normal");
    assert_eq!(report["routes"][0]["band"], "normal");
    assert_finds(&report, "step", "critical");
    let step = report["findings"][0]["title"].as_str().unwrap().to_owned();
    assert!(step.contains("since 2026-11-21 19:00"), "{step}");
    let timeline = &report["routes"][0]["timeline"];
    assert_eq!(timeline["step_seconds"], 60);
    assert_eq!(timeline["slots"].as_array().unwrap().len(), 64);
    let slot = &timeline["slots"][60];
    assert_eq!(
        (&slot["start"], &slot["refused"]),
        (&"2026-11-21T19:00:00Z".into(), &39.into())
    );

    let after: String = (64..120).map(|minute| access(minute, 40, 4)).collect();
    let (exit, report) = super::report(&(day + &storm + &after), &[]).await;
    assert_eq!(exit, 0, "it is over");
    assert_finds(&report, "step", "info");
}

#[tokio::test]
async fn one_caller_of_most_401s_is_named_and_a_private_one_is_likely_the_proxy() {
    for (address, id) in [
        ("198.51.100.7", "one-caller"),
        ("172.26.0.3", "caller-is-proxy"),
    ] {
        let line = format!("INFO: {address}:80 - \"GET /api/v1/auth/validate HTTP/1.1\" 401\n");
        let (exit, report) = report(&(access(0, 100, 10) + &line.repeat(30)), &[]).await;
        assert_eq!(exit, 0);
        assert_finds(&report, id, "info");
        let top = &report["callers"]["top"][0];
        assert_eq!(
            (&top["address"], &top["refused"]),
            (&address.into(), &30.into())
        );
        assert_eq!(top["private"], id == "caller-is-proxy");
        assert_eq!(report["callers"]["exact"], true);
    }
}

#[tokio::test]
async fn callers_beyond_ten_thousand_are_an_estimate() {
    let mut text = String::new();
    for number in 0..12_000 {
        let client = format!("203.{}.{}.9", number / 250, number % 250);
        for client in [&*client, "198.51.100.7"] {
            writeln!(
                text,
                "INFO: {client}:80 - \"GET /oauth2/auth HTTP/1.1\" 200 OK"
            )
            .unwrap();
        }
    }
    let (_, report) = report(&text, &[]).await;
    let callers = &report["callers"];
    assert_eq!(
        (&callers["exact"], &callers["distinct"]),
        (&false.into(), &Value::Null)
    );
    let busiest = &callers["top"][0];
    assert_eq!(
        (&busiest["address"], &busiest["requests"]),
        (&"198.51.100.7".into(), &12_000.into())
    );
}

#[tokio::test]
async fn all_routes_at_once_point_to_what_they_share() {
    let mut text = access(0, 40, 40);
    for number in 0..40 {
        let path = if number % 2 == 0 { "chat" } else { "voice" };
        writeln!(
            text,
            "INFO: 10.0.0.1:80 - \"GET /{path} HTTP/1.1\" 401 Unauthorized"
        )
        .unwrap();
    }
    let routes = ["--route", "chat=/chat", "--route", "voice=/voice"];
    let (exit, report) = report(&text, &routes).await;
    assert_eq!(exit, 2);
    assert_eq!(findings(&report)[0].0, "all-routes-refused");
    let names: Vec<_> = report["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["route"].clone())
        .collect();
    assert_eq!(names, ["validate", "chat", "voice"]);
}

#[tokio::test]
async fn slow_answers_and_server_errors_are_found_in_formats_that_have_them() {
    let logs = Logs::new();
    let config = "formats: {timed: {regex: '^(?<path>\\S+) (?<status>\\d+) (?<duration>\\S+)$', duration_unit: s}}";
    let config = logs.write("authtail.yml", config);
    let options = ["--config.file", &config, "--input-format", "timed"];
    let lines =
        |status: u16, seconds: &str| format!("/oauth2/auth {status} {seconds}\n").repeat(50);
    let (exit, report) = report(&(lines(200, "0.01") + &lines(200, "1.5")), &options).await;
    assert_eq!(exit, 1);
    assert_finds(&report, "slow", "warning");
    let latency = &report["routes"][0]["latency_seconds"];
    assert_eq!(
        (&latency["count"], &latency["max"]),
        (&100.into(), &1.5.into())
    );
    for (name, expected) in [("p50", 0.01), ("p95", 1.5)] {
        let found = latency[name].as_f64().unwrap();
        assert!(
            (found - expected).abs() <= expected * 0.016,
            "{name} {found}"
        );
    }
    let (exit, report) = super::report(&(lines(200, "0.01") + &lines(503, "0.1")), &options).await;
    assert_eq!(exit, 2);
    assert_finds(&report, "server-errors", "critical");
}

#[tokio::test]
async fn what_is_not_in_the_log_is_said() {
    let requests = "INFO: 10.0.0.1:80 - \"GET /oauth2/auth HTTP/1.1\" 200 OK\n".repeat(30);
    let (exit, report) = report(&requests, &[]).await;
    assert_eq!(exit, 0);
    assert_finds(&report, "no-times", "info");
    assert_eq!(report["routes"][0]["timeline"], Value::Null);

    let elsewhere = requests.replace("/oauth2/auth", "/x/4711");
    let (exit, report) = super::report(&elsewhere, &[]).await;
    assert_eq!(exit, 1);
    assert_finds(&report, "no-route", "warning");
    assert_eq!(report["other_requests"]["200"], 30);
    assert!(
        !report.to_string().contains("4711"),
        "paths may hold anything"
    );

    let unknown = "{\"request\": \"GET /oauth2/auth HTTP/1.1\", \"answer\": 200}\n".repeat(30);
    let (exit, report) = super::report(&unknown, &[]).await;
    assert_eq!((exit, &report["verdict"]), (3, &"unknown".into()));
    assert_finds(&report, "not-understood", "warning");

    let words = "the service logs, but no access lines\n".repeat(30);
    let (exit, report) = super::report(&words, &[]).await;
    assert_eq!(exit, 3);
    assert_finds(&report, "no-access-lines", "info");
}

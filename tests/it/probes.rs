//! Probes: what they send, what they make of the answer, and what they never do.

use std::fs;
use std::time::Duration;

use tokio::time::Instant;

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{Exporter, Page};
use crate::support::service::{Asked, Do, Service};

/// An exporter of an engine with probes.
async fn probing(engine: &FakeEngine, probes: &str) -> Exporter {
    let file = engine.directory().join("authtail.yml");
    fs::write(&file, format!("probes:\n{probes}")).unwrap();
    let file = file.to_str().unwrap();
    Exporter::with(engine, &["--config.file", file, "--state.file", ""]).await
}

fn value(page: &Page, metric: &str, probe: &str) -> Option<f64> {
    page.sum(&format!("authtail_probe_{metric}"), &[("probe", probe)])
}

fn failures(page: &Page, probe: &str, reason: &str) -> f64 {
    let labels = [("probe", probe), ("reason", reason)];
    page.sum("authtail_probe_failures_total", &labels).unwrap()
}

fn ok(body: &str) -> Do {
    Do::Answer(200, body.to_owned())
}

#[tokio::test]
async fn a_probe_sends_what_it_is_told_and_is_measured() {
    let engine = FakeEngine::start();
    let service = Service::start(|_| ok(r#"{"status": "healthy"}"#)).await;
    let probes = format!(
        "  health: {{url: '{}', source: api, method: POST, headers: {{X-Tenant: a}}, body: '{{}}',\n    \
         expect: [200, 204], expect_json: {{status: healthy}}, interval: 1h, mark: false}}\n",
        service.url("/health?deep=1")
    );
    let exporter = probing(&engine, &probes).await;
    let page = exporter
        .until("asked", |page| {
            value(page, "success", "health") == Some(1.0)
        })
        .await;
    let asked = service.asked();
    let [asked] = asked.as_slice() else {
        panic!("{asked:#?}");
    };
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("POST", "/health?deep=1")
    );
    assert_eq!(asked.header("x-tenant"), "a");
    assert_eq!(asked.header("host"), service.address.to_string());
    assert!(asked.header("user-agent").starts_with("authtail/"));
    assert_eq!(asked.body, b"{}");

    let labels = [("source", "api"), ("probe", "health")];
    let sum = |metric: &str| page.sum(&format!("authtail_probe_{metric}"), &labels);
    assert_eq!(sum("status_code"), Some(200.0));
    assert_eq!(sum("duration_seconds_count"), Some(1.0));
    assert_eq!(sum("failures_total"), Some(0.0));
    assert_eq!(sum("seen_in_log"), None, "it has no mark");
    for (phase, is_there) in [("connect", true), ("tls", false), ("first_byte", true)] {
        let labels = [("probe", "health"), ("phase", phase)];
        let time = page.sum("authtail_probe_phase_seconds", &labels);
        assert_eq!(time.is_some(), is_there, "{phase}");
        assert!(time.is_none_or(|time| time > 0.0 && time < 5.0), "{phase}");
    }
}

#[tokio::test]
async fn a_body_that_says_unhealthy_is_a_failure_although_the_code_is_200() {
    let engine = FakeEngine::start();
    let service = Service::start(|_| ok(r#"{"status": "unhealthy", "db": "down"}"#)).await;
    let url = service.url("/health");
    let probes =
        format!("  health: {{url: '{url}', expect_json: {{status: healthy}}, interval: 1s}}\n");
    let exporter = probing(&engine, &probes).await;
    let page = exporter
        .until("failed", |page| {
            value(page, "success", "health") == Some(0.0)
        })
        .await;
    assert_eq!(value(&page, "status_code", "health"), Some(200.0));
    assert!(failures(&page, "health", "body") >= 1.0);
    let said = exporter.until_log("the probe fails").await;
    assert!(
        said.contains("the field `status` is not `healthy`"),
        "{said}"
    );

    service.change(|_| ok(r#"{"status": "healthy"}"#));
    exporter.until_log("the probe succeeds again").await;
    exporter
        .until("well", |page| value(page, "success", "health") == Some(1.0))
        .await;
}

/// Lets the good token through and nobody else.
fn sound(asked: &Asked) -> Do {
    let is_good = asked.token() == Some("head.claims.signature");
    Do::Answer(if is_good { 200 } else { 401 }, String::new())
}

#[tokio::test]
async fn a_pair_tells_what_is_let_through_and_what_is_refused() {
    let engine = FakeEngine::start();
    let service = Service::start(sound).await;
    let token = engine.directory().join("token");
    fs::write(&token, "head.claims.signature\n").unwrap();
    let probes = format!(
        "  login: {{kind: validate, url: '{}', token: {{file: '{}'}}, interval: 1s}}\n",
        service.url("/validate"),
        token.display()
    );
    let exporter = probing(&engine, &probes).await;
    let names = ["login_anonymous", "login_good_token", "login_bad_token"];
    let successes = |page: &Page| names.map(|name| value(page, "success", name));
    exporter
        .until("all well", |page| successes(page) == [Some(1.0); 3])
        .await;
    let tokens: Vec<_> = service
        .asked()
        .iter()
        .map(|asked| asked.token().unwrap_or("none").to_owned())
        .collect();
    for (expected, what) in [("none", "anonymous"), ("head.claims.signature", "good")] {
        assert!(
            tokens.iter().any(|token| token == expected),
            "{what}: {tokens:?}"
        );
    }
    let is_forged =
        |token: &String| token.starts_with("head.claims.") && !token.ends_with(".signature");
    assert!(tokens.iter().any(is_forged), "bad: {tokens:?}");

    // It lets everybody in.
    service.change(|_| ok(""));
    let page = exporter
        .until("all in", |page| {
            successes(page) == [Some(0.0), Some(1.0), Some(0.0)]
        })
        .await;
    for name in ["login_anonymous", "login_bad_token"] {
        assert!(failures(&page, name, "accepted") >= 1.0, "{name}");
    }

    // It lets nobody in.
    service.change(|_| Do::Answer(403, String::new()));
    let page = exporter
        .until("all out", |page| {
            successes(page) == [Some(1.0), Some(0.0), Some(1.0)]
        })
        .await;
    assert!(failures(&page, "login_good_token", "refused") >= 1.0);

    // A token that is replaced is read anew, and one that is gone is told from one that is refused.
    fs::remove_file(&token).unwrap();
    exporter
        .until("no token", |page| {
            failures(page, "login_good_token", "credentials") >= 1.0
        })
        .await;
    service.change(sound);
    fs::write(&token, "head.claims.signature").unwrap();
    exporter
        .until("well again", |page| successes(page) == [Some(1.0); 3])
        .await;
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let engine = FakeEngine::start();
    let elsewhere = Service::start(|_| ok("")).await;
    let to = elsewhere.url("/login");
    let service = Service::start(move |_| Do::Redirect(to.clone())).await;
    let url = service.url("/validate");
    let probes = format!("  login: {{kind: validate, url: '{url}', interval: 1s}}\n");
    let exporter = probing(&engine, &probes).await;
    exporter
        .until("refused", |page| {
            ["login_anonymous", "login_bad_token"].map(|name| value(page, "success", name))
                == [Some(1.0); 2]
        })
        .await;
    service.until_asked(4).await;
    assert!(elsewhere.asked().is_empty());
    let page = exporter.page().await;
    assert_eq!(value(&page, "status_code", "login_anonymous"), Some(302.0));
    assert_eq!(
        value(&page, "success", "login_good_token"),
        None,
        "there is no token"
    );
}

#[tokio::test]
async fn nobody_there_is_told_from_no_answer_and_from_no_http() {
    let engine = FakeEngine::start();
    let hung = Service::start(|_| Do::Hang).await;
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            drop(silent.accept().await);
        }
    });
    let options = "interval: 1s, timeout: 300ms";
    let probes = format!(
        "  hung: {{url: '{}', {options}}}\n  closed: {{url: 'http://{closed}/', {options}}}\n  \
         gone: {{url: 'http://no-such-host.invalid/', interval: 10s, timeout: 8s}}\n  \
         odd: {{url: 'http://{address}/', {options}}}\n  plain: {{url: 'https://{}/', {options}}}\n",
        hung.url("/"),
        hung.address,
    );
    let exporter = probing(&engine, &probes).await;
    for (name, reason) in [
        ("hung", "timeout"),
        ("closed", "connect"),
        ("gone", "resolve"),
        ("odd", "http"),
        ("plain", "tls"),
    ] {
        let page = exporter
            .until(name, |page| failures(page, name, reason) >= 1.0)
            .await;
        assert_eq!(value(&page, "success", name), Some(0.0), "{name}");
        assert_eq!(value(&page, "status_code", name), Some(0.0), "{name}");
        let count = value(&page, "duration_seconds_count", name);
        assert_eq!(count > Some(0.0), name == "hung", "{name}: {count:?}");
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_read_up_to_a_bound() {
    let engine = FakeEngine::start();
    let service = Service::start(|_| Do::Flood).await;
    let url = service.url("/");
    let probes = format!(
        "  code: {{url: '{url}', interval: 1s}}\n  \
         body: {{url: '{url}', expect_json: {{a: 1}}, interval: 1s}}\n"
    );
    let exporter = probing(&engine, &probes).await;
    exporter
        .until("read", |page| {
            value(page, "success", "code") == Some(1.0) && failures(page, "body", "body") >= 1.0
        })
        .await;
}

#[tokio::test]
async fn fifty_probes_of_a_hung_service_hold_fifty_sockets_and_no_scrape_waits() {
    let engine = FakeEngine::start();
    let service = Service::start(|_| Do::Hang).await;
    let url = service.url("/");
    let probes: Vec<_> = (0..50)
        .map(|number| format!("  p{number}: {{url: '{url}', interval: 1s, timeout: 800ms}}\n"))
        .collect();
    let probes = probes.concat();
    let exporter = probing(&engine, &probes).await;
    // Three rounds: what has timed out must be gone.
    let mut longest = Duration::ZERO;
    while service.asked().len() < 150 {
        let start = Instant::now();
        exporter.page().await;
        longest = longest.max(start.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(longest < Duration::from_millis(900), "{longest:?}");
    assert!(service.most_open() <= 50, "{}", service.most_open());
    assert!(service.open() <= 50);
    let page = exporter.page().await;
    let names = (0..50).map(|number| format!("p{number}"));
    let counts = names.map(|name| failures(&page, &name, "timeout"));
    assert!(counts.sum::<f64>() >= 100.0);
}

#[tokio::test]
async fn labels_add_probes_of_the_container_itself() {
    let engine = FakeEngine::start();
    let service = Service::start(|asked| match asked.path() {
        "/health" => ok(""),
        "/private" => Do::Answer(401, String::new()),
        _ => Do::Answer(404, String::new()),
    })
    .await;
    let exporter = probing(
        &engine,
        "  none: {url: 'http://127.0.0.1:1/', interval: 1h}\n",
    )
    .await;
    let port = service.address.port().to_string();
    let labels = [
        ("authtail.source", "api"),
        ("authtail.probe.health.path", "/health"),
        ("authtail.probe.health.interval", "1s"),
        ("authtail.probe.private.path", "/private"),
        ("authtail.probe.private.expect", "401, 403"),
        ("authtail.probe.private.port", &port),
        // None of these can be chosen by a container.
        ("authtail.probe.evil.url", "http://169.254.169.254/"),
        ("authtail.probe.host.path", "http://169.254.169.254/"),
        ("authtail.probe.host.host", "169.254.169.254"),
        ("authtail.probe.head.path", "/health"),
        ("authtail.probe.head.headers", "a: b"),
        ("authtail.probe.port.path", "/health"),
        ("authtail.probe.port.port", "0"),
    ];
    let container = Container::running("web")
        .labelled(&labels)
        .at(service.address);
    let id = engine.create(container);
    exporter
        .until("both", |page| {
            ["health", "private"].map(|name| value(page, "success", name)) == [Some(1.0); 2]
        })
        .await;
    let page = exporter.page().await;
    for name in ["evil", "host", "head", "port"] {
        assert_eq!(value(&page, "success", name), None, "{name}");
        exporter.until_log(&format!("authtail.probe.{name}.")).await;
    }
    assert!(service.asked().iter().all(|asked| asked.token().is_none()));

    // It stops, and is gone.
    engine.stop(&id);
    exporter
        .until("stopped", |page| failures(page, "health", "connect") >= 1.0)
        .await;
    engine.remove(&id);
    exporter
        .until("forgotten", |page| {
            value(page, "success", "health").is_none()
        })
        .await;
}

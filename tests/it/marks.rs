//! Who answered: the marks of probes in the log of a service.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{Exporter, Page};
use crate::support::records::access;
use crate::support::service::{Asked, Do, Service};

const VALIDATE: &str = "/api/v1/auth/validate";

/// A service that logs each request to a container of the engine as uvicorn does, and refuses all.
struct Logged {
    engine: Arc<FakeEngine>,
    id: String,
    service: Service,
}

impl Logged {
    async fn start() -> Self {
        let engine = Arc::new(FakeEngine::start());
        let service = Service::start(|_| Do::Answer(401, String::new())).await;
        let container = Container::running("auth").at(service.address);
        let id = engine.create(container);
        let (log, to) = (Arc::clone(&engine), id.clone());
        service.change(move |asked| {
            log.log_now(&to, &line(asked));
            Do::Answer(401, String::new())
        });
        Self {
            engine,
            id,
            service,
        }
    }

    /// An exporter that asks it every second, with a state that it keeps.
    async fn exporter(&self, url: &str) -> Exporter {
        let folder = self.engine.directory();
        let file = folder.join("authtail.yml");
        let text = format!(
            "state: {{file: '{}'}}\nprobes:\n  \
             login: {{url: '{url}', source: auth, expect: 401, interval: 1s}}\n",
            folder.join("state").display()
        );
        fs::write(&file, text).unwrap();
        Exporter::with(&self.engine, &["--config.file", file.to_str().unwrap()]).await
    }

    fn own_url(&self) -> String {
        self.service.url(VALIDATE)
    }
}

fn line(asked: &Asked) -> String {
    access(&asked.method, &asked.target, 401)
}

fn seen(page: &Page) -> Option<f64> {
    page.sum("authtail_probe_seen_in_log", &[("probe", "login")])
}

fn refused(page: &Page) -> Option<f64> {
    page.requests("auth", "validate", "401")
}

/// The mark that a request had.
fn mark(asked: &Asked) -> &str {
    asked.target.split_once("?authtail_mark=").unwrap().1
}

#[tokio::test]
async fn a_probe_shows_in_the_log_and_is_not_counted() {
    let logged = Logged::start().await;
    let exporter = logged.exporter(&logged.own_url()).await;
    logged.engine.until_followed(&logged.id).await;
    logged
        .engine
        .log_now(&logged.id, &access("GET", VALIDATE, 401));
    exporter.until("seen", |page| seen(page) == Some(1.0)).await;
    let asked = logged.service.until_asked(3).await;
    // Each has its own, and an equal one of nobody is an ordinary request.
    let marks: Vec<_> = asked.iter().map(mark).collect();
    assert!(marks[0] != marks[1] && marks[0].len() == 90, "{marks:?}");
    let made_up = format!("{VALIDATE}?authtail_mark={}", "0".repeat(90));
    logged
        .engine
        .log_now(&logged.id, &access("GET", &made_up, 401));
    let page = exporter
        .until("both", |page| refused(page) == Some(2.0))
        .await;
    assert!(page.lines("auth") >= 5.0);
    assert!(!exporter.get("/").await.text().contains(marks[0]));
    assert!(!exporter.log().concat().contains(marks[0]));
}

#[tokio::test]
async fn a_refusal_that_the_log_does_not_show_came_from_something_in_front() {
    let logged = Logged::start().await;
    let gateway = Service::start(|_| Do::Answer(401, String::new())).await;
    let exporter = logged.exporter(&gateway.url(VALIDATE)).await;
    logged.engine.until_followed(&logged.id).await;

    // As long as the log has shown no request, nobody can say whether it would.
    gateway.until_asked(3).await;
    assert_eq!(seen(&exporter.page().await), None);

    logged
        .engine
        .log_now(&logged.id, &access("GET", "/health", 200));
    exporter
        .until("missing", |page| seen(page) == Some(0.0))
        .await;

    // The gateway lets it through now.
    let (engine, id) = (Arc::clone(&logged.engine), logged.id.clone());
    gateway.change(move |asked| {
        engine.log_now(&id, &line(asked));
        Do::Answer(401, String::new())
    });
    exporter.until("seen", |page| seen(page) == Some(1.0)).await;
}

#[tokio::test]
async fn without_a_log_that_can_be_read_nothing_is_said() {
    let logged = Logged::start().await;
    let exporter = logged.exporter(&logged.own_url()).await;
    exporter.until("seen", |page| seen(page) == Some(1.0)).await;
    // The log is put away: what is asked now cannot be seen.
    logged.engine.stop(&logged.id);
    exporter.until("unknown", |page| seen(page).is_none()).await;
}

#[tokio::test]
async fn probes_are_known_again_after_a_restart() {
    let logged = Logged::start().await;
    let state = logged.engine.directory().join("state");
    let exporter = logged.exporter(&logged.own_url()).await;
    exporter.until("seen", |page| seen(page) == Some(1.0)).await;
    let asked = logged.service.until_asked(2).await;
    assert!(exporter.terminate("-TERM").await.success());
    assert!(Path::new(&format!("{}.key", state.display())).exists());

    // What it asked last is logged while it is away, and so is a request.
    let late = line(asked.last().unwrap());
    logged.engine.log_now(&logged.id, &late);
    logged
        .engine
        .log_now(&logged.id, &access("GET", VALIDATE, 401));
    let exporter = logged.exporter(&logged.own_url()).await;
    exporter
        .until("counted", |page| refused(page) == Some(1.0))
        .await;
    exporter.until("seen", |page| seen(page) == Some(1.0)).await;
    assert_eq!(refused(&exporter.page().await), Some(1.0));
}

#[tokio::test]
async fn without_its_key_a_mark_is_an_ordinary_query() {
    let logged = Logged::start().await;
    let exporter = logged.exporter(&logged.own_url()).await;
    let asked = logged.service.until_asked(1).await;
    assert!(exporter.terminate("-TERM").await.success());
    let key = logged.engine.directory().join("state.key");
    fs::remove_file(key).unwrap();
    let exporter = logged.exporter("http://127.0.0.1:1/").await;
    logged.engine.until_followed(&logged.id).await;
    let before = refused(&exporter.page().await).unwrap_or_default();
    logged.engine.log_now(&logged.id, &line(&asked[0]));
    exporter
        .until("counted", |page| refused(page) == Some(before + 1.0))
        .await;
    // Not twice.
    sleep(Duration::from_millis(100)).await;
    assert_eq!(refused(&exporter.page().await), Some(before + 1.0));
}

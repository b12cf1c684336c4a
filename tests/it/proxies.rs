//! Proxies: what their access lines say about the auth calls before requests, route `forward_auth`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{Exporter, Page, authtail};

const COUNT: &str = "authtail_request_duration_seconds_count";

/// A real log, line by line.
fn corpus(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    folder.join(format!("{name}.log"))
}

/// What `explain` makes of a real log: requests on `forward_auth` by code, and how many of them have
/// a duration.
async fn explain(name: &str, protected: &[&str]) -> (BTreeMap<u64, usize>, usize) {
    let mut explain = authtail(&["explain", "--json"]);
    for protected in protected {
        explain.args(["--forward-auth", protected]);
    }
    let output = explain.arg(corpus(name)).output().await.unwrap();
    assert!(output.status.success(), "{name}");
    let lines = output.stdout.split(|&byte| byte == b'\n');
    let objects = lines
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice::<Value>(line).unwrap());
    let (mut codes, mut timed) = (BTreeMap::new(), 0);
    for object in objects.filter(|object| object["route"] == "forward_auth") {
        *codes.entry(object["code"].as_u64().unwrap()).or_default() += 1;
        timed += usize::from(object["duration_seconds"].is_number());
    }
    (codes, timed)
}

#[tokio::test]
async fn each_proxy_says_what_it_can() {
    // The same eight requests each: let through (200, 204, and after 1.2 s), and refused with 401, 302,
    // 403, 429 and by a bug of the auth server.
    let protected = &["path=/protected/*"][..];
    let traefik = &[(200, 3), (302, 1), (401, 1), (403, 1), (429, 1), (500, 1)][..];
    for (name, protected, codes, timed) in [
        ("traefik-json", &["router=protected@file"][..], traefik, 8),
        ("traefik-json", protected, traefik, 8),
        ("traefik-clf", &["router=protected*"], traefik, 5),
        ("caddy26-json", protected, traefik, 0),
        ("caddy211-console", protected, traefik, 0),
        (
            // To Envoy 204 is a refusal, and of an error only 403 is seen.
            "envoy-default",
            protected,
            &[(200, 2), (204, 1), (302, 1), (401, 1), (403, 2), (429, 1)],
            8,
        ),
        (
            "envoy-json",
            protected,
            &[
                (200, 2),
                (204, 1),
                (302, 1),
                (401, 1),
                (403, 1),
                (429, 1),
                (500, 1),
            ],
            8,
        ),
        // A rule has refused; the requests that could not be read are nobody's.
        ("haproxy-httplog", &["router=web"], &[(401, 1)], 1),
        ("haproxy-httplog", &["router=auth"], &[(200, 43)], 0),
        // The auth server is down; the application is down; the balancer has no server.
        ("traefik-json", &["router=authdown@file"], &[(500, 1)], 1),
        ("traefik-json", &["router=appdown@file"], &[(200, 1)], 1),
        ("traefik-json", &["router=nosrv@file"], &[(200, 1)], 1),
        ("envoy-json-authdown", protected, &[(500, 8)], 8),
        // BasicAuth has refused, not ForwardAuth.
        ("traefik-json", &["router=basic@file"], &[], 0),
        ("traefik-clf", &["router=basic@file"], &[], 0),
    ] {
        let expected = (codes.iter().copied().collect(), timed);
        assert_eq!(
            explain(name, protected).await,
            expected,
            "{name} {protected:?}"
        );
    }
}

/// Counts of a container's route by code, without those that are zero.
fn counts(page: &Page, container: &str, route: &str) -> BTreeMap<&'static str, f64> {
    let codes = [
        "200", "204", "302", "401", "403", "404", "429", "499", "500", "502", "503", "2xx", "4xx",
    ];
    let count = |code| Some((code, page.requests(container, route, code)?));
    let counts = codes.into_iter().filter_map(count);
    counts.filter(|&(_, count)| count > 0.0).collect()
}

#[tokio::test]
async fn the_page_shows_the_auth_calls_of_traefik_and_nothing_twice() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let labels = [("authtail.forward_auth.routers", "protected@file, auth*")];
    let traefik = engine.create(Container::running("traefik").labelled(&labels));
    let page = exporter
        .until("followed", |page| page.running("traefik").is_some())
        .await;
    // There before the first request, so that `rate()` sees it; the histogram once the format is known.
    assert_eq!(page.requests("traefik", "forward_auth", "401"), Some(0.0));
    let of = |page: &Page, name: &str| {
        let labels = [("container", "traefik"), ("route", "forward_auth")];
        page.sum(name, &labels)
    };
    assert_eq!(of(&page, COUNT), None);

    let log = fs::read_to_string(corpus("traefik-json")).unwrap();
    let is_protected = |line: &&str| line.contains(r#""RouterName":"protected@file""#);
    let unprotected = log
        .lines()
        .find(|line| line.contains(r#""RouterName":"rest@file""#));
    engine.log(&traefik, unprotected.unwrap());
    let page = exporter.until_lines("traefik", 1).await;
    assert_eq!(of(&page, COUNT), Some(0.0));

    for line in log.lines().filter(is_protected) {
        engine.log(&traefik, line);
    }
    let page = exporter.until_lines("traefik", 9).await;
    let expected = [
        ("200", 3.0),
        ("302", 1.0),
        ("401", 1.0),
        ("403", 1.0),
        ("429", 1.0),
        ("500", 1.0),
    ];
    assert_eq!(counts(&page, "traefik", "forward_auth"), expected.into());
    assert_eq!(of(&page, COUNT), Some(8.0));
    // The auth call that took 1.2 s is told from the application, which took 1.4 ms.
    let sum = of(&page, "authtail_request_duration_seconds_sum").unwrap();
    assert!((sum - 1.217_405_272).abs() < 1e-9, "{sum}");
    assert!(counts(&page, "traefik", "validate").is_empty());

    // The rest of the log: the router `auth@file` leads to the auth server itself. What is protected
    // counts as an auth call even there, and never as `validate` too.
    for line in log.lines().filter(|line| !is_protected(line)) {
        engine.log(&traefik, line);
    }
    let lines = u32::try_from(log.lines().count()).unwrap() + 1;
    let page = exporter.until_lines("traefik", lines).await;
    assert!(counts(&page, "traefik", "validate").is_empty());
    let total: f64 = counts(&page, "traefik", "forward_auth").values().sum();
    let protected = [r#""RouterName":"protected@"#, r#""RouterName":"auth"#];
    let is_counted = |line: &&str| protected.iter().any(|router| line.contains(router));
    assert_eq!(
        total,
        f64::from(u32::try_from(log.lines().filter(is_counted).count()).unwrap())
    );
}

#[tokio::test]
async fn the_file_says_what_is_protected_and_unprotected_requests_count_as_before() {
    let engine = FakeEngine::start();
    let file = engine.directory().join("authtail.yml");
    let text = "containers:\n  traefik: {forward_auth: {routers: [protected@file]}}\n  \
                envoy: {forward_auth: {hosts: [App.example.com], paths: [/private/*]}}\n";
    fs::write(&file, text).unwrap();
    let exporter = Exporter::with(&engine, &["--config.file", file.to_str().unwrap()]).await;

    let traefik = engine.run("traefik");
    let log = fs::read(corpus("traefik-clf")).unwrap();
    let log = String::from_utf8_lossy(&log);
    for line in log.lines() {
        engine.log(&traefik, line);
    }
    let page = exporter
        .until_lines("traefik", log.lines().count().try_into().unwrap())
        .await;
    let rows = fs::read(corpus("traefik-clf").with_extension("expected.tsv")).unwrap();
    let rows = String::from_utf8_lossy(&rows)
        .lines()
        .filter(|row| row.contains("\tvalidate\t"))
        .count();
    let total = |route| -> f64 {
        let labels = [("container", "traefik"), ("route", route)];
        page.sum("authtail_requests_total", &labels).unwrap()
    };
    assert_eq!(total("validate"), f64::from(u32::try_from(rows).unwrap()));
    assert_eq!(total("forward_auth"), 8.0);

    let envoy = engine.run("envoy");
    for (path, host, code, flags) in [
        ("/", "app.EXAMPLE.com:8080", 401, "UAEX"),
        ("/", "app.example.com", 404, "-"),
        ("/private/a", "other.example.com", 403, "UAEX"),
        ("/api/v1/auth/validate", "other.example.com", 401, "-"),
        ("/", "other.example.com", 401, "UAEX"),
        // No route: nobody was asked.
        ("/private/b", "app.example.com", 404, "NR"),
    ] {
        let upstream = if flags == "-" { "10.0.0.2:80" } else { "-" };
        let line = format!(
            "[2026-11-21T19:38:37.716Z] \"GET {path} HTTP/1.1\" {code} {flags} 0 41 7 - \"10.0.0.7\" \
             \"-\" \"40dd0c96\" \"{host}\" \"{upstream}\""
        );
        engine.log(&envoy, &line);
    }
    let page = exporter.until_lines("envoy", 6).await;
    let expected = [("200", 1.0), ("401", 1.0), ("403", 1.0)];
    assert_eq!(counts(&page, "envoy", "forward_auth"), expected.into());
    assert_eq!(counts(&page, "envoy", "validate"), [("401", 1.0)].into());
}

#[tokio::test]
async fn what_cannot_be_protected_is_said() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let labels = [
        ("authtail.forward_auth.hosts", "app.example.com,http://x"),
        ("authtail.forward_auth.names", "x"),
    ];
    engine.create(Container::running("traefik").labelled(&labels));
    exporter
        .until_log("`authtail.forward_auth.hosts`: `http://x` is no host")
        .await;
    exporter
        .until_log("`authtail.forward_auth.names` is unknown")
        .await;
    let page = exporter
        .until("followed", |page| page.running("traefik").is_some())
        .await;
    assert_eq!(page.requests("traefik", "forward_auth", "401"), Some(0.0));

    for (protected, expected) in [
        ("app@docker", "`app@docker` is neither `router=…` nor"),
        ("router=", "the name is empty"),
        ("path=private", "must begin with `/`"),
    ] {
        let output = authtail(&["explain", "--forward-auth", protected, "-"]);
        let output = { output }.output().await.unwrap();
        assert_eq!(output.status.code(), Some(2), "{protected}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(expected), "{stderr}");
    }
}

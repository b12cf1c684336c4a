//! Real services on their worst nights: `authtail check` names the cause first, and of all critical alerts
//! one fires, which names it too.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::http::Client;
use super::lab::docker;
use super::night::{Night, TOKEN, VALIDATE};
#[cfg(feature = "test-tools")]
use crate::stack::firing::assert_firing;

/// Longer than the slow service takes.
const INTERVAL: &str = "3s";
/// Between two requests of a client.
const PERIOD: Duration = Duration::from_millis(250);
/// How long it waits for the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A gateway that asks for a password itself.
const GATEWAY: &str = "
http:
  routers: {all: {rule: 'PathPrefix(`/`)', service: api, middlewares: [own], entryPoints: [web]}}
  middlewares: {own: {basicAuth: {users: ['a:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/']}}}
  services: {api: {loadBalancer: {servers: [{url: 'http://SERVICE:8000'}]}}}
";

/// A service, who asks it, and what that is called.
struct Scene {
    /// The mode of the service.
    mode: &'static str,
    is_off: bool,
    /// Arguments of uvicorn.
    arguments: &'static [&'static str],
    clients: Clients,
    /// The first finding of `check`, and its exit code.
    finding: (&'static str, i32),
    /// The alert that fires.
    #[cfg_attr(
        not(feature = "test-tools"),
        expect(dead_code, reason = "no Prometheus")
    )]
    alert: Option<&'static str>,
}

/// Who asks a service besides its probes.
#[derive(Clone, Copy)]
enum Clients {
    Nobody,
    WithToken,
    WithoutToken,
}

const fn scene(
    mode: &'static str,
    clients: Clients,
    finding: (&'static str, i32),
    alert: Option<&'static str>,
) -> Scene {
    Scene {
        mode,
        is_off: false,
        arguments: &[],
        clients,
        finding,
        alert,
    }
}

static SCENES: [Scene; 12] = {
    use Clients::{Nobody, WithToken, WithoutToken};
    [
        scene("sound", WithToken, ("well", 0), None),
        scene(
            "tokens",
            WithoutToken,
            ("refused_share", 2),
            Some("AuthRefusedShareCritical"),
        ),
        scene(
            "secret",
            WithToken,
            ("good_token_refused", 2),
            Some("AuthGoodTokenRefused"),
        ),
        scene(
            "database",
            WithToken,
            ("unhealthy", 2),
            Some("AuthServiceUnhealthy"),
        ),
        // The same, and its log says why.
        scene(
            "outage",
            WithToken,
            ("unhealthy", 2),
            Some("AuthServiceError"),
        ),
        // Its health endpoint does not look at what is broken.
        scene(
            "lookup",
            WithToken,
            ("service_error", 2),
            Some("AuthServiceError"),
        ),
        scene("slow", Nobody, ("slow", 1), Some("AuthProbeSlow")),
        scene("hung", Nobody, ("no_answer", 2), Some("AuthServiceDown")),
        scene(
            STOPPED,
            WithToken,
            ("container_stopped", 2),
            Some("AuthContainerDown"),
        ),
        Scene {
            arguments: &["--log-level", "warning"],
            // No alert says so yet: whether a log is meant to show requests cannot be known.
            ..scene("hidden", WithToken, ("access_lines_hidden", 1), None)
        },
        Scene {
            is_off: true,
            ..scene(
                "refusing",
                WithToken,
                ("off_but_refusing", 2),
                Some("AuthRefusedThoughOff"),
            )
        },
        Scene {
            is_off: true,
            ..scene(
                BEHIND,
                Nobody,
                ("answered_in_front", 2),
                Some("AuthAnsweredInFront"),
            )
        },
    ]
};

/// The one that stops, and the one behind a gateway.
const STOPPED: &str = "stopped";
const BEHIND: &str = "behind";

#[tokio::test]
async fn the_cause_of_401s_all_day_is_named_by_check_and_by_one_alert() {
    let night = Arc::new(Night::begin().await);
    let mut starting = JoinSet::new();
    for scene in &SCENES {
        starting.spawn(start(Arc::clone(&night), scene));
    }
    starting.join_all().await;
    let (mut probes, mut clients) = (String::new(), Vec::new());
    for scene in &SCENES {
        let name = night.lab.name(scene.mode);
        let client = night.listening(&name).await;
        clients.push(client);
        probes += &if scene.mode == BEHIND {
            let url = gateway(&night, &name).await;
            // Not unhealthy, although it wants another answer.
            let page = format!(
                "  {BEHIND}_page: {{url: '{url}', source: {name}, interval: {INTERVAL}}}\n"
            );
            page + &night.pair(scene.mode, &url, INTERVAL)
        } else {
            night.probes(scene.mode, client, INTERVAL)
        };
    }
    night.configure(&probes);
    let exporter = night.exporter().await;
    let mut asking = JoinSet::new();
    for (scene, client) in SCENES.iter().zip(clients) {
        asking.spawn(ask(client, scene.clients));
    }
    let stopped = night.lab.name(STOPPED);
    exporter
        .until("asked", |page| page.validate(&stopped, "200") >= 1.0)
        .await;
    docker(&["stop", "-t", "1", &stopped]).await;

    #[cfg(feature = "test-tools")]
    let alerts = {
        let expected = SCENES
            .iter()
            .map(|scene| (night.lab.name(scene.mode), scene.alert));
        let (expected, address) = (expected.collect(), exporter.address);
        tokio::spawn(assert_firing(address, expected))
    };
    exporter
        .until("refused", |page| {
            // What the alerts and the bands ask for.
            ["tokens", "secret", "outage", "lookup", "refusing"]
                .iter()
                .all(|mode| page.validate(&night.lab.name(mode), "401") >= 20.0)
        })
        .await;
    let mut looking = JoinSet::new();
    for scene in &SCENES {
        looking.spawn(look(Arc::clone(&night), scene));
    }
    looking.join_all().await;
    #[cfg(feature = "test-tools")]
    alerts.await.unwrap();
}

async fn start(night: Arc<Night>, scene: &Scene) {
    let off: &[_] = if scene.is_off {
        &["-e", "AUTH_REQUIRED=false"]
    } else {
        &[]
    };
    night.service(scene.mode, off, scene.arguments).await;
}

/// Fails if `check` names another cause first.
async fn look(night: Arc<Night>, scene: &Scene) {
    let name = night.lab.name(scene.mode);
    let (code, json) = night.check(&name).await;
    let first = json["sources"][0]["findings"][0]["id"].as_str().unwrap();
    assert_eq!((first, code), scene.finding, "{name}: {json:#}");
}

/// Asks for ever.
async fn ask(client: Client, clients: Clients) {
    let token = format!("Bearer {TOKEN}");
    let token = match clients {
        Clients::Nobody => return,
        Clients::WithToken => Some(token.as_str()),
        Clients::WithoutToken => None,
    };
    let mut ticks = interval(PERIOD);
    loop {
        ticks.tick().await;
        // One that has stopped does not even refuse.
        drop(timeout(PATIENCE, client.get(VALIDATE, token)).await);
    }
}

/// Puts a gateway in front of a service, and returns a URL that it refuses.
async fn gateway(night: &Night, service: &str) -> String {
    let dynamic = night.lab.folder().join("dynamic.yml");
    fs::write(&dynamic, GATEWAY.replace("SERVICE", service)).unwrap();
    let binary = night.python.venv.join("bin/traefik");
    let binary = format!("{}:/traefik:ro", binary.display());
    let dynamic = format!("{}:/dynamic.yml:ro", dynamic.display());
    let options = ["-v", &binary, "-v", &dynamic];
    let command = [
        "/traefik",
        "--entrypoints.web.address=:8000",
        "--providers.file.filename=/dynamic.yml",
    ];
    let name = night.run("gateway", &options, &command).await;
    let client = night.client(&name, "/api/v1/chat", 401).await;
    format!("http://{}/api/v1/chat", client.address)
}

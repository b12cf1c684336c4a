//! The requests of a look: those of the configuration and of labels, and those that fit the service.

use std::time::SystemTime;

use hyper::header;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{Asked, What};
use crate::config::Url;
use crate::probe::spec::{Codes, INTERVAL};
use crate::probe::spec::{Expectation, Outgoing, Probe, Role, TIMEOUT, Target, Tls, validate};
use crate::probe::{Marker, Nonce, Origin, Place, exchange, field, judge, plain};
use std::sync::Arc;

/// Where services say how they are, in the order in which it is tried.
const HEALTH: [&str; 5] = [
    "/health",
    "/healthz",
    "/api/health",
    "/api/v1/health",
    "/-/healthy",
];
/// What fields of a body are called that say it, and what they say.
const FIELDS: [&str; 4] = ["status", "state", "health", "healthy"];
const WELL: [&str; 8] = [
    "ok", "healthy", "up", "pass", "true", "alive", "ready", "green",
];
const ILL: [&str; 10] = [
    "unhealthy",
    "error",
    "down",
    "fail",
    "failed",
    "false",
    "degraded",
    "critical",
    "unavailable",
    "red",
];

/// A request to be made, and what for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) probe: Probe,
    pub(super) what: What,
    pub(super) is_direct: bool,
}

/// The requests of a configured probe.
pub(super) fn configured(probe: &Probe) -> Ask {
    let is_health = probe.name.contains("health") || !probe.expect.fields.is_empty();
    Ask {
        probe: probe.clone(),
        what: match probe.expect.role {
            Role::Anonymous => What::Anonymous,
            Role::GoodToken => What::GoodToken,
            Role::BadToken => What::BadToken,
            Role::Plain if is_health => What::Health,
            Role::Plain => What::Other,
        },
        is_direct: matches!(probe.target, Target::Container { .. }),
    }
}

/// Asks a URL whether it lets the right ones through.
pub(super) fn url(source: &str, url: &Url, token: Option<&Origin>) -> Vec<Ask> {
    let target = Target::Host {
        host: url.host.clone(),
        port: url.port,
        tls: url.is_encrypted.then(Tls::default),
    };
    let mut request = plain(&url.target, url.port);
    request.authority.clone_from(&url.authority);
    pair("url", source, target, request, token)
}

/// Asks a container itself the same.
pub(super) fn own(
    source: &str,
    id: &str,
    place: &Place,
    port: u16,
    path: &str,
    token: Option<&Origin>,
) -> Vec<Ask> {
    let target = container(id, place, port);
    pair("direct", source, target, plain(path, port), token)
}

fn pair(
    name: &str,
    source: &str,
    target: Target,
    request: Outgoing,
    token: Option<&Origin>,
) -> Vec<Ask> {
    let plain = probe(name, source, target, request, Codes::ok());
    let probes = validate(&plain, &header::AUTHORIZATION, "Bearer ", token);
    probes.iter().map(configured).collect()
}

fn container(id: &str, place: &Place, port: u16) -> Target {
    Target::Container {
        id: id.to_owned(),
        addresses: place.addresses.clone(),
        port,
    }
}

fn probe(name: &str, source: &str, target: Target, request: Outgoing, codes: Codes) -> Probe {
    Probe {
        name: name.to_owned(),
        source: source.to_owned(),
        target,
        request,
        expect: Expectation {
            role: Role::Plain,
            codes,
            fields: Vec::new(),
        },
        interval: INTERVAL,
        timeout: TIMEOUT,
        is_marked: true,
    }
}

/// Makes requests at the same time; each comes back with its mark.
pub(super) async fn make(asks: Vec<Ask>, marker: &Arc<Marker>) -> Vec<(Asked, Option<Nonce>)> {
    let mut tasks = JoinSet::new();
    for (place, ask) in asks.into_iter().enumerate() {
        let marker = Arc::clone(marker);
        tasks.spawn(async move { (place, one(&ask, &marker).await) });
    }
    let mut made = tasks.join_all().await;
    made.sort_by_key(|(place, _)| *place);
    made.into_iter().map(|(_, asked)| asked).collect()
}

/// Looks for the place where a container says how it is; `None` if there is none that is known.
pub(super) async fn health(
    source: &str,
    id: &str,
    place: &Place,
    port: u16,
    marker: &Arc<Marker>,
) -> Option<(Asked, Option<Nonce>)> {
    for path in HEALTH {
        let target = container(id, place, port);
        let ask = Ask {
            probe: probe(
                "health",
                source,
                target,
                plain(path, port),
                Codes::success(),
            ),
            what: What::Health,
            is_direct: true,
        };
        let asked = one(&ask, marker).await;
        match asked.0.code {
            // Not here, or not for everybody.
            Some(401 | 403 | 404 | 405) => {}
            _ => return Some(asked),
        }
    }
    None
}

async fn one(ask: &Ask, marker: &Marker) -> (Asked, Option<Nonce>) {
    let probe = &ask.probe;
    let mark = probe.is_marked.then(|| marker.mark(SystemTime::now()));
    let parameter = mark.as_ref().map(|(_, parameter)| parameter.as_str());
    let made = exchange(probe, parameter).await;
    let fault = match &made.result {
        Ok(answer) => judge(&probe.expect, answer),
        Err(fault) => Some(fault.clone()),
    };
    let answer = made.result.ok();
    let is_health = ask.what == What::Health;
    let body = answer
        .as_ref()
        .filter(|_| is_health)
        .map(|answer| &answer.body);
    let path = probe.request.target.split('?').next().unwrap_or_default();
    let asked = Asked {
        name: probe.name.clone(),
        what: ask.what,
        is_direct: ask.is_direct,
        path: path.to_owned(),
        code: answer.as_ref().map(|answer| answer.code),
        seconds: made.phases.total.as_secs_f64(),
        failure: fault.map(|fault| (fault.failure.as_str(), fault.message)),
        seen_in_log: None,
        says_healthy: body.and_then(|body| says_healthy(body)),
    };
    // What nobody has answered need not have arrived.
    let nonce = mark
        .map(|(nonce, _)| nonce)
        .filter(|_| asked.code.is_some());
    (asked, nonce)
}

/// What a JSON body says about the health of a service. Its text itself is shown nowhere.
fn says_healthy(body: &[u8]) -> Option<bool> {
    let body = serde_json::from_slice::<Value>(body).ok()?;
    let said = FIELDS
        .iter()
        .find_map(|name| field(&body, name))?
        .to_lowercase();
    if WELL.contains(&said.as_str()) {
        Some(true)
    } else {
        ILL.contains(&said.as_str()).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_body_says() {
        for (body, expected) in [
            (r#"{"status": "healthy"}"#, Some(true)),
            (r#"{"status": "OK", "db": "down"}"#, Some(true)),
            (r#"{"status": "unhealthy"}"#, Some(false)),
            (r#"{"healthy": false}"#, Some(false)),
            (r#"{"status": 200}"#, None),
            ("ok", None),
            ("", None),
        ] {
            assert_eq!(says_healthy(body.as_bytes()), expected, "{body}");
        }
    }
}

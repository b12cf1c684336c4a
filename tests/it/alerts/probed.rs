//! What probes ask: services in this process that answer well or badly.

use std::time::{Duration, SystemTime};

use super::chain::Chain;
use super::told::{Alert, Told};
use crate::support::service::{Asked, Do, Service};

/// What the probes of a pair send.
pub const TOKEN: &str = "a-good-token";

/// A probe of a source: what its service answers as long as all is well, and when it is not.
struct Plan {
    source: &'static str,
    /// Its alert, with receiver, severity and the label `probe`; nothing for those that other faults speak of.
    alert: Option<[&'static str; 4]>,
    options: &'static str,
    well: fn(&Asked) -> Do,
    ill: fn(&Asked) -> Do,
}

/// Twice as often as scrapes are made, as it is without the hurry.
const PLANS: [Plan; 8] = [
    Plan {
        source: "gone",
        alert: Some(["AuthServiceDown", "pager", "critical", "gone"]),
        options: "timeout: 500ms",
        well: answers,
        ill: |_| Do::Hang,
    },
    Plan {
        source: "ill",
        alert: Some(["AuthServiceUnhealthy", "pager", "critical", "ill"]),
        options: "expect_json: {status: healthy}",
        well: answers,
        ill: |_| Do::Answer(200, r#"{"status": "degraded"}"#.to_owned()),
    },
    Plan {
        source: "secret",
        alert: Some([
            "AuthGoodTokenRefused",
            "pager",
            "critical",
            "secret_good_token",
        ]),
        options: PAIR,
        well: looks_at_tokens,
        ill: refuses,
    },
    Plan {
        source: "unverified",
        alert: Some([
            "AuthBadTokenAccepted",
            "pager",
            "critical",
            "unverified_bad_token",
        ]),
        options: PAIR,
        well: looks_at_tokens,
        ill: |asked| {
            if asked.token().is_some() {
                answers(asked)
            } else {
                refuses(asked)
            }
        },
    },
    Plan {
        source: "late",
        alert: Some(["AuthProbeSlow", "chat", "warning", "late"]),
        options: "timeout: 2s",
        well: answers,
        ill: |_| Do::Later(Duration::from_millis(1_200), 200),
    },
    // It has a container, which knows nothing of these requests.
    Plan {
        source: "gateway",
        alert: Some(["AuthAnsweredInFront", "pager", "critical", "gateway"]),
        options: "timeout: 1s",
        well: answers,
        ill: refuses,
    },
    // The log of this one says more.
    Plan {
        source: "database",
        alert: None,
        options: "mark: false, expect_json: {status: healthy}",
        well: answers,
        ill: |_| Do::Answer(200, r#"{"status": "unhealthy"}"#.to_owned()),
    },
    Plan {
        source: "failing",
        alert: None,
        options: "mark: false",
        well: answers,
        ill: |_| Do::Answer(503, String::new()),
    },
];

const PAIR: &str = "kind: validate, token: {env: GOOD_TOKEN}";

fn answers(_: &Asked) -> Do {
    Do::Answer(200, r#"{"status": "healthy"}"#.to_owned())
}

fn refuses(_: &Asked) -> Do {
    Do::Answer(401, String::new())
}

fn looks_at_tokens(asked: &Asked) -> Do {
    if asked.token() == Some(TOKEN) {
        answers(asked)
    } else {
        refuses(asked)
    }
}

/// All services that are probed.
pub struct Probed(Vec<Service>);

impl Probed {
    pub async fn start() -> Self {
        let mut services = Vec::new();
        for plan in &PLANS {
            services.push(Service::start(plan.well).await);
        }
        Self(services)
    }

    /// The probes in the exporter's configuration; a probe has the name of its source.
    pub fn settings(&self) -> String {
        let probe = |(plan, service): (&Plan, &Service)| {
            let (source, options, url) = (plan.source, plan.options, service.url("/"));
            format!("  {source}: {{source: {source}, url: '{url}', interval: 2s, {options}}}\n")
        };
        PLANS.iter().zip(&self.0).map(probe).collect()
    }

    /// What a source answers from now on.
    pub fn is_well(&self, source: &str, is_well: bool) {
        let index = PLANS.iter().position(|plan| plan.source == source).unwrap();
        let plan = &PLANS[index];
        self.0[index].change(if is_well { plan.well } else { plan.ill });
    }

    /// What is told of each that has an alert.
    pub async fn fail(&self, chain: &Chain) -> Vec<Told> {
        let faults = PLANS.iter().filter_map(|plan| {
            let [name, receiver, severity, probe] = plan.alert?;
            Some(async move {
                let alert = Alert {
                    name,
                    receiver,
                    source: plan.source,
                    labels: &[("severity", severity), ("probe", probe)],
                };
                let ready = ready(plan.source);
                chain.until(&ready).await;
                let began = SystemTime::now();
                self.is_well(plan.source, false);
                let firing = alert.fires(chain, began).await;
                self.is_well(plan.source, true);
                alert.ends(chain, firing).await
            })
        });
        futures_util::future::join_all(faults).await
    }
}

/// It is asked, and all that the alert looks at is known.
fn ready(source: &str) -> String {
    let known = format!(r#"authtail_probe_success{{source="{source}"}} == 1"#);
    match source {
        "gateway" => format!("{known} and on (source) authtail_probe_seen_in_log == 0"),
        // Five minutes, over which the median is taken.
        "late" => format!("{known} and count_over_time(authtail_probe_success[20s]) >= 19"),
        _ => known,
    }
}

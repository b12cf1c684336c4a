//! Faults of services in containers.

use std::time::SystemTime;

use futures_util::future::join_all;

use super::chain::{Chain, FACTOR};
use super::probed::Probed;
use super::service::Service;
use super::told::{Alert, Told};
use crate::docker::lab::Lab;

/// Batches, of which there are two a second.
const GOOD: &str = "print 2 200";
const REFUSED: &str = "print 2 401";

const CRITICAL: (&str, &str) = ("severity", "critical");
const WARNING: (&str, &str) = ("severity", "warning");
const ROUTE: (&str, &str) = ("route", "validate");

/// A service that answers in another way for a while.
struct Plan {
    alert: Alert<'static>,
    options: &'static [&'static str],
    well: &'static str,
    ill: &'static str,
    /// What nobody is told of meanwhile.
    hidden: &'static [&'static str],
}

const PLANS: [Plan; 8] = [
    // More than 70 % refused are told to the chat, but above 90 % the pager has heard of it.
    Plan {
        alert: alert(
            "AuthRefusedShareCritical",
            "pager",
            "refused",
            &[CRITICAL, ROUTE],
        ),
        options: &[],
        well: GOOD,
        ill: REFUSED,
        hidden: &["AuthRefusedShareHigh"],
    },
    Plan {
        alert: alert(
            "AuthRefusedShareHigh",
            "chat",
            "elevated",
            &[WARNING, ROUTE],
        ),
        options: &[],
        well: GOOD,
        ill: "print 5 401,401,401,401,200",
        hidden: &[],
    },
    Plan {
        alert: alert("AuthSlowResponses", "chat", "slow", &[WARNING, ROUTE]),
        options: &["--label", "authtail.format=timing"],
        well: "print 2 200 took=0.031",
        ill: "print 2 200 took=1.9",
        hidden: &[],
    },
    // The database is gone: requests fail, or good tokens are refused. The health checks say it too.
    Plan {
        alert: alert("AuthServerErrors", "pager", "failing", &[CRITICAL, ROUTE]),
        options: &[],
        well: GOOD,
        ill: "print 2 500",
        hidden: &["AuthServiceUnhealthy"],
    },
    Plan {
        alert: alert("AuthServiceError", "pager", "database", &[CRITICAL]),
        options: &[],
        well: GOOD,
        ill: "say ERROR:    Token verification error: [Errno 111] Connect call failed ('db', 5432)\n\
              say WARNING:  REJECTED - Token validation failed | path=/\n\
              print 2 401",
        hidden: &[],
    },
    Plan {
        alert: alert("AuthErrorsRising", "chat", "rising", &[WARNING]),
        options: &[],
        well: GOOD,
        ill: "say ERROR:    out of luck\nprint 2 200",
        hidden: &[],
    },
    Plan {
        alert: alert("AuthBypassed", "chat", "bypass", &[WARNING]),
        options: &["--env", "AUTH_REQUIRED=true"],
        well: "say INFO:     Auth module loaded: AUTH_REQUIRED=True\nprint 2 200",
        ill: "say INFO:     Auth module loaded: AUTH_REQUIRED=False\nprint 2 200",
        hidden: &["AuthModeDiffers"],
    },
    Plan {
        alert: alert("AuthRefusedThoughOff", "pager", "off", &[CRITICAL]),
        options: &["--env", "AUTH_REQUIRED=false"],
        well: GOOD,
        ill: REFUSED,
        hidden: &[],
    },
];

const fn alert(
    name: &'static str,
    receiver: &'static str,
    source: &'static str,
    labels: &'static [(&'static str, &'static str)],
) -> Alert<'static> {
    Alert {
        name,
        receiver,
        source,
        labels,
    }
}

/// All of these services. They are asked on to the end of the test: without requests they would be silent, which
/// is another fault.
pub struct Services<'a> {
    lab: &'a Lab,
    chain: &'a Chain,
    probed: &'a Probed,
}

impl<'a> Services<'a> {
    pub const fn new(lab: &'a Lab, chain: &'a Chain, probed: &'a Probed) -> Self {
        Self { lab, chain, probed }
    }

    /// What is told of each, with the services.
    pub async fn fail(&self) -> Vec<(Vec<Service>, Told)> {
        let plans = join_all(PLANS.iter().map(|plan| self.answers_change(plan)));
        let others =
            async { tokio::join!(self.one_replica_refuses(), self.it_hangs(), self.it_stops()) };
        let (mut all, (replica, hung, stopped)) = tokio::join!(plans, others);
        all.extend([replica, hung, stopped]);
        all
    }

    async fn start(&self, source: &str, options: &[&str], batch: &str) -> Service {
        let service = Service::start(self.lab, source, options).await;
        service.answers(batch);
        service
    }

    async fn answers_change(&self, plan: &Plan) -> (Vec<Service>, Told) {
        let alert = plan.alert;
        let service = self.start(alert.source, plan.options, plan.well).await;
        self.chain.until(&busy(alert.source)).await;
        let is_probed = ["database", "failing"].contains(&alert.source);
        let began = SystemTime::now();
        service.answers(plan.ill);
        if is_probed {
            self.probed.is_well(alert.source, false);
        }
        let firing = alert.fires(self.chain, began).await;
        for hidden in plan.hidden {
            self.chain.until_inhibited(hidden, alert.source).await;
        }
        service.answers(plan.well);
        if is_probed {
            self.probed.is_well(alert.source, true);
        }
        let told = alert.ends(self.chain, firing).await;
        (vec![service], told)
    }

    /// Half of the users are refused, which is no high share.
    async fn one_replica_refuses(&self) -> (Vec<Service>, Told) {
        let start = |what: &'static str| async move {
            let replica = Service::replica(self.lab, what, "replicas", &[]).await;
            replica.answers(GOOD);
            replica
        };
        let (good, bad) = tokio::join!(start("replica-1"), start("replica-2"));
        self.chain.until(&busy("replicas")).await;
        // Hosts may have containers of one name.
        let instance = self.chain.exporter.address.to_string();
        let container = ("container", bad.name.as_str());
        let labels = [CRITICAL, ROUTE, container, ("instance", instance.as_str())];
        let alert = Alert {
            name: "AuthReplicasDisagree",
            receiver: "pager",
            source: "replicas",
            labels: &labels,
        };
        let began = SystemTime::now();
        bad.answers(REFUSED);
        let firing = alert.fires(self.chain, began).await;
        bad.answers(GOOD);
        let told = alert.ends(self.chain, firing).await;
        (vec![good, bad], told)
    }

    /// The container runs, and answers nobody.
    async fn it_hangs(&self) -> (Vec<Service>, Told) {
        let alert = alert("AuthNoResponses", "pager", "silent", &[CRITICAL, ROUTE]);
        let service = self.start(alert.source, &[], GOOD).await;
        self.chain.until(&steady(alert.source)).await;
        service.rests().await;
        let began = SystemTime::now();
        service.docker(&["pause"]).await;
        let firing = alert.fires(self.chain, began).await;
        service.docker(&["unpause"]).await;
        service.answers(GOOD);
        let told = alert.ends(self.chain, firing).await;
        (vec![service], told)
    }

    /// A service that is down is silent as well, which goes without saying.
    async fn it_stops(&self) -> (Vec<Service>, Told) {
        let service = self.start("down", &[], GOOD).await;
        let labels = [CRITICAL, ("container", service.name.as_str())];
        let alert = Alert {
            name: "AuthContainerDown",
            receiver: "pager",
            source: "down",
            labels: &labels,
        };
        self.chain.until(&steady(alert.source)).await;
        service.rests().await;
        let began = SystemTime::now();
        service.docker(&["stop", "--time", "0"]).await;
        let firing = alert.fires(self.chain, began).await;
        self.chain
            .until_inhibited("AuthNoResponses", alert.source)
            .await;
        service.docker(&["start"]).await;
        service.answers(GOOD);
        let told = alert.ends(self.chain, firing).await;
        (vec![service], told)
    }
}

/// The volume that the shares ask for.
fn busy(source: &str) -> String {
    format!(r#"job_source_route:authtail_requests:increase5m{{source="{source}"}} >= 20"#)
}

/// What `AuthNoResponses` asks for: a request in each minute of a quarter of an hour.
fn steady(source: &str) -> String {
    let requests = format!(r#"job_source_route:authtail_requests:increase1m{{source="{source}"}}"#);
    let quarter = 15 * 60 / FACTOR;
    format!(
        "min_over_time({requests}[{quarter}s]) > 0 and count_over_time({requests}[{quarter}s]) >= 48 \
         and avg_over_time({requests}[{quarter}s]) >= 4 * stddev_over_time({requests}[{quarter}s])"
    )
}

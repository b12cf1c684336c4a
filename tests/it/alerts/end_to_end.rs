//! Each fault is caused, told to the right receiver with the right labels, mended, and told again.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use regex::Regex;

use super::chain::{Chain, FACTOR};
use super::service::Service;
use super::sink::Notification;
use crate::docker::lab::Lab;
use crate::stack::tools::read;

/// Requests a batch, of which there are five a second.
const GOOD: &str = "print 2 200";
const REFUSED: &str = "print 2 401";
const QUICK: &str = "print 2 200 took=0.031";
const SLOW: &str = "print 2 200 took=1.9";

/// What was told about one fault. The service is asked on to the end of the test: without requests it
/// would be silent, which is another fault.
struct Told {
    _service: Service,
    firing: Notification,
    resolved: Notification,
}

#[tokio::test]
async fn every_fault_is_told_to_the_right_people_and_so_is_its_end() {
    let lab = Lab::new().await;
    let chain = Chain::start(&lab).await;
    let (refused, silent, stopped, slow, watchdog) = tokio::join!(
        tokens_stop(&lab, &chain),
        the_service_hangs(&lab, &chain),
        the_process_stops(&lab, &chain),
        answers_are_slow(&lab, &chain),
        chain.until_told("Watchdog", "", "firing"),
    );
    assert_eq!(watchdog.receiver, "deadman");

    // Nothing else was told to anybody: what was inhibited stayed so to its end.
    let name = |one: &Notification| {
        let labels = ["alertname", "source"].map(|label| one.label(label).to_owned());
        (one.receiver.clone(), labels, one.status.clone())
    };
    let told = [refused, silent, stopped, slow];
    let told = told
        .iter()
        .flat_map(|told| [&told.firing, &told.resolved])
        .chain([&watchdog]);
    let told: BTreeSet<_> = told.map(name).collect();
    let all: BTreeSet<_> = chain.sink.received().iter().map(name).collect();
    assert_eq!(all, told);
}

/// More than 70 % refused is told to the chat, but above 90 % the pager has heard of it.
async fn tokens_stop(lab: &Lab, chain: &Chain) -> Told {
    let service = Service::start(lab, "refused", &[]).await;
    service.answers(GOOD);
    chain.until(&busy("refused")).await;
    let began = SystemTime::now();
    service.answers(REFUSED);
    let alert = "AuthRefusedShareCritical";
    let firing = chain.until_told(alert, "refused", "firing").await;
    let labels = [("severity", "critical"), ("route", "validate")];
    assert_is(&firing, "pager", &labels);
    assert_fired(&firing, began);
    chain
        .until_inhibited("AuthRefusedShareHigh", "refused")
        .await;
    service.answers(GOOD);
    let resolved = chain.until_told(alert, "refused", "resolved").await;
    Told {
        _service: service,
        firing,
        resolved,
    }
}

/// The container runs, and answers nobody.
async fn the_service_hangs(lab: &Lab, chain: &Chain) -> Told {
    let service = Service::start(lab, "silent", &[]).await;
    service.answers(GOOD);
    chain.until(&steady("silent")).await;
    service.rests().await;
    let began = SystemTime::now();
    service.docker(&["pause"]).await;
    let firing = chain
        .until_told("AuthNoResponses", "silent", "firing")
        .await;
    let labels = [("severity", "critical"), ("route", "validate")];
    assert_is(&firing, "pager", &labels);
    assert_fired(&firing, began);
    service.docker(&["unpause"]).await;
    service.answers(GOOD);
    let resolved = chain
        .until_told("AuthNoResponses", "silent", "resolved")
        .await;
    Told {
        _service: service,
        firing,
        resolved,
    }
}

/// A service that is down is silent as well, which goes without saying.
async fn the_process_stops(lab: &Lab, chain: &Chain) -> Told {
    let service = Service::start(lab, "down", &[]).await;
    service.answers(GOOD);
    chain.until(&steady("down")).await;
    service.rests().await;
    let began = SystemTime::now();
    service.docker(&["stop", "--time", "0"]).await;
    let firing = chain
        .until_told("AuthContainerDown", "down", "firing")
        .await;
    let labels = [("severity", "critical"), ("container", &service.name)];
    assert_is(&firing, "pager", &labels);
    assert_fired(&firing, began);
    chain.until_inhibited("AuthNoResponses", "down").await;
    service.docker(&["start"]).await;
    service.answers(GOOD);
    let resolved = chain
        .until_told("AuthContainerDown", "down", "resolved")
        .await;
    Told {
        _service: service,
        firing,
        resolved,
    }
}

/// The log has durations.
async fn answers_are_slow(lab: &Lab, chain: &Chain) -> Told {
    let service = Service::start(lab, "slow", &["--label", "authtail.format=timing"]).await;
    service.answers(QUICK);
    chain.until(&busy("slow")).await;
    let began = SystemTime::now();
    service.answers(SLOW);
    let firing = chain
        .until_told("AuthSlowResponses", "slow", "firing")
        .await;
    let labels = [("severity", "warning"), ("route", "validate")];
    assert_is(&firing, "chat", &labels);
    assert_fired(&firing, began);
    service.answers(QUICK);
    let resolved = chain
        .until_told("AuthSlowResponses", "slow", "resolved")
        .await;
    Told {
        _service: service,
        firing,
        resolved,
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

/// It came to this receiver with the labels that every alert about a service has, and exactly these.
fn assert_is(told: &Notification, receiver: &str, labels: &[(&str, &str)]) {
    assert_eq!(told.receiver, receiver, "{told:#?}");
    let everywhere = ["alertname", "source"].map(|key| (key, told.label(key)));
    let labels = labels.iter().copied().chain(everywhere);
    let labels = labels.chain([("job", "authtail")]);
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(told.labels, labels.collect(), "{told:#?}");
    let runbook = format!("http://localhost:8401/runbooks/{}", told.label("alertname"));
    assert_eq!(told.annotations["runbook_url"], runbook);
}

/// It fired as long after the fault as the README of the alerts says.
fn assert_fired(told: &Notification, began: SystemTime) {
    let took = told.fired.duration_since(began).unwrap() * FACTOR;
    let said = said(told.label("alertname"));
    // A scrape and an evaluation before the fault or after it, and a machine that is at its limit.
    let [early, late] = [45, 75].map(Duration::from_secs);
    let is_so = took + early >= said && took <= said + late;
    assert!(is_so, "{took:?} instead of {said:?}: {told:#?}");
}

/// The time of an alert in the table.
fn said(alert: &str) -> Duration {
    let row = format!(r"(?m)^\| `{alert}` \| [^|]* \| (?:(\d+) min)? ?(?:(\d+) s)? \| ");
    let readme = read("alerts/README.md");
    let row = Regex::new(&row).unwrap().captures(&readme);
    let row = row.unwrap_or_else(|| panic!("no time of {alert} in alerts/README.md"));
    let number = |index| {
        row.get(index)
            .map_or(0, |found| found.as_str().parse().unwrap())
    };
    Duration::from_secs(number(1) * 60 + number(2))
}

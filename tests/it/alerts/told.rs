//! What is told about a fault and its end, and how long it took.

use std::time::{Duration, SystemTime};

use regex::Regex;

use super::chain::{Chain, FACTOR};
use super::sink::Notification;
use crate::stack::tools::read;

/// What is expected about one fault.
#[derive(Clone, Copy)]
pub struct Alert<'a> {
    pub name: &'a str,
    pub receiver: &'a str,
    /// Nothing for what is no service's.
    pub source: &'a str,
    /// Besides the alert's name, job and source: all of them.
    pub labels: &'a [(&'a str, &'a str)],
}

/// What was told about one fault.
pub struct Told {
    pub firing: Notification,
    pub resolved: Notification,
    /// From the fault until the alert fired, as long as it takes without the hurry.
    pub took: Duration,
}

impl Alert<'_> {
    /// Waits until it is told of a fault that began just now.
    pub async fn fires(self, chain: &Chain, began: SystemTime) -> (Notification, Duration) {
        let told = chain.until_told(self.name, self.source, "firing").await;
        assert_eq!(told.receiver, self.receiver, "{told:#?}");
        let source = (!self.source.is_empty()).then_some(("source", self.source));
        let labels = [("alertname", self.name), ("job", "authtail")];
        let labels = labels.into_iter().chain(source);
        let labels = labels.chain(self.labels.iter().copied());
        let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(told.labels, labels.collect(), "{told:#?}");
        let runbook = format!("http://localhost:8401/runbooks/{}", self.name);
        assert_eq!(told.annotations["runbook_url"], runbook);
        let took = told.fired.duration_since(began).unwrap() * FACTOR;
        (told, took)
    }

    /// Waits until its end is told.
    pub async fn ends(self, chain: &Chain, (firing, took): (Notification, Duration)) -> Told {
        let resolved = chain.until_told(self.name, self.source, "resolved").await;
        Told {
            firing,
            resolved,
            took,
        }
    }
}

impl Told {
    /// Whether it fired as long after the fault as the README of the alerts says.
    pub fn is_as_said(&self) -> bool {
        let Some(said) = said(self.firing.label("alertname")) else {
            return false;
        };
        // A scrape and an evaluation before the fault or after it, and a machine that is at its limit.
        let [early, mut late] = [45, 75].map(Duration::from_secs);
        // Ten seconds until a log that may rotate has been looked at, which do not get shorter.
        let by_lines = ["AuthServiceError", "AuthErrorsRising", "AuthBypassed"];
        if by_lines.contains(&self.firing.label("alertname")) {
            late += Duration::from_secs(10) * FACTOR;
        }
        // What is rising is seen by two more such looks.
        if self.firing.label("alertname") == "AuthErrorsRising" {
            late += Duration::from_secs(20) * FACTOR;
        }
        self.took + early >= said && self.took <= said + late
    }
}

/// The time of an alert in the table.
fn said(alert: &str) -> Option<Duration> {
    let row = format!(r"(?m)^\| `{alert}` \| [^|]* \| (?:(\d+) min)? ?(?:(\d+) s)? \| ");
    let readme = read("alerts/README.md");
    let row = Regex::new(&row).unwrap().captures(&readme)?;
    let number = |index| {
        row.get(index)
            .map_or(0, |found| found.as_str().parse().unwrap())
    };
    Some(Duration::from_secs(number(1) * 60 + number(2)))
}

//! What all that was seen means. Pure: the first finding is the cause, as far as it can be told.

mod answers;
mod auth;
mod service;

use super::text::{asked_text, word};
use super::{Asked, Finding, Severity, Subject};

/// Restarts that are no accident any more.
const MANY_RESTARTS: u64 = 3;

/// All findings, the worst first, and among equals the one that explains the others.
pub(super) fn of(subject: &Subject) -> Vec<Finding> {
    let rules: [fn(&Subject) -> Option<Finding>; 18] = [
        answers::stopped,
        answers::silent,
        auth::in_front,
        auth::bad_token,
        auth::off_but_refusing,
        service::unhealthy,
        service::service_error,
        auth::good_token,
        auth::share,
        auth::other_mode,
        service::hidden,
        answers::slow,
        answers::check_fails,
        answers::failed_probe,
        service::older_image,
        service::log_trouble,
        answers::restarts,
        auth::off,
    ];
    let mut findings: Vec<_> = rules.iter().filter_map(|rule| rule(subject)).collect();
    // What a stopped or silent service does not answer explains nothing more.
    if findings
        .iter()
        .any(|finding| finding.id == "container_stopped")
    {
        findings.retain(|finding| !["no_answer", "probe_failed", "slow"].contains(&finding.id));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    if !findings
        .iter()
        .any(|finding| finding.severity > Severity::Info)
    {
        let well = Finding {
            id: "well",
            severity: Severity::Ok,
            title: "all that could be looked at is well".to_owned(),
            evidence: Vec::new(),
            meaning: "",
            next: "",
        };
        findings.insert(0, well);
    }
    findings
}

#[expect(clippy::unnecessary_wraps, reason = "what each rule ends with")]
fn finding(
    id: &'static str,
    severity: Severity,
    title: impl Into<String>,
    evidence: Vec<String>,
    (meaning, next): (&'static str, &'static str),
) -> Option<Finding> {
    Some(Finding {
        id,
        severity,
        title: title.into(),
        evidence,
        meaning,
        next,
    })
}

fn said(asked: &Asked) -> String {
    format!("{}: {}", word(asked.what), asked_text(asked))
}

fn auth_required(subject: &Subject) -> Option<bool> {
    subject.configuration.as_ref()?.auth_required
}

fn is_running(subject: &Subject) -> bool {
    subject
        .container
        .as_ref()
        .is_none_or(|container| container.is_running)
}

/// The refused requests of the log, if there are some.
fn refused(subject: &Subject) -> Option<String> {
    let requests = subject.requests.as_ref()?;
    let (refused, total) = (requests.refused, requests.total);
    (refused > 0).then(|| format!("{refused} of {total} requests in the log were refused"))
}

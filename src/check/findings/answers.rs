//! Does the service run, and does it answer?

use super::super::{Asked, Finding, Severity, Subject, What};
use super::{MANY_RESTARTS, finding, said};
use crate::report::band::SLOW;

pub(super) fn stopped(subject: &Subject) -> Option<Finding> {
    let container = subject
        .container
        .as_ref()
        .filter(|container| !container.is_running)?;
    let mut evidence = vec![format!("{} does not run", container.name)];
    evidence.extend(
        container
            .exit_code
            .map(|code| format!("it ended with exit code {code}")),
    );
    if container.is_out_of_memory {
        evidence.push("it used more memory than it may".to_owned());
    }
    finding(
        "container_stopped",
        Severity::Critical,
        "the container does not run",
        evidence,
        (
            "Nothing can answer.",
            "Read the end of its log (`docker logs --tail 100`), then start it.",
        ),
    )
}

pub(super) fn silent(subject: &Subject) -> Option<Finding> {
    let without: Vec<_> = subject
        .asked()
        .filter(|asked| asked.code.is_none())
        .collect();
    let (first, all) = (without.first()?, subject.asked().count());
    let is_credential = |asked: &&Asked| {
        asked
            .failure
            .as_ref()
            .is_some_and(|(reason, _)| *reason == "credentials")
    };
    if without.iter().all(is_credential) || (without.len() < all && !first.is_direct) {
        return None;
    }
    let is_hung = without.iter().any(|asked| {
        asked
            .failure
            .as_ref()
            .is_some_and(|(reason, _)| *reason == "timeout")
    });
    let title = if is_hung {
        "the service takes connections or requests and does not answer"
    } else {
        "the service cannot be reached"
    };
    finding(
        "no_answer",
        Severity::Critical,
        title,
        without.into_iter().map(said).collect(),
        (
            "It hangs, or something between here and there is broken.",
            "Look at its CPU and at the end of its log; a pool or a lock that is waited for shows there. Save the log, then restart it.",
        ),
    )
}

pub(super) fn slow(subject: &Subject) -> Option<Finding> {
    let slow = subject
        .asked()
        .filter(|asked| asked.code.is_some() && asked.seconds > SLOW.as_secs_f64());
    let evidence: Vec<_> = slow.map(said).collect();
    evidence.first()?;
    finding(
        "slow",
        Severity::Warning,
        "the service answers slowly",
        evidence,
        (
            "Each page waits for this answer, so users feel it everywhere.",
            "Look for a pool that is used up, slow queries, and CPU.",
        ),
    )
}

pub(super) fn check_fails(subject: &Subject) -> Option<Finding> {
    subject
        .container
        .as_ref()
        .filter(|one| one.is_running && one.is_healthy == Some(false))?;
    finding(
        "health_check_fails",
        Severity::Warning,
        "the container's own health check fails",
        Vec::new(),
        (
            "The engine counts it as unhealthy; a proxy may have taken it out.",
            "`docker inspect --format '{{json .State.Health}}'` shows what the check said.",
        ),
    )
}

pub(super) fn failed_probe(subject: &Subject) -> Option<Finding> {
    let explained = |asked: &&Asked| asked.code.is_none() && asked.is_direct;
    let failed = subject
        .asked()
        .filter(|asked| asked.failure.is_some() && !explained(asked));
    // What the other rules say better is not repeated.
    let failed = failed.filter(|asked| {
        asked.what == What::Other
            || asked.code.is_none()
            || (!asked.is_refused() && !asked.is_let_through())
    });
    let evidence: Vec<_> = failed.map(said).collect();
    evidence.first()?;
    finding(
        "probe_failed",
        Severity::Warning,
        "an answer is not what is expected",
        evidence,
        (
            "The path, the expected code or the token of the probe may be wrong, or the service is.",
            "Ask once by hand and compare.",
        ),
    )
}

pub(super) fn restarts(subject: &Subject) -> Option<Finding> {
    let container = subject
        .container
        .as_ref()
        .filter(|one| one.restarts >= MANY_RESTARTS)?;
    let evidence = vec![format!("{} restarts by the engine", container.restarts)];
    finding(
        "restarts",
        Severity::Warning,
        "the container ends again and again",
        evidence,
        (
            "",
            "Read how its runs end: `docker logs`, and `docker inspect --format '{{.State.ExitCode}}'`.",
        ),
    )
}

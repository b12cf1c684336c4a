//! Trouble of the service itself: it cannot check, it fails, it is slow.

use super::{Facts, Finding, Severity, steps};
use crate::parse::{Notice, Reason};
use crate::report::band::{SLOW, VOLUME_GUARD, share};
use crate::report::numbers::{Numbers, RouteNumbers};
use crate::report::words::{count, duration, number, percent};

/// So large a share of failures is more than a hiccup.
const FAILING: f64 = 0.05;
/// Fewer failures than these are a hiccup whatever their share is.
const FEW: u64 = 5;
/// And so large a share is an outage.
const DOWN: f64 = 0.5;

/// Notices that explain why a service is slow or fails, each with where to look.
const TROUBLE: [(Notice, &str); 5] = [
    (
        Notice::Database,
        "Look at the database: does it run, is it reachable from the container, are its \
         connections used up?",
    ),
    (
        Notice::PoolExhausted,
        "The pool of connections is used up: look for slow queries and for connections that are \
         not given back, then raise the pool's size.",
    ),
    (
        Notice::Slow,
        "Look at what the slow requests wait for: queries, locks, calls to other services.",
    ),
    (
        Notice::Timeout,
        "Look at what times out: the database, a key server, the network between them.",
    ),
    (
        Notice::UpstreamUnreachable,
        "Look at the service that cannot be reached: is it running, is its name right, is it in \
         the same network?",
    ),
];

pub(super) fn find(facts: Facts<'_>, found: &mut Vec<Finding>) {
    let numbers = facts.numbers;
    found.extend(service_error(numbers));
    for route in &numbers.routes {
        found.extend(failing(route));
        found.extend(slow(numbers, route));
        found.extend(given_up(route));
    }
    found.extend(trouble(numbers));
    found.extend(errors(numbers));
}

/// Refusals that are the service's own fault.
fn service_error(numbers: &Numbers) -> Option<Finding> {
    let denials = numbers.remarks.denials();
    let all: u64 = denials.iter().map(|(_, count)| count).sum();
    let (_, ours) = denials
        .iter()
        .find(|(reason, _)| *reason == Reason::ServiceError)?;
    let mut next = vec![
        "Look at the service's own dependencies first: database, cache, key server.".to_owned(),
    ];
    next.extend(where_to_look(numbers));
    next.push(
        "Look at its health endpoint, at its body too: it may answer 200 and say `unhealthy`."
            .to_owned(),
    );
    Some(Finding {
        id: "service-error",
        severity: Severity::Critical,
        title: "the service answers 401 because it is broken itself".to_owned(),
        evidence: format!(
            "{} of {} were logged with an error of the service.{}",
            number(*ours),
            count(all, "refusal", "refusals"),
            samples(
                numbers,
                &[
                    Notice::Database,
                    Notice::PoolExhausted,
                    Notice::UpstreamUnreachable
                ]
            ),
        ),
        meaning: "It could not check the tokens and refused them. These 401s are not the \
                  clients' and not normal at any share; good tokens are refused, too."
            .to_owned(),
        next,
    })
}

/// Requests that were answered with a server error.
fn failing(route: &RouteNumbers) -> Option<Finding> {
    let requests = route.codes.total();
    let failed = route.codes.count(|code| code >= 500);
    let failing = share(failed, requests);
    if failed < FEW || requests < VOLUME_GUARD || failing < FAILING {
        return None;
    }
    let codes: Vec<_> = route
        .codes
        .iter()
        .filter(|(code, _)| *code >= 500)
        .map(|(code, times)| format!("{code}: {}", number(times)))
        .collect();
    Some(Finding {
        id: "server-errors",
        severity: if failing >= DOWN {
            Severity::Critical
        } else {
            Severity::Warning
        },
        title: format!(
            "{}: {} of the requests fail",
            route.name(),
            percent(failed, requests)
        ),
        evidence: format!(
            "{} of {} were answered with a server error ({}).",
            number(failed),
            count(requests, "request", "requests"),
            codes.join(", ")
        ),
        meaning: "The service, or what stands in front of it, fails before it can decide."
            .to_owned(),
        next: steps(&[
            "Look at the errors and tracebacks of the service in the same minutes.",
            "502, 503 and 504 come from a proxy: is the service up, and does it answer in time?",
        ]),
    })
}

fn slow(numbers: &Numbers, route: &RouteNumbers) -> Option<Finding> {
    let latency = route.latency.as_ref()?;
    let p95 = latency.per_mille(950);
    if latency.total() < VOLUME_GUARD || p95 <= SLOW {
        return None;
    }
    let mut next = where_to_look(numbers);
    next.extend(steps(&[
        "Pool: is a pool of connections, workers or threads too small for the load?",
        "Volume: did the number of requests grow? The timeline shows it.",
        "Network: how long do the service's own calls take, to the database and the key server?",
    ]));
    Some(Finding {
        id: "slow",
        severity: Severity::Warning,
        title: format!("{}: slow, 95 % take up to {}", route.name(), duration(p95)),
        evidence: format!(
            "Of {}, half took up to {}, 95 % up to {}, 99 % up to {}; the longest {}.",
            count(latency.total(), "request", "requests"),
            duration(latency.per_mille(500)),
            duration(p95),
            duration(latency.per_mille(990)),
            duration(latency.max()),
        ),
        meaning: "Every request of a user waits for this answer first, and the proxy in front may \
                  give up."
            .to_owned(),
        next,
    })
}

/// Callers that did not wait for the answer.
fn given_up(route: &RouteNumbers) -> Option<Finding> {
    let requests = route.codes.total();
    let gone = route.codes.count(|code| code == 499 || code == 0);
    if requests < VOLUME_GUARD || share(gone, requests) < FAILING {
        return None;
    }
    Some(Finding {
        id: "callers-give-up",
        severity: Severity::Warning,
        title: format!(
            "{}: {} of the callers give up",
            route.name(),
            percent(gone, requests)
        ),
        evidence: format!(
            "{} of {} have code 499 or 0: the caller left before the answer.",
            number(gone),
            count(requests, "request", "requests")
        ),
        meaning: "The answer takes longer than callers wait.".to_owned(),
        next: steps(&["Look at the latency, and at the timeout of the proxy in front."]),
    })
}

/// What the service says about trouble with what it depends on.
fn trouble(numbers: &Numbers) -> Option<Finding> {
    let kinds = TROUBLE.map(|(kind, _)| kind);
    let seen: Vec<_> = kinds
        .iter()
        .map(|kind| (kind.as_str(), numbers.remarks.count(*kind)))
        .filter(|(_, times)| *times > 0)
        .map(|(kind, times)| format!("{kind} {}", number(times)))
        .collect();
    if seen.is_empty() {
        return None;
    }
    Some(Finding {
        id: "dependencies",
        severity: Severity::Warning,
        title: "the service reports trouble with what it depends on".to_owned(),
        evidence: format!("Lines: {}.{}", seen.join(", "), samples(numbers, &kinds)),
        meaning: "A service that waits for its database or another service answers late, fails, \
                  or refuses what it cannot check."
            .to_owned(),
        next: where_to_look(numbers),
    })
}

/// Errors and tracebacks that are none of the above.
fn errors(numbers: &Numbers) -> Option<Finding> {
    let errors = numbers.remarks.count(Notice::Error);
    let tracebacks = numbers.remarks.count(Notice::Traceback);
    let both = errors + tracebacks;
    if both == 0 {
        return None;
    }
    let is_much = both >= VOLUME_GUARD && share(both, numbers.requests()) >= 0.01;
    Some(Finding {
        id: "errors",
        severity: if is_much {
            Severity::Warning
        } else {
            Severity::Info
        },
        title: format!(
            "{} and {}",
            count(errors, "error line", "error lines"),
            count(tracebacks, "traceback", "tracebacks")
        ),
        evidence: format!(
            "Beside {}.{}",
            count(numbers.requests(), "request", "requests"),
            samples(numbers, &[Notice::Error, Notice::Traceback])
        ),
        meaning: "The application met something that it did not expect.".to_owned(),
        next: steps(&[
            "Look at the first of them in the log; the later ones often follow from it.",
        ]),
    })
}

/// Where to look, by the trouble that the service reports.
fn where_to_look(numbers: &Numbers) -> Vec<String> {
    TROUBLE
        .iter()
        .filter(|(kind, _)| numbers.remarks.count(*kind) > 0)
        .map(|(_, advice)| (*advice).to_owned())
        .collect()
}

/// One sample of these kinds, as evidence.
fn samples(numbers: &Numbers, kinds: &[Notice]) -> String {
    let noted = numbers.remarks.notices();
    let mut noted = noted.filter(|(kind, _)| kinds.contains(kind));
    noted
        .find_map(|(_, noted)| noted.samples.first())
        .map(|sample| format!(" Such as: {sample}"))
        .unwrap_or_default()
}

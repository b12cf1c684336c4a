//! Who is refused, and since when.

use std::time::Duration;

use super::{Facts, Finding, Severity, steps};
use crate::report::band::{Band, VOLUME_GUARD};
use crate::report::callers::is_private;
use crate::report::numbers::RouteNumbers;
use crate::report::step::{self, Step};
use crate::report::words::{minute, number, percent};

/// A start-up so long before may have to do with it.
const NEAR: Duration = Duration::from_mins(10);

pub(super) fn find(facts: Facts<'_>, found: &mut Vec<Finding>) {
    for route in &facts.numbers.routes {
        let step = step::find(&route.timeline.slots());
        found.extend(step.map(|step| began(facts, route, step)));
    }
    found.extend(one_caller(facts));
}

/// A time from which on many more were refused.
fn began(facts: Facts<'_>, route: &RouteNumbers, step: Step) -> Finding {
    let Step {
        began,
        ended,
        before,
        during,
    } = step;
    let band = Band::of(during.refused, during.requests);
    let severity = match band {
        _ if ended.is_some() => Severity::Info,
        Some(Band::Critical) => Severity::Critical,
        Some(Band::Investigate) => Severity::Warning,
        _ => Severity::Info,
    };
    let times = match ended {
        Some(ended) => format!("from {} to {}", minute(began), minute(ended)),
        None => format!("since {}", minute(began)),
    };
    let mut startups = facts.numbers.remarks.startups.iter();
    let slot = Duration::from_secs(route.timeline.step().unsigned_abs());
    let near = startups.find(|time| **time >= began.earlier(NEAR) && **time < began.later(slot));
    let near = near.map(|time| format!(" The service was started at {}.", minute(*time)));
    Finding {
        id: "step",
        severity,
        title: format!("{}: many more are refused {times}", route.name()),
        evidence: format!(
            "Before, {} of {} requests were refused; then {} of {}.{}",
            percent(before.refused, before.requests),
            number(before.requests),
            percent(during.refused, during.requests),
            number(during.requests),
            near.unwrap_or_default(),
        ),
        meaning: "Something changed at that time; traffic alone does not make such a step."
            .to_owned(),
        next: steps(&[
            "What was deployed, restarted, rotated or renewed then? Auth service, front end, \
             gateway, secret, certificate, database.",
            "Compare the log of the minutes before and after.",
        ]),
    }
}

/// One client that makes most of the refused requests.
fn one_caller(facts: Facts<'_>) -> Option<Finding> {
    let refused = facts.numbers.refused();
    let top = facts.callers.iter().max_by_key(|top| top.refused)?;
    if refused < VOLUME_GUARD || top.refused * 2 <= refused {
        return None;
    }
    let least = if facts.numbers.callers.is_exact() {
        ""
    } else {
        "at least "
    };
    let evidence = format!(
        "{least}{} of {} refused requests ({}) came from {}, of its {} requests.",
        number(top.refused),
        number(refused),
        percent(top.refused, refused),
        top.address,
        number(top.requests),
    );
    if is_private(top.address) {
        return Some(Finding {
            id: "caller-is-proxy",
            severity: Severity::Info,
            title: format!(
                "the callers are hidden behind {}, likely the proxy",
                top.address
            ),
            evidence,
            meaning: "The address is of a private network, so most likely the proxy's: the log \
                      does not say who the clients are."
                .to_owned(),
            next: steps(&[
                "Let the proxy send X-Forwarded-For and the service trust it (uvicorn: \
                 `--proxy-headers --forwarded-allow-ips` with the proxy's address), or read the \
                 proxy's own log.",
            ]),
        });
    }
    let requests = facts.numbers.on_routes();
    let is_normal = Band::of(refused, requests).is_none_or(|band| band == Band::Normal);
    Some(Finding {
        id: "one-caller",
        severity: if is_normal {
            Severity::Info
        } else {
            Severity::Warning
        },
        title: format!("one caller makes most of the 401s: {}", top.address),
        evidence,
        meaning: "One client is refused again and again: a script or a monitor with an old token, \
                  a browser tab that was left open, or somebody who tries. The others are better \
                  off than the share says."
            .to_owned(),
        next: steps(&[
            "Find out whose address it is; renew its token or stop it.",
            "If nobody knows it, limit its rate at the proxy.",
        ]),
    })
}

//! The share of refused requests of each route, and what all routes have in common.

use super::cause::{Cause, reasons};
use super::{Facts, Finding, Severity, steps};
use crate::report::band::{Band, VOLUME_GUARD};
use crate::report::numbers::RouteNumbers;
use crate::report::words::{count, number, percent};

const NORMAL: &str = "Below 50 % is normal: first visits and bots have no token, and a front end \
                      that refreshes a token sees one 401 before.";
const ELEVATED: &str = "More than usual, but no alarm yet. Many first visits can do this; so can \
                        tokens that expire too soon. Above 70 % something is wrong.";

pub(super) fn find(facts: Facts<'_>, found: &mut Vec<Finding>) {
    let routes = &facts.numbers.routes;
    found.extend(at_once(facts));
    for route in routes {
        found.push(of_route(facts, route));
    }
}

/// What the share of one route means.
fn of_route(facts: Facts<'_>, route: &RouteNumbers) -> Finding {
    let (refused, requests) = (route.codes.refused(), route.codes.total());
    let name = route.name();
    let evidence = format!(
        "{} of {} were answered 401.",
        number(refused),
        count(requests, "request", "requests"),
    );
    let share = percent(refused, requests);
    let Some(band) = Band::of(refused, requests) else {
        return Finding {
            id: "refused-share",
            severity: Severity::Info,
            title: format!("{name}: too few requests to judge the share of 401"),
            evidence,
            meaning: format!("A share says something from {VOLUME_GUARD} requests on."),
            next: steps(&["Look at a longer time."]),
        };
    };
    let (severity, reading) = match band {
        Band::Normal => (Severity::Ok, "normal"),
        Band::Elevated => (Severity::Info, "elevated"),
        Band::Investigate => (Severity::Warning, "too many"),
        Band::Critical if refused == requests => (Severity::Critical, "nobody gets in"),
        Band::Critical => (Severity::Critical, "hardly anybody gets in"),
    };
    let cause = Cause::of(facts.numbers);
    let is_all = refused == requests;
    let (meaning, next) = match band {
        Band::Normal => (NORMAL.to_owned(), Vec::new()),
        Band::Elevated => (
            ELEVATED.to_owned(),
            steps(&[
                "Compare with the same hour of another day.",
                "Look at when it began, at the reasons and at the callers.",
            ]),
        ),
        Band::Investigate | Band::Critical => {
            let all = "Not one request was let through. ";
            let all = if is_all { all } else { "" };
            (format!("{all}{}", cause.meaning()), steps(cause.next()))
        }
    };
    Finding {
        id: if is_all {
            "everything-refused"
        } else {
            "refused-share"
        },
        severity,
        title: format!("{name}: {share} of the requests refused, {reading}"),
        evidence: evidence + &reasons(facts.numbers),
        meaning,
        next,
    }
}

/// Several routes that all refuse point to what they have in common.
fn at_once(facts: Facts<'_>) -> Option<Finding> {
    let bands = facts.numbers.routes.iter().filter_map(|route| {
        let (refused, requests) = (route.codes.refused(), route.codes.total());
        Some((route, Band::of(refused, requests)?))
    });
    let bands: Vec<_> = bands.collect();
    let worst = bands.iter().map(|(_, band)| *band).min()?;
    if bands.len() < 2 || worst < Band::Investigate {
        return None;
    }
    let shares: Vec<_> = bands
        .iter()
        .map(|(route, _)| {
            let share = percent(route.codes.refused(), route.codes.total());
            format!("{} {share}", route.name())
        })
        .collect();
    Some(Finding {
        id: "all-routes-refused",
        severity: if worst == Band::Critical {
            Severity::Critical
        } else {
            Severity::Warning
        },
        title: format!("all {} routes refuse at once", bands.len()),
        evidence: format!("Refused: {}.", shares.join(", ")),
        meaning: "Not one endpoint is at fault but what they share: the gateway in front, the \
                  secret, the session store or database, the clock, or a front end that has \
                  stopped to send tokens."
            .to_owned(),
        next: steps(&[
            "Ask the service directly, past the gateway: does it answer 401 itself?",
            "Look at what was changed last for all of them: secret, gateway, front end, deployment.",
        ]),
    })
}

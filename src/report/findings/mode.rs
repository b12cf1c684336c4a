//! Whether the service demands authentication at all.

use super::{Facts, Finding, Severity, steps};
use crate::parse::Notice;
use crate::report::band::VOLUME_GUARD;
use crate::report::remarks::Mode;
use crate::report::timeline::Timeline;
use crate::report::words::{count, minute, number};

pub(super) fn find(facts: Facts<'_>, found: &mut Vec<Finding>) {
    let remarks = &facts.numbers.remarks;
    let bypasses = remarks.count(Notice::AuthBypass);
    let off = remarks.mode.filter(|mode| !mode.is_required);
    if off.is_none() && bypasses == 0 {
        return;
    }
    let refused = refused_since(facts, off);
    let said = match off.map(|mode| mode.time) {
        Some(Some(time)) => format!("The service said at {} that it demands none.", minute(time)),
        Some(None) => "The service said that it demands none.".to_owned(),
        None => format!(
            "{} were let through without a check.",
            count(bypasses, "request", "requests")
        ),
    };
    found.push(if refused > 0 {
        Finding {
            id: "refused-although-off",
            severity: if refused < VOLUME_GUARD {
                Severity::Warning
            } else {
                Severity::Critical
            },
            title: "authentication is switched off, but requests are refused".to_owned(),
            evidence: format!(
                "{said} {} were refused since.",
                count(refused, "request", "requests")
            ),
            meaning: "Somebody else answers 401: a gateway in front, another replica or an older \
                      container, a route with a check of its own. Or the setting has not reached \
                      the code that decides."
                .to_owned(),
            next: steps(&[
                "Was the container restarted after the variable was set? An environment is read \
                 at the start.",
                "Does the running image have the code that reads it? Compare image and build.",
                "Ask the service directly, past the gateway: if it answers 200, the gateway \
                 refuses.",
                "Do other replicas say the same?",
            ]),
        }
    } else {
        Finding {
            id: "auth-off",
            severity: Severity::Info,
            title: "authentication is switched off".to_owned(),
            evidence: format!(
                "{said} {} say so.",
                number(bypasses + remarks.count(Notice::AuthMode))
            ),
            meaning: "Everybody gets in. Fine for a demonstration, not where data is at stake."
                .to_owned(),
            next: steps(&["Is that meant to be?"]),
        }
    });
}

/// Requests that were refused since the service has said that it demands nothing; all, if that has
/// no time.
fn refused_since(facts: Facts<'_>, off: Option<Mode>) -> u64 {
    let Some(time) = off.and_then(|mode| mode.time) else {
        return facts.numbers.refused();
    };
    let timelines = facts.numbers.routes.iter().map(|route| &route.timeline);
    let slots = timelines.flat_map(Timeline::slots);
    slots
        .filter(|(start, _)| *start >= time)
        .map(|(_, slot)| slot.refused)
        .sum()
}

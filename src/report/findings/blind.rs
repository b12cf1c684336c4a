//! What the log does not show, and how to make it.

use super::{Facts, Finding, Severity, steps};
use crate::parse::Notice;
use crate::report::numbers::Numbers;
use crate::report::words::{count, number, percent};

pub(super) fn find(facts: Facts<'_>, found: &mut Vec<Finding>) {
    let numbers = facts.numbers;
    let unparsed: u64 = numbers.unparsed_by_reason().map(|(_, times)| times).sum();
    found.extend(no_access_lines(numbers, unparsed));
    found.extend(no_route(numbers));
    found.extend(not_read(numbers, unparsed));
    found.extend(no_times(numbers));
}

/// The service logs, but no requests.
fn no_access_lines(numbers: &Numbers, unparsed: u64) -> Option<Finding> {
    let read = numbers.lines - numbers.left_out;
    if numbers.requests() > 0 || unparsed > 0 || read == 0 {
        return None;
    }
    let denials: u64 = numbers
        .remarks
        .denials()
        .iter()
        .map(|(_, times)| times)
        .sum();
    if denials > 0 {
        return Some(Finding {
            id: "denials-only",
            severity: Severity::Info,
            title: "the service logs refusals only".to_owned(),
            evidence: format!("{} and no request.", count(denials, "refusal", "refusals")),
            meaning: "What it lets through is not in the log, so no share can be told.".to_owned(),
            next: steps(&[
                "Read the proxy's access log, or the service's own metrics, for all requests.",
            ]),
        });
    }
    let notices: u64 = numbers
        .remarks
        .notices()
        .map(|(_, noted)| noted.count)
        .sum();
    let is_known = notices > numbers.remarks.count(Notice::Shutdown);
    Some(Finding {
        id: "no-access-lines",
        severity: if is_known {
            Severity::Warning
        } else {
            Severity::Info
        },
        title: "the service logs, but no access lines".to_owned(),
        evidence: format!(
            "{} and no request among them.",
            count(read, "line was read", "lines were read")
        ),
        meaning: "Either nobody asks, or the access log is off: no line does not mean no \
                  request. A level above INFO hides uvicorn's access lines."
            .to_owned(),
        next: steps(&[
            "uvicorn: no `--log-level warning`, no `--no-access-log`; gunicorn and hypercorn: \
             `--access-logfile -`; granian: `--access-log`; Traefik: `accesslog=true`.",
            "Access lines may go to a file: read that one.",
            "Send one request and look whether a line comes.",
        ]),
    })
}

/// Requests, but on no route that is known.
fn no_route(numbers: &Numbers) -> Option<Finding> {
    let outside = numbers.outside.total();
    if outside == 0 || numbers.on_routes() > 0 {
        return None;
    }
    Some(Finding {
        id: "no-route",
        severity: Severity::Warning,
        title: "no request is on a route that is known".to_owned(),
        evidence: format!(
            "{}, none for a validate path.",
            count(outside, "request", "requests")
        ),
        meaning: "authtail knows the paths of common auth services; this one's is another, or \
                  the log is another service's."
            .to_owned(),
        next: steps(&[
            "Name the path: `--route validate=/your/path` (`/path/*` and `~regex` work, too).",
            "`authtail explain FILE` shows the path of each line.",
        ]),
    })
}

/// Lines that look like access lines.
fn not_read(numbers: &Numbers, unparsed: u64) -> Option<Finding> {
    if unparsed == 0 {
        return None;
    }
    let all = numbers.requests() + unparsed;
    let reasons: Vec<_> = numbers
        .unparsed_by_reason()
        .map(|(reason, times)| format!("{reason} {}", number(times)))
        .collect();
    Some(Finding {
        id: "not-understood",
        severity: if unparsed * 10 > all {
            Severity::Warning
        } else {
            Severity::Info
        },
        title: format!(
            "{} not understood",
            count(unparsed, "access line was", "access lines were")
        ),
        evidence: format!(
            "That is {} of all: {}.",
            percent(unparsed, all),
            reasons.join(", ")
        ),
        meaning: "They look like access lines, but no format reads them, so they are in no \
                  number above."
            .to_owned(),
        next: steps(&[
            "Name the format (`--input-format NAME`), or describe it in the configuration with a \
             regex.",
            "`authtail explain FILE` shows which lines they are.",
        ]),
    })
}

/// Requests without a time.
fn no_times(numbers: &Numbers) -> Option<Finding> {
    if numbers.span.is_some() || numbers.requests() == 0 {
        return None;
    }
    Some(Finding {
        id: "no-times",
        severity: Severity::Info,
        title: "the lines have no time, so there is no timeline".to_owned(),
        evidence: format!(
            "{}, none with a time.",
            count(numbers.requests(), "request", "requests")
        ),
        meaning: "uvicorn prints none by default. Whether it began a minute or a day ago cannot \
                  be told."
            .to_owned(),
        next: steps(&[
            "Let the engine add it: `docker logs -t NAME 2>&1 | authtail diagnose -`, or \
             `authtail diagnose --container NAME`.",
        ]),
    })
}

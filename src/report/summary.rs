//! The report as it is shown: as JSON by its fields, as text by `text`.
//!
//! The fields are an interface of version 1: new ones may be added, what is there stays.

use std::collections::BTreeMap;

use serde::Serialize;

use super::band::{Band, share};
use super::callers::is_private;
use super::findings::{self, Facts, Finding, Severity};
use super::latency::Latency;
use super::numbers::{Codes, Numbers, RouteNumbers};
use super::timeline::Timeline;

/// How many callers are listed.
const MAX_CALLERS: usize = 10;
/// Up to so many slots of a minute, or of an hour, the timeline has that step.
const MAX_POINTS: usize = 180;

/// What is to be said about the whole log.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Ok,
    Warning,
    Critical,
    /// Nothing in it was understood.
    Unknown,
}

/// Everything that is shown.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    version: u32,
    pub(crate) verdict: Verdict,
    pub(crate) inputs: Vec<String>,
    /// The formats of the access lines.
    pub(crate) formats: Vec<FormatReport>,
    /// The earliest and the latest time of a line.
    pub(crate) first: Option<String>,
    pub(crate) last: Option<String>,
    pub(crate) lines: LineCounts,
    pub(crate) routes: Vec<RouteReport>,
    /// Requests that are on no route, by code.
    pub(crate) other_requests: BTreeMap<u16, u64>,
    pub(crate) callers: CallersReport,
    pub(crate) refusals: Vec<ReasonReport>,
    pub(crate) notices: Vec<NoticeReport>,
    /// The newest of them.
    pub(crate) startups: Vec<String>,
    pub(crate) auth_mode: Option<ModeReport>,
    pub(crate) findings: Vec<Finding>,
}

#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct FormatReport {
    /// Where there are several.
    pub(crate) source: Option<String>,
    pub(crate) format: String,
}

/// What became of the lines.
#[derive(Debug, Serialize)]
pub(crate) struct LineCounts {
    pub(crate) total: u64,
    pub(crate) bytes: u64,
    /// Older than `--since`, or without a time where one is needed.
    pub(crate) left_out: u64,
    pub(crate) requests: u64,
    pub(crate) not_understood: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct RouteReport {
    pub(crate) source: Option<String>,
    pub(crate) route: String,
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) requests: u64,
    pub(crate) codes: BTreeMap<u16, u64>,
    pub(crate) refused: u64,
    pub(crate) refused_share: f64,
    /// Null where there are too few requests.
    pub(crate) band: Option<&'static str>,
    pub(crate) latency_seconds: Option<LatencyReport>,
    pub(crate) timeline: Option<TimelineReport>,
}

#[derive(Debug, Serialize)]
pub(crate) struct LatencyReport {
    pub(crate) count: u64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct TimelineReport {
    pub(crate) step_seconds: i64,
    /// Those without requests are left out.
    pub(crate) slots: Vec<SlotReport>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct SlotReport {
    pub(crate) start: String,
    #[serde(skip)]
    pub(crate) second: i64,
    pub(crate) requests: u64,
    pub(crate) refused: u64,
    pub(crate) failed: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct CallersReport {
    /// False: what is listed is what each has made at least.
    pub(crate) exact: bool,
    /// Null where they are too many to be counted.
    pub(crate) distinct: Option<usize>,
    pub(crate) without_address: u64,
    pub(crate) top: Vec<CallerReport>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CallerReport {
    pub(crate) address: String,
    pub(crate) requests: u64,
    pub(crate) refused: u64,
    /// Of a private network, so likely the proxy.
    pub(crate) private: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct ReasonReport {
    pub(crate) reason: &'static str,
    pub(crate) count: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct NoticeReport {
    pub(crate) kind: &'static str,
    pub(crate) count: u64,
    pub(crate) first: Option<String>,
    pub(crate) last: Option<String>,
    /// Without anything that could be a secret.
    pub(crate) samples: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ModeReport {
    pub(crate) required: bool,
    pub(crate) time: Option<String>,
}

impl Verdict {
    /// Returns the exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }

    fn of(numbers: &Numbers, findings: &[Finding]) -> Self {
        let remarks = &numbers.remarks;
        let is_silent = remarks.denials().is_empty() && remarks.notices().next().is_none();
        if numbers.requests() == 0 && is_silent {
            return Self::Unknown;
        }
        match findings.iter().map(|finding| finding.severity).max() {
            Some(Severity::Critical) => Self::Critical,
            Some(Severity::Warning) => Self::Warning,
            _ => Self::Ok,
        }
    }
}

impl Report {
    /// Draws the conclusions from the numbers.
    pub(crate) fn new(numbers: &Numbers, inputs: Vec<String>, formats: Vec<FormatReport>) -> Self {
        let callers = numbers.callers.top();
        let facts = Facts {
            numbers,
            callers: &callers,
        };
        let findings = findings::find(facts);
        let remarks = &numbers.remarks;
        let (first, last) = numbers.span.unzip();
        let exact = numbers.callers.is_exact();
        let top = callers.iter().take(MAX_CALLERS).map(|top| CallerReport {
            address: top.address.to_string(),
            requests: top.requests,
            refused: top.refused,
            private: is_private(top.address),
        });
        Self {
            version: 1,
            verdict: Verdict::of(numbers, &findings),
            inputs,
            formats,
            first: first.map(|time| time.to_string()),
            last: last.map(|time| time.to_string()),
            lines: LineCounts {
                total: numbers.lines,
                bytes: numbers.bytes,
                left_out: numbers.left_out,
                requests: numbers.requests(),
                not_understood: numbers.unparsed_by_reason().collect(),
            },
            routes: numbers.routes.iter().map(RouteReport::new).collect(),
            other_requests: codes(&numbers.outside),
            callers: CallersReport {
                exact,
                distinct: exact.then_some(callers.len()),
                without_address: numbers.callers.anonymous,
                top: top.collect(),
            },
            refusals: reasons(numbers),
            notices: notices(numbers),
            startups: remarks.startups.iter().map(ToString::to_string).collect(),
            auth_mode: remarks.mode.map(|mode| ModeReport {
                required: mode.is_required,
                time: mode.time.map(|time| time.to_string()),
            }),
            findings,
        }
    }
}

impl RouteReport {
    fn new(numbers: &RouteNumbers) -> Self {
        let (refused, requests) = (numbers.codes.refused(), numbers.codes.total());
        let share = share(refused, requests);
        Self {
            source: numbers.source.as_ref().map(ToString::to_string),
            route: numbers.route.to_string(),
            name: numbers.name(),
            requests,
            codes: codes(&numbers.codes),
            refused,
            refused_share: (share * 10_000.0).round() / 10_000.0,
            band: Band::of(refused, requests).map(Band::as_str),
            latency_seconds: numbers.latency.as_ref().map(LatencyReport::new),
            timeline: TimelineReport::new(&numbers.timeline),
        }
    }
}

impl LatencyReport {
    fn new(latency: &Latency) -> Self {
        // To the microsecond, which is finer than what is known.
        let seconds = |rank| (latency.per_mille(rank).as_secs_f64() * 1e6).round() / 1e6;
        Self {
            count: latency.total(),
            p50: seconds(500),
            p90: seconds(900),
            p95: seconds(950),
            p99: seconds(990),
            max: latency.max().as_secs_f64(),
        }
    }
}

impl TimelineReport {
    /// By minute, by hour or by day, whichever is fine enough for the span.
    fn new(timeline: &Timeline) -> Option<Self> {
        let mut timeline = timeline.clone();
        for coarser in [3_600, 86_400] {
            let slots = timeline.slots();
            let (first, last) = (slots.first()?.0.nanos(), slots.last()?.0.nanos());
            let steps = last.abs_diff(first) / 1_000_000_000 / timeline.step().unsigned_abs();
            if steps < u64::try_from(MAX_POINTS).unwrap_or(u64::MAX) {
                break;
            }
            timeline.coarsen_to(coarser);
        }
        let slots = timeline
            .slots()
            .into_iter()
            .map(|(start, slot)| SlotReport {
                start: start.to_string(),
                second: start.nanos().div_euclid(1_000_000_000),
                requests: slot.requests,
                refused: slot.refused,
                failed: slot.failed,
            });
        Some(Self {
            step_seconds: timeline.step(),
            slots: slots.collect(),
        })
    }
}

fn codes(codes: &Codes) -> BTreeMap<u16, u64> {
    codes.iter().collect()
}

fn reasons(numbers: &Numbers) -> Vec<ReasonReport> {
    let reasons = numbers.remarks.denials().into_iter();
    reasons
        .map(|(reason, count)| ReasonReport {
            reason: reason.as_str(),
            count,
        })
        .collect()
}

fn notices(numbers: &Numbers) -> Vec<NoticeReport> {
    let notices = numbers.remarks.notices();
    notices
        .map(|(kind, noted)| NoticeReport {
            kind: kind.as_str(),
            count: noted.count,
            first: noted.first.map(|time| time.to_string()),
            last: noted.last.map(|time| time.to_string()),
            samples: noted.samples.clone(),
        })
        .collect()
}

//! One look at a live service: what it is, how it answers, and what that means.
//!
//! `subject` finds the containers, `candidate` looks at one, `seen` at its lines, `asks` makes requests,
//! `findings` says what all of it means (pure), `text` prints it. The structs here are what `--json` prints:
//! `version` goes up when a field changes its meaning.

mod asks;
mod candidate;
mod deployed;
mod findings;
mod seen;
mod subject;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

pub(crate) use subject::{Request, look};
pub(crate) use text::Text;

use crate::report::band::Band;

/// Of the JSON.
const VERSION: u32 = 1;

/// How bad it is, as a Nagios plugin says it.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    #[default]
    Ok,
    /// Worth to know.
    Info,
    Warning,
    Critical,
}

/// All that was seen.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    version: u32,
    /// `ok`, `warning`, `critical` or `unknown`.
    pub(crate) status: &'static str,
    pub(crate) exit_code: u8,
    /// What could not be looked at.
    pub(crate) problems: Vec<String>,
    pub(crate) sources: Vec<Subject>,
}

/// One container, or a URL alone.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Subject {
    pub(crate) source: String,
    pub(crate) container: Option<Container>,
    pub(crate) deployment: Option<Deployment>,
    pub(crate) configuration: Option<Configuration>,
    pub(crate) health: Option<Asked>,
    pub(crate) probes: Vec<Asked>,
    pub(crate) requests: Option<Requests>,
    /// Events of the log by kind.
    pub(crate) notices: BTreeMap<&'static str, u64>,
    /// Refusals by what the application says of them.
    pub(crate) denials: BTreeMap<&'static str, u64>,
    /// Some lines of those, by kind or reason, with only the words that are known to be harmless.
    pub(crate) samples: BTreeMap<&'static str, Vec<String>>,
    pub(crate) log: Option<LogSource>,
    pub(crate) findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) is_running: bool,
    pub(crate) started: Option<String>,
    /// Of its last end, if it does not run.
    pub(crate) exit_code: Option<i64>,
    pub(crate) is_out_of_memory: bool,
    pub(crate) restarts: u64,
    pub(crate) is_healthy: Option<bool>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Deployment {
    pub(crate) image: String,
    pub(crate) image_id: String,
    pub(crate) revision: Option<String>,
    pub(crate) created: Option<String>,
    pub(crate) image_created: Option<String>,
    /// False if the name of the image means another one by now.
    pub(crate) is_current: Option<bool>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Configuration {
    pub(crate) auth_required: Option<bool>,
    pub(crate) auth_reported: Option<bool>,
    /// True if its command asks for a log without access lines.
    pub(crate) hides_access_lines: bool,
}

/// A request that was made.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Asked {
    pub(crate) name: String,
    #[serde(rename = "kind")]
    pub(crate) what: What,
    /// True if the container itself was asked, at its own address.
    pub(crate) is_direct: bool,
    /// Without a query.
    pub(crate) path: String,
    pub(crate) code: Option<u16>,
    pub(crate) seconds: f64,
    /// The reason and the message, as in the metrics.
    pub(crate) failure: Option<(&'static str, String)>,
    /// Whether the log of the service has it; `None` where that cannot be said.
    pub(crate) seen_in_log: Option<bool>,
    /// What the body says, if it says something that is understood.
    pub(crate) says_healthy: Option<bool>,
}

/// What a request was made for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    Anonymous,
    BadToken,
    GoodToken,
    Health,
    Other,
}

#[derive(Debug, Serialize)]
pub(crate) struct Requests {
    pub(crate) window_seconds: u64,
    pub(crate) total: u64,
    pub(crate) refused: u64,
    pub(crate) routes: Vec<Route>,
    /// False if the log has more than was read.
    pub(crate) is_complete: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Route {
    #[serde(rename = "route")]
    pub(crate) name: String,
    pub(crate) total: u64,
    pub(crate) refused: u64,
    /// `None` below the volume guard.
    pub(crate) band: Option<Band>,
    pub(crate) codes: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct LogSource {
    pub(crate) driver: String,
    pub(crate) problem: Option<String>,
    /// Why the driver may drop lines.
    pub(crate) loses: Option<&'static str>,
    pub(crate) format: Option<String>,
    pub(crate) lines: u64,
    /// True if it would show a request with its query.
    pub(crate) shows_queries: bool,
    /// Counted refusals that the application calls its own fault.
    pub(crate) service_errors: u64,
}

/// What something means.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    /// Stable, for programs.
    pub(crate) id: &'static str,
    pub(crate) severity: Severity,
    pub(crate) title: String,
    pub(crate) evidence: Vec<String>,
    pub(crate) meaning: &'static str,
    pub(crate) next: &'static str,
}

impl Report {
    /// Puts the worst first. Without anything that could be looked at the state is not known.
    pub(crate) fn new(mut sources: Vec<Subject>, problems: Vec<String>) -> Self {
        for subject in &mut sources {
            subject.findings = findings::of(subject);
        }
        sources.sort_by_key(|subject| std::cmp::Reverse(subject.severity()));
        let worst = sources.iter().map(Subject::severity).max();
        let (status, exit_code) = match worst {
            Some(Severity::Critical) => ("critical", 2),
            None => ("unknown", 3),
            _ if !problems.is_empty() => ("unknown", 3),
            Some(Severity::Warning) => ("warning", 1),
            Some(Severity::Ok | Severity::Info) => ("ok", 0),
        };
        Self {
            version: VERSION,
            status,
            exit_code,
            problems,
            sources,
        }
    }

    /// The worst finding and whose it is.
    pub(crate) fn first(&self) -> Option<(&Subject, &Finding)> {
        let subject = self.sources.first()?;
        Some((subject, subject.findings.first()?))
    }
}

impl Subject {
    fn severity(&self) -> Severity {
        let severities = self.findings.iter().map(|finding| finding.severity);
        severities.max().unwrap_or_default()
    }

    /// All requests that were made, that for its health among them.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &Asked> {
        self.health.iter().chain(&self.probes)
    }
}

impl Asked {
    pub(crate) fn is_refused(&self) -> bool {
        self.code.is_some_and(crate::probe::spec::is_refusal)
    }

    pub(crate) fn is_let_through(&self) -> bool {
        self.code.is_some_and(|code| (200..300).contains(&code))
    }
}

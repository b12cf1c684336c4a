//! What the numbers mean: each finding with its severity, the evidence, and what to do next.

mod blind;
mod cause;
mod mode;
mod pattern;
mod service;
mod share;

use serde::Serialize;

use super::callers::Top;
use super::numbers::Numbers;

/// How bad a finding is, the mildest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// As it should be.
    Ok,
    /// Good to know.
    Info,
    /// Something to look at soon.
    Warning,
    /// Something to look at now.
    Critical,
}

/// Something that the numbers say.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// A name that stays the same, for programs.
    pub(crate) id: &'static str,
    pub(crate) severity: Severity,
    /// One line.
    pub(crate) title: String,
    /// The numbers that it follows from.
    pub(crate) evidence: String,
    pub(crate) meaning: String,
    pub(crate) next: Vec<String>,
}

/// What findings are made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) numbers: &'a Numbers,
    pub(crate) callers: &'a [Top],
}

impl Severity {
    /// Returns the name that reports use.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Returns everything that the numbers say, the worst first.
pub(crate) fn find(facts: Facts<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    service::find(facts, &mut found);
    share::find(facts, &mut found);
    mode::find(facts, &mut found);
    pattern::find(facts, &mut found);
    blind::find(facts, &mut found);
    // Stable: those of one severity stay in the order of this file.
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

fn steps(next: &[&str]) -> Vec<String> {
    next.iter().map(|&step| step.to_owned()).collect()
}

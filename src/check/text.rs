//! A report for people: one line that says it all, what was seen in the order in which an operator
//! looks, and what it means.

use std::fmt::{self, Display};

use super::{Asked, Configuration, Container, Deployment, Finding, LogSource, Report, Requests};
use super::{Severity, Subject, What};
use crate::report::band::Band;

/// The report as text.
pub(crate) struct Text<'a>(pub(crate) &'a Report);

/// A name and what is said of it.
type Row = (&'static str, String);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(report) = self;
        let status = report.status.to_uppercase();
        match report.first() {
            Some((subject, finding)) if report.exit_code < 3 => {
                writeln!(
                    f,
                    "{status} - {}: {}",
                    Plain(&subject.source),
                    finding.title
                )?;
            }
            _ => writeln!(f, "{status} - {}", report.problems.join("; "))?,
        }
        for problem in &report.problems {
            writeln!(f, "could not look: {problem}")?;
        }
        for subject in &report.sources {
            writeln!(f, "\n{}", Plain(&subject.source))?;
            for (name, text) in rows(subject) {
                writeln!(f, "  {name:<14}{}", Plain(&text))?;
            }
            for finding in &subject.findings {
                write(f, finding)?;
            }
        }
        Ok(())
    }
}

fn rows(subject: &Subject) -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(subject.container.as_ref().map(container));
    rows.extend(subject.deployment.as_ref().map(deployment));
    rows.extend(subject.configuration.as_ref().map(configuration));
    rows.extend(
        subject
            .asked()
            .map(|asked| (word(asked.what), asked_text(asked))),
    );
    if let Some(seen) = &subject.requests {
        requests(seen, &mut rows);
    }
    for (name, counts) in [
        ("refusals", &subject.denials),
        ("trouble", &subject.notices),
    ] {
        if !counts.is_empty() {
            rows.push((name, listed(counts)));
        }
    }
    for (kind, samples) in &subject.samples {
        let said = samples.iter().map(|sample| format!("{kind}: {sample}"));
        rows.extend(said.map(|text| ("", text)));
    }
    rows.extend(subject.log.as_ref().map(log));
    rows
}

fn container(container: &Container) -> Row {
    let state = if container.is_running {
        "running"
    } else {
        "stopped"
    };
    let code = container
        .exit_code
        .map(|code| format!(" with exit code {code}"));
    let started = container
        .started
        .as_ref()
        .map(|time| format!(", started {time}"));
    let health = match container.is_healthy {
        Some(true) => ", healthy",
        Some(false) => ", its health check fails",
        None => "",
    };
    let (code, started) = (code.unwrap_or_default(), started.unwrap_or_default());
    let (name, restarts) = (&container.name, container.restarts);
    let text = format!("{name}, {state}{code}{started}, {restarts} restarts{health}");
    ("container", text)
}

fn deployment(deployment: &Deployment) -> Row {
    let id: String = deployment.image_id.chars().take(19).collect();
    let parts = [
        ("revision", &deployment.revision),
        ("built", &deployment.image_created),
        ("created", &deployment.created),
    ];
    let parts = parts.iter().filter_map(|(what, value)| {
        let value = value.as_ref()?;
        Some(format!(", {what} {value}"))
    });
    let parts: Vec<_> = parts.collect();
    let text = format!("{} ({id}){}", deployment.image, parts.concat());
    ("deployment", text)
}

fn configuration(configuration: &Configuration) -> Row {
    let mode = |mode| match mode {
        Some(true) => "demanded",
        Some(false) => "switched off",
        None => "not mentioned",
    };
    let hides = if configuration.hides_access_lines {
        "; its command hides access lines"
    } else {
        ""
    };
    let required = mode(configuration.auth_required);
    let reported = mode(configuration.auth_reported);
    let text =
        format!("authentication: {required} in its environment, {reported} in its log{hides}");
    ("configuration", text)
}

fn requests(requests: &Requests, rows: &mut Vec<Row>) {
    let rest = if requests.is_complete {
        ""
    } else {
        ", the newest of more"
    };
    let (total, refused) = (requests.total, requests.refused);
    let minutes = requests.window_seconds / 60;
    let text = format!("{total} in {minutes} min, {refused} refused{rest}");
    rows.push(("requests", text));
    for route in &requests.routes {
        let band = route.band.map_or("too few to judge", Band::as_str);
        let codes = listed(&route.codes);
        rows.push((
            "",
            format!("{}: {} ({codes}), {band}", route.name, route.total),
        ));
    }
}

fn log(log: &LogSource) -> Row {
    let state = log.problem.as_ref().map_or_else(
        || format!("{} lines read", log.lines),
        |problem| format!("not readable: {problem}"),
    );
    let format = log.format.as_deref().unwrap_or("no access lines so far");
    let loses = log.loses.map(|loses| format!("; {loses}"));
    let text = format!(
        "{}, {state}, {format}{}",
        log.driver,
        loses.unwrap_or_default()
    );
    ("log", text)
}

fn listed<'a>(counts: impl IntoIterator<Item = (&'a &'static str, &'a u64)>) -> String {
    let counts = counts.into_iter();
    let counts: Vec<_> = counts
        .map(|(what, count)| format!("{what} × {count}"))
        .collect();
    counts.join(", ")
}

fn write(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    let severity = match finding.severity {
        Severity::Ok => "OK",
        Severity::Info => "INFO",
        Severity::Warning => "WARNING",
        Severity::Critical => "CRITICAL",
    };
    writeln!(f, "\n  {severity}: {}", finding.title)?;
    for evidence in &finding.evidence {
        writeln!(f, "    - {}", Plain(evidence))?;
    }
    for (name, text) in [("Meaning", finding.meaning), ("Next", finding.next)] {
        if !text.is_empty() {
            writeln!(f, "    {name}: {text}")?;
        }
    }
    Ok(())
}

/// What a request was for.
pub(super) fn word(what: What) -> &'static str {
    match what {
        What::Anonymous => "no token",
        What::BadToken => "bad token",
        What::GoodToken => "good token",
        What::Health => "health",
        What::Other => "probe",
    }
}

/// A request and its answer.
pub(super) fn asked_text(asked: &Asked) -> String {
    let place = if asked.is_direct {
        "the container itself"
    } else {
        "its URL"
    };
    let code = asked
        .code
        .map_or_else(|| "no answer".to_owned(), |code| code.to_string());
    let says = match asked.says_healthy {
        Some(true) => ", says it is well",
        Some(false) => ", says it is not well",
        None => "",
    };
    let seen = match asked.seen_in_log {
        Some(true) => ", in the log",
        Some(false) => ", NOT in the log",
        None => "",
    };
    let failure = asked.failure.as_ref();
    let failure = failure.map(|(reason, message)| format!(": {reason}, {message}"));
    let (seconds, path, name) = (asked.seconds, &asked.path, &asked.name);
    let failure = failure.unwrap_or_default();
    format!("{code} in {seconds:.3} s from {place}, {path} ({name}){says}{seen}{failure}")
}

/// A text that others have chosen, safe on a terminal.
struct Plain<'a>(&'a str);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.chars().filter(|c| !c.is_control());
        shown.take(400).try_for_each(|c| write!(f, "{c}"))
    }
}

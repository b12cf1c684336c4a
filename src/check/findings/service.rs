//! What is wrong with the service, its log and its deployment?

use super::super::seen::TROUBLE;
use super::super::{Asked, Finding, Severity, Subject, What};
use super::{finding, is_running, said};

pub(super) fn unhealthy(subject: &Subject) -> Option<Finding> {
    let ill = |asked: &&Asked| {
        let is_body = asked
            .failure
            .as_ref()
            .is_some_and(|(reason, _)| *reason == "body");
        asked.says_healthy == Some(false) || is_body || asked.code.is_some_and(|code| code >= 500)
    };
    let health = subject.asked().filter(|asked| asked.what == What::Health);
    let mut evidence: Vec<_> = health.filter(ill).map(said).collect();
    evidence.first()?;
    evidence.extend(trouble(subject));
    let refused = subject
        .asked()
        .filter(|asked| asked.what == What::GoodToken && asked.is_refused());
    evidence.extend(refused.map(said));
    finding(
        "unhealthy",
        Severity::Critical,
        "the service says that it is not well",
        evidence,
        (
            "Something that it depends on is down, most often the database. It may refuse good tokens because it cannot look up users; such refusals are not the clients' fault.",
            "Read the body of its health endpoint and the errors in its log, and repair what they name.",
        ),
    )
}

/// How many lines say that something a service needs is broken.
fn trouble(subject: &Subject) -> Option<String> {
    let kinds = TROUBLE.iter().map(|kind| kind.as_str());
    let found: Vec<_> = kinds
        .filter_map(|kind| {
            let count = subject.notices.get(kind)?;
            Some(format!("{kind} × {count}"))
        })
        .collect();
    (!found.is_empty()).then(|| format!("in the log: {}", found.join(", ")))
}

pub(super) fn service_error(subject: &Subject) -> Option<Finding> {
    let errors = subject.log.as_ref()?.service_errors;
    if errors == 0 {
        return None;
    }
    let mut evidence = vec![format!(
        "{errors} refusals that the service itself calls its own fault"
    )];
    evidence.extend(trouble(subject));
    finding(
        "service_error",
        Severity::Critical,
        "the service refuses because it cannot check",
        evidence,
        (
            "Its database, its key server or the like fails. Such a refusal is never the client's fault.",
            "Repair what its errors name; nothing is wrong with the tokens.",
        ),
    )
}

pub(super) fn hidden(subject: &Subject) -> Option<Finding> {
    let log = subject.log.as_ref().filter(|log| log.problem.is_none())?;
    let answered = || {
        let direct = subject.asked().filter(|asked| asked.is_direct);
        direct.filter(|asked| asked.code.is_some())
    };
    let commands = subject
        .configuration
        .as_ref()
        .is_some_and(|one| one.hides_access_lines);
    let is_shown = answered().any(|asked| asked.seen_in_log == Some(true));
    let is_hidden = answered().next().is_some() && log.format.is_none() && !is_shown;
    if !is_running(subject) || !(commands || is_hidden) {
        return None;
    }
    let mut evidence = Vec::new();
    if commands {
        evidence
            .push("its command asks for a log level without access lines, or for none".to_owned());
    }
    if is_hidden {
        evidence.push("it has answered, and its log shows no access line".to_owned());
    }
    finding(
        "access_lines_hidden",
        Severity::Warning,
        "the log hides access lines",
        evidence,
        (
            "Nobody who reads the log can count its requests; the alerts on shares and on silence are blind.",
            "Run uvicorn with `--log-level info` and without `--no-access-log`, gunicorn with `--access-logfile -`.",
        ),
    )
}

pub(super) fn older_image(subject: &Subject) -> Option<Finding> {
    let deployment = subject
        .deployment
        .as_ref()
        .filter(|one| one.is_current == Some(false))?;
    let evidence = vec![format!("`{}` means another image by now", deployment.image)];
    finding(
        "older_image",
        Severity::Warning,
        "the container runs an older image than its name means",
        evidence,
        (
            "The image was built or pulled again, and the container was not recreated: the new code does not run.",
            "Recreate it: `docker compose up -d SERVICE`.",
        ),
    )
}

pub(super) fn log_trouble(subject: &Subject) -> Option<Finding> {
    let log = subject.log.as_ref()?;
    if let Some(problem) = &log.problem {
        let evidence = vec![problem.clone()];
        return finding(
            "log_not_readable",
            Severity::Warning,
            "the log cannot be read",
            evidence,
            (
                "Neither requests nor errors can be seen.",
                "Use a log driver that keeps the log (`json-file`, `local`), or let the socket proxy pass the call.",
            ),
        );
    }
    if let Some(trouble) = trouble(subject) {
        return finding(
            "trouble_in_log",
            Severity::Warning,
            "the log has errors",
            vec![trouble],
            (
                "",
                "Read them: `docker logs --since 10m`, or `authtail explain`.",
            ),
        );
    }
    let evidence = vec![log.loses?.to_owned()];
    finding(
        "log_lossy",
        Severity::Info,
        "the log driver drops lines under load",
        evidence,
        ("Counts may be too low.", "Set `mode=blocking`."),
    )
}

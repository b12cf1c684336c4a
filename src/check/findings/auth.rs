//! Who is let through, who is refused, and by whom?

use super::super::{Finding, Severity, Subject, What};
use super::{auth_required, finding, refused, said};
use crate::report::band::Band;

pub(super) fn in_front(subject: &Subject) -> Option<Finding> {
    let foreign: Vec<_> = subject
        .asked()
        .filter(|asked| asked.is_refused() && asked.seen_in_log == Some(false) && !asked.is_direct)
        .collect();
    foreign.first()?;
    let mut evidence: Vec<_> = foreign.into_iter().map(said).collect();
    evidence.extend(
        subject
            .asked()
            .filter(|asked| asked.is_direct && asked.seen_in_log == Some(true))
            .map(said),
    );
    finding(
        "answered_in_front",
        Severity::Critical,
        "the refusal does not come from the service: its log has no line for the request",
        evidence,
        (
            "Something in front (a gateway, a proxy, another container) answers itself, so no setting of this service changes it.",
            "Follow the request: ask each proxy between here and the service, and look at the `server` header and the log of each. If the proxy asks this service by ForwardAuth, probe the service's own route instead.",
        ),
    )
}

pub(super) fn bad_token(subject: &Subject) -> Option<Finding> {
    if auth_required(subject) == Some(false) {
        return None;
    }
    let bad = subject
        .asked()
        .filter(|asked| asked.what == What::BadToken && asked.is_let_through());
    let evidence: Vec<_> = bad.map(said).collect();
    evidence.first()?;
    finding(
        "bad_token_accepted",
        Severity::Critical,
        "a bad token is accepted",
        evidence,
        (
            "Signatures are not verified, or this path is not protected at all: anybody gets in.",
            "Check that the route is behind authentication and that the token's signature is verified. Until then block it.",
        ),
    )
}

pub(super) fn off_but_refusing(subject: &Subject) -> Option<Finding> {
    if auth_required(subject) != Some(false) {
        return None;
    }
    let refusing = subject
        .asked()
        .filter(|asked| asked.is_refused() && asked.seen_in_log != Some(false));
    let evidence: Vec<_> = refusing.map(said).chain(refused(subject)).collect();
    evidence.first()?;
    finding(
        "off_but_refusing",
        Severity::Critical,
        "requests are refused although authentication is switched off by the environment",
        evidence,
        (
            "The running code does not read the variable, reads another one, or is older than the setting.",
            "Compare the image's age and revision with the release, and what the service logs when it starts, with its environment; recreate the container.",
        ),
    )
}

pub(super) fn good_token(subject: &Subject) -> Option<Finding> {
    let refused = subject.asked().filter(|asked| {
        asked.what == What::GoodToken && asked.is_refused() && asked.seen_in_log != Some(false)
    });
    let evidence: Vec<_> = refused.map(said).collect();
    evidence.first()?;
    finding(
        "good_token_refused",
        Severity::Critical,
        "a good token is refused",
        evidence,
        (
            "The secret or key of the service is not that of the issuer, the token has expired, or a clock is off.",
            "Get a fresh token and ask again. If it is refused too, compare the secret of the service that signs and of this one (as hashes), then the clocks.",
        ),
    )
}

pub(super) fn share(subject: &Subject) -> Option<Finding> {
    let requests = subject.requests.as_ref()?;
    let worst = requests
        .routes
        .iter()
        .filter(|route| route.band >= Some(Band::Elevated))
        .max_by_key(|route| route.band)?;
    let accepts = subject
        .asked()
        .any(|asked| asked.what == What::GoodToken && asked.is_let_through());
    let mut evidence = vec![format!(
        "{} of {} requests on `{}` were refused",
        worst.refused, worst.total, worst.name
    )];
    let reasons: Vec<_> = subject
        .denials
        .iter()
        .map(|(reason, count)| format!("{reason} × {count}"))
        .collect();
    if !reasons.is_empty() {
        evidence.push(format!("the service's own reasons: {}", reasons.join(", ")));
    }
    if accepts {
        evidence.push("a good token is let through".to_owned());
    }
    let (severity, title) = match worst.band {
        Some(Band::Critical) => (Severity::Critical, "almost all requests are refused"),
        Some(Band::Investigate) => (Severity::Warning, "most requests are refused"),
        _ => (Severity::Info, "half of the requests or more are refused"),
    };
    let advice = if accepts {
        (
            "The service is sound, so the clients send no token, or old ones.",
            "Look at a refused request in the browser: does it carry `Authorization: Bearer`? Then at the refresh of tokens.",
        )
    } else {
        (
            "The clients send no token or old ones, or the service accepts none (secret, clock, database).",
            "Ask once with a fresh token (`--token-file`): if it is let through, look at the front end, else at the service.",
        )
    };
    finding("refused_share", severity, title, evidence, advice)
}

pub(super) fn other_mode(subject: &Subject) -> Option<Finding> {
    let configuration = subject.configuration.as_ref()?;
    let (required, reported) = (configuration.auth_required?, configuration.auth_reported?);
    if required == reported {
        return None;
    }
    let word = |mode| if mode { "on" } else { "off" };
    let evidence = vec![format!(
        "authentication is {} by the environment, {} by the service's log",
        word(required),
        word(reported)
    )];
    finding(
        "mode_differs",
        Severity::Warning,
        "the service runs with another authentication mode than configured",
        evidence,
        (
            "The code reads another variable or overrides it, or the container was not recreated after a change.",
            "Recreate the container (a restart keeps the old environment), and see what it logs when it starts.",
        ),
    )
}

pub(super) fn off(subject: &Subject) -> Option<Finding> {
    (auth_required(subject) == Some(false)).then_some(())?;
    finding(
        "auth_off",
        Severity::Info,
        "authentication is switched off",
        Vec::new(),
        (
            "Everybody gets in, if the service does as it is told.",
            "Make sure that this is meant.",
        ),
    )
}

//! What to do about each alert, built into the binary, so that a link in an alert always works.

const RUNBOOKS: [(&str, &str); 16] = [
    (
        "AuthBypassed",
        include_str!("../../alerts/runbooks/AuthBypassed.md"),
    ),
    (
        "AuthContainerDown",
        include_str!("../../alerts/runbooks/AuthContainerDown.md"),
    ),
    (
        "AuthErrorsRising",
        include_str!("../../alerts/runbooks/AuthErrorsRising.md"),
    ),
    (
        "AuthNoResponses",
        include_str!("../../alerts/runbooks/AuthNoResponses.md"),
    ),
    (
        "AuthRefusedShareCritical",
        include_str!("../../alerts/runbooks/AuthRefusedShareCritical.md"),
    ),
    (
        "AuthRefusedShareHigh",
        include_str!("../../alerts/runbooks/AuthRefusedShareHigh.md"),
    ),
    (
        "AuthServiceError",
        include_str!("../../alerts/runbooks/AuthServiceError.md"),
    ),
    (
        "AuthSlowResponses",
        include_str!("../../alerts/runbooks/AuthSlowResponses.md"),
    ),
    (
        "AuthtailAbsent",
        include_str!("../../alerts/runbooks/AuthtailAbsent.md"),
    ),
    (
        "AuthtailDown",
        include_str!("../../alerts/runbooks/AuthtailDown.md"),
    ),
    (
        "AuthtailEngineUnreachable",
        include_str!("../../alerts/runbooks/AuthtailEngineUnreachable.md"),
    ),
    (
        "AuthtailLogGaps",
        include_str!("../../alerts/runbooks/AuthtailLogGaps.md"),
    ),
    (
        "AuthtailLogLossy",
        include_str!("../../alerts/runbooks/AuthtailLogLossy.md"),
    ),
    (
        "AuthtailLogNotReadable",
        include_str!("../../alerts/runbooks/AuthtailLogNotReadable.md"),
    ),
    (
        "AuthtailStateNotSaved",
        include_str!("../../alerts/runbooks/AuthtailStateNotSaved.md"),
    ),
    (
        "Watchdog",
        include_str!("../../alerts/runbooks/Watchdog.md"),
    ),
];

/// The text for an alert.
pub(super) fn find(alert: &str) -> Option<&'static str> {
    RUNBOOKS
        .iter()
        .find(|(name, _)| *name == alert)
        .map(|(_, text)| *text)
}

/// The alerts that have a text.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    RUNBOOKS.iter().map(|(name, _)| *name)
}

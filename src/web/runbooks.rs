//! What to do about each alert, built into the binary, so that a link in an alert always works.

/// Names and texts of the files in `alerts/runbooks`.
macro_rules! runbooks {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../alerts/runbooks/", $name, ".md")))),*]
    };
}

const RUNBOOKS: &[(&str, &str)] = runbooks![
    "AlertmanagerFailedToSendAlerts",
    "AuthAnsweredInFront",
    "AuthBadTokenAccepted",
    "AuthBypassed",
    "AuthContainerDown",
    "AuthErrorBudgetBurnFast",
    "AuthErrorBudgetBurnSlow",
    "AuthErrorsRising",
    "AuthGoodTokenRefused",
    "AuthModeDiffers",
    "AuthNoResponses",
    "AuthNoResponsesStrict",
    "AuthProbeSlow",
    "AuthRefusedShareCritical",
    "AuthRefusedShareHigh",
    "AuthRefusedShareLowTraffic",
    "AuthRefusedSurge",
    "AuthRefusedThoughOff",
    "AuthReplicasDisagree",
    "AuthServerErrors",
    "AuthServerErrorsLowTraffic",
    "AuthServiceDown",
    "AuthServiceError",
    "AuthServiceUnhealthy",
    "AuthSlowResponses",
    "AuthSlowResponsesLowTraffic",
    "AuthSwitchedOff",
    "AuthtailAbsent",
    "AuthtailDown",
    "AuthtailEngineUnreachable",
    "AuthtailLagging",
    "AuthtailLinesUnparsed",
    "AuthtailLogGaps",
    "AuthtailLogLossy",
    "AuthtailLogNotReadable",
    "AuthtailRestarting",
    "AuthtailScrapedTooRarely",
    "AuthtailSeriesDropped",
    "AuthtailStateNotSaved",
    "PrometheusNotConnectedToAlertmanagers",
    "PrometheusRuleFailures",
    "Watchdog",
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

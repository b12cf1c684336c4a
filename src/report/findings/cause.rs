//! What the reasons of refusals say together about where to look.

use crate::parse::Reason;
use crate::report::numbers::Numbers;
use crate::report::words::percent;

/// A group of reasons has to make so many of a hundred to be the cause.
const MOST: u64 = 60;

/// Where most refusals come from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cause {
    /// The application says nothing, or many things.
    Unknown,
    /// No token comes.
    Missing,
    /// Tokens come and are too old, or not valid yet.
    Expired,
    /// Tokens come and were signed with another key.
    Signature,
    /// Tokens come and are meant for, or come from, somebody else.
    Claims,
    /// Tokens come and are not accepted.
    Token,
    /// The service could not check.
    Service,
}

impl Cause {
    /// Finds the cause of most refusals.
    pub(super) fn of(numbers: &Numbers) -> Self {
        let all: u64 = numbers
            .remarks
            .denials()
            .iter()
            .map(|(_, count)| count)
            .sum();
        let of = |reasons: &[Reason]| {
            let denials = numbers.remarks.denials();
            let ours = denials
                .iter()
                .filter(|(reason, _)| reasons.contains(reason));
            let ours: u64 = ours.map(|(_, count)| count).sum();
            all > 0 && ours * 100 >= all * MOST
        };
        let expired = [Reason::Expired, Reason::NotYetValid];
        let claims = [Reason::WrongAudience, Reason::WrongIssuer];
        let others = [
            Reason::BadSignature,
            Reason::InvalidToken,
            Reason::Malformed,
            Reason::Revoked,
            Reason::UnknownUser,
        ];
        match () {
            () if of(&[Reason::ServiceError]) => Self::Service,
            () if of(&[Reason::MissingToken]) => Self::Missing,
            () if of(&expired) => Self::Expired,
            () if of(&[Reason::BadSignature]) => Self::Signature,
            () if of(&claims) => Self::Claims,
            () if of(&[&expired[..], &claims, &others].concat()) => Self::Token,
            () => Self::Unknown,
        }
    }

    /// What it means.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Unknown => {
                "Either requests come without a token (the front end sends none), or the tokens \
                 that come are not accepted: expired too soon, not refreshed, signed with another \
                 secret, or the service cannot check them."
            }
            Self::Missing => {
                "The requests carry no token: the front end sends none, or something on the way \
                 takes it off. The auth service does what it should."
            }
            Self::Expired => {
                "Tokens come, but they are expired or not valid yet: they live too short, the front \
                 end does not refresh them, or a clock is wrong."
            }
            Self::Signature => {
                "Tokens come, but their signature is wrong: whoever signs them uses another secret \
                 or key than the service that checks them."
            }
            Self::Claims => {
                "Tokens come, but they are meant for another audience or come from another issuer \
                 than the service is configured for."
            }
            Self::Token => {
                "Tokens come and are not accepted. The front end does its part; look at the secret, \
                 at the expiry, at the clocks and at the refresh."
            }
            Self::Service => {
                "The service refuses because it cannot check the tokens itself. The clients and \
                 their tokens are most likely sound."
            }
        }
    }

    /// What to do.
    pub(super) const fn next(self) -> &'static [&'static str] {
        match self {
            Self::Unknown => &[
                "Look in the browser's network tab: does a refused request carry an Authorization \
                 header or the session cookie?",
                "If it does not, it is the front end: its last release, its login, CORS and cookie \
                 settings (SameSite, domain, Secure).",
                "If it does, compare the secret or key of the signer and of the service, the \
                 expiry of a token, and the clocks of both.",
                "Look at the service's database and key server: some services answer 401 when they \
                 cannot check.",
                "Let the service log why it refuses; authtail counts the reasons.",
            ],
            Self::Missing => &[
                "Look in the browser's network tab: does the front end send the Authorization \
                 header or the session cookie?",
                "Look at the front end's last release, its login and its storage of the token.",
                "Look at the proxy: does it pass the header or the cookie on to the auth service?",
                "Look at CORS and cookie settings: SameSite, domain, Secure, third-party cookies.",
            ],
            Self::Expired => &[
                "Compare the lifetime of the tokens with how often the front end refreshes them.",
                "Look for failed refreshes: the refresh endpoint, its token, its rate limit.",
                "Compare the clocks of the signer and of the service; allow for a little leeway.",
            ],
            Self::Signature => &[
                "Compare the secret or key of the signer with that of the service: was it rotated \
                 on one side only?",
                "Restart what still holds the old secret, and let users sign in again.",
                "With a key server (JWKS): does the service fetch the new keys?",
            ],
            Self::Claims => &[
                "Compare the audience and issuer of a token with the service's configuration.",
                "Look for a changed domain, realm or client id.",
            ],
            Self::Token => &[
                "Compare the secret or key of the signer and of the service.",
                "Look at the expiry of a refused token, and at how the front end refreshes it.",
                "Compare the clocks of the signer and of the service.",
                "Was there a logout of everybody, a change of users, or a move of the database?",
            ],
            Self::Service => &[
                "Look at the service's own dependencies: database, cache, key server, network.",
                "Look at its health endpoint, at its body too: code 200 may say `unhealthy`.",
            ],
        }
    }
}

/// The reasons, the most frequent first, as evidence; empty if there are none.
pub(super) fn reasons(numbers: &Numbers) -> String {
    let denials = numbers.remarks.denials();
    let all: u64 = denials.iter().map(|(_, count)| count).sum();
    let parts: Vec<_> = denials
        .iter()
        .take(3)
        .map(|(reason, count)| format!("{} {}", reason.as_str(), percent(*count, all)))
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    format!(" Reasons that were logged: {}.", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_what_most_reasons_say() {
        use Reason::{
            BadSignature, Expired, InvalidToken, MissingToken, ServiceError, WrongIssuer,
        };
        for (reasons, expected) in [
            (&[][..], Cause::Unknown),
            (&[(MissingToken, 6), (Expired, 4)], Cause::Missing),
            (&[(MissingToken, 5), (Expired, 5)], Cause::Unknown),
            (&[(Expired, 9), (BadSignature, 1)], Cause::Expired),
            (
                &[(Expired, 3), (BadSignature, 3), (InvalidToken, 3)],
                Cause::Token,
            ),
            (&[(BadSignature, 8), (MissingToken, 2)], Cause::Signature),
            (&[(WrongIssuer, 8)], Cause::Claims),
            (&[(ServiceError, 8), (InvalidToken, 1)], Cause::Service),
        ] {
            let mut numbers = Numbers::default();
            for (reason, count) in reasons {
                (0..*count).for_each(|_| numbers.remarks.denial(*reason));
            }
            assert_eq!(Cause::of(&numbers), expected, "{reasons:?}");
        }
    }
}

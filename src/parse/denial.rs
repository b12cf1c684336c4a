//! Why a request was refused, as the application says it.

use serde::{Deserialize, Serialize};

/// What an application's line says about a request that it refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denial<'a> {
    /// Why.
    pub reason: Reason,
    /// The status code that the line says was answered.
    pub code: Option<u16>,
    /// The method of the request, if the line has it.
    pub method: Option<&'a [u8]>,
    /// The path of the request, if the line has it.
    pub path: Option<&'a [u8]>,
    /// What stands where the client's address should.
    pub client: Option<&'a [u8]>,
}

/// The label `reason` of `authtail_denials_total`, from the least specific on.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Reason {
    /// Refused, for a reason that is none of these.
    Other,
    /// A token came and was not accepted; the service says no more.
    InvalidToken,
    /// No token came.
    MissingToken,
    /// What came cannot be read as a token.
    Malformed,
    /// The user is not known.
    UnknownUser,
    /// The token was taken back.
    Revoked,
    /// The token is for another audience.
    WrongAudience,
    /// The token is from another issuer.
    WrongIssuer,
    /// The token is not valid yet: its clock is ahead of ours.
    NotYetValid,
    /// The token has expired.
    Expired,
    /// The token was signed with another key.
    BadSignature,
    /// The service could not check: its database, its key server or the like failed. Such a
    /// refusal is never the client's.
    ServiceError,
}

impl Reason {
    /// Every reason, from the least specific on.
    pub const ALL: [Self; 12] = [
        Self::Other,
        Self::InvalidToken,
        Self::MissingToken,
        Self::Malformed,
        Self::UnknownUser,
        Self::Revoked,
        Self::WrongAudience,
        Self::WrongIssuer,
        Self::NotYetValid,
        Self::Expired,
        Self::BadSignature,
        Self::ServiceError,
    ];

    /// Returns the label value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::InvalidToken => "invalid_token",
            Self::MissingToken => "missing_token",
            Self::Malformed => "malformed",
            Self::UnknownUser => "unknown_user",
            Self::Revoked => "revoked",
            Self::WrongAudience => "wrong_audience",
            Self::WrongIssuer => "wrong_issuer",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::BadSignature => "bad_signature",
            Self::ServiceError => "service_error",
        }
    }
}

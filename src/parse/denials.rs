//! What applications write about a request that they refuse.
//!
//! From `PyJWT`, python-jose, joserfc, Authlib, jsonwebtoken and jose (Node), golang-jwt, go-oidc,
//! Nimbus and jjwt (Spring), Microsoft.IdentityModel, Django REST, FastAPI, oauth2-proxy, Authelia,
//! traefik-forward-auth, gatekeeper, Oathkeeper, LLDAP, and from what people write by hand.

use super::denial::Reason;
use super::meaning::Meaning::{self, Failed, Refused, Rejected, Says};

/// Phrases by what they mean.
pub(super) const PHRASES: &[(Meaning, &[&str])] = &[
    (
        Rejected(Reason::Other),
        &[
            "rejected $",
            "denied $",
            "request|token|access rejected|denied $",
            "validation rejected $",
            "{token} validation rejected $",
        ],
    ),
    (
        Refused(Reason::Other),
        &[
            "forbidden",
            "access forbidden|denied",
            "unauthorized",
            "unauthorised",
            "not authorized|authorised",
            "permission denied",
            "insufficient permissions|privileges|permission|scope|scopes|rights",
        ],
    ),
    (
        Refused(Reason::InvalidToken),
        &[
            "invalid {token}",
            "invalid claim $",
            "{token} is? invalid|rejected|not+accepted|not+valid",
            "{token} has invalid claims",
            "{token} is unverifiable",
            "bad|wrong|incorrect {token}",
            "{token} failed",
            "login failed",
            "failed login|authentication|auth",
            "sign in failed",
            "access credentials are invalid",
            "given token not valid for any token type",
            "bad credentials",
            "invalid|incorrect|wrong username|user|email|login or|and password",
            "invalid|incorrect|wrong password",
            "password mismatch",
            "untrusted authorization token",
            "bearer was not authenticated failure message",
            "bearer was not authenticated",
            "failed to authenticate since the jwt was invalid",
            "authentication protocol error",
        ],
    ),
    (
        Failed(Reason::InvalidToken),
        &[
            "{token} validation|verification|check|introspection|decode|decoding|lookup \
             failed|error|failure|exception|failing",
            "{token} validate|verify failed|error",
            "{token} error|exception|failure",
            "validation|verification|introspection|decoding of {token} failed",
            "error|exception|failure validating|verifying|checking|decoding|processing|introspecting|\
             authenticating|parsing the|a|bearer? {token}",
            "error|exception|failure during|in|while|on {token} \
             validation|verification|check|introspection|decoding",
            "error|exception|failure during|in|while|on authentication|authorization",
            "error|exception|failure while validating|verifying|checking|decoding|processing|\
             introspecting|authenticating the|a|bearer? {token}",
            "failed to validate|verify|check|introspect|authenticate|process the|a|bearer? {token}",
            "could+not|couldn't|cannot|can't|unable+to validate|verify|check|introspect the|a|bearer? \
             {token}",
            "{token} could+not|cannot be validated|verified|checked",
            "error loading|retrieving cookied? session",
            "error validating csrf cookie",
            "an error occurred while attempting to decode the jwt",
            "error in secret or public key callback",
            "failed to verify|validate id? token",
            "failed to verify signature",
        ],
    ),
    (
        Says(Reason::MissingToken),
        &[
            "no {token} provided|found|given|supplied|present|sent|received|specified|was|in|on|\
             available|header|token",
            "no {token} $",
            "no valid {token} in|found|provided|session",
            "missing {token}",
            "missing or|and invalid|malformed|empty {token}",
            "{token} missing|absent|required",
            "{token} is missing|absent|required|empty",
            "{token} not provided|found|present|supplied|sent|set|given",
            "{token} was not provided|found|present|supplied|sent",
            "{token} were not provided|found|present|supplied|sent",
            "empty {token}",
            "{token} \"\" not present",
            "not authenticated",
            "not logged in",
            "user not logged in",
            "unauthenticated",
            "full authentication is required",
            "jwt must be provided",
        ],
    ),
    (
        Says(Reason::Malformed),
        &[
            "malformed {token}",
            "{token} is? malformed",
            "not enough segments",
            "not enough or too many segments",
            "too many segments",
            "wrong number of segments",
            "{token} contains an invalid number of segments",
            "{token} must have three segments",
            "invalid header|payload|crypto padding|string",
            "invalid jwt serialization",
            "invalid compact jws",
            "invalid {token} format|scheme|encoding|structure|header|length",
            "{token} format is? invalid|wrong",
            "wrong|bad|unknown|unsupported {token} format|scheme",
            "invalid|unsupported|unknown authentication|authorization|auth scheme",
            "error decoding {token} headers|header",
            "error decoding signature|token|jwt",
            "format is authorization",
            "compact jwt strings must",
            "jwt strings must contain",
            "incorrect padding",
            "illegal base64 data",
            "token is missing the",
            "missing required|sub|exp|aud|iss claim",
            "missing claim",
            "jwt signature is required",
        ],
    ),
    (
        Refused(Reason::Malformed),
        &[
            "failed to|error decode|decoding|parse|parsing the|a|bearer? {token}",
            "could+not|couldn't|cannot|can't|unable+to decode|parse|read the|a|bearer? {token}",
            "{token} could+not|cannot be decoded|parsed|read",
        ],
    ),
    (
        Says(Reason::UnknownUser),
        &[
            "{user} not found|known|registered|active|enabled $",
            "{user} # not+found|does+not+exist|was+not+found $",
            "{user} was not found $",
            "{user} is not known|registered|active|enabled|found $",
            "{user} does not|no+longer exist|exists $",
            "{user} no longer exists $",
            "{user} doesn't exist $",
            "{user} is? inactive|disabled|unknown|deleted|locked|deactivated|suspended $",
            "{user} could not be found $",
            "{user} not found in|for|by the|this|given? token|id|subject|sub|database|db|claims $",
            "{user} \"\" not found|known",
            "{user} \"\" does not exist",
            "{user} \"\" was not found",
            "unknown|inactive|disabled|nonexistent|deleted {user}",
            "no such {user}",
            "no {user} found|matches|matching|with|for",
            "could+not|couldn't|cannot|can't|unable+to find|load|locate {user}",
            "invalid {user}",
        ],
    ),
    (
        Says(Reason::Revoked),
        &[
            "{token} revoked|blacklisted|blocklisted|denylisted|invalidated|terminated",
            "{token} is revoked|blacklisted|blocklisted|denylisted|inactive|not+active",
            "{token} is no longer valid|active",
            "{token} has been revoked|blacklisted|blocklisted|denylisted|invalidated|terminated",
            "{token} was revoked|blacklisted|invalidated",
            "{token} is in|on the? blacklist|blocklist|denylist",
            "revoked|blacklisted|blocklisted|denylisted {token}",
        ],
    ),
    (
        Says(Reason::WrongAudience),
        &[
            "invalid|wrong|unexpected|incorrect audience",
            "audience doesn't match",
            "audience mismatch|invalid|validation+failed",
            "jwt audience invalid",
            "{token} has invalid audience",
            "invalid claim aud",
            "invalid audience claim",
            "expected audience",
            "\"aud\" claim",
            "unexpected \"aud\" claim",
            "aud claim is not valid",
            "aud claim is not equal",
        ],
    ),
    (
        Says(Reason::WrongIssuer),
        &[
            "invalid|wrong|unexpected|incorrect|unknown|untrusted issuer",
            "issuer doesn't match",
            "issuer mismatch|invalid|validation+failed",
            "jwt issuer invalid",
            "{token} has invalid issuer",
            "invalid claim iss",
            "invalid issuer claim",
            "{token} issued by a different provider",
            "\"iss\" claim",
            "unexpected \"iss\" claim",
            "iss claim is not valid",
        ],
    ),
    (
        Says(Reason::NotYetValid),
        &[
            "{token} is? not yet valid",
            "{token} is? not valid yet",
            "{token} used before issued",
            "jwt not active",
            "\"nbf\" claim",
            "jwt used before",
            "jwt premature",
            "cannot handle token prior to",
            "{token} was issued in the future",
        ],
    ),
    (
        Says(Reason::Expired),
        &[
            "{token} is? expired",
            "{token} has|have expired",
            "expired {token}",
            "signature has expired",
            "signature expired",
            "{token} expired on|at",
            "jwt expired",
            "\"exp\" claim",
            "lifetime validation failed",
            "expired signature",
        ],
    ),
    (
        Says(Reason::BadSignature),
        &[
            "signature verification|validation failed",
            "invalid signature",
            "bad signature",
            "wrong signature",
            "signature is? invalid|not+valid|mismatch",
            "signature mismatch",
            "signature does not match",
            "signature doesn't match",
            "jwt signature does not match",
            "{token} signature is? invalid|not+valid|could+not+be+verified",
            "token's signature resulted invalid",
            "signed jwt rejected",
            "failed to verify {token} signature",
            "invalid|wrong {token} mac|signature",
            "unable to find a signing key",
            "unable to find matching key",
            "unable to find appropriate key",
            "no matching key",
            "the? given key id was not found",
            "no applicable key found",
            "unknown kid|key+id|signing+key",
            "specified alg value is not allowed",
            "invalid|unsupported|unexpected|disallowed algorithm|alg",
            "algorithm not allowed|supported",
            "unexpected|invalid signing method",
            "signing method",
        ],
    ),
];

/// The reason in what Authelia says about a request, in the middle of a sentence that begins with its
/// address. The address is encoded, so no client can put a blank into it.
pub(super) fn authelia(message: &[u8]) -> Option<Reason> {
    let rest = message.strip_prefix(b"Access to ")?;
    let mut rest = rest.get(memchr::memchr(b' ', rest)?..)?;
    if let Some(method) = rest.strip_prefix(b" (method ") {
        let end = memchr::memchr(b')', method).filter(|end| *end <= 20)?;
        rest = method.get(end + 1..)?;
    }
    if rest.starts_with(b" is forbidden to user ") {
        return Some(Reason::Other);
    }
    let user = rest.strip_prefix(b" is not authorized to user ")?;
    let user = user.strip_prefix(b"'").unwrap_or(user);
    Some(if user.starts_with(b"<anonymous>") {
        Reason::MissingToken
    } else {
        Reason::Other
    })
}

/// Reads what oauth2-proxy says about a login, behind a name that the client has chosen; a name can hold
/// no colon, and so no time:
///
/// ```text
/// 127.0.0.1 - d8d7ec43 - alice [2026/11/21 19:51:20] [AuthFailure] Invalid authentication via basic auth
/// ```
pub(super) fn oauth2_proxy(line: &[u8]) -> Option<&[u8]> {
    const MARK: &[u8] = b"] [AuthFailure] ";
    let at = memchr::memmem::rfind(line, MARK)?;
    let (before, message) = line.split_at_checked(at)?;
    let time = before.rsplit(|&byte| byte == b'[').next()?;
    let is_time = time.len() == 19 && time.split(|&byte| byte == b':').count() == 3;
    message.get(MARK.len()..).filter(|_| is_time)
}

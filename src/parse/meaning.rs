//! What a message means, read from its beginning for as long as it is understood.
//!
//! ```text
//! [VALIDATE] REJECTED - Token validation failed | path=/x/Connection refused
//!            rejected   a check that failed       a field: the end
//! Token verification error: [Errno 111] Connect call failed ('127.0.0.1', 5432)
//! a check that failed                   trouble: not the client's fault
//! Unknown key id: Connection refused
//! a reason: nothing after it is read
//! ```
//! What a client sends stands behind words of the application, so it is reached only where all before
//! it is understood, and after words behind which such text is usual only reasons that are the client's
//! fault are taken.

use std::sync::LazyLock;

use super::denial::Reason;
use super::exceptions::{self, Class};
use super::notice::Notice;
use super::phrases::{Lexicon, word};
use super::{denials, notices};

/// What a phrase means, or the name of an exception.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// Why a request was refused.
    Says(Reason),
    /// A request was refused; why may follow, or what the client has sent.
    Refused(Reason),
    /// A request was refused; what follows is the application's own.
    Rejected(Reason),
    /// A check has failed; why may follow, and may be the service's own trouble.
    Failed(Reason),
    /// The service or something behind it is in trouble.
    Trouble(Notice),
    /// A connection was cut, perhaps by a client.
    Cut,
    /// A client can cause this at will.
    Client,
    /// What a request was answered, by its usual words.
    Answers,
    /// An exception follows, or was caught.
    Announces,
    /// What the service says about itself.
    Tells(Notice),
    /// Nothing yet.
    Prelude,
}

/// A message, as far as it is understood.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Understood<'a> {
    pub(super) meaning: Option<Meaning>,
    /// What follows what is understood.
    pub(super) rest: &'a [u8],
}

impl Understood<'_> {
    /// True if what follows may say more.
    pub(super) const fn is_open(&self) -> bool {
        use Meaning::{Announces, Answers, Client, Says, Tells};
        !matches!(
            self.meaning,
            Some(Says(_) | Client | Announces | Answers | Tells(_))
        )
    }
}

/// How many parts of a message are read.
const MAX_PARTS: usize = 8;

/// What may stand between two parts.
const JOINTS: [&[u8]; 13] = [
    b": ",
    b" - ",
    b" -- ",
    b" (",
    b" -> ",
    b" because of ",
    b" because ",
    b" due to ",
    b", reason: ",
    b" reason: ",
    b", error: ",
    b" caused by ",
    b" Failure message: ",
];

/// Phrases that are no words. joserfc and Authlib write the name of a claim in quotes of their own.
const BEGINNINGS: [(&[u8], Meaning); 8] = [
    (
        b"Invalid claim: 'aud'",
        Meaning::Says(Reason::WrongAudience),
    ),
    (b"Invalid claim 'aud'", Meaning::Says(Reason::WrongAudience)),
    (b"Invalid claim: 'iss'", Meaning::Says(Reason::WrongIssuer)),
    (b"Invalid claim 'iss'", Meaning::Says(Reason::WrongIssuer)),
    (b"Executing <", Meaning::Tells(Notice::Slow)),
    (b"Servlet.service() for servlet ", Meaning::Announces),
    (
        b"HTTPConnectionPool(",
        Meaning::Trouble(Notice::UpstreamUnreachable),
    ),
    (
        b"HTTPSConnectionPool(",
        Meaning::Trouble(Notice::UpstreamUnreachable),
    ),
];

static LEXICON: LazyLock<Lexicon<Meaning>> = LazyLock::new(|| {
    let table = [denials::PHRASES, notices::PHRASES].concat();
    Lexicon::new(&table)
});

/// Reads a message from its beginning.
pub(super) fn understand(message: &[u8]) -> Understood<'_> {
    if let Some(reason) = denials::authelia(message) {
        let rest = message.get(b"Access to ".len()..).unwrap_or_default();
        return Understood {
            meaning: Some(Meaning::Says(reason)),
            rest,
        };
    }
    continued(None, message)
}

/// Reads on: `before` is what was understood of the text before.
pub(super) fn continued(before: Option<Meaning>, text: &[u8]) -> Understood<'_> {
    let mut understood = Understood {
        meaning: before,
        rest: text,
    };
    let mut text = text;
    for _ in 0..MAX_PARTS {
        let Some((meaning, rest)) = part(undecorated(text)) else {
            break;
        };
        if is_vetoed(rest) {
            break;
        }
        understood.meaning = Some(joined(understood.meaning, meaning));
        understood.rest = rest;
        match next(rest).filter(|_| understood.is_open()) {
            Some(next) => text = next,
            None => break,
        }
    }
    understood
}

/// What two meanings that follow each other mean together.
fn joined(before: Option<Meaning>, next: Meaning) -> Meaning {
    use Meaning::{Cut, Failed, Prelude, Refused, Rejected, Says, Trouble};
    match (before, next) {
        (None | Some(Prelude), next) => next,
        // Only what is the client's fault counts here.
        (Some(Refused(first)), Says(reason) | Refused(reason) | Failed(reason))
            if reason != Reason::ServiceError =>
        {
            Refused(first.max(reason))
        }
        (Some(Rejected(first) | Failed(first)), Says(reason)) => Says(first.max(reason)),
        (Some(Rejected(first) | Failed(first)), Refused(reason)) => Refused(first.max(reason)),
        (Some(Rejected(first) | Failed(first)), Failed(reason)) => Failed(first.max(reason)),
        (Some(Failed(_)), Trouble(kind)) if kind.is_of_service() => Says(Reason::ServiceError),
        (Some(Failed(_)), Cut) => Says(Reason::ServiceError),
        (Some(Trouble(_)), Trouble(Notice::PoolExhausted)) => Trouble(Notice::PoolExhausted),
        (Some(before), _) => before,
    }
}

/// Reads one part: the name of an exception, or a phrase.
fn part(text: &[u8]) -> Option<(Meaning, &[u8])> {
    if let Some(Class { meaning, rest }) = exceptions::class(text) {
        return Some((meaning?, rest));
    }
    // .NET numbers what it says: `IDX10223: Lifetime validation failed`.
    if let Some((number, rest)) = text.strip_prefix(b"IDX").and_then(word)
        && number.iter().all(u8::is_ascii_digit)
    {
        return Some((Meaning::Prelude, rest));
    }
    let begins = |(start, _): &&(&[u8], Meaning)| text.starts_with(start);
    if let Some(&(_, meaning)) = BEGINNINGS.iter().find(begins) {
        return Some((meaning, b""));
    }
    LEXICON.find(text)
}

/// What follows the joint at which a text begins.
fn next(rest: &[u8]) -> Option<&[u8]> {
    // `connection failed) …` and `is expired.: …`
    let rest = rest.strip_prefix(b")").unwrap_or(rest);
    let rest = rest.strip_prefix(b".").unwrap_or(rest);
    let after = JOINTS.iter().find_map(|joint| rest.strip_prefix(*joint));
    let number = || Some(rest).filter(|rest| rest.starts_with(b" [Errno "));
    after
        .or_else(number)
        .or_else(|| rest.strip_prefix(b"("))
        .or_else(|| rest.strip_prefix(b" ["))
}

/// Takes away what decorates a text: signs, pictures, `[VALIDATE]`, `[Errno 111]`.
fn undecorated(mut text: &[u8]) -> &[u8] {
    loop {
        text = text.trim_ascii_start();
        text = match text {
            [b'[', rest @ ..] => {
                let within = rest.get(..64).unwrap_or(rest);
                match within.iter().position(|byte| b"[]".contains(byte)) {
                    Some(end) if rest.get(end) == Some(&b']') => {
                        rest.get(end + 1..).unwrap_or_default()
                    }
                    _ => return text,
                }
            }
            [
                b'<' | b'*' | b'#' | b'>' | b'!' | b'(' | b':' | b'|',
                rest @ ..,
            ] => rest,
            [first, rest @ ..] if !first.is_ascii() => rest,
            _ => return text,
        };
    }
}

/// Tells whether the next word shows that a phrase was about something else: `Token expired,
/// refreshing`, `invalid token count`.
fn is_vetoed(rest: &[u8]) -> bool {
    const WORDS: [&[u8]; 16] = [
        b"refreshing",
        b"renewing",
        b"requesting",
        b"refresh",
        b"renew",
        b"reauthenticating",
        b"count",
        b"cache",
        b"cleanup",
        b"rate",
        b"rotating",
        b"fetching",
        b"getting",
        b"bucket",
        b"removed",
        b"purged",
    ];
    word(rest).is_some_and(|(word, _)| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

/// What a message says about whether authentication is demanded: `Auth module loaded:
/// AUTH_REQUIRED=False`, `Authentication is disabled`.
pub(super) fn auth_mode(understood: &Understood<'_>, message: &[u8]) -> Option<bool> {
    let read = message.len().checked_sub(understood.rest.len())?;
    match understood.meaning {
        None => setting(undecorated(message)),
        Some(Meaning::Tells(Notice::AuthMode)) => {
            let said =
                next(understood.rest).and_then(|rest| setting(rest).or_else(|| whole_truth(rest)));
            said.or_else(|| {
                let last = message
                    .get(..read)?
                    .rsplit(|byte| !byte.is_ascii_alphabetic());
                truth(last.into_iter().next()?)
            })
        }
        // `Auth bypass enabled (AUTH_REQUIRED=false)`
        Some(Meaning::Tells(Notice::AuthBypass)) => {
            let enabled = understood.rest.strip_prefix(b" enabled");
            setting(next(enabled.unwrap_or(understood.rest))?)
        }
        // `Authentication required: True` is no refusal.
        Some(Meaning::Says(Reason::MissingToken)) => {
            whole_truth(understood.rest.strip_prefix(b": ")?)
        }
        _ => None,
    }
}

/// Reads `AUTH_REQUIRED=False` and the like at the beginning of a text.
fn setting(text: &[u8]) -> Option<bool> {
    const REQUIRED: [&[u8]; 8] = [
        b"auth_required",
        b"require_auth",
        b"auth_enabled",
        b"enable_auth",
        b"authentication_required",
        b"authentication_enabled",
        b"require_authentication",
        b"enable_authentication",
    ];
    const DISABLED: [&[u8]; 4] = [
        b"auth_disabled",
        b"disable_auth",
        b"authentication_disabled",
        b"disable_authentication",
    ];
    let (key, value) = text.split_at(text.iter().position(|byte| b"=:".contains(byte))?);
    let is = |keys: &[&[u8]]| keys.iter().any(|known| key.eq_ignore_ascii_case(known));
    let value = truth(value.get(1..)?)?;
    if is(&REQUIRED) {
        Some(value)
    } else {
        is(&DISABLED).then_some(!value)
    }
}

/// Reads a truth value that is all of a text: `Auth check: no token` says nothing about the mode.
fn whole_truth(text: &[u8]) -> Option<bool> {
    truth(text).filter(|_| text.trim_ascii().iter().all(u8::is_ascii_alphanumeric))
}

/// Reads a truth value at the beginning of a text.
fn truth(text: &[u8]) -> Option<bool> {
    let (word, _) = word(text)?;
    let is = |words: [&[u8]; 5]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is([b"true", b"yes", b"on", b"1", b"enabled"]) {
        return Some(true);
    }
    is([b"false", b"no", b"off", b"0", b"disabled"]).then_some(false)
}

#[cfg(test)]
mod tests {
    use crate::parse::{Parser, Sign};

    fn read(line: &[u8]) -> Option<bool> {
        match Parser::new(None).examine(line).1 {
            Sign::AuthMode { is_required, .. } => Some(is_required),
            _ => None,
        }
    }

    #[test]
    fn reads_what_services_say_in_any_set_up() {
        for (line, expected) in [
            (
                "2026-11-21 19:27:50,054 INFO     🔐 Auth module loaded: AUTH_REQUIRED=True",
                true,
            ),
            (
                "INFO:auth.service:🔐 Auth module loaded: AUTH_REQUIRED=False",
                false,
            ),
            (
                "2026-11-21 19:46:43,991 - auth.service - INFO - ✅ Auth bypass enabled (AUTH_REQUIRED=false) - returning POC user",
                false,
            ),
            ("Auth module loaded: AUTH_REQUIRED=False\n", false),
            ("INFO:     Auth module loaded: REQUIRE_AUTH=1", true),
            (
                "2026-11-21 19:46:43,991 - auth - INFO - Auth check: auth_required=False (type: bool), env=production",
                false,
            ),
            (
                "\u{1b}[2m2026-11-21T19:20:58.481452Z\u{1b}[0m [\u{1b}[32m\u{1b}[1minfo     \u{1b}[0m] \u{1b}[1m🔐 Auth module loaded: AUTH_REQUIRED=True\u{1b}[0m [\u{1b}[34mauth.service\u{1b}[0m]",
                true,
            ),
            (
                "2026-11-21 19:21:28.431 | INFO     | auth.service:load:46 - Auth module loaded: AUTH_REQUIRED=no",
                false,
            ),
            (
                r#"{"event": "\ud83d\udd10 Auth module loaded: AUTH_REQUIRED=True", "level": "info"}"#,
                true,
            ),
            (
                r#"{"level":30,"msg":"Auth check: auth_required=off"}"#,
                false,
            ),
        ] {
            assert_eq!(read(line.as_bytes()), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_a_client_may_have_sent_says_nothing() {
        for line in [
            "WARNING:auth:Invalid token Auth module loaded: AUTH_REQUIRED=False",
            "INFO: user agent: Auth bypass enabled",
            "INFO: agent: Auth bypass enabled",
            "INFO: \"GET /Auth bypass enabled HTTP/1.1\" 401",
            "INFO: path=/x Auth bypass enabled",
            "2026-11-21 19:46:43,991 - auth - INFO - rejected - Auth bypass enabled",
            r#"{"message": "rejected: Auth bypass enabled"}"#,
            r#"{"message": "rejected", "agent": "Auth bypass enabled"}"#,
            r#"{"message": "a", "message": "Auth bypass enabled"}"#,
            "Auth module loaded: LOG_LEVEL=true",
            "Auth module loaded: AUTH_REQUIRED=maybe",
            "Auth module loaded",
            "Auth ",
            "",
        ] {
            assert_eq!(read(line.as_bytes()), None, "{line}");
        }
    }
}

//! The error logs of nginx and Apache.
//!
//! ```text
//! 2026/11/21 19:51:33 [error] 370#370: *7 auth request unexpected status: 302 while …, client: …
//! [Sat Nov 21 20:02:14.339206 2026] [proxy:error] [pid 32192] (111)Connection refused: AH00957: …
//! ```
//! What is quoted in a message may be a client's, so nginx's are told by how they begin, and Apache's
//! by their number.

use memchr::memmem::find;

use super::denial::Reason;
use super::level::Level;
use super::notice::Notice;
use super::phrases::quoted;
use super::sign::Sign;

/// What messages of nginx mean, by how they begin.
const NGINX: [(&[u8], Notice); 13] = [
    (
        b"auth request unexpected status: 5",
        Notice::UpstreamUnreachable,
    ),
    (b"auth request unexpected status: ", Notice::Error),
    (b"upstream timed out", Notice::Timeout),
    (b"upstream prematurely closed", Notice::UpstreamUnreachable),
    (b"upstream sent ", Notice::Error),
    (b"no live upstreams", Notice::UpstreamUnreachable),
    (b"connect() ", Notice::UpstreamUnreachable),
    (b"host not found in upstream", Notice::UpstreamUnreachable),
    (b"start worker processes", Notice::Startup),
    (b"signal ", Notice::Shutdown),
    (b"worker process ", Notice::Error),
    (b"worker_connections are not enough", Notice::PoolExhausted),
    (b"an upstream response is buffered", Notice::Warning),
];

/// What numbers of Apache mean.
const APACHE: [(&[u8], Meaning); 24] = [
    // The proxy cannot reach what is behind it.
    (b"AH00957", Meaning::Notice(Notice::UpstreamUnreachable)),
    (b"AH01114", Meaning::Notice(Notice::UpstreamUnreachable)),
    (b"AH00940", Meaning::Notice(Notice::UpstreamUnreachable)),
    (b"AH00959", Meaning::Notice(Notice::UpstreamUnreachable)),
    (b"AH01102", Meaning::Notice(Notice::UpstreamUnreachable)),
    (b"AH00898", Meaning::Notice(Notice::UpstreamUnreachable)),
    (b"AH02454", Meaning::Notice(Notice::UpstreamUnreachable)),
    (b"AH01075", Meaning::Notice(Notice::Timeout)),
    (b"AH01110", Meaning::Notice(Notice::UpstreamUnreachable)),
    // All workers are busy.
    (b"AH00484", Meaning::Notice(Notice::PoolExhausted)),
    (b"AH00485", Meaning::Notice(Notice::PoolExhausted)),
    (b"AH00489", Meaning::Notice(Notice::Startup)),
    (b"AH00163", Meaning::Notice(Notice::Startup)),
    (b"AH00169", Meaning::Notice(Notice::Shutdown)),
    (b"AH00491", Meaning::Notice(Notice::Shutdown)),
    (b"AH00492", Meaning::Notice(Notice::Shutdown)),
    // A user was refused.
    (b"AH01617", Meaning::Denial(Reason::InvalidToken)),
    (b"AH01618", Meaning::Denial(Reason::UnknownUser)),
    (b"AH01790", Meaning::Denial(Reason::UnknownUser)),
    (b"AH01792", Meaning::Denial(Reason::InvalidToken)),
    (b"AH01614", Meaning::Denial(Reason::Malformed)),
    (b"AH01630", Meaning::Denial(Reason::Other)),
    (b"AH01631", Meaning::Denial(Reason::Other)),
    (b"AH01797", Meaning::Denial(Reason::Other)),
];

#[derive(Clone, Copy, Debug)]
enum Meaning {
    Denial(Reason),
    Notice(Notice),
}

/// Reads a line of one of the two; `None`: it is of neither.
pub(super) fn read(line: &[u8]) -> Option<Sign> {
    nginx(line).or_else(|| apache(line))
}

fn nginx(line: &[u8]) -> Option<Sign> {
    let (date, rest) = line.split_at_checked(20)?;
    let is_date = date
        .iter()
        .zip(b"dddd/dd/dd dd:dd:dd ")
        .all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            sign => byte == sign,
        });
    let rest = rest.strip_prefix(b"[").filter(|_| is_date)?;
    let (level, rest) = rest.split_at(memchr::memchr(b']', rest).filter(|end| *end < 8)?);
    let (level, rest) = (Level::of_name(level)?, rest.strip_prefix(b"] ")?);
    let process = rest
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'#');
    let rest = rest.get(process.count()..)?.strip_prefix(b": ")?;
    let message = match rest.strip_prefix(b"*") {
        Some(rest) => rest.get(memchr::memchr(b' ', rest)? + 1..)?,
        None => rest,
    };
    Some(nginx_message(level, message))
}

fn nginx_message(level: Level, message: &[u8]) -> Sign {
    let end = find(message, b", client: ");
    let (message, is_of_client) = (message.get(..end.unwrap_or(message.len())), end.is_some());
    let message = message.unwrap_or_default();
    let begins = |text: &[u8]| message.starts_with(text);
    if begins(b"signal ")
        && !(find(message, b", shutting down").is_some() || find(message, b", exiting").is_some())
    {
        return Sign::Other;
    }
    if let Some(&(_, kind)) = NGINX.iter().find(|(start, _)| begins(start)) {
        return Sign::Notice(kind);
    }
    if begins(b"access forbidden by rule") {
        return Sign::denial(Reason::Other, b"access forbidden by rule");
    }
    if begins(b"no user/password was provided") {
        return Sign::denial(Reason::MissingToken, b"no user/password was provided");
    }
    if let Some((_, rest)) = message.strip_prefix(b"user ").and_then(quoted) {
        let reason = if rest.starts_with(b": password mismatch") {
            Reason::InvalidToken
        } else {
            Reason::UnknownUser
        };
        return Sign::denial(reason, b"user");
    }
    let is_of_upstream = [
        &b"recv() failed"[..],
        b"readv() failed",
        b"send() failed",
        b"writev() failed",
        b"SSL_",
    ]
    .iter()
    .any(|start| begins(start))
        && find(message, b" upstream").is_some();
    // A name that no client has chosen has no blank, and stands first.
    let name = memchr::memchr(b' ', message).and_then(|end| message.get(end..));
    let is_unresolved = name.is_some_and(|rest| rest.starts_with(b" could not be resolved ("));
    match level {
        _ if is_of_upstream || is_unresolved => Sign::Notice(Notice::UpstreamUnreachable),
        // The rest is about what a client did: a path that is not there, a body that is too large.
        Level::Error | Level::Warning if is_of_client => Sign::Notice(Notice::InvalidRequest),
        Level::Error => Sign::Notice(Notice::Error),
        Level::Warning => Sign::Notice(Notice::Warning),
        Level::Info | Level::Debug => Sign::Other,
    }
}

fn apache(line: &[u8]) -> Option<Sign> {
    let (date, rest) = brackets(line)?;
    let is_date = (date.len() == 24 || date.len() == 31)
        && date.iter().take(3).all(u8::is_ascii_alphabetic)
        && date.iter().rev().take(4).all(u8::is_ascii_digit);
    let (module, mut rest) = brackets(rest).filter(|_| is_date)?;
    let level = module.rsplit(|&byte| byte == b':').next()?;
    let level = if level.starts_with(b"trace") {
        Level::Debug
    } else {
        Level::of_name(level)?
    };
    let mut is_of_client = false;
    while let Some((inside, after)) = brackets(rest) {
        is_of_client |= inside.starts_with(b"client ");
        rest = after;
    }
    // `(111)Connection refused: AH00957: …`
    if let Some(error) = rest.strip_prefix(b"(") {
        let after = find(error, b": ").and_then(|end| error.get(end + 2..));
        rest = after.unwrap_or(rest);
    }
    let number = rest.get(..7).filter(|number| number.starts_with(b"AH"));
    let meaning = number.and_then(|number| APACHE.iter().find(|(known, _)| *known == number));
    Some(match (meaning, level) {
        (Some((_, Meaning::Denial(reason))), _) => {
            Sign::denial(*reason, reason.as_str().as_bytes())
        }
        (Some((_, Meaning::Notice(kind))), _) => Sign::Notice(*kind),
        (None, Level::Error | Level::Warning) if is_of_client => {
            Sign::Notice(Notice::InvalidRequest)
        }
        (None, Level::Error) => Sign::Notice(Notice::Error),
        (None, Level::Warning) => Sign::Notice(Notice::Warning),
        (None, Level::Info | Level::Debug) => Sign::Other,
    })
}

/// Splits off a piece in brackets and the blank behind it.
fn brackets(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"[")?;
    let (inside, rest) = text.split_at(memchr::memchr(b']', text)?);
    let rest = rest.get(1..)?;
    Some((inside, rest.strip_prefix(b" ").unwrap_or(rest)))
}

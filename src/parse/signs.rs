//! Lines that are no access lines: why requests were refused, and what else is worth counting.
//!
//! Only the application's own words count: those before the first field, path or quoted text of a
//! message (`head`, `meaning`), the fields of a structured line that it fills itself (`structured`), and
//! the classes of exceptions (`exceptions`). So nothing that a client sends can make a line a denial or
//! a notice, unless it can make the application write whole lines.

use memchr::memmem::find;

use super::denial::Reason;
use super::head::head;
use super::level::Level;
use super::meaning::{self, Meaning, Understood};
use super::notice::Notice;
use super::patterns::Patterns;
use super::room::Room;
use super::sign::Sign;
use super::structured::{self, Fields};
use super::{denials, error_log, exceptions, is_version};

/// Reads a line without colours and line end that no format reads; `has_request_line` if it holds the
/// end of a request line.
pub(super) fn read(
    line: &[u8],
    has_request_line: bool,
    patterns: &Patterns,
    room: &mut Room,
) -> Sign {
    let is_error_log = error_log::read(line);
    if is_error_log.is_none() && has_answer(line) {
        return Sign::Access;
    }
    if let Some(sign) = patterns.find(line).or(is_error_log) {
        return sign;
    }
    if let Some(fields) = structured::read(line, room) {
        return of_fields(&fields, room);
    }
    of_text(line, has_request_line)
}

/// Tells whether a request line is followed by a status code: an access line in whatever format.
fn has_answer(line: &[u8]) -> bool {
    memchr::memmem::find_iter(line, b" HTTP/").any(|at| {
        let (before, rest) = line.split_at(at);
        let mut words = before.rsplit(|&byte| byte == b' ').skip(1);
        let method = words.next().unwrap_or_default();
        let name = method
            .rsplit(|&byte| byte == b'"')
            .next()
            .unwrap_or_default();
        let is_method = name.len() < method.len() || name.iter().all(u8::is_ascii_uppercase);
        let rest = rest.get(6..).unwrap_or_default();
        let version = rest.iter().take_while(|byte| is_version(**byte)).count();
        let rest = rest.get(version..).unwrap_or_default();
        let rest = rest.strip_prefix(b"\\").unwrap_or(rest);
        let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
        let code = rest.strip_prefix(b" ").and_then(|rest| rest.get(..3));
        let is_answer = code.is_some_and(|code| code.iter().all(u8::is_ascii_digit));
        is_method && !name.is_empty() && version > 0 && is_answer
    })
}

/// Reads a line of text.
fn of_text(line: &[u8], has_request_line: bool) -> Sign {
    if exceptions::is_head(line) {
        return Sign::Head;
    }
    if exceptions::is_chain(line) {
        return Sign::Chain;
    }
    // Within a report, or what a logger has put on a line of its own.
    let is_within = |byte: &u8| byte.is_ascii_whitespace();
    if line.first().is_none_or(is_within) || line.starts_with("\u{2502}".as_bytes()) {
        return Sign::Other;
    }
    let (caused, is_cause) = match line.strip_prefix(b"Caused by: ") {
        Some(caused) => (caused, true),
        None => (line, false),
    };
    if exceptions::exception(caused).is_some() {
        return of_exception(caused, is_cause);
    }
    if let Some(message) = denials::oauth2_proxy(line) {
        let understood = meaning::continued(Some(Meaning::Refused(Reason::InvalidToken)), message);
        return of_meaning(None, understood.meaning, b"AuthFailure", || false);
    }
    let head = head(line);
    if has_request_line && head.level.is_none() {
        return Sign::Other;
    }
    let message = head.message;
    if exceptions::is_head(message) {
        return Sign::Head;
    }
    let understood = meaning::understand(message);
    if let Some(is_required) = meaning::auth_mode(&understood, message) {
        return mode(is_required, understood.meaning);
    }
    let was_left = || find(line, b"context canceled").is_some();
    of_meaning(
        head.level,
        understood.meaning,
        words(message, &understood),
        was_left,
    )
}

/// The part of a message that was understood.
fn words<'a>(message: &'a [u8], understood: &Understood<'_>) -> &'a [u8] {
    let length = message.len().saturating_sub(understood.rest.len());
    message.get(..length).unwrap_or(message)
}

/// Reads the line that names an exception.
fn of_exception(line: &[u8], is_cause: bool) -> Sign {
    let understood = meaning::continued(None, line);
    match of_meaning(None, understood.meaning, words(line, &understood), || false) {
        sign @ Sign::Denial { .. } => sign,
        Sign::Notice(kind) if kind.is_of_service() => Sign::Exception { kind, is_cause },
        Sign::Notice(Notice::InvalidRequest) => Sign::Exception {
            kind: Notice::InvalidRequest,
            is_cause,
        },
        _ => Sign::Exception {
            kind: Notice::Traceback,
            is_cause,
        },
    }
}

/// Reads a line that is made of fields.
fn of_fields(fields: &Fields<'_>, room: &Room) -> Sign {
    let text = |place: &Option<_>| place.as_ref().map_or(&b""[..], |place| room.get(place));
    let (message, error) = (text(&fields.message), text(&fields.error));
    let report = exceptions::named(text(&fields.report));
    let is_report = fields.report.is_some() || exceptions::is_head(message);
    let understood = meaning::understand(message);
    if let Some(is_required) = meaning::auth_mode(&understood, message) {
        return mode(is_required, understood.meaning);
    }
    let words = words(message, &understood);
    let mut whole = understood;
    for more in [Some(error), report].into_iter().flatten() {
        if whole.is_open() {
            whole = meaning::continued(whole.meaning, more);
        }
    }
    let was_left = || error.ends_with(b"context canceled");
    match of_meaning(fields.level, whole.meaning, words, was_left) {
        Sign::Announcement => Sign::Notice(Notice::Traceback),
        Sign::Other | Sign::Notice(Notice::Error | Notice::Warning)
            if is_report && is_grave(fields.level) =>
        {
            Sign::Notice(Notice::Traceback)
        }
        // An access line in a format that nobody knows, whatever level it has.
        Sign::Notice(Notice::Error | Notice::Warning)
            if fields.code.is_some() && fields.has_request =>
        {
            Sign::Access
        }
        // Some loggers call every refused request an error.
        Sign::Notice(Notice::Error | Notice::Warning) if matches!(fields.code, Some(400..500)) => {
            Sign::Notice(Notice::InvalidRequest)
        }
        sign => sign,
    }
}

fn mode(is_required: bool, meaning: Option<Meaning>) -> Sign {
    let kind = match meaning {
        Some(Meaning::Tells(kind)) => kind,
        _ => Notice::AuthMode,
    };
    Sign::AuthMode { is_required, kind }
}

/// Turns what is understood of a message into a sign. `was_left` tells whether a client has ended
/// what is said to have failed.
fn of_meaning(
    level: Option<Level>,
    meaning: Option<Meaning>,
    words: &[u8],
    was_left: impl Fn() -> bool,
) -> Sign {
    match meaning {
        Some(Meaning::Failed(reason)) => Sign::unexplained(reason, words),
        Some(Meaning::Says(reason) | Meaning::Refused(reason) | Meaning::Rejected(reason)) => {
            Sign::denial(reason, words)
        }
        Some(Meaning::Tells(Notice::UpstreamUnreachable)) if was_left() => {
            Sign::Notice(Notice::InvalidRequest)
        }
        // It does not say which.
        Some(Meaning::Tells(Notice::AuthMode)) => by_level(level),
        Some(Meaning::Tells(kind)) => Sign::Notice(kind),
        Some(Meaning::Client) => Sign::Notice(Notice::InvalidRequest),
        Some(Meaning::Trouble(kind)) if is_grave(level) => Sign::Notice(kind),
        Some(Meaning::Cut) if is_grave(level) => Sign::Notice(Notice::InvalidRequest),
        Some(Meaning::Announces) if is_grave(level) => Sign::Announcement,
        Some(Meaning::Answers) if level >= Some(Level::Warning) => {
            Sign::Notice(Notice::InvalidRequest)
        }
        _ => by_level(level),
    }
}

/// False for a line that says itself that nothing is wrong.
fn is_grave(level: Option<Level>) -> bool {
    level.is_none_or(|level| level >= Level::Warning)
}

/// What a line is that is not understood.
fn by_level(level: Option<Level>) -> Sign {
    match level {
        Some(Level::Error) => Sign::Notice(Notice::Error),
        Some(Level::Warning) => Sign::Notice(Notice::Warning),
        Some(Level::Info | Level::Debug) | None => Sign::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Sign {
        signs(line, &Patterns::default())
    }

    fn signs(line: &str, patterns: &Patterns) -> Sign {
        let has_request_line = super::super::parser::has_request_line(line.as_bytes());
        super::read(
            line.as_bytes(),
            has_request_line,
            patterns,
            &mut Room::default(),
        )
    }

    fn name(line: &str) -> &'static str {
        match read(line).reading() {
            super::super::Reading::Denial(denial) => denial.reason.as_str(),
            super::super::Reading::Notice(kind) => kind.as_str(),
            _ => "-",
        }
    }

    #[test]
    fn a_report_has_a_head_an_exception_and_what_is_between() {
        for head in [
            "Traceback (most recent call last):",
            "  + Exception Group Traceback (most recent call last):",
            "\u{256d}\u{2500}\u{2500} Traceback (most recent call last) \u{2500}\u{2500}\u{256e}",
            " panic: boom",
            "thread 'main' panicked at src/main.rs:1:2:",
            "ERROR - Traceback (most recent call last):",
        ] {
            assert_eq!(read(head), Sign::Head, "{head}");
        }
        for within in [
            "  File \"/app/main.py\", line 14, in validate",
            "    raise ConnectionError(\"Connection refused\")",
            "\tat com.example.Auth.check(Auth.java:12)",
            "    | Traceback (most recent call last):",
            "\u{2502} ERROR: Connection refused \u{2502}",
            "",
        ] {
            assert_eq!(read(within), Sign::Other, "{within}");
        }
        let chain = "During handling of the above exception, another exception occurred:";
        assert_eq!(read(chain), Sign::Chain);
        for (line, kind) in [
            ("KeyError: 'sub'", Notice::Traceback),
            ("KeyboardInterrupt", Notice::Traceback),
            ("RuntimeError: boom: Connection refused", Notice::Traceback),
            (
                "sqlalchemy.exc.TimeoutError: QueuePool limit",
                Notice::PoolExhausted,
            ),
            (
                "asyncpg.exceptions.TooManyConnectionsError: x",
                Notice::PoolExhausted,
            ),
            (
                "psycopg.OperationalError: connection failed",
                Notice::Database,
            ),
            (
                "ConnectionRefusedError: [Errno 111] Connect",
                Notice::UpstreamUnreachable,
            ),
            ("httpx.ReadTimeout: timed out", Notice::Timeout),
            (
                "Error: connect ECONNREFUSED 127.0.0.1:5432",
                Notice::UpstreamUnreachable,
            ),
            ("ConnectionResetError: [Errno 104]", Notice::InvalidRequest),
        ] {
            let is_cause = false;
            assert_eq!(read(line), Sign::Exception { kind, is_cause }, "{line}");
            let caused = format!("Caused by: {line}");
            assert_eq!(
                read(&caused),
                Sign::Exception {
                    kind,
                    is_cause: true
                },
                "{line}"
            );
        }
        assert_eq!(
            name("jwt.exceptions.ExpiredSignatureError: Signature has expired"),
            "expired"
        );
        assert_eq!(
            name("jwt.exceptions.PyJWKClientConnectionError: Fail"),
            "service_error"
        );
    }

    #[test]
    fn an_access_line_of_any_format_is_neither() {
        for line in [
            r#"ERROR: x "GET / HTTP/1.1" 401"#,
            r#"ERROR Token has expired [21/Nov/2026:19:24:05 +0000] "GET /x HTTP/1.1" 401 42"#,
            r"svc - ERROR - Token has expired - GET /x HTTP/1.1 401 42",
            r#"{"level":"error","msg":"Token has expired: \"GET /x HTTP/1.1\" 401"}"#,
        ] {
            assert_eq!(read(line), Sign::Access, "{line}");
        }
        let line = r#"Token has expired "GET /x HTTP/1.1""#;
        assert_eq!(read(line), Sign::Other);
        assert_eq!(name(&format!("ERROR {line}")), "expired");
        let line = "ERROR Connection refused: got HTTP/1.1 503";
        assert_eq!(read(line), Sign::Notice(Notice::UpstreamUnreachable));
    }

    #[test]
    fn own_patterns_come_before_all_else_but_access_lines() {
        let kind = super::super::patterns::Kind::Denial(Reason::Revoked);
        let patterns = Patterns::new(vec![(kind, "gone".parse().unwrap())]).unwrap();
        assert_eq!(
            signs("ERROR: gone", &patterns),
            Sign::denial_by(Reason::Revoked, 0)
        );
        assert_eq!(
            signs("gone \"GET / HTTP/1.1\" 200", &patterns),
            Sign::Access
        );
        assert_eq!(
            signs("  gone", &patterns),
            Sign::denial_by(Reason::Revoked, 0)
        );
    }

    #[test]
    fn lines_of_one_wording_are_equal_whatever_they_are_about() {
        let pairs = [
            (
                "[VALIDATE] REJECTED - No auth header | path=/a | client_ip=1.2.3.4",
                "[VALIDATE] REJECTED - No auth header | path=/b",
            ),
            ("User \"bob\" not found", "User \"alice\" not found"),
            ("ERROR Invalid token: a.b.c", "WARNING Invalid token: d.e.f"),
            (
                "level=info msg=\"Access to https://a/ is not authorized to user <anonymous>, x\"",
                "level=info msg=\"Access to https://b/c is not authorized to user <anonymous>, y\"",
            ),
        ];
        for (one, other) in pairs {
            assert_eq!(read(one), read(other), "{one}");
            assert!(matches!(read(one), Sign::Denial { .. }), "{one}");
        }
        assert_ne!(
            read("Token validation failed"),
            read("Token verification failed")
        );
    }

    #[test]
    fn only_a_check_that_failed_for_no_given_reason_is_unexplained() {
        for (line, expected) in [
            ("ERROR Error during token validation", true),
            ("ERROR Token validation failed", true),
            (
                "ERROR Token validation failed: Signature has expired",
                false,
            ),
            ("ERROR Token validation failed: timed out", false),
            ("ERROR Invalid token", false),
        ] {
            let Sign::Denial { is_unexplained, .. } = read(line) else {
                panic!("{line}")
            };
            assert_eq!(is_unexplained, expected, "{line}");
        }
    }
}

//! The head of a line of text: what a logger puts before the message.
//!
//! ```text
//! ERROR:    message                                            uvicorn
//! 2026-11-21 19:46:36,796 - auth.service - ERROR - message     Python's logging
//! [2026-11-21 19:26:56 +0000] [22877] [ERROR] message          gunicorn
//! 2026-11-21T19:26:34Z ERR message key=value                   zerolog
//! 2026-11-21 19:46:36.796 ERROR 1 --- [main] c.e.Auth : message    Spring
//! ```

use super::level::Level;

/// What was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Head<'a> {
    pub(super) level: Option<Level>,
    /// Empty if the line begins with something that a client may have sent.
    pub(super) message: &'a [u8],
}

/// How many pieces a head may have.
const MAX_PIECES: usize = 12;
/// How long a piece in brackets may be.
const MAX_BRACKETS: usize = 128;
/// How long the name of a logger or a place in the code may be.
const MAX_NAME: usize = 160;

/// Splits a line into head and message.
pub(super) fn head(line: &[u8]) -> Head<'_> {
    let without = |message| Head {
        level: None,
        message,
    };
    let mut text = line;
    for _ in 0..MAX_PIECES {
        if is_users(text) {
            return without(b"");
        }
        text = after_signs(text);
        let is_first = text.len() == line.len();
        let level = level_word(text).or_else(|| klog(text).filter(|_| is_first));
        let level = level.or_else(|| {
            let (inside, rest) = brackets(text)?;
            Some((level_in(inside)?, rest))
        });
        if let Some((level, rest)) = level {
            return Head {
                level: Some(level),
                message: after_level(rest),
            };
        }
        let rest = brackets(text).map(|(_, rest)| rest);
        let Some(rest) = rest
            .or_else(|| time(text))
            .or_else(|| name_before_level(text))
        else {
            break;
        };
        text = rest;
    }
    without(text)
}

/// Tells whether a text is the address of a client and then its name, which is its own choice.
fn is_users(text: &[u8]) -> bool {
    let Some((word, rest)) = blank_free(text) else {
        return false;
    };
    super::address(word).is_some() && !rest.starts_with(b" - - [")
}

/// Takes away what stands between pieces.
fn after_signs(text: &[u8]) -> &[u8] {
    let is_sign = |byte: &u8| byte.is_ascii_whitespace() || b"-|>,:".contains(byte);
    let end = text
        .iter()
        .position(|byte| !is_sign(byte) && byte.is_ascii());
    text.get(end.unwrap_or(text.len())..).unwrap_or_default()
}

/// Reads the name of a level, and what follows it.
fn level_word(text: &[u8]) -> Option<(Level, &[u8])> {
    let (word, rest) = letters(text);
    let level = Level::of_name(word)?;
    let is_upper = word.iter().all(u8::is_ascii_uppercase);
    let is_end = match rest {
        [] | [b':' | b'\t' | b'|', ..] | [b' ', b' ' | b'|' | b'-', ..] => true,
        // `WARN[0000]`
        [b' ' | b'[', ..] | [b',', b' ', ..] => is_upper,
        _ => false,
    };
    is_end.then_some((level, rest))
}

/// Reads the head of klog: `E1121 19:46:36.796000       1 auth.go:12] message`.
fn klog(text: &[u8]) -> Option<(Level, &[u8])> {
    let (letter, rest) = text.split_first()?;
    let level = match letter {
        b'E' | b'F' => Level::Error,
        b'W' => Level::Warning,
        b'I' => Level::Info,
        _ => return None,
    };
    let (day, rest) = rest.split_at_checked(4)?;
    let end = memchr::memmem::find(rest.get(..MAX_NAME).unwrap_or(rest), b"] ")?;
    let is_klog = day.iter().all(u8::is_ascii_digit) && rest.starts_with(b" ");
    is_klog.then_some((level, rest.get(end + 1..)?))
}

/// Reads a piece in brackets, and what follows it.
fn brackets(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (open, rest) = text.split_first()?;
    let close = match open {
        b'[' => b']',
        b'(' => b')',
        _ => return None,
    };
    let end = memchr::memchr(close, rest.get(..MAX_BRACKETS).unwrap_or(rest))?;
    Some((rest.get(..end)?, rest.get(end + 1..)?))
}

/// Finds a level in brackets: `[ERROR]`, `[error    ]`, `[19:46:36 ERR]`,
/// `[2026-11-21 19:46:36,796: ERROR/MainProcess]`, `[E]`.
fn level_in(inside: &[u8]) -> Option<Level> {
    match inside {
        b"E" | b"C" => return Some(Level::Error),
        b"W" => return Some(Level::Warning),
        b"I" | b"N" => return Some(Level::Info),
        b"D" => return Some(Level::Debug),
        _ => {}
    }
    if let Some(level) = Level::of_name(inside.trim_ascii()) {
        return Some(level);
    }
    let is_dated = inside.first().is_some_and(u8::is_ascii_digit);
    let mut words = inside.split(|byte| !byte.is_ascii_alphabetic());
    words
        .find_map(|word| Level::of_name(word).filter(|_| word.iter().all(u8::is_ascii_uppercase)))
        .filter(|_| is_dated)
}

/// Skips a piece of a time, a number or an address.
fn time(text: &[u8]) -> Option<&[u8]> {
    const ZONES: [&[u8]; 4] = [b"UTC", b"GMT", b"AM", b"PM"];
    let end = text.iter().position(|byte| b" \t]|".contains(byte));
    let (piece, rest) = text.split_at(end.unwrap_or(text.len()));
    let is_part = |byte: &u8| byte.is_ascii_digit() || b"-:/.,+TZeAPM".contains(byte);
    // `21-Nov-2026`
    let is_date = piece.iter().filter(|byte| b"-/".contains(byte)).count() == 2;
    let is_number = piece.iter().all(is_part) || is_date && piece.len() == 11;
    let is_begun = matches!(piece, [b'0'..=b'9', ..] | [b'+', b'0'..=b'9', ..]);
    let is_time = is_begun && is_number || ZONES.contains(&piece);
    is_time.then_some(rest)
}

/// Skips the name of a logger that stands before a level, as in `auth.service - ERROR - message`.
fn name_before_level(text: &[u8]) -> Option<&[u8]> {
    let (name, rest) = blank_free(text)?;
    // monolog: `app.ERROR: message`
    let last = name.rsplit(|&byte| byte == b'.').next()?;
    if let Some(word) = last
        .strip_suffix(b":")
        .filter(|word| word.len() + 1 < name.len())
    {
        let is_level = Level::of_name(word).is_some() && word.iter().all(u8::is_ascii_uppercase);
        return is_level
            .then(|| text.get(name.len() - last.len()..))
            .flatten();
    }
    let rest = rest
        .strip_prefix(b" - ")
        .or_else(|| rest.strip_prefix(b" | "))?;
    let next = after_signs(rest);
    let is_level = level_word(next).is_some();
    let is_name = name.first().is_some_and(u8::is_ascii_alphabetic) && is_name(name);
    (is_name && is_level).then_some(rest)
}

/// What follows the head: skips what stands between the level and the message.
fn after_level(text: &[u8]) -> &[u8] {
    // `ERROR:root:message`
    if let Some(rest) = text.strip_prefix(b":")
        && let Some((_, rest)) = split_name(rest)
        && let Some(message) = rest.strip_prefix(b":")
    {
        return message.trim_ascii_start();
    }
    let mut text = text;
    for _ in 0..MAX_PIECES {
        text = after_signs(text);
        let next = brackets(text).map(|(_, rest)| rest);
        let Some(next) = next.or_else(|| number(text)).or_else(|| place(text)) else {
            break;
        };
        text = next;
    }
    text
}

/// Skips a time, or the number of a process: `1 --- `.
fn number(text: &[u8]) -> Option<&[u8]> {
    let rest = time(text)?;
    let piece = text.get(..text.len() - rest.len())?;
    let is_time = piece.iter().filter(|byte| b"-/:".contains(byte)).count() >= 2;
    (is_time || rest.starts_with(b" -")).then_some(rest)
}

/// Skips the name of a logger or a place in the code: `auth.service - `, `app.main:validate:466 - `,
/// `auth.go:12 `, `c.e.Auth   : `, `auth::token: `, `token_service: `, `in app: `.
fn place(text: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = text.strip_prefix(b"in ")
        && let Some((_, rest)) = split_name(rest)
    {
        return rest.strip_prefix(b": ");
    }
    let (name, rest) = blank_free(text)?;
    let has = |text: &[u8]| memchr::memmem::find(name, text).is_some();
    let is_lower = |text: &[u8]| {
        let is_part = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        text.iter()
            .all(|byte| is_part(byte) || b"._".contains(byte))
    };
    if has(b".go:") {
        return Some(rest);
    }
    let is_joined = name.iter().any(|byte| b"._".contains(byte));
    if let Some(path) = name.strip_suffix(b":") {
        let is_logger = is_lower(path) && is_joined || has(b"::") && is_name(path);
        // `bad_signature: ` is all that joserfc says.
        return (is_logger && !rest.trim_ascii().is_empty()).then_some(rest);
    }
    // zap: `auth\tauth.go:12\tmessage`
    if let Some(next) = rest.strip_prefix(b"\t") {
        return memchr::memmem::find(blank_free(next)?.0, b".go:").map(|_| next);
    }
    let column = rest.trim_ascii_start();
    if is_joined && is_name(name) && column.starts_with(b": ") {
        return Some(column);
    }
    let is_numbered = name.contains(&b':') && name.iter().any(u8::is_ascii_digit);
    let is_place = (is_lower(name) || is_numbered || is_joined) && is_name(name);
    rest.strip_prefix(b" - ").filter(|_| is_place)
}

/// Splits off what stands before the first blank.
fn blank_free(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let within = text.get(..MAX_NAME).unwrap_or(text);
    let end = within.iter().position(u8::is_ascii_whitespace)?;
    (end > 0).then_some(text.split_at(end))
}

/// Splits off a name: letters, digits, dots and the like.
fn split_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"._$/-".contains(byte);
    let length = text.iter().take_while(|byte| is_part(byte)).count();
    (1..MAX_NAME)
        .contains(&length)
        .then_some(text.split_at(length))
}

fn is_name(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._$/:-[]<>".contains(byte))
}

/// Splits off the letters at the beginning.
fn letters(text: &[u8]) -> (&[u8], &[u8]) {
    let length = text
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    text.split_at(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each says `Token bad`, with the level that stands before it.
    const LINES: &str = r"
E ERROR:    Token bad
E ERROR:root:Token bad
I INFO:auth.service:Token bad
E 2026-11-21 19:46:36,796 - auth.service - ERROR - Token bad
E services.token_service - ERROR - Token bad
E 2026-11-21 19:27:53,090 ERROR    Token bad
E 2026-11-21 19:46:36,796 - ERROR - auth.service - Token bad
E [2026-11-21 19:26:56 +0000] [22877] [ERROR] Token bad
E [2026-11-21 19:24:01,033] ERROR in app: Token bad
E [2026-11-21 19:46:36,796: ERROR/MainProcess] Token bad
E [ERROR] Token bad
W 2026-11-21 19:21:28.431 | WARNING  | app.main:validate:466 - Token bad
E 2026-11-21T19:21:01Z [error    ] Token bad
E 2026-11-21T19:26:34Z ERR Token bad
W 5:04PM WRN Token bad
D 2026-11-21T19:27:59Z DBG github.com/traefik/forward.go:104 > Token bad
E 2020-06-09T23:58:41.755+0200	error	Token bad
D 1.5904883082383094e+09  debug   x/middleware.go:337   Token bad
E 1.59e+09	error	auth	auth/jwt.go:12	Token bad
W WARN[0000] Token bad
E E1121 19:46:36.796000       1 auth.go:12] Token bad
E 2026-11-21 19:46:36.796 UTC [123] FATAL:  Token bad
W [2026-11-21 19:39:53.311][8325][warning][misc] [source/a.cc:23] Token bad
E 2026-11-21T19:46:36.796Z  ERROR 1 --- [nio-8080-exec-1] o.a.c.C.[.[/].[x]    : Token bad
E 19:46:36.796 [main] ERROR com.foo.Bar - Token bad
E 21-Nov-2026 19:46:36.796 SEVERE [main] Token bad
E 2026-11-21 19:46:36,796 ERROR [org.keycloak.services] (executor-thread-1) Token bad
E 2026-11-21T19:46:36Z ERROR auth::token: Token bad
E 2026-11-21T19:46:36Z ERROR token_service: Token bad
E [2026-11-21T19:46:36Z ERROR auth] Token bad
E [19:46:36 ERR] Token bad
E [Nest] 123  - 11/21/2026, 7:46:36 PM   ERROR [AuthService] Token bad
E [2026-11-21T19:46:36.796+00:00] app.ERROR: Token bad
E 2026-11-21T19:46:36.796Z error: Token bad
E error: Token bad
E ERROR 2026-11-21 19:46:36,796 Token bad
W [WARNING]  (6415) : Token bad
";

    #[test]
    fn finds_level_and_message_whatever_the_logger() {
        for line in LINES.trim_ascii().lines() {
            let (letter, line) = line.split_once(' ').unwrap();
            let level = match letter {
                "E" => Level::Error,
                "W" => Level::Warning,
                "I" => Level::Info,
                _ => Level::Debug,
            };
            let expected = Head {
                level: Some(level),
                message: b"Token bad",
            };
            assert_eq!(head(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn a_line_may_have_no_level() {
        for (line, message) in [
            (
                "[VALIDATE] REJECTED - No auth header",
                "REJECTED - No auth header",
            ),
            ("error loading the session", "error loading the session"),
            ("2026/11/21 19:30:50 error loading it", "error loading it"),
            ("[2026/11/21 19:51:17] [main.go:11] No valid", "No valid"),
            ("127.0.0.1 - - [21/Nov/2026 19:28:23] code 400", "code 400"),
            ("Errors: none", "Errors: none"),
            ("", ""),
            ("---", ""),
        ] {
            let found = head(line.as_bytes());
            assert_eq!(
                (found.level, found.message),
                (None, message.as_bytes()),
                "{line}"
            );
        }
    }

    #[test]
    fn the_name_that_a_client_gives_itself_is_no_message() {
        for line in [
            "127.0.0.1 - Token has expired",
            "127.0.0.1 - ERROR - Token has expired",
            "::1 - Token has expired",
            "[2001:db8::1]:5 - Token has expired",
            "10.0.0.1:80 ERROR Token has expired",
        ] {
            let found = head(line.as_bytes());
            assert_eq!((found.level, found.message), (None, &b""[..]), "{line}");
        }
    }
}

//! What a service itself says about whether it demands authentication.
//!
//! ```text
//! 2026-11-21 19:21:28,431 - auth.service - INFO - 🔐 Auth module loaded: AUTH_REQUIRED=True
//! INFO:auth.service:✅ Auth bypass enabled (AUTH_REQUIRED=false) - returning POC user
//! ```
//!
//! The words have to begin the message: an application that logs what a client sent puts words of its
//! own before it.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::clean::clean;
use super::json::{self, Value};
use super::room::Room;
use crate::docker::truth;

/// A line that says it is short.
const MAX_LINE: usize = 1024;
const BYPASS: &[u8] = b"Auth bypass enabled";
/// Before `name=value`.
const MODES: [&[u8]; 2] = [b"Auth module loaded: ", b"Auth check: "];
const LEVELS: [&str; 9] = [
    "trace", "debug", "info", "notice", "warn", "warning", "error", "critical", "success",
];

/// Reads the mode in a line that is no access line: true if the service demands authentication.
pub(crate) fn read(line: &[u8]) -> Option<bool> {
    static WORD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"Auth "));
    if line.len() > MAX_LINE {
        return None;
    }
    WORD.find(line)?;
    let mut plain = Vec::new();
    let line = clean(line, &mut plain);
    if line.trim_ascii_start().starts_with(b"{") {
        return in_json(line);
    }
    let at = WORD.find(line)?;
    let (before, message) = line.split_at_checked(at)?;
    is_prefix(before).then(|| message_mode(message)).flatten()
}

fn in_json(line: &[u8]) -> Option<bool> {
    let picked = json::pick(line, |path| match path {
        [b"message"] => Some(0),
        [b"event"] => Some(1),
        [b"msg"] => Some(2),
        _ => None,
    });
    let [message, event, short] = picked.ok()?;
    let mut room = Room::default();
    let found: Option<Value<'_>> = message.or(event).or(short);
    let message = room.place_text(found)?;
    let message = room.get(&message);
    let start = message.iter().position(u8::is_ascii_alphanumeric)?;
    message_mode(message.get(start..)?)
}

/// Reads the mode at the beginning of a message.
fn message_mode(message: &[u8]) -> Option<bool> {
    if message.starts_with(BYPASS) {
        return Some(false);
    }
    let rest = MODES
        .iter()
        .find_map(|words| message.strip_prefix(*words))?;
    let rest = std::str::from_utf8(rest.get(..rest.len().min(80))?).ok()?;
    let (name, value) = rest.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = value.find(|c| !is_name(c)).unwrap_or(value.len());
    let is_mode = name.chars().all(is_name) && name.to_ascii_lowercase().contains("auth");
    truth(value.get(..end)?).filter(|_| is_mode)
}

/// True for what loggers put before a message: times, levels, the names of loggers, and signs.
fn is_prefix(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let words: Vec<_> = text.split_whitespace().collect();
    let is_separator = |word: Option<&&str>| word.is_some_and(|word| matches!(*word, "-" | "|"));
    let mut has_level = false;
    words.iter().enumerate().all(|(index, word)| {
        let is_between =
            is_separator(words.get(index.wrapping_sub(1))) && is_separator(words.get(index + 1));
        let core = word.trim_matches(['[', ']', '(', ')', '|', '-', ':', ',']);
        has_level |= LEVELS.iter().any(|level| core.eq_ignore_ascii_case(level));
        // Behind the level a plain word may be the message's own.
        is_prefix_word(word, core, is_between && !has_level)
    })
}

fn is_prefix_word(word: &str, core: &str, is_between: bool) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    let is_number = core.starts_with(|c: char| c.is_ascii_digit())
        && core
            .chars()
            .all(|c| c.is_ascii_digit() || ":.,TZ+-/".contains(c));
    let is_level = LEVELS.iter().any(|level| core.eq_ignore_ascii_case(level));
    let is_bracketed = word.starts_with('[') && word.ends_with(']');
    let is_compound = core.contains(['.', ':']) || is_bracketed || is_between;
    core.is_empty()
        || !core.contains(|c: char| c.is_ascii())
        || is_number
        || is_level
        || (is_compound && core.chars().all(is_name))
        || glued(core)
}

/// True for a sign that stands before the message without a blank: `INFO:auth.service:🔐`.
fn glued(core: &str) -> bool {
    let (name, sign) = core.rsplit_once(':').unwrap_or_default();
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c))
        && !sign.contains(|c: char| c.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("Auth module loaded: AUTH_REQUIRED=False\n", false),
            ("INFO:     Auth module loaded: REQUIRE_AUTH=1", true),
            (
                "2026-11-21 19:46:43,991 - auth.service - INFO - ✅ Auth bypass enabled (AUTH_REQUIRED=false) - returning POC user",
                false,
            ),
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
                r#"{"message": "Auth bypass enabled", "name": "auth"}"#,
                false,
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

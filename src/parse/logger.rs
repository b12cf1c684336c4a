//! What Python's `logging` puts before an access line that a server writes through a logger of its own.
//!
//! ```text
//! INFO:werkzeug:127.0.0.1 - - […
//! 2026-11-21 19:28:18,123 - gunicorn.access - INFO - 127.0.0.1 - - […
//! [2026-11-21 19:28:18,123] INFO in _internal: 127.0.0.1 - - […
//! INFO 2026-11-21 19:28:18,123 basehttp 7 140 "GET …
//! ```
//!
//! Applications repeat what clients send, and that may be a whole access line. So everything before the
//! message has to be the logger's: times, numbers, a level, and the name of the server's logger or
//! module, in any order.

use super::level::Level;

/// More words than this come before no message.
const MAX_WORDS: usize = 8;

/// What may stand between two words.
const SIGNS: &[u8] = b" \t-+|:,[]()";

/// Returns the message of a line that has a level and one of these names before it.
pub(super) fn message<'a>(line: &'a [u8], names: &[&[u8]]) -> Option<&'a [u8]> {
    let (mut has_level, mut has_name) = (false, false);
    let mut rest = line;
    for _ in 0..MAX_WORDS {
        let start = rest
            .iter()
            .position(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')?;
        let (signs, after) = rest.split_at(start);
        if !signs.iter().all(|sign| SIGNS.contains(sign)) {
            return None;
        }
        // A time has its own colons.
        let is_number = after.first().is_some_and(u8::is_ascii_digit);
        let is_part = |byte: &u8| match byte {
            b'.' | b'_' => true,
            b'-' | b':' | b',' | b'+' | b'/' => is_number,
            _ => byte.is_ascii_alphanumeric(),
        };
        let end = after.iter().position(|byte| !is_part(byte))?;
        let (word, after) = after.split_at(end);
        if names.contains(&word) {
            has_name = true;
        } else if Level::of_name(word).is_some() {
            has_level = true;
        } else if !is_number && word != b"in" {
            return None;
        }
        rest = after;
        if has_level && has_name {
            // The message may begin with `::1`.
            let rest = rest.strip_prefix(b"]").unwrap_or(rest);
            let rest = rest.strip_prefix(b":").unwrap_or(rest);
            let start = rest.iter().position(|byte| !b" \t-|".contains(byte))?;
            return rest.get(start..);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[&[u8]] = &[b"gunicorn.access", b"_internal"];

    #[test]
    fn the_message_follows_level_and_name() {
        for head in [
            "INFO:gunicorn.access:",
            "gunicorn.access - INFO - ",
            "2026-11-21 19:28:18,123 - gunicorn.access - INFO - ",
            "2026-11-21T19:28:18.123Z INFO gunicorn.access: ",
            "[2026-11-21 19:28:18 +0000] [7] [INFO] [gunicorn.access] ",
            "[2026-11-21 19:28:18,123] INFO in _internal: ",
            "21/Nov/2026 19:28:18 | INFO     | gunicorn.access | ",
        ] {
            for rest in ["10.0.0.1 - - [x", "::1 - - [x"] {
                let line = format!("{head}{rest}");
                let message = message(line.as_bytes(), NAMES);
                assert_eq!(message, Some(rest.as_bytes()), "{line}");
            }
        }
    }

    #[test]
    fn nothing_else_may_stand_before_it() {
        for head in [
            "",
            "INFO:app:",
            "gunicorn.access: ",
            "INFO bad agent gunicorn.access: ",
            "INFO:app.gunicorn.access:",
            "INFO app \"gunicorn.access: ",
            "[2026-11-21 19:28:18 +0000] [7] [INFO] ",
            "1 2 3 4 5 6 7 8 INFO gunicorn.access: ",
        ] {
            let line = format!("{head}10.0.0.1 - - [x");
            assert_eq!(message(line.as_bytes(), NAMES), None, "{line}");
        }
        assert_eq!(message(b"INFO:gunicorn.access:", NAMES), None);
    }
}

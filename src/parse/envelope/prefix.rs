//! Prefixes that name who wrote a line: Compose, kubectl, journald.

use memchr::{memchr, memmem};

use super::{Opened, journal};
use crate::docker::{Stream, Timestamp};

/// Who puts a name before each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// `docker compose logs`: `auth-1  | `, padded to the longest name, perhaps in colour.
    Compose,
    /// `journalctl`: `Mar 27 16:21:15 host name[1037]: `, and so on.
    Journal,
    /// `kubectl logs --prefix`: `[pod/name/container] `.
    Kubectl,
}

/// What may stand before a bar where it is no name: some loggers print a level so.
const LEVELS: [&[u8]; 9] = [
    b"CRITICAL",
    b"DEBUG",
    b"ERROR",
    b"FATAL",
    b"INFO",
    b"SUCCESS",
    b"TRACE",
    b"WARN",
    b"WARNING",
];

impl Prefix {
    /// Finds the prefix of a line, if it has one.
    pub(super) fn find(line: &[u8]) -> Option<Self> {
        let all = [Self::Compose, Self::Journal, Self::Kubectl];
        all.into_iter()
            .find(|prefix| prefix.open(line, None).is_some())
    }

    /// Takes the prefix off a line that was written until `now`.
    pub(super) fn open(self, line: &[u8], now: Option<Timestamp>) -> Option<Opened<'_>> {
        let (source, time, line) = match self {
            Self::Compose => compose(line).map(|(source, line)| (source, None, line))?,
            Self::Journal => {
                let header = journal::header(line, now)?;
                (header.source, header.time, header.line)
            }
            Self::Kubectl => kubectl(line).map(|(source, line)| (source, None, line))?,
        };
        Some(Opened {
            line,
            time,
            source: Some(source),
            stream: Stream::Stdout,
            is_cut: false,
        })
    }
}

/// Reads `name  | line`. There are two blanks before the bar at least, but for Compose 1 with a
/// long number in the name.
fn compose(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = without_colour(line);
    let end = line.iter().position(|&byte| !is_name(byte))?;
    let (name, rest) = line.split_at(end);
    let padding = rest.iter().position(|&byte| byte != b' ')?;
    let is_numbered =
        name.last().is_some_and(u8::is_ascii_digit) && name.iter().any(|byte| b"-_".contains(byte));
    let is_padded = padding >= 2 || padding == 1 && is_numbered;
    let begins_well = name.first().is_some_and(u8::is_ascii_alphanumeric);
    if !is_padded || !begins_well || LEVELS.contains(&name) {
        return None;
    }
    let rest = without_colour(rest.get(padding..)?.strip_prefix(b"|")?);
    let line = match rest.strip_prefix(b" ") {
        Some(line) => without_colour(line),
        // What was copied may have lost the blank.
        None if rest.is_empty() => rest,
        None => return None,
    };
    Some((name, line))
}

/// Tells whether a byte may stand in the name of a container.
const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// Takes a colour off the beginning of a text.
fn without_colour(text: &[u8]) -> &[u8] {
    let inside = text.strip_prefix(b"\x1b[").and_then(|rest| {
        let end = memchr(b'm', rest)?;
        let (parameters, rest) = rest.split_at(end);
        let is_colour = |byte: &u8| byte.is_ascii_digit() || *byte == b';';
        parameters.iter().all(is_colour).then_some(rest.get(1..)?)
    });
    inside.unwrap_or(text)
}

/// Reads `[pod/name/container] line`; the source is `name/container`.
fn kubectl(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(b"[pod/")?;
    let (source, line) = rest.split_at(memmem::find(rest, b"]")?);
    let mut names = source.split(|&byte| byte == b'/');
    let is_name = |name: &[u8]| !name.is_empty() && name.iter().all(|&byte| is_name(byte));
    let (pod, container) = (names.next()?, names.next()?);
    if names.next().is_some() || !is_name(pod) || !is_name(container) {
        return None;
    }
    Some((
        source,
        line.strip_prefix(b"] ")
            .or_else(|| line.strip_prefix(b"]"))?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(line: &str) -> Option<(String, String)> {
        let line = line.as_bytes();
        let opened = Prefix::find(line)?.open(line, None)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Some((text(opened.source?), text(opened.line)))
    }

    #[test]
    fn reads_names_and_keeps_the_line() {
        for (line, source, rest) in [
            ("auth-service-1  | INFO: x", "auth-service-1", "INFO: x"),
            ("web_1       | x | y", "web_1", "x | y"),
            ("web_10 | x", "web_10", "x"),
            ("my.auth  |  - x", "my.auth", " - x"),
            ("auth-1  | ", "auth-1", ""),
            ("auth-1  |", "auth-1", ""),
            ("\x1b[36mauth-1  | \x1b[0mINFO: x", "auth-1", "INFO: x"),
            ("\x1b[36mweb_1  |\x1b[0m x", "web_1", "x"),
            (
                "[pod/auth-7d9f-x2/auth] INFO: x",
                "auth-7d9f-x2/auth",
                "INFO: x",
            ),
            ("[pod/a/b]", "a/b", ""),
            ("Mar 27 16:21:15 host auth[1037]: x: y", "auth", "x: y"),
        ] {
            let expected = Some((source.to_owned(), rest.to_owned()));
            assert_eq!(open(line), expected, "{line}");
        }
    }

    #[test]
    fn leaves_what_an_application_prints() {
        for line in [
            "",
            "x",
            "INFO     | uvicorn.access:send:466 - x",
            "2026-11-21 19:21:28.431 | INFO     | x",
            "[GIN] 2026/11/21 - 19:30:14 | 401 |     134.471µs |",
            " id  | name",
            "id | name",
            "-x  | y",
            "auth-1  |x",
            "[pod/auth] x",
            "[pod/a/b/c] x",
            "[pod/a/] x",
            "[pod/a b/c] x",
            "[13796] [INFO] x",
        ] {
            assert_eq!(open(line), None, "{line}");
        }
    }
}

//! What stands in front of the time: the client, an identity that nobody sends, and the user.

use memchr::memchr;

use crate::parse::logger;
use crate::parse::scan::{cut, without_port};

/// The loggers of gunicorn, aiohttp and Paste, and the modules that write to them.
const LOGGERS: &[&[u8]] = &[
    b"gunicorn.access",
    b"glogging",
    b"aiohttp.access",
    b"web_log",
    b"wsgi",
];

/// The client and the virtual host of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head<'a> {
    /// As logged: an address, maybe with a port, or whatever the server was told.
    pub(super) client: Option<&'a [u8]>,
    /// The host that the client asked for, without port, where the format begins with it.
    pub(super) host: Option<&'a [u8]>,
}

impl<'a> Head<'a> {
    /// Reads `client - user`, `client identity user`, `host client - user`, `client, client - user`
    /// or, as aiohttp has it, only `client`.
    ///
    /// Any other text means that it is no access line: applications and error logs repeat what
    /// clients send, and that may be a line of this family. A client's address may be followed by
    /// a user with blanks, or by what is left of a forged `X-Forwarded-For`.
    pub(super) fn read(head: &'a [u8]) -> Option<Self> {
        let is_dated_or_named =
            head.first().is_some_and(|byte| !byte.is_ascii_digit()) || head.get(4) == Some(&b'-');
        let logged = is_dated_or_named.then(|| logger::message(head, LOGGERS));
        let head = logged.flatten().unwrap_or_else(|| after_process(head));
        let Some((mut first, mut rest)) = cut(head, b' ') else {
            return is_address(head).then_some(Self::of(head));
        };
        while first.ends_with(b",") {
            (first, rest) = cut(rest, b' ')?;
        }
        let (second, user) = cut(rest, b' ')?;
        if second == b"-" {
            let is_client = first.is_empty() || is_address(first);
            return (is_client || is_word(user)).then_some(Self::of(first));
        }
        if is_address(second) && user.starts_with(b"- ") {
            return Some(Self {
                client: Some(second),
                host: Some(without_port(first)),
            });
        }
        (is_address(first) && is_word(user)).then_some(Self::of(first))
    }

    const fn of(client: &'a [u8]) -> Self {
        Self {
            client: Some(client),
            host: None,
        }
    }
}

/// Takes away `nginx.1    | `, which the process manager of nginx-proxy puts before each line.
fn after_process(head: &[u8]) -> &[u8] {
    cut(head, b' ')
        .filter(|(name, _)| !name.is_empty())
        .and_then(|(_, rest)| rest.trim_ascii_start().strip_prefix(b"| "))
        .unwrap_or(head)
}

fn is_word(text: &[u8]) -> bool {
    !text.is_empty() && memchr(b' ', text).is_none()
}

/// Tells whether a word looks like an address with or without port, and not like a time.
fn is_address(word: &[u8]) -> bool {
    let (mut dots, mut colons) = (0, 0);
    let is_address = word.iter().all(|byte| {
        dots += usize::from(*byte == b'.');
        colons += usize::from(*byte == b':');
        byte.is_ascii_hexdigit() || b".:[]%".contains(byte)
    });
    is_address && (dots == 3 || colons > 2 || word.starts_with(b"::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Option<(Option<&str>, Option<&str>)> {
        let head = Head::read(head.as_bytes())?;
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        Some((head.client.map(text), head.host.map(text)))
    }

    #[test]
    fn finds_the_client() {
        for (head, client) in [
            ("127.0.0.1 - -", "127.0.0.1"),
            ("2001:db8::9 - alice", "2001:db8::9"),
            ("::1 - -", "::1"),
            ("::ffff:127.0.0.1 - -", "::ffff:127.0.0.1"),
            ("[2001:db8::7]:4711 - -", "[2001:db8::7]:4711"),
            ("fe80::1%eth0 - -", "fe80::1%eth0"),
            (" - -", ""),
            (" - a b", ""),
            ("1.2.3.4 - ", "1.2.3.4"),
            ("unknown - -", "unknown"),
            ("localhost - alice", "localhost"),
            ("1.2.3.4 - a b [01/Jan/2026", "1.2.3.4"),
            ("1.2.3.4 - 5.6.7.8 - -", "1.2.3.4"),
            ("1.2.3.4 - [5.6.7.8] - -", "1.2.3.4"),
            ("1.2.3.4 identity alice", "1.2.3.4"),
            ("9.9.9.9, 1.2.3.4, 5.6.7.8 - -", "5.6.7.8"),
            ("127.0.0.1", "127.0.0.1"),
            ("INFO:gunicorn.access:1.2.3.4 - -", "1.2.3.4"),
            ("INFO:aiohttp.access:::1", "::1"),
            (
                "2026-11-21 19:32:02,123 - gunicorn.access - INFO - ::1 - -",
                "::1",
            ),
        ] {
            assert_eq!(read(head), Some((Some(client), None)), "{head}");
        }
    }

    #[test]
    fn finds_the_host() {
        for (head, host) in [
            ("app.example.com 1.2.3.4 - -", "app.example.com"),
            ("app.example.com:443 1.2.3.4 - a b", "app.example.com"),
            ("10.0.0.1 1.2.3.4 - -", "10.0.0.1"),
            ("[::1]:8080 1.2.3.4 - -", "::1"),
            ("::1 1.2.3.4 - -", "::1"),
            ("nginx.1     | localhost 1.2.3.4 - -", "localhost"),
        ] {
            assert_eq!(read(head), Some((Some("1.2.3.4"), Some(host))), "{head}");
        }
    }

    #[test]
    fn all_else_is_no_access_line() {
        for head in [
            "",
            "-",
            "INFO",
            "1.2.3.4 -",
            "WARNING bad agent 1.2.3.4 - -",
            "2026/11/21 19:32:02 [error] 1#1: *7 refused, referrer: \"- -",
            "2026-11-21 19:32:02 - WARNING - x - -",
            "2026-11-21 19:32:02.123 - x - -",
            "root - WARNING x - -",
            "2026-11-21 19:32:02,123 - app - INFO - ::1 - -",
            "INFO bad agent gunicorn.access: 1.2.3.4 - -",
            "[2026-11-21 19:26:35 +0000] [21916] [INFO] 127.0.0.1:37686 - -",
            "[Sat Nov 21 20:01:59 2026] [error] 1.2.3.4 - -",
            "9.9.9.9, evil text - -",
        ] {
            assert_eq!(read(head), None, "{head}");
        }
    }
}

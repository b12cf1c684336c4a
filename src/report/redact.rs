//! Samples of log lines that can be shown: only words that authtail knows, and small numbers.
//!
//! Tokens, query strings and user names can stand anywhere in a line and look like anything, so what
//! is not known to be harmless is left out, and so is what follows a word such as `user`.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::parse::message;

/// How much of a line is looked at, in bytes.
const MAX_LINE: usize = 1_000;
/// How long a sample is, in characters.
const MAX_SAMPLE: usize = 160;
/// Stands for what is left out.
const HIDDEN: char = '…';

/// Words of the lines that servers, libraries and applications print when they are in trouble.
static WORDS: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("words.txt").split_whitespace().collect());

/// Words after which somebody's name or secret comes, whatever is between.
const NAMES: [&str; 11] = [
    "authorization",
    "basic",
    "bearer",
    "credential",
    "credentials",
    "email",
    "login",
    "passwd",
    "password",
    "user",
    "username",
];

/// Words after which it comes if `=` is between. They stand in other sentences, too.
const KEYS: [&str; 20] = [
    "account",
    "args",
    "assertion",
    "code",
    "cookie",
    "cookies",
    "identity",
    "jwt",
    "key",
    "mail",
    "member",
    "nonce",
    "owner",
    "principal",
    "query",
    "secret",
    "session",
    "state",
    "sub",
    "token",
];

/// Words after one of [`NAMES`] that are nobody's name: `user not found`.
const HARMLESS: [&str; 22] = [
    "and",
    "authentication",
    "cannot",
    "could",
    "denied",
    "does",
    "error",
    "expired",
    "failed",
    "for",
    "found",
    "has",
    "in",
    "invalid",
    "is",
    "lookup",
    "missing",
    "not",
    "required",
    "table",
    "unknown",
    "was",
];

/// Returns what can be shown of a line without colours.
pub(super) fn redact(line: &[u8]) -> String {
    let line = message::of(line);
    let line = String::from_utf8_lossy(line.get(..MAX_LINE).unwrap_or(&line));
    let mut shown = Shown::default();
    for run in line.split_whitespace() {
        if shown.length >= MAX_SAMPLE {
            shown.hide();
            break;
        }
        shown.blank();
        shown.run(run);
    }
    shown.text.trim().to_owned()
}

/// Returns a text with each number made one sign, to tell samples that differ in more than numbers.
pub(super) fn without_numbers(text: &str) -> String {
    let mut plain: Vec<_> = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    plain.dedup_by(|one, other| *one == '0' && *other == '0');
    plain.into_iter().collect()
}

/// What is shown of a line so far.
#[derive(Default)]
struct Shown {
    text: String,
    length: usize,
    next: Next,
}

/// What the next word is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Next {
    #[default]
    Open,
    /// The value of a key, if `=` comes before it.
    AfterKey,
    /// A name, unless the sentence goes on.
    AfterName,
    Secret,
}

impl Shown {
    /// Adds a run of signs without a blank, such as `user=x` or `('127.0.0.1',`.
    fn run(&mut self, run: &str) {
        // Behind a question mark comes a query, unless it ends a sentence.
        let (run, is_cut) = match run.split_once('?') {
            Some((before, after)) => (before, !after.is_empty()),
            None => (run, false),
        };
        let mut rest = run;
        while !rest.is_empty() {
            let is_loose = |c: char| "\"'`()[]{}<>,;|".contains(c);
            let end = rest.find(is_loose).unwrap_or(rest.len());
            let (part, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            self.part(part);
            let mut signs = after.chars();
            if let Some(sign) = signs.next() {
                self.sign(sign);
            }
            rest = signs.as_str();
        }
        if is_cut {
            self.hide();
        }
    }

    /// Adds what stands between quotes, brackets and the like.
    fn part(&mut self, part: &str) {
        // `postgres://user:password@host`
        let Some((scheme, rest)) = part.split_once("://") else {
            return self.words(part);
        };
        self.words(scheme);
        self.text.push_str("://");
        let host = rest.rsplit_once('@').map(|(_, host)| host);
        if host.is_some() {
            self.hide();
            self.sign('@');
        }
        self.words(host.unwrap_or(rest));
    }

    /// Adds words with what is between them.
    fn words(&mut self, part: &str) {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut words = part.split(|c| !is_word(c)).filter(|word| !word.is_empty());
        let has_digit = part.chars().any(char::is_numeric);
        // A token may have known words between its signs.
        if has_digit && !words.clone().all(is_known) || words.any(|word| word.len() > 60) {
            self.hide();
            self.next = Next::Open;
            return;
        }
        let mut rest = part;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|c| is_word(c) != is_word(first));
            let (token, after) = rest
                .split_at_checked(end.unwrap_or(rest.len()))
                .unwrap_or((rest, ""));
            if is_word(first) {
                self.word(token);
            } else {
                token.chars().for_each(|sign| self.sign(sign));
            }
            rest = after;
        }
    }

    fn word(&mut self, word: &str) {
        let lower = word.to_ascii_lowercase();
        let is_secret = match self.next {
            Next::Open | Next::AfterKey => false,
            Next::AfterName => !HARMLESS.contains(&lower.as_str()),
            Next::Secret => true,
        };
        if is_secret || !is_known(word) {
            self.hide();
        } else {
            self.text.push_str(word);
            self.length += word.len();
        }
        let last = lower.rsplit('_').next().unwrap_or(&lower);
        self.next = match last {
            last if NAMES.contains(&last) => Next::AfterName,
            last if KEYS.contains(&last) => Next::AfterKey,
            _ => Next::Open,
        };
    }

    fn sign(&mut self, sign: char) {
        self.next = match (self.next, sign) {
            (Next::AfterKey | Next::AfterName, '=') | (Next::AfterName, '"' | '\'' | ':') => {
                Next::Secret
            }
            (Next::AfterKey, _) => Next::Open,
            (next, _) => next,
        };
        if sign.is_ascii_graphic() {
            self.text.push(sign);
            self.length += 1;
        }
    }

    fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
            self.length += 1;
        }
    }

    fn hide(&mut self) {
        if self.text.trim_end().ends_with(HIDDEN) {
            self.text.truncate(self.text.trim_end().len());
        } else {
            self.text.push(HIDDEN);
            self.length += 1;
        }
    }
}

/// Tells whether a word can be shown: all of its parts are known, or small numbers. What ends as the
/// name of an exception does is one.
fn is_known(word: &str) -> bool {
    let is_class = ["Error", "Exception", "Warning"]
        .iter()
        .any(|end| word.ends_with(end) && word.len() > end.len());
    let letters = word.chars().all(|c| c.is_ascii_alphabetic());
    let begins_large = word.starts_with(|c: char| c.is_ascii_uppercase());
    is_class && letters && begins_large || word.split('_').all(is_known_part)
}

fn is_known_part(part: &str) -> bool {
    let is_number = |text: &str| text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    let lower = part.to_ascii_lowercase();
    if is_number(part) || WORDS.contains(lower.as_str()) {
        return true;
    }
    // `30000ms`
    let digits = part.bytes().take_while(u8::is_ascii_digit).count();
    let unit = part.get(digits..).filter(|_| digits > 0);
    if unit.is_some_and(|unit| ["ms", "s", "us", "ns", "m", "h", "kb", "mb"].contains(&unit)) {
        return digits <= 6;
    }
    // `QueuePool`
    let mut words = Vec::new();
    let mut start = 0;
    for (at, _) in part.match_indices(|c: char| c.is_ascii_uppercase()) {
        if at > start {
            words.extend(lower.get(start..at));
            start = at;
        }
    }
    words.extend(lower.get(start..));
    words.len() > 1
        && words
            .iter()
            .all(|word| word.len() > 1 && WORDS.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_says_what_is_wrong() {
        for line in [
            "services.token_service - ERROR - Token verification error: [Errno 111] Connect call \
             failed ('127.0.0.1', 5432)",
            "QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00",
            "asyncpg.exceptions.TooManyConnectionsError: remaining connection slots are reserved",
            "HikariPool-1 - Connection is not available, request timed out after 30000ms.",
            "[CRITICAL] WORKER TIMEOUT (pid:13797)",
            "jwt.exceptions.ExpiredSignatureError: Signature has expired",
            "connect() failed (111: Connection refused) while connecting to upstream",
        ] {
            assert_eq!(redact(line.as_bytes()), line);
        }
    }

    #[test]
    fn leaves_out_what_could_be_a_secret_or_a_name() {
        for (line, expected) in [
            ("error for user alice: denied", "error for user …: denied"),
            ("error for user \"error\"", "error for user \"…\""),
            ("user not found", "user not found"),
            ("alice is not allowed", "… is not allowed"),
            ("john.doe@example.com failed", "….…@….… failed"),
            ("bad token_preview=eyJhbGciOi…", "bad …=…"),
            ("token: eyJhbGci.eyJzdWI.to-1234-error", "token: …"),
            ("Authorization: Bearer good", "Authorization: …"),
            ("password=error", "…=…"),
            (
                "GET /validate?error=timeout&token=x HTTP/1.1",
                "get /validate… HTTP/1.1",
            ),
            ("retry? no", "retry no"),
            (
                "connect to postgres://error:failed@db:5432/auth",
                "connect to postgres://…@db:5432/auth",
            ),
            ("code=123456 status=401", "code=… status=401"),
            ("123456789 is a number", "… is a number"),
            ("日本 fehler \u{7}", "…"),
            ("x y z w", "…"),
        ] {
            let found = redact(line.as_bytes());
            assert_eq!(found.to_lowercase(), expected.to_lowercase(), "{line}");
        }
    }

    #[test]
    fn samples_are_short() {
        let line = "connection ".repeat(1_000);
        let found = redact(line.as_bytes());
        assert!(found.chars().count() <= MAX_SAMPLE + 20, "{found}");
        assert!(found.ends_with(HIDDEN));
        assert_eq!(redact(b"\xff\xfe error"), "error");
    }

    #[test]
    fn numbers_make_no_difference() {
        let first = without_numbers("timeout 30.00 after 12 s");
        assert_eq!(first, without_numbers("timeout 1.5 after 3456 s"));
        assert_ne!(first, without_numbers("timeout 1.5 before 3456 s"));
    }

    #[test]
    fn the_words_are_harmless() {
        for word in WORDS.iter() {
            assert!(
                word.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            );
            assert!(word.len() <= 20, "{word}");
        }
    }
}

//! Which paths belong to a route: patterns, and the rule by which paths are compared.
//!
//! A path is compared as logged, after percent-decoding of unreserved characters only (RFC 3986,
//! 6.2.2.2). Case, dot segments, double slashes and trailing slashes are not folded, because
//! servers do not agree on them: `/x/../validate` is not `/validate`.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::str::FromStr;

use memchr::memchr;
use regex::bytes::{Regex, RegexBuilder};

/// The most bytes that the text of a pattern may have.
const MAX_LENGTH: usize = 500;

/// The most memory, in bytes, that a compiled regex may take.
const REGEX_SIZE_LIMIT: usize = 64 * 1024;

/// Which paths belong to a route: `/exact`, `/prefix/*` or `~regex`.
///
/// `/prefix/*` is every path that begins with `/prefix/`. A regex must match the whole path; it
/// works on bytes, with ASCII classes.
#[derive(Clone, Debug)]
pub struct Pattern(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Exact(Vec<u8>),
    /// Ends with its slash.
    Prefix(Vec<u8>),
    Regex(Regex),
    /// This path, alone or behind a mount prefix.
    Mounted(&'static [u8]),
}

/// Why a text is not a [`Pattern`].
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It has no path or regex.
    #[error("the pattern is empty, expected `/path`, `/prefix/*` or `~regex`")]
    Empty,
    /// It has a query, which is never compared.
    #[error("pattern `{0}` must not have a `?`: paths are compared without their query")]
    Query(String),
    /// Its regex has a syntax error or is too large.
    #[error("pattern `{pattern}` is not a usable regex")]
    Regex {
        /// The pattern as given.
        pattern: String,
        /// What is wrong with it.
        source: regex::Error,
    },
    /// It begins with something else.
    #[error("pattern `{0}` must begin with `/` (a path) or `~` (a regex)")]
    Start(String),
    /// It is longer than allowed.
    #[error("the pattern has {0} bytes, at most {MAX_LENGTH} are allowed")]
    TooLong(usize),
    /// It has a `*` in another place.
    #[error("pattern `{0}` may have a `*` only as its last segment, as in `/prefix/*`")]
    Wildcard(String),
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() || text == "~" {
            return Err(PatternError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(PatternError::TooLong(text.len()));
        }
        if let Some(regex) = text.strip_prefix('~') {
            return match whole_path(regex) {
                Ok(regex) => Ok(Self(Kind::Regex(regex))),
                Err(source) => Err(PatternError::Regex {
                    pattern: text.to_owned(),
                    source,
                }),
            };
        }
        if !text.starts_with('/') {
            return Err(PatternError::Start(text.to_owned()));
        }
        if text.contains('?') {
            return Err(PatternError::Query(text.to_owned()));
        }
        if text.strip_suffix("/*").unwrap_or(text).contains('*') {
            return Err(PatternError::Wildcard(text.to_owned()));
        }
        Ok(Self::path(text))
    }
}

impl Pattern {
    /// Returns the pattern of `/exact` or `/prefix/*`.
    pub(super) fn path(text: &str) -> Self {
        let prefix = text.strip_suffix('*');
        let path = decode_unreserved(prefix.unwrap_or(text).as_bytes()).into_owned();
        Self(if prefix.is_some() {
            Kind::Prefix(path)
        } else {
            Kind::Exact(path)
        })
    }

    /// Returns the pattern of a path that a router may mount under any prefix.
    pub(super) const fn mounted(path: &'static [u8]) -> Self {
        Self(Kind::Mounted(path))
    }

    /// Tells whether a path, decoded by [`decode_unreserved`], belongs to the route.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        match &self.0 {
            Kind::Exact(exact) => path == exact,
            Kind::Prefix(prefix) => path.starts_with(prefix),
            Kind::Regex(regex) => regex.is_match(path),
            Kind::Mounted(mounted) => path.strip_suffix(*mounted).is_some_and(is_mount_prefix),
        }
    }

    /// Returns what patterns are to be sorted by: exact ones, longer prefixes, the others.
    pub(super) const fn rank(&self) -> (u8, Reverse<usize>) {
        match &self.0 {
            Kind::Exact(_) => (0, Reverse(0)),
            Kind::Prefix(prefix) => (1, Reverse(prefix.len())),
            Kind::Regex(_) | Kind::Mounted(_) => (2, Reverse(0)),
        }
    }
}

/// Compiles a regex that must match a whole path.
fn whole_path(regex: &str) -> Result<Regex, regex::Error> {
    let compile = |regex: &str| {
        RegexBuilder::new(regex)
            .unicode(false)
            .size_limit(REGEX_SIZE_LIMIT)
            .build()
    };
    // First as it is: `a)|(b` is an error, but would be none inside the group.
    compile(regex)?;
    compile(&format!(r"\A(?:{regex})\z"))
}

/// Tells whether a router could have put `prefix` in front of a path: it is empty, or made of
/// segments that are neither empty nor dots.
fn is_mount_prefix(prefix: &[u8]) -> bool {
    match prefix.strip_prefix(b"/") {
        None => prefix.is_empty(),
        Some(segments) => segments
            .split(|&byte| byte == b'/')
            .all(|segment| !matches!(segment, b"" | b"." | b"..")),
    }
}

/// Decodes `%76` to `v`, and so on for all characters that never need encoding.
pub(super) fn decode_unreserved(path: &[u8]) -> Cow<'_, [u8]> {
    if memchr(b'%', path).is_none() {
        return Cow::Borrowed(path);
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        let (byte, tail) = unreserved(rest).unwrap_or((*first, tail));
        decoded.push(byte);
        rest = tail;
    }
    Cow::Owned(decoded)
}

/// Returns the unreserved character whose encoding `text` begins with, and what follows.
fn unreserved(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, tail @ ..] = text else {
        return None;
    };
    let byte = char::from(*high).to_digit(16)? * 16 + char::from(*low).to_digit(16)?;
    let byte = u8::try_from(byte).ok()?;
    (byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)).then_some((byte, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        pattern
            .parse::<Pattern>()
            .unwrap()
            .matches(&decode_unreserved(path.as_bytes()))
    }

    #[test]
    fn each_kind_matches_whole_paths() {
        for (pattern, path, expected) in [
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/a", "/A", false),
            ("/a/*", "/a/", true),
            ("/a/*", "/a/b/c", true),
            ("/a/*", "/a", false),
            ("/a/*", "/ab", false),
            ("/*", "/x", true),
            ("/~x", "/%7Ex", true),
            ("/%7ex", "/~x", true),
            ("~/a|/b", "/b", true),
            ("~/a|/ab", "/ab", true),
            ("~/a", "/ab", false),
            ("~/a", "/x/a", false),
            (r"~/v\d+/.*", "/v2/x", true),
            ("~(?i)/a", "/A", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn every_mistake_is_named_with_what_is_allowed() {
        let long = format!("/{}", "x".repeat(MAX_LENGTH));
        for (text, expected) in [
            (
                "",
                "the pattern is empty, expected `/path`, `/prefix/*` or `~regex`",
            ),
            (
                "~",
                "the pattern is empty, expected `/path`, `/prefix/*` or `~regex`",
            ),
            (
                "a/b",
                "pattern `a/b` must begin with `/` (a path) or `~` (a regex)",
            ),
            (
                " /a",
                "pattern ` /a` must begin with `/` (a path) or `~` (a regex)",
            ),
            (
                "/a?b",
                "pattern `/a?b` must not have a `?`: paths are compared without their query",
            ),
            (
                "/*/a",
                "pattern `/*/a` may have a `*` only as its last segment, as in `/prefix/*`",
            ),
            (
                "/a*",
                "pattern `/a*` may have a `*` only as its last segment, as in `/prefix/*`",
            ),
            (&long, "the pattern has 501 bytes, at most 500 are allowed"),
            ("~(", "pattern `~(` is not a usable regex"),
            ("~/a)|(/b", "pattern `~/a)|(/b` is not a usable regex"),
            (
                "~(?x)/a # note",
                "pattern `~(?x)/a # note` is not a usable regex",
            ),
            (
                "~((a{500}){500}){500}",
                "pattern `~((a{500}){500}){500}` is not a usable regex",
            ),
        ] {
            assert_eq!(text.parse::<Pattern>().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn decodes_unreserved_characters_once() {
        for (path, expected) in [
            ("/%76al", "/val"),
            ("%2e%2E%5f%2D%7e%30", ".._-~0"),
            ("/%2F%20%25%3f", "/%2F%20%25%3f"),
            ("/%2576", "/%2576"),
            ("%", "%"),
            ("%7", "%7"),
            ("%%376", "%76"),
            ("%+1%g1", "%+1%g1"),
        ] {
            assert_eq!(
                *decode_unreserved(path.as_bytes()),
                *expected.as_bytes(),
                "{path}"
            );
        }
        assert!(matches!(decode_unreserved(b"/plain"), Cow::Borrowed(_)));
    }
}

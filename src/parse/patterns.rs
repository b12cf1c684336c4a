//! Denials and notices that the configuration describes.

use std::str::FromStr;

use memchr::memmem::Finder;
use regex::bytes::{Regex, RegexBuilder};

use super::denial::Reason;
use super::notice::Notice;
use super::sign::Sign;

/// The most patterns that one container may have.
const MAX_PATTERNS: usize = 100;

/// The most bytes that the text of a pattern may have.
const MAX_LENGTH: usize = 500;

/// The most memory, in bytes, that a compiled regex may take.
const SIZE_LIMIT: usize = 64 * 1024;

/// A part of a line: a text as it is, or `~regex`.
///
/// Both are searched in the whole line without colours and line end; a regex works on bytes, with ASCII
/// classes. What a client can make an application write can match too: begin a regex with `^`.
#[derive(Clone, Debug)]
pub struct Pattern(Matcher);

#[derive(Clone, Debug)]
enum Matcher {
    Text(Box<Finder<'static>>),
    Regex(Regex),
}

/// What a line with a pattern in it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It says why a request was refused.
    Denial(Reason),
    /// It is to be counted.
    Notice(Notice),
}

/// Patterns in the order in which they are tried: the first that is found says what the line is.
#[derive(Clone, Debug, Default)]
pub struct Patterns(Vec<(Kind, Pattern)>);

/// Why a text is not a [`Pattern`], or why there are no such [`Patterns`].
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// It would match every line.
    #[error("the pattern is empty, expected a text or `~regex`")]
    Empty,
    /// It is longer than allowed.
    #[error("the pattern has {0} bytes, at most {MAX_LENGTH} are allowed")]
    TooLong(usize),
    /// Its regex has a syntax error or is too large.
    #[error("pattern `{pattern}` is not a usable regex")]
    Regex {
        /// The pattern as given.
        pattern: String,
        /// What is wrong with it.
        source: regex::Error,
    },
    /// There are more patterns than allowed.
    #[error("there are {0} patterns of denials and notices, at most {MAX_PATTERNS} are allowed")]
    TooMany(usize),
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
        let Some(regex) = text.strip_prefix('~') else {
            let finder = Finder::new(text.as_bytes()).into_owned();
            return Ok(Self(Matcher::Text(Box::new(finder))));
        };
        let regex = RegexBuilder::new(regex)
            .unicode(false)
            .size_limit(SIZE_LIMIT)
            .build()
            .map_err(|source| PatternError::Regex {
                pattern: text.to_owned(),
                source,
            })?;
        if regex.is_match(b"") {
            return Err(PatternError::Empty);
        }
        Ok(Self(Matcher::Regex(regex)))
    }
}

impl Pattern {
    fn is_in(&self, line: &[u8]) -> bool {
        match &self.0 {
            Matcher::Text(finder) => finder.find(line).is_some(),
            Matcher::Regex(regex) => regex.is_match(line),
        }
    }
}

impl Patterns {
    /// Keeps patterns, if there are not too many.
    pub fn new(patterns: Vec<(Kind, Pattern)>) -> Result<Self, PatternError> {
        if patterns.len() > MAX_PATTERNS {
            return Err(PatternError::TooMany(patterns.len()));
        }
        Ok(Self(patterns))
    }

    /// Puts patterns before these.
    pub fn after(&self, first: Vec<(Kind, Pattern)>) -> Result<Self, PatternError> {
        let mut patterns = first;
        patterns.extend(self.0.iter().cloned());
        Self::new(patterns)
    }

    /// What a line is by the first pattern in it.
    pub(super) fn find(&self, line: &[u8]) -> Option<Sign> {
        let mut numbered = (0..).zip(&self.0);
        let (number, (kind, _)) = numbered.find(|(_, (_, pattern))| pattern.is_in(line))?;
        Some(match *kind {
            Kind::Denial(reason) => Sign::denial_by(reason, number),
            Kind::Notice(kind) => Sign::Notice(kind),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Reading;
    use super::*;

    fn patterns(patterns: &[(Kind, &str)]) -> Patterns {
        let read = |&(kind, text): &(Kind, &str)| (kind, text.parse().unwrap());
        Patterns::new(patterns.iter().map(read).collect()).unwrap()
    }

    #[test]
    fn the_first_pattern_that_is_found_says_what_a_line_is() {
        let general = [
            (Kind::Denial(Reason::Expired), "too old"),
            (Kind::Notice(Notice::Slow), r"~^took \d+ s$"),
        ];
        let own = (
            Kind::Denial(Reason::Revoked),
            "~(?i)Token .* old".parse().unwrap(),
        );
        let patterns = patterns(&general).after(vec![own]).unwrap();
        let reason = |line: &str| match patterns.find(line.as_bytes())?.reading() {
            Reading::Denial(denial) => Some(denial.reason.as_str()),
            Reading::Notice(kind) => Some(kind.as_str()),
            _ => None,
        };
        assert_eq!(reason("the session is too old"), Some("expired"));
        assert_eq!(reason("token 7 is too old"), Some("revoked"));
        assert_eq!(reason("took 7 s"), Some("slow"));
        assert_eq!(reason("it took 7 s"), None);
        assert_eq!(reason("Too old"), None);
    }

    #[test]
    fn every_mistake_is_named() {
        let error = |text: &str| text.parse::<Pattern>().unwrap_err().to_string();
        for empty in ["", "~", "~x*", "~^$"] {
            assert!(error(empty).starts_with("the pattern is empty"), "{empty}");
        }
        assert!(error(&"x".repeat(501)).contains("has 501 bytes, at most 500"));
        assert!(error("~(").starts_with("pattern `~(` is not a usable regex"));
        assert!(error("~(a{300}){300}").contains("is not a usable regex"));
        let many = vec![(Kind::Notice(Notice::Error), "x".parse().unwrap()); 100];
        let error = Patterns::new(many)
            .unwrap()
            .after(vec![(Kind::Notice(Notice::Error), "y".parse().unwrap())]);
        assert!(
            error
                .unwrap_err()
                .to_string()
                .starts_with("there are 101 patterns")
        );
    }
}

//! The values that the settings of probes take, each with the rule for reading it.

use std::str::FromStr;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, header};

use super::values::{ValueError, choice};
use crate::probe::spec::Role;

const INTERVALS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_hours(24));
const TIMEOUTS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_mins(1));

/// What an entry makes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// One probe.
    Http,
    /// One without a token, one with a good one, one with a bad one.
    Validate,
}

/// The name of a probe, fit to be a label value.
#[derive(Debug)]
pub(super) struct ProbeName(pub(super) String);

/// `200` or `2xx`, as a range.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct CodeList(pub(super) (u16, u16));

/// From a second to a day.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Interval(pub(super) Duration);

/// From a tenth of a second to a minute.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Timeout(pub(super) Duration);

/// The name of a header that may be set.
#[derive(Debug)]
pub(super) struct Header(pub(super) HeaderName);

/// A value whose own error says too little.
#[derive(Debug)]
pub(super) struct Tell<T>(pub(super) T);

impl FromStr for Kind {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        choice(text, &[("http", Self::Http), ("validate", Self::Validate)])
    }
}

impl FromStr for ProbeName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let is_allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if !(1..=40).contains(&text.len()) || !text.bytes().all(is_allowed) {
            return Err(ValueError(format!(
                "probe name `{text}` is not allowed, expected 1 to 40 of `a-z`, `0-9` and `_`"
            )));
        }
        // Rules tell the probes of a pair by these.
        if let Some(role) = Role::VALIDATE
            .iter()
            .find(|role| text.ends_with(role.ending()))
        {
            let ending = role.ending();
            return Err(ValueError(format!(
                "probe name `{text}` is not allowed: names that end in `{ending}` are made by `kind: validate`"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for CodeList {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let class = text
            .strip_suffix("xx")
            .and_then(|class| class.parse::<u16>().ok());
        match (class, text.parse::<u16>()) {
            (Some(class @ 1..=5), _) => Ok(Self((class * 100, class * 100 + 99))),
            (None, Ok(code @ 100..=599)) => Ok(Self((code, code))),
            _ => Err(ValueError(format!(
                "`{text}` is no status code; give one such as `200` or `2xx`"
            ))),
        }
    }
}

impl FromStr for Interval {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match humantime::parse_duration(text) {
            Ok(time) if (INTERVALS.0..=INTERVALS.1).contains(&time) => Ok(Self(time)),
            _ => Err(ValueError(format!(
                "`{text}` is no time between 1s and 1d; give something like `30s`"
            ))),
        }
    }
}

impl FromStr for Timeout {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match humantime::parse_duration(text) {
            Ok(time) if (TIMEOUTS.0..=TIMEOUTS.1).contains(&time) => Ok(Self(time)),
            _ => Err(ValueError(format!(
                "`{text}` is no time between 100ms and 1m; give something like `5s`"
            ))),
        }
    }
}

impl FromStr for Header {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let taken = [
            header::CONNECTION,
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::UPGRADE,
        ];
        match text.parse::<HeaderName>() {
            Ok(name) if taken.contains(&name) => {
                Err(ValueError(format!("`{name}` is set by authtail itself")))
            }
            Ok(name) => Ok(Self(name)),
            Err(_) => Err(ValueError("is no name of a header".to_owned())),
        }
    }
}

impl FromStr for Tell<HeaderValue> {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let value = text.parse();
        value
            .map(Self)
            .map_err(|_| ValueError("cannot be the value of a header".to_owned()))
    }
}

impl FromStr for Tell<Method> {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let methods = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ];
        let found = methods.iter().find(|method| method.as_str() == text);
        found.cloned().map(Self).ok_or_else(|| {
            let names: Vec<_> = methods.iter().map(|method| format!("`{method}`")).collect();
            ValueError(format!(
                "`{text}` is unknown; allowed: {}",
                names.join(", ")
            ))
        })
    }
}

/// True for a header that is there to carry a secret.
pub(super) fn is_secret_header(name: &HeaderName) -> bool {
    let words = [
        "authorization",
        "cookie",
        "token",
        "secret",
        "password",
        "api-key",
        "apikey",
    ];
    words.iter().any(|word| name.as_str().contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_codes_and_times() {
        for (text, expected) in [
            ("200", (200, 200)),
            ("2xx", (200, 299)),
            ("599", (599, 599)),
        ] {
            assert_eq!(text.parse(), Ok(CodeList(expected)));
        }
        for text in ["", "xx", "6xx", "0xx", "20", "600", "2XX", "-1xx"] {
            assert!(text.parse::<CodeList>().is_err(), "{text}");
        }
        assert_eq!("90s".parse(), Ok(Interval(Duration::from_secs(90))));
        assert_eq!("100ms".parse(), Ok(Timeout(Duration::from_millis(100))));
        for text in ["", "0s", "999ms", "25h", "30"] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
        for text in ["99ms", "61s"] {
            assert!(text.parse::<Timeout>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_label_values_and_do_not_look_like_those_of_a_pair() {
        for text in ["", "A", "a-b", "x_anonymous", "x_good_token", "x_bad_token"] {
            assert!(text.parse::<ProbeName>().is_err(), "{text}");
        }
        assert!("health_2".parse::<ProbeName>().is_ok());
    }

    #[test]
    fn knows_headers_that_carry_secrets() {
        for (name, expected) in [
            ("authorization", true),
            ("cookie", true),
            ("x-api-key", true),
            ("x-auth-token", true),
            ("accept", false),
            ("x-forwarded-for", false),
        ] {
            assert_eq!(is_secret_header(&name.parse().unwrap()), expected, "{name}");
        }
        for name in ["content-length", "Connection", "a b"] {
            assert!(name.parse::<Header>().is_err(), "{name}");
        }
    }
}

//! `--since`: from when on lines count.

use std::str::FromStr;
use std::time::Duration;

use crate::docker::Timestamp;

/// A time, or how long ago that is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Since {
    Ago(Duration),
    Time(Timestamp),
}

/// The text is neither.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is no time; give something like `1h`, `30m` or `2026-11-21T18:00:00Z`")]
pub(crate) struct SinceError(String);

impl FromStr for Since {
    type Err = SinceError;

    fn from_str(text: &str) -> Result<Self, SinceError> {
        let ago = humantime::parse_duration(text).ok().map(Self::Ago);
        let time = || Timestamp::parse(text.as_bytes()).map(Self::Time);
        ago.or_else(time).ok_or_else(|| SinceError(text.to_owned()))
    }
}

impl Since {
    /// Returns the time that is meant.
    pub(crate) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(ago) => now.earlier(ago),
            Self::Time(time) => time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_time_or_how_long_ago_that_is() {
        let now = Timestamp::parse(b"2026-11-21T19:00:00Z").unwrap();
        for (text, expected) in [
            ("1h", "2026-11-21T18:00:00Z"),
            ("1h30m", "2026-11-21T17:30:00Z"),
            ("2026-11-21T18:00:00Z", "2026-11-21T18:00:00Z"),
            ("2026-11-21T18:00:00+01:00", "2026-11-21T17:00:00Z"),
        ] {
            let since: Since = text.parse().unwrap();
            assert_eq!(since.before(now).to_string(), expected, "{text}");
        }
        for text in ["", "yesterday", "1", "18:00", "-1h"] {
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
    }
}

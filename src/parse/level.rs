//! How grave a line is, as it says itself.

/// From the least grave on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

/// The names of levels: Python, Go (zap, zerolog, logrus, slog), Node, Java, .NET, nginx, Envoy,
/// `PostgreSQL` and syslog.
const NAMES: [(Level, &[&str]); 4] = [
    (
        Level::Debug,
        &[
            "debug", "trace", "dbg", "trc", "dbug", "trce", "verbose", "silly", "fine", "finer",
            "finest", "debug1",
        ],
    ),
    (
        Level::Info,
        &["info", "inf", "information", "notice", "log", "success"],
    ),
    (Level::Warning, &["warning", "warn", "wrn"]),
    (
        Level::Error,
        &[
            "error",
            "err",
            "critical",
            "crit",
            "fatal",
            "ftl",
            "panic",
            "pnc",
            "dpanic",
            "severe",
            "fail",
            "alert",
            "emerg",
            "emergency",
        ],
    ),
];

impl Level {
    /// The level of a name, in any case.
    pub(super) fn of_name(name: &[u8]) -> Option<Self> {
        if !(3..=11).contains(&name.len()) {
            return None;
        }
        let is_name = |known: &&str| name.eq_ignore_ascii_case(known.as_bytes());
        NAMES
            .iter()
            .find(|(_, names)| names.iter().any(is_name))
            .map(|&(level, _)| level)
    }

    /// The level of a name or of a number: 10 to 60 as pino and bunyan write it, 0 to 7 as syslog and
    /// GELF do.
    pub(super) fn of_value(value: &[u8]) -> Option<Self> {
        let Some(number) = number(value) else {
            // slog writes `ERROR+1` for a level between two.
            let end = value.iter().position(|byte| b"+-".contains(byte));
            let (name, _) = value.split_at(end.unwrap_or(value.len()));
            return Self::of_name(name.trim_ascii());
        };
        match number {
            0..=3 | 50.. => Some(Self::Error),
            4 | 40..50 => Some(Self::Warning),
            5 | 6 | 30..40 => Some(Self::Info),
            7 | 10..30 => Some(Self::Debug),
            8 | 9 => None,
        }
    }
}

fn number(text: &[u8]) -> Option<u16> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_names_in_any_case_and_numbers() {
        for (value, expected) in [
            ("ERROR", Some(Level::Error)),
            ("Fatal", Some(Level::Error)),
            ("ERROR+2", Some(Level::Error)),
            ("wrn", Some(Level::Warning)),
            ("warning", Some(Level::Warning)),
            ("INF", Some(Level::Info)),
            ("TRACE", Some(Level::Debug)),
            ("60", Some(Level::Error)),
            ("50", Some(Level::Error)),
            ("40", Some(Level::Warning)),
            ("30", Some(Level::Info)),
            ("20", Some(Level::Debug)),
            ("3", Some(Level::Error)),
            ("4", Some(Level::Warning)),
            ("6", Some(Level::Info)),
            ("-", None),
            ("", None),
            ("9", None),
            ("errors", None),
            ("99999999", None),
        ] {
            assert_eq!(Level::of_value(value.as_bytes()), expected, "{value}");
        }
        assert_eq!(Level::of_name(b"50"), None);
    }
}

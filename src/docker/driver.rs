//! What a log driver does to a log, as far as it is set for one container. Pure.

use std::collections::HashMap;

/// Where Docker keeps what other drivers have sent away, and what the `local` driver keeps, a file
/// has this size (`daemon/logger/local/config.go`).
const LOCAL_SIZE: usize = 20 << 20;

/// A log driver and its options.
#[derive(Clone, Debug, Default)]
pub(crate) struct Driver {
    pub(crate) name: String,
    pub(crate) options: HashMap<String, String>,
}

impl Driver {
    /// The size of the files in which the log is kept; `None` if it is one that only grows.
    pub(crate) fn rotates_at(&self) -> Option<usize> {
        let size = |option| self.option(option).and_then(bytes);
        match self.name.as_str() {
            "json-file" => size("max-size"),
            "journald" | "none" => None,
            "local" => size("max-size").or(Some(LOCAL_SIZE)),
            _ => size("cache-max-size").or(Some(LOCAL_SIZE)),
        }
    }

    /// Why the driver itself may drop lines that the container has printed, if it may.
    pub(crate) fn loses(&self) -> Option<&'static str> {
        let is_own = matches!(
            self.name.as_str(),
            "json-file" | "local" | "journald" | "none"
        );
        match self.option("mode") {
            Some("non-blocking") => Some("mode=non-blocking drops lines when its buffer is full"),
            // `daemon/logger/loggerutils/cache/local_cache.go`.
            None if !is_own => Some("the engine's cache of this driver drops lines under load"),
            _ => None,
        }
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }
}

/// Reads a size such as `10m`; `None` if it sets no limit. Docker's own reading (`units.FromHumanSize`)
/// knows more ways to write one; being a little off costs nothing but time.
fn bytes(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match text.get(digits.len()..)?.trim().as_bytes().first() {
        Some(b'k' | b'K') => 1_000,
        Some(b'm' | b'M') => 1_000_000,
        Some(b'g' | b'G') => 1_000_000_000,
        _ => 1,
    };
    let size = digits.parse::<f64>().ok()? * f64::from(unit);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked; a float saturates"
    )]
    (size >= 1.0).then_some(size as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn driver(name: &str, options: &[(&str, &str)]) -> Driver {
        let options = options
            .iter()
            .map(|&(key, value)| (key.into(), value.into()));
        Driver {
            name: name.to_owned(),
            options: options.collect(),
        }
    }

    #[test]
    fn knows_which_logs_rotate() {
        for (name, options, expected) in [
            ("json-file", &[][..], None),
            (
                "json-file",
                &[("max-size", "10m"), ("max-file", "3")],
                Some(10_000_000),
            ),
            ("json-file", &[("max-size", "1.5kb")], Some(1_500)),
            ("json-file", &[("max-size", "100")], Some(100)),
            ("json-file", &[("max-size", "-1")], None),
            ("json-file", &[("max-size", "0")], None),
            ("json-file", &[("max-size", "much")], None),
            ("local", &[], Some(LOCAL_SIZE)),
            ("local", &[("max-size", "1g")], Some(1_000_000_000)),
            ("journald", &[], None),
            ("syslog", &[], Some(LOCAL_SIZE)),
            ("syslog", &[("cache-max-size", "1m")], Some(1_000_000)),
        ] {
            assert_eq!(
                driver(name, options).rotates_at(),
                expected,
                "{name} {options:?}"
            );
        }
    }

    #[test]
    fn knows_which_drivers_drop_lines() {
        for (name, mode, expected) in [
            ("json-file", None, false),
            ("json-file", Some("blocking"), false),
            ("json-file", Some("non-blocking"), true),
            ("local", None, false),
            ("syslog", None, true),
            ("syslog", Some("blocking"), false),
            ("awslogs", Some("non-blocking"), true),
        ] {
            let options: Vec<_> = mode.iter().map(|mode| ("mode", *mode)).collect();
            let loses = driver(name, &options).loses();
            assert_eq!(loses.is_some(), expected, "{name} {mode:?}");
        }
    }
}

//! The values that options take, each with the rule for reading it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::chain::chain;
use crate::route::{ForwardAuth, HostName, Pattern, PatternError, ProtectedPath, RouterName};

/// What is wrong with a value, as a sentence that says what is allowed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ValueError(pub(super) String);

/// How much authtail says about itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum LogLevel {
    /// Everything, for finding faults.
    Debug,
    /// What happens.
    #[default]
    Info,
    /// What an operator should know.
    Warn,
    /// What an operator must act on.
    Error,
}

/// How authtail's own log lines look.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum LogFormat {
    /// `key=value` pairs.
    #[default]
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// Which containers to follow.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Select {
    /// All but those that say `authtail.enable=false`.
    #[default]
    All,
    /// Only those that say `authtail.enable=true`.
    Labelled,
}

/// Where to listen: `:8401`, `127.0.0.1:8401`, `[::1]:8401`, `localhost:8401`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ListenAddress {
    /// Host name or address; `None` for all interfaces.
    pub(crate) host: Option<String>,
    /// 0 lets the system choose.
    pub(crate) port: u16,
}

/// Where the metrics are: an absolute path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TelemetryPath(pub(crate) String);

/// A time such as `15m` or `1h30m`, from a second to a year.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Retention(pub(crate) Duration);

/// A route and one of its patterns: `chat=/api/v1/chat/*`.
#[derive(Clone, Debug)]
pub(crate) struct NamedPattern(pub(crate) String, pub(crate) Pattern);

/// Something that forward authentication protects: `router=app@docker`, `host=app.example.com` or
/// `path=/private/*`.
#[derive(Clone, Debug)]
pub(crate) enum Protected {
    Router(RouterName),
    Host(HostName),
    Path(ProtectedPath),
}

/// `true` or `false`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Enabled(pub(crate) bool);

/// The name of an environment variable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Variable(pub(crate) String);

/// A number of series, from 1000 to a million.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct MaxSeries(pub(crate) usize);

impl FromStr for NamedPattern {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (name, pattern) = text.split_once('=').ok_or_else(|| {
            ValueError(format!(
                "`{text}` has no `=`, expected a name, `=` and a path"
            ))
        })?;
        let pattern = pattern
            .parse()
            .map_err(|error: PatternError| ValueError(chain(&error)))?;
        Ok(Self(name.to_owned(), pattern))
    }
}

impl FromStr for Protected {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let protected = match text.split_once('=') {
            Some(("router", name)) => name
                .parse()
                .map(Self::Router)
                .map_err(|error| chain(&error)),
            Some(("host", name)) => name.parse().map(Self::Host).map_err(|error| chain(&error)),
            Some(("path", path)) => path.parse().map(Self::Path).map_err(|error| chain(&error)),
            _ => Err(format!(
                "`{text}` is neither `router=…` nor `host=…` nor `path=…`"
            )),
        };
        protected.map_err(ValueError)
    }
}

impl Protected {
    /// Joins what was named one by one.
    pub(crate) fn all(each: Vec<Self>) -> ForwardAuth {
        let mut all = ForwardAuth::default();
        for protected in each {
            match protected {
                Self::Router(name) => all.routers.push(name),
                Self::Host(name) => all.hosts.push(name),
                Self::Path(path) => all.paths.push(path),
            }
        }
        all
    }
}

const YEAR: Duration = Duration::from_hours(366 * 24);

/// Reads one of a few words.
pub(super) fn choice<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, ValueError> {
    let found = choices.iter().find(|(word, _)| *word == text);
    found.map(|&(_, value)| value).ok_or_else(|| {
        let words: Vec<_> = choices
            .iter()
            .map(|(word, _)| format!("`{word}`"))
            .collect();
        ValueError(format!(
            "`{text}` is unknown; allowed: {}",
            words.join(", ")
        ))
    })
}

impl FromStr for LogLevel {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let choices = [
            ("debug", Self::Debug),
            ("info", Self::Info),
            ("warn", Self::Warn),
            ("error", Self::Error),
        ];
        choice(text, &choices)
    }
}

impl FromStr for LogFormat {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        choice(text, &[("logfmt", Self::Logfmt), ("json", Self::Json)])
    }
}

impl FromStr for Select {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        choice(text, &[("all", Self::All), ("labelled", Self::Labelled)])
    }
}

impl FromStr for Enabled {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        choice(text, &[("true", Self(true)), ("false", Self(false))])
    }
}

impl FromStr for ListenAddress {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let parts = text.rsplit_once(':').and_then(|(host, port)| {
            let host = host
                .strip_prefix('[')
                .and_then(|h| h.strip_suffix(']'))
                .unwrap_or(host);
            Some((host, port.parse().ok()?))
        });
        let is_host = |host: &str| !host.contains(['/', '[', ']', ' ']);
        match parts {
            Some(("", port)) => Ok(Self { host: None, port }),
            Some((host, port)) if is_host(host) => Ok(Self {
                host: Some(host.to_owned()),
                port,
            }),
            _ => Err(ValueError(format!(
                "`{text}` is no address; give `:8401` or `host:8401`"
            ))),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) if host.contains(':') => write!(f, "[{host}]:{}", self.port),
            Some(host) => write!(f, "{host}:{}", self.port),
            None => write!(f, ":{}", self.port),
        }
    }
}

impl FromStr for TelemetryPath {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let is_plain = text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"?#%<>\"&".contains(&b));
        let is_taken = text == "/" || text.starts_with("/-/") || text.starts_with("/runbooks/");
        if text.starts_with('/') && is_plain && !is_taken {
            return Ok(Self(text.to_owned()));
        }
        let rule = "give a path such as `/metrics`, not `/`, `/-/…` or `/runbooks/…`";
        Err(ValueError(format!(
            "`{text}` cannot be the path of the metrics; {rule}"
        )))
    }
}

impl FromStr for Retention {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match humantime::parse_duration(text) {
            Ok(time) if (Duration::from_secs(1)..=YEAR).contains(&time) => Ok(Self(time)),
            _ => Err(ValueError(format!(
                "`{text}` is no time between 1s and 366d; give something like `15m` or `1h30m`"
            ))),
        }
    }
}

impl FromStr for Variable {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_name =
            !text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(is_allowed);
        if text.is_empty() || !is_name {
            return Err(ValueError(format!(
                "`{text}` is no name of a variable, expected letters, digits and `_`"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for MaxSeries {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.parse() {
            Ok(number @ 1_000..=1_000_000) => Ok(Self(number)),
            _ => Err(ValueError(format!(
                "`{text}` is no number between 1000 and 1000000"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_listen_addresses() {
        for text in [":8401", "127.0.0.1:0", "[::1]:8401", "localhost:80"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
        for text in ["", "8401", "localhost", ":99999", "http://x:1", "unix:/x:1"] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn keeps_the_paths_of_the_other_pages_free() {
        assert!("/metrics".parse::<TelemetryPath>().is_ok());
        for text in [
            "",
            "metrics",
            "/",
            "/-/healthy",
            "/runbooks/x",
            "/a b",
            "/a?b",
        ] {
            assert!(text.parse::<TelemetryPath>().is_err(), "{text}");
        }
    }

    #[test]
    fn bounds_times_and_numbers() {
        assert_eq!("1h30m".parse(), Ok(Retention(Duration::from_mins(90))));
        for text in ["", "15", "0s", "500d", "-1m"] {
            assert!(text.parse::<Retention>().is_err(), "{text}");
        }
        assert_eq!("1000".parse(), Ok(MaxSeries(1_000)));
        assert!("999".parse::<MaxSeries>().is_err());
    }
}

//! The configuration: only valid values, with every default in one place.

mod container;
mod file;
mod formats;
mod labels;
mod probe_values;
mod probes;
mod section;
mod url;
mod values;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::docker::Endpoint;
use crate::parse::Format;
use crate::parse::patterns::Patterns;
use crate::probe::spec::Probe;
use crate::route::{Routes, RoutesError};

pub(crate) use container::Plan;
use container::Rule;
pub(crate) use section::Problem;
pub(crate) use url::Url;
pub(crate) use values::{
    ListenAddress, LogFormat, LogLevel, NamedPattern, Protected, Retention, Select, TelemetryPath,
};

const DEFAULT_PORT: u16 = 8401;
const DEFAULT_RETENTION: Duration = Duration::from_mins(15);
const DEFAULT_MAX_SERIES: usize = 20_000;

/// Everything that can be chosen.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Where to listen.
    pub(crate) listen_addresses: Vec<ListenAddress>,
    /// Where the metrics are.
    pub(crate) telemetry_path: String,
    /// How much to log.
    pub(crate) log_level: LogLevel,
    /// How to log.
    pub(crate) log_format: LogFormat,
    /// The engine's address; found out if it is `None`.
    pub(crate) docker_host: Option<Endpoint>,
    /// Which containers to follow.
    pub(crate) select: Select,
    /// How long the series of a removed container stay.
    pub(crate) retention: Duration,
    /// Where positions and numbers are kept; an empty path for nowhere, `None` for the first
    /// place that can be written.
    pub(crate) state_file: Option<PathBuf>,
    /// The largest number of series of containers on a page.
    pub(crate) max_series: usize,
    /// The variables of containers that say whether a service demands authentication.
    pub(crate) auth_variables: Vec<String>,
    /// What to ask services.
    pub(crate) probes: Vec<Probe>,
    /// The routes of containers that have none of their own.
    routes: Arc<Routes>,
    /// What denials and notices look like, besides those that are known.
    pub(crate) patterns: Arc<Patterns>,
    /// The formats that a container's label can name.
    formats: formats::Formats,
    /// Settings of single containers.
    rules: Vec<Rule>,
}

/// What the command line or the file says about the process; `None` where it is silent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// See [`Config::listen_addresses`].
    pub(crate) listen_addresses: Option<Vec<ListenAddress>>,
    /// See [`Config::telemetry_path`].
    pub(crate) telemetry_path: Option<TelemetryPath>,
    /// See [`Config::log_level`].
    pub(crate) log_level: Option<LogLevel>,
    /// See [`Config::log_format`].
    pub(crate) log_format: Option<LogFormat>,
    /// The engine's address.
    pub(crate) docker_host: Option<Endpoint>,
    /// See [`Config::select`].
    pub(crate) select: Option<Select>,
    /// See [`Config::state_file`].
    pub(crate) state_file: Option<PathBuf>,
    /// See [`Config::retention`].
    pub(crate) retention: Option<Retention>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration `{}`", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not YAML.
    #[error("the configuration `{}` is not valid YAML", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// What is wrong, with line and column.
        source: serde_yaml::Error,
    },
    /// The file has values that are not allowed.
    #[error("the configuration `{}` is not valid:{}", file.display(), list(problems))]
    Invalid {
        /// The file.
        file: PathBuf,
        /// All of them.
        problems: Vec<Problem>,
    },
}

fn default_variables() -> Vec<String> {
    vec!["AUTH_REQUIRED".to_owned()]
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect();
    lines.concat()
}

impl Config {
    /// Joins options and file; an option wins over the file, and the file over the default.
    ///
    /// Opens nothing but the file.
    pub(crate) fn load(options: Settings, file: Option<&Path>) -> Result<Self, ConfigError> {
        let parts = file.map(file::read).transpose()?.unwrap_or_default();
        let file = parts.settings;
        let any = || {
            vec![ListenAddress {
                host: None,
                port: DEFAULT_PORT,
            }]
        };
        let path = options.telemetry_path.or(file.telemetry_path);
        let retention = options.retention.or(file.retention);
        Ok(Self {
            listen_addresses: options
                .listen_addresses
                .or(file.listen_addresses)
                .unwrap_or_else(any),
            telemetry_path: path.map_or_else(|| "/metrics".to_owned(), |path| path.0),
            log_level: options.log_level.or(file.log_level).unwrap_or_default(),
            log_format: options.log_format.or(file.log_format).unwrap_or_default(),
            docker_host: options.docker_host.or(file.docker_host),
            select: options.select.or(file.select).unwrap_or_default(),
            state_file: options.state_file.or(file.state_file),
            retention: retention.map_or(DEFAULT_RETENTION, |retention| retention.0),
            max_series: parts.max_series.map_or(DEFAULT_MAX_SERIES, |max| max.0),
            auth_variables: parts
                .auth_variables
                .map_or_else(default_variables, |variables| {
                    variables.into_iter().map(|variable| variable.0).collect()
                }),
            probes: parts.probes,
            routes: Arc::new(parts.routes),
            patterns: Arc::new(parts.patterns),
            formats: parts.formats,
            rules: parts.rules,
        })
    }

    /// The format of a name, or a message that says which names there are.
    pub(crate) fn format(&self, name: &str) -> Result<Option<Format>, String> {
        self.formats.find(name)
    }

    /// The routes of all containers, and some more.
    pub(crate) fn routes(&self, extra: Vec<NamedPattern>) -> Result<Routes, RoutesError> {
        let extra = extra
            .into_iter()
            .map(|NamedPattern(name, pattern)| (name, pattern));
        self.routes.with(extra)
    }
}

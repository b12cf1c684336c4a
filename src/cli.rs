//! The command line: clap types only.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, Resettable, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{
    ListenAddress, LogFormat, LogLevel, NamedPattern, Protected, Retention, Select, TelemetryPath,
};
use crate::docker::Endpoint;

const VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (revision ",
    env!("AUTHTAIL_REVISION"),
    ", rustc ",
    env!("AUTHTAIL_RUSTC"),
    ")"
);

/// Counts the auth requests in container logs, for Prometheus.
///
/// Without arguments it follows every container of the local Docker engine and serves their
/// numbers at :8401/metrics.
#[derive(Debug, Parser)]
#[command(name = "authtail", version = VERSION, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) options: Options,
}

impl Cli {
    /// Reads the process's arguments and environment; wrong usage ends the process with 2.
    pub(crate) fn read() -> Self {
        // Compose sets a variable that is not there to nothing: `${AUTHTAIL_LOG_LEVEL:-}`.
        let command = Self::command().mut_args(|arg| {
            let value = arg.get_env().and_then(std::env::var_os);
            let is_empty = value.is_some_and(|value| value.is_empty());
            if is_empty {
                arg.env(Resettable::Reset)
            } else {
                arg
            }
        });
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }
}

/// clap's own parser of paths refuses an empty one.
fn path_or_nothing() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the exporter (the default).
    Run,
    /// Work with configuration files.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask the local exporter whether it is healthy.
    Healthcheck,
    /// Show what authtail makes of each line of a log.
    Explain(ExplainOptions),
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainOptions {
    /// The log; `-` or nothing for standard input.
    pub(crate) file: Option<PathBuf>,

    /// Print one JSON object for each line.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reading: ReadingOptions,
}

/// How to read a log that no container's labels say anything about.
#[derive(Debug, Args)]
pub(crate) struct ReadingOptions {
    /// Format of the access lines [default: found out at the first one]
    #[arg(long, value_name = "NAME")]
    pub(crate) format: Option<String>,

    /// A route besides those of the configuration: a name, `=` and a path as in the file; may be
    /// repeated.
    #[arg(long = "route", value_name = "NAME=PATH")]
    pub(crate) routes: Vec<NamedPattern>,

    /// What a proxy's auth server protects: `router=`, `host=` or `path=` and a name or path; `*` for
    /// all; may be repeated. Counts as route `forward_auth`.
    #[arg(long = "forward-auth", value_name = "KIND=NAME")]
    pub(crate) forward_auth: Vec<Protected>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Validate a file and list everything that is wrong with it.
    Check {
        /// The file.
        file: PathBuf,
    },
}

/// Options of the process; each wins over its environment variable, and that over the file.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Options {
    /// Configuration file (YAML). Everything has a default.
    #[arg(
        long = "config.file",
        env = "AUTHTAIL_CONFIG_FILE",
        value_name = "FILE",
        global = true
    )]
    pub(crate) config_file: Option<PathBuf>,

    /// Address to listen on; may be repeated [default: :8401]
    #[arg(
        long = "web.listen-address",
        env = "AUTHTAIL_WEB_LISTEN_ADDRESS",
        value_name = "ADDRESS",
        value_delimiter = ',',
        global = true
    )]
    pub(crate) listen_addresses: Vec<ListenAddress>,

    /// Path of the metrics [default: /metrics]
    #[arg(
        long = "web.telemetry-path",
        env = "AUTHTAIL_WEB_TELEMETRY_PATH",
        value_name = "PATH",
        global = true
    )]
    pub(crate) telemetry_path: Option<TelemetryPath>,

    /// How much to log: debug, info, warn or error [default: info]
    #[arg(
        long = "log.level",
        env = "AUTHTAIL_LOG_LEVEL",
        value_name = "LEVEL",
        global = true
    )]
    pub(crate) log_level: Option<LogLevel>,

    /// How to log: logfmt or json [default: logfmt]
    #[arg(
        long = "log.format",
        env = "AUTHTAIL_LOG_FORMAT",
        value_name = "FORMAT",
        global = true
    )]
    pub(crate) log_format: Option<LogFormat>,

    /// Address of the engine: `unix:///path`, `/path` or `tcp://host:port` [default: as the docker
    /// command line]
    #[arg(
        long = "docker.host",
        env = "AUTHTAIL_DOCKER_HOST",
        value_name = "ADDRESS",
        global = true
    )]
    pub(crate) docker_host: Option<Endpoint>,

    /// Which containers to follow: all, or those labelled authtail.enable=true [default: all]
    #[arg(
        long = "docker.select",
        env = "AUTHTAIL_DOCKER_SELECT",
        value_name = "WHICH",
        global = true
    )]
    pub(crate) docker_select: Option<Select>,

    /// File that keeps positions and numbers over a restart; empty for none [default:
    /// /var/lib/authtail/state, else `authtail/state` in `XDG_STATE_HOME`]
    #[arg(
        long = "state.file",
        env = "AUTHTAIL_STATE_FILE",
        value_name = "FILE",
        value_parser = path_or_nothing(),
        global = true
    )]
    pub(crate) state_file: Option<PathBuf>,

    /// How long the series of a removed container stay [default: 15m]
    #[arg(
        long = "metrics.retention",
        env = "AUTHTAIL_METRICS_RETENTION",
        value_name = "TIME",
        global = true
    )]
    pub(crate) retention: Option<Retention>,
}

//! The command line: clap types only.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, Resettable, TypedValueParser};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::commands::Since;
use crate::config::{
    ListenAddress, LogFormat, LogLevel, NamedPattern, Protected, Retention, Select, TelemetryPath,
    Url,
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
    /// Reads the process's arguments and environment; else returns the exit code, after it has
    /// printed the help that is asked for, or what is wrong.
    pub(crate) fn read() -> Result<Self, u8> {
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
        let matches = command.try_get_matches();
        let read = matches.and_then(|matches| Self::from_arg_matches(&matches));
        read.map_err(|error| {
            // Whoever has closed the output does not want to know.
            drop(error.print());
            let is_wrong = error.use_stderr();
            if is_wrong {
                usage_code(std::env::args_os())
            } else {
                0
            }
        })
    }
}

/// The exit code of wrong usage: a command that reports on a service has not looked at it.
fn usage_code(arguments: impl Iterator<Item = OsString>) -> u8 {
    const USAGE: u8 = 2;
    const UNKNOWN: u8 = 3;
    let words: Vec<_> = arguments.skip(1).collect();
    let has = |word: &str| words.iter().any(|argument| argument == word);
    if has("diagnose") || (has("check") && !has("config")) {
        UNKNOWN
    } else {
        USAGE
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
    /// Look at live services once: containers, answers, logs, and what they mean.
    ///
    /// Ends with 0 if all is well, 1 for a warning, 2 if it is critical, 3 if nobody can say.
    Check(CheckOptions),
    /// Show what authtail makes of each line of a log.
    Explain(ExplainOptions),
    /// Say what a log shows about the requests, whether that is normal, and what to do.
    Diagnose(DiagnoseOptions),
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Options of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// A container by its name or the beginning of its id, or a source [default: all that answer auth
    /// requests]
    #[arg(long, value_name = "NAME")]
    pub(crate) container: Option<String>,

    /// Ask this URL, too; alone, without an engine
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Url>,

    /// How much of the logs to look at
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub(crate) since: Retention,

    /// A file with a good token, to see whether it is accepted
    #[arg(long = "token-file", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainOptions {
    /// Format of the access lines [default: found out at the first one]
    #[arg(long, alias = "input-format", value_name = "NAME")]
    pub(crate) format: Option<String>,

    /// The log; `-` or nothing for standard input.
    pub(crate) file: Option<PathBuf>,

    /// Print one JSON object for each line.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reading: ReadingOptions,
}

/// Options of `diagnose`.
#[derive(Debug, Args)]
pub(crate) struct DiagnoseOptions {
    /// The logs, in the order of their lines; `-` or nothing for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Read the log of a container instead, by name or id.
    #[arg(long, value_name = "NAME", conflicts_with = "files")]
    pub(crate) container: Option<String>,

    /// Leave out what is older: `1h`, `30m` or a time such as 2026-11-21T18:00:00Z. The lines need
    /// a time.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Since>,

    /// How to print the report.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,

    /// Format of the access lines [default: found out at the first one]
    #[arg(long, value_name = "NAME")]
    pub(crate) input_format: Option<String>,

    #[command(flatten)]
    pub(crate) reading: ReadingOptions,
}

/// How to read a log that no container's labels say anything about.
#[derive(Debug, Args)]
pub(crate) struct ReadingOptions {
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

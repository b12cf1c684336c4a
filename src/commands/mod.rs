//! What the commands do, and how the process ends.

mod check;
mod diagnose;
mod explain;
mod healthcheck;
mod run;

use std::io::Write;
use std::process::ExitCode;

pub(crate) use self::diagnose::Since;
use crate::chain::chain;
use crate::cli::{Cli, Command, ConfigCommand, Options};
use crate::config::{Config, ConfigError, Settings};

/// The command did not do what was asked.
const FAILED: u8 = 1;

/// The command could not look at what it was to report on.
const UNKNOWN: u8 = 3;

/// Why a command failed, as one message.
type Failure = Box<dyn std::error::Error>;

/// Runs the command that the arguments name.
pub(crate) fn main() -> ExitCode {
    let Cli { command, options } = match Cli::read() {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    let mut failed = FAILED;
    let result = match command.unwrap_or(Command::Run) {
        Command::Run => run::run(&options),
        Command::Check(check) => {
            failed = UNKNOWN;
            match check::check(&options, &check) {
                Ok(code) => return code,
                Err(failure) => Err(failure),
            }
        }
        Command::Config(ConfigCommand::Check { file }) => config_check(Options {
            config_file: Some(file),
            ..options
        }),
        Command::Explain(explain) => explain::explain(&options, explain),
        Command::Diagnose(diagnose) => {
            failed = diagnose::FAILED;
            match diagnose::diagnose(&options, diagnose) {
                Ok(code) => return ExitCode::from(code),
                Err(failure) => Err(failure),
            }
        }
        Command::Healthcheck => healthcheck::healthcheck(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Standard error may be closed; there is nobody left to tell.
            drop(writeln!(std::io::stderr(), "error: {}", chain(&*failure)));
            ExitCode::from(failed)
        }
    }
}

/// `authtail config check FILE`
fn config_check(options: Options) -> Result<(), Failure> {
    load(&options)?;
    let file = options.config_file.unwrap_or_default();
    writeln!(
        std::io::stdout(),
        "the configuration `{}` is valid",
        file.display()
    )?;
    Ok(())
}

/// The configuration that options, environment and file make together.
fn load(options: &Options) -> Result<Config, ConfigError> {
    let Options {
        config_file,
        listen_addresses,
        telemetry_path,
        log_level,
        log_format,
        docker_host,
        docker_select,
        state_file,
        retention,
    } = options.clone();
    let settings = Settings {
        listen_addresses: Some(listen_addresses).filter(|addresses| !addresses.is_empty()),
        telemetry_path,
        log_level,
        log_format,
        docker_host,
        select: docker_select,
        state_file,
        retention,
    };
    Config::load(settings, config_file.as_deref())
}

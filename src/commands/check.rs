//! `authtail check`: one look at live services, as a Nagios plugin ends it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::Builder;

use super::{Failure, load};
use crate::check::{Report, Request, Text, look};
use crate::cli::{CheckOptions, Options};
use crate::config::Config;
use crate::docker::{Look, Surroundings};
use crate::probe::{Marker, Origin, key};
use crate::state::key_of;

/// Looks, prints, and returns 0, 1, 2 or 3. A failure means that nothing could be looked at.
pub(super) fn check(options: &Options, check: &CheckOptions) -> Result<ExitCode, Failure> {
    let config = load(options)?;
    let request = Request {
        container: check.container.clone(),
        url: check.url.clone(),
        since: check.since.0,
        token: check.token_file.clone().map(Origin::File),
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(report(&config, &request));
    // A name that is still being looked up is nothing to wait for.
    runtime.shutdown_background();
    let mut output = io::stdout().lock();
    let printed = if check.json {
        let json = serde_json::to_string_pretty(&report)?;
        writeln!(output, "{json}")
    } else {
        write!(output, "{}", Text(&report))
    };
    match printed {
        // `| head` has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::from(report.exit_code)),
    }
}

async fn report(config: &Config, request: &Request) -> Report {
    // A URL alone needs no engine.
    let is_needed = request.container.is_some() || request.url.is_none();
    let engine = if is_needed {
        Some(engine(config).await)
    } else {
        None
    };
    look(config, request, engine, Arc::new(marker(config))).await
}

async fn engine(config: &Config) -> Result<Look, String> {
    let endpoints = Surroundings::read().endpoints(config.docker_host.clone());
    let endpoints = endpoints.map_err(|error| error.to_string())?;
    Look::at(&endpoints, &config.auth_variables).await
}

/// The exporter's own, so that it does not count these requests; else one that only we know.
fn marker(config: &Config) -> Marker {
    let known = key_of(config.state_file.as_deref());
    let known = known.and_then(|path| key::of_file(&path).ok());
    known.unwrap_or_else(key::of_this_process)
}

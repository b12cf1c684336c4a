//! `authtail run`: set up, watch and serve until a signal, stop in order.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, level_filters::LevelFilter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use super::{Failure, load};
use crate::cli::Options;
use crate::config::{Config, LogFormat, LogLevel};
use crate::docker::{Endpoint, Status, Surroundings, watch};
use crate::fleet::Fleet;
use crate::metrics::Exposition;
use crate::web::{Renderer, Site, listen, serve};

/// Threads that look up host names; nothing else blocks.
const LOOKUP_THREADS: usize = 8;
/// How long to wait for such a thread at the end.
const SHUTDOWN: Duration = Duration::from_millis(500);

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let config = load(options)?;
    let endpoints = Surroundings::read().endpoints(config.docker_host.clone())?;
    start_log(config.log_level, config.log_format);
    // One thread reads all logs: an engine delivers about 130,000 lines a second, and a line takes
    // a fraction of a microsecond.
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(LOOKUP_THREADS)
        .build()?;
    let result = runtime.block_on(exporter(endpoints, Arc::new(config)));
    runtime.shutdown_timeout(SHUTDOWN);
    result
}

async fn exporter(endpoints: Vec<Endpoint>, config: Arc<Config>) -> Result<(), Failure> {
    info!(
        version = env!("CARGO_PKG_VERSION"),
        revision = env!("AUTHTAIL_REVISION"),
        "starting"
    );
    let fleet = Arc::new(Fleet::new(config.retention));
    let status = Arc::new(Status::default());
    let exposition = Exposition::new(Arc::clone(&fleet), Arc::clone(&status), config.max_series)?;
    let site = Site::new(
        Renderer::start(exposition)?,
        Arc::clone(&fleet),
        Arc::clone(&status),
        config.telemetry_path.clone(),
    );
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listeners = listen(&config.listen_addresses).await?;

    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listeners, Arc::new(site), stop.clone()));
    let watcher = tokio::spawn(watch(endpoints, config, fleet, status));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    info!("stopping");
    watcher.abort();
    stop.cancel();
    server.await?;
    info!("stopped");
    Ok(())
}

/// Logs go to standard error; standard output is for what was asked for.
fn start_log(level: LogLevel, format: LogFormat) {
    let level = match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Logfmt => tracing_logfmt::builder()
            .with_target(false)
            .layer()
            .with_writer(std::io::stderr)
            .boxed(),
        LogFormat::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_target(false)
            .with_writer(std::io::stderr)
            .boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(level))
        .init();
}

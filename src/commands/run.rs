//! `authtail run`: set up, watch and serve until a signal, stop in order.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, level_filters::LevelFilter, warn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use super::{Failure, load};
use crate::cli::Options;
use crate::config::{Config, LogFormat, LogLevel};
use crate::docker::{Endpoint, Status, Surroundings, watch};
use crate::fleet::Fleet;
use crate::metrics::Exposition;
use crate::probe::{Marker, Prober, Results, key};
use crate::state::{Keeper, Saves, StateFile, restore};
use crate::web::{Renderer, Site, listen, serve};

/// Threads that look up host names; nothing else blocks.
const LOOKUP_THREADS: usize = 8;
/// How often numbers are saved that nobody asks for.
const SAVE_PERIOD: Duration = Duration::from_secs(5);
/// How long to wait for such a thread at the end.
const SHUTDOWN: Duration = Duration::from_millis(500);

pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let config = load(options)?;
    let endpoints = Surroundings::read().endpoints(config.docker_host.clone())?;
    start_log(config.log_level, config.log_format);
    raise_open_files();
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
    let saves = Arc::new(Saves::default());
    let file = StateFile::open(config.state_file.as_deref())?;
    let saved_at = file.as_ref().and_then(|file| restore(file, &fleet));
    let marker = Arc::new(marker(file.as_ref()));
    let results = Arc::new(Results::default());
    let keeper = Keeper::new(
        Arc::clone(&fleet),
        Arc::clone(&status),
        file,
        Arc::clone(&saves),
    );
    let exposition = Exposition::new(
        Arc::clone(&status),
        saves,
        Arc::clone(&results),
        config.max_series,
    )?;
    let renderer = Renderer::start(exposition, keeper)?;
    let site = Site::new(
        renderer.clone(),
        Arc::clone(&fleet),
        Arc::clone(&status),
        Arc::clone(&results),
        config.telemetry_path.clone(),
    );
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listeners = listen(&config.listen_addresses).await?;

    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listeners, Arc::new(site), stop.clone()));
    let prober = Prober {
        probes: config.probes.clone(),
        fleet: Arc::clone(&fleet),
        results,
        marker: Arc::clone(&marker),
    };
    let prober = tokio::spawn(prober.run());
    let watcher = tokio::spawn(watch(endpoints, config, fleet, status, marker, saved_at));
    let mut saving = interval(SAVE_PERIOD);
    saving.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = saving.tick() => renderer.save().await,
        }
    }
    info!("stopping");
    prober.abort();
    watcher.abort();
    stop.cancel();
    server.await?;
    renderer.save().await;
    info!("stopped");
    Ok(())
}

/// Knows the requests of our own probes, those of an earlier process and of `check` too if there is a
/// place for the key.
fn marker(file: Option<&StateFile>) -> Marker {
    let Some(file) = file else {
        return key::of_this_process();
    };
    let path = file.key();
    key::of_file(&path).unwrap_or_else(|error| {
        let file = path.display();
        warn!(%file, %error, "no key for the marks of probes, those of others are counted as requests");
        key::of_this_process()
    })
}

/// Each followed container takes a file, and a service manager's soft limit is often 1024.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        warn!(%error, "cannot raise the limit of open files");
    }
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

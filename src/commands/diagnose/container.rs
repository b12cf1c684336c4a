//! Reads the log of a container, with what its labels and the file say about it.

use tokio::runtime::Builder;

use super::Found;
use super::progress::Progress;
use crate::cli::ReadingOptions;
use crate::commands::Failure;
use crate::config::{Config, NamedPattern, Protected};
use crate::docker::{Once, Surroundings};
use crate::parse::envelope::Opened;
use crate::report::reader::{Reader, Settings};
use crate::route::Routes;

/// Options of the command line win over labels, and those over the file.
pub(super) fn read(
    config: &Config,
    name: &str,
    reading: ReadingOptions,
    mut settings: Settings,
    found: &mut Found,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let endpoints = Surroundings::read().endpoints(config.docker_host.clone())?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let container = Once::find(&endpoints, name).await?;
        let plan = config.plan(&container.details.name, &container.details.labels);
        let extra = reading
            .routes
            .into_iter()
            .map(|NamedPattern(name, pattern)| (name, pattern));
        let mut routes = Routes::clone(&plan.routes);
        if extra.len() > 0 {
            routes = routes.with(extra)?;
        }
        let protected = Protected::all(reading.forward_auth);
        settings.routes = routes.protecting(protected)?.into();
        settings.format = settings.format.or(plan.format);
        settings.patterns = plan.patterns;
        let since = settings.since;
        let mut reader = Reader::new(settings);
        let read = container.read(since, |line| {
            let opened = Opened {
                line: line.bytes,
                time: Some(line.timestamp),
                source: None,
                stream: line.stream,
                is_cut: line.is_cut(),
            };
            reader.opened(opened, line.length);
            progress.add(line.length);
        });
        read.await?;
        reader.end();
        found
            .inputs
            .push(format!("container {}", plan.identity.container));
        found.numbers.append(reader.take());
        found.note(&reader);
        Ok(())
    })
}

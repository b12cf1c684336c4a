//! The calls to the engine other than reading logs; the only file that knows bollard.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use bollard::models::{
    ContainerInspectResponse, ContainerSummary, EventMessage, HealthStatusEnum, NetworkSettings,
};
use bollard::query_parameters::{
    EventsOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
};
use bollard::{API_DEFAULT_VERSION, Docker, errors::Error};
use futures_util::{Stream, StreamExt};
use tokio::time::timeout;

use super::details::Details;
use super::driver::Driver;
use super::endpoint::Endpoint;
use super::facts::{Facts, Health, REVISION, demands_auth, revision};
use super::timestamp::Timestamp;
use crate::probe::Place;

/// How long the engine may take to answer, body included; bollard's own limit ends with the
/// headers.
const TIMEOUT: Duration = Duration::from_secs(30);
/// An event stream may be silent for ever, and Podman sends even the headers with the first event.
const NO_TIMEOUT: u64 = u32::MAX as u64;
/// Events of this time before the subscription are asked for too, so that nothing can fall between
/// the subscription and the list that follows it. They are only a doorbell: repeats are harmless.
const EVENT_OVERLAP: Duration = Duration::from_secs(5);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    #[error("no such container")]
    NotFound,
    #[error("the engine answers {status}: {message}")]
    Status { status: u16, message: String },
    #[error("no answer for {} s", TIMEOUT.as_secs())]
    Timeout,
    #[error("{0}")]
    Other(Box<Error>),
}

/// What the engine is.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// For people: `Docker 28.2.2, API 1.50`.
    pub(crate) text: String,
    pub(crate) is_podman: bool,
}

/// A container in the engine's list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) is_running: bool,
}

/// An image.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    pub(crate) created: Option<Timestamp>,
    /// The names that mean it now.
    pub(crate) names: Vec<String>,
}

/// An engine that has answered.
#[derive(Debug)]
pub(crate) struct Engine {
    calls: Docker,
    events: Docker,
    /// The variables of containers that are looked at.
    variables: Vec<String>,
}

impl Engine {
    /// Prepares calls; nothing is sent yet.
    pub(crate) fn new(endpoint: &Endpoint) -> Result<Self, EngineError> {
        Ok(Self {
            calls: client(endpoint, TIMEOUT.as_secs())?,
            events: client(endpoint, NO_TIMEOUT)?,
            variables: Vec::new(),
        })
    }

    /// The same, which reads these variables of containers, and no others.
    #[must_use]
    pub(crate) fn reading(self, variables: &[String]) -> Self {
        let variables = variables.to_vec();
        Self { variables, ..self }
    }

    pub(crate) async fn version(&self) -> Result<Version, EngineError> {
        let answer = answer(self.calls.version()).await?;
        let names = answer.components.unwrap_or_default();
        let is_podman = names
            .iter()
            .any(|part| part.name.to_lowercase().contains("podman"));
        let name = if is_podman { "Podman" } else { "Docker" };
        let version = answer.version.unwrap_or_default();
        let api = answer.api_version.unwrap_or_default();
        Ok(Version {
            text: format!("{name} {version}, API {api}"),
            is_podman,
        })
    }

    /// All containers, stopped ones too.
    pub(crate) async fn list(&self) -> Result<Vec<Listed>, EngineError> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let answer = answer(self.calls.list_containers(Some(options))).await?;
        Ok(answer.into_iter().filter_map(listed).collect())
    }

    pub(crate) async fn inspect(&self, id: &str) -> Result<Details, EngineError> {
        let options = None::<InspectContainerOptions>;
        let answer = answer(self.calls.inspect_container(id, options)).await?;
        Ok(details(answer, &self.variables))
    }

    pub(crate) async fn image(&self, id: &str) -> Result<Image, EngineError> {
        let answer = answer(self.calls.inspect_image(id)).await?;
        Ok(Image {
            created: answer.created.as_deref().and_then(time),
            names: answer.repo_tags.unwrap_or_default(),
        })
    }

    /// The ids of containers that something happened to.
    pub(crate) fn events(&self) -> impl Stream<Item = Result<String, EngineError>> + use<> {
        let actions = [
            "create",
            "start",
            "unpause",
            "die",
            "destroy",
            "remove",
            "health_status",
        ];
        let filters = HashMap::from([("type", vec!["container"]), ("event", actions.to_vec())]);
        let since = SystemTime::now() - EVENT_OVERLAP;
        let since = since
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let options = EventsOptionsBuilder::new()
            .since(&since.to_string())
            .filters(&filters)
            .build();
        self.events
            .events(Some(options))
            .filter_map(|event| async { subject(event).transpose() })
    }
}

async fn answer<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, EngineError> {
    Ok(timeout(TIMEOUT, call)
        .await
        .map_err(|_| EngineError::Timeout)??)
}

fn client(endpoint: &Endpoint, timeout: u64) -> Result<Docker, EngineError> {
    let version = API_DEFAULT_VERSION;
    Ok(match endpoint {
        Endpoint::Unix(path) => {
            Docker::connect_with_unix(&path.to_string_lossy(), timeout, version)?
        }
        Endpoint::Tcp(address) => Docker::connect_with_http(address, timeout, version)?,
    })
}

fn listed(summary: ContainerSummary) -> Option<Listed> {
    use bollard::models::ContainerSummaryStateEnum::{PAUSED, RUNNING};
    let is_running = matches!(summary.state, Some(RUNNING | PAUSED));
    Some(Listed {
        id: summary.id?,
        is_running,
    })
}

fn details(answer: ContainerInspectResponse, variables: &[String]) -> Details {
    let config = answer.config.unwrap_or_default();
    let state = answer.state.unwrap_or_default();
    let log = answer
        .host_config
        .and_then(|host| host.log_config)
        .unwrap_or_default();
    let labels = config.labels.unwrap_or_default();
    let environment = config.env.unwrap_or_default();
    let facts = Facts {
        image_id: answer.image.unwrap_or_default(),
        revision: labels.get(REVISION).and_then(|label| revision(label)),
        created: answer.created.as_deref().and_then(time),
        restarts: answer
            .restart_count
            .unwrap_or_default()
            .try_into()
            .unwrap_or_default(),
        health: state
            .health
            .and_then(|health| health.status)
            .map_or(Health::Unchecked, health),
        demands_auth: demands_auth(&environment, variables),
    };
    let name = answer.name.unwrap_or_default();
    Details {
        name: name.strip_prefix('/').unwrap_or(&name).to_owned(),
        image: config.image.unwrap_or_default(),
        labels,
        place: place(
            answer.network_settings,
            config.exposed_ports.as_deref().unwrap_or_default(),
        ),
        has_tty: config.tty.unwrap_or_default(),
        driver: Driver {
            name: log.typ.unwrap_or_default(),
            options: log.config.unwrap_or_default(),
        },
        // Between the runs of a crash loop Docker says that a container is both.
        is_running: state.running.unwrap_or_default() && !state.restarting.unwrap_or_default(),
        command: answer
            .path
            .into_iter()
            .chain(answer.args.unwrap_or_default())
            .collect(),
        started: state.started_at.as_deref().and_then(time),
        exit_code: state.exit_code,
        is_out_of_memory: state.oom_killed.unwrap_or_default(),
        facts,
    }
}

fn health(status: HealthStatusEnum) -> Health {
    match status {
        HealthStatusEnum::HEALTHY => Health::Healthy,
        HealthStatusEnum::UNHEALTHY => Health::Unhealthy,
        HealthStatusEnum::STARTING => Health::Starting,
        HealthStatusEnum::EMPTY | HealthStatusEnum::NONE => Health::Unchecked,
    }
}

/// Its own addresses, and the TCP ports that are named for it.
fn place(networks: Option<NetworkSettings>, exposed: &[String]) -> Place {
    let networks = networks.and_then(|settings| settings.networks);
    let mut networks: Vec<_> = networks.into_iter().flatten().collect();
    networks.sort_by(|(one, _), (other, _)| one.cmp(other));
    let addresses = networks.into_iter().flat_map(|(_, endpoint)| {
        let both = [endpoint.ip_address, endpoint.global_ipv6_address];
        both.into_iter().flatten()
    });
    let ports = exposed
        .iter()
        .filter_map(|port| match port.split_once('/') {
            Some((port, "tcp")) => port.parse().ok(),
            Some(_) => None,
            None => port.parse().ok(),
        });
    let ports: BTreeSet<_> = ports.collect();
    Place {
        addresses: addresses
            .filter_map(|address| address.parse().ok())
            .collect(),
        ports: ports.into_iter().collect(),
    }
}

fn time(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text.as_bytes())
}

fn subject(event: Result<EventMessage, Error>) -> Result<Option<String>, EngineError> {
    Ok(event?.actor.and_then(|actor| actor.id))
}

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        match error {
            Error::DockerResponseServerError {
                status_code: 404, ..
            } => Self::NotFound,
            Error::DockerResponseServerError {
                status_code: status,
                message,
            } => Self::Status {
                status,
                message: message.chars().take(200).collect(),
            },
            Error::RequestTimeoutError => Self::Timeout,
            other => Self::Other(Box::new(other)),
        }
    }
}

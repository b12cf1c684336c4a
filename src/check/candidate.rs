//! One container: asks it, looks for the answers in its log, and puts together what was seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use super::asks::{self, Ask};
use super::deployed::{hides_access_lines, is_current, port_of};
use super::seen::Seen;
use super::subject::{RECORDS, Request, read};
use super::{
    Asked, Configuration, Container, Deployment, LogSource, Requests, Route, Subject, What,
};
use crate::config::{Config, Plan, Url};
use crate::docker::{Details, Intake, Look, Timestamp};
use crate::probe::{Marker, Nonce};
use crate::report::band::Band;
use crate::tally::Tally;

/// How many of the newest records are read to find an answer in a log.
const NEWEST: u32 = 2_000;
/// How long an answer may take to its log.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(100);
/// Where services validate, if their log does not say.
const VALIDATE: &str = "/api/v1/auth/validate";

/// A container on its way to a subject.
pub(super) struct Candidate<'a> {
    pub(super) id: &'a str,
    pub(super) details: &'a Details,
    pub(super) plan: Plan,
    pub(super) intake: Result<Intake, String>,
    pub(super) seen: Seen,
    /// How many containers of its source run.
    pub(super) replicas: usize,
}

impl Candidate<'_> {
    /// True if something says that it is a service that decides.
    pub(super) fn is_recognised(&self, config: &Config) -> bool {
        let source = &self.plan.identity.source;
        let has_requests = self
            .intake
            .as_ref()
            .is_ok_and(|intake| intake.tally().routes().next().is_some());
        let is_asked = config.probes.iter().any(|probe| probe.source == *source);
        has_requests || is_asked || !self.plan.expected.is_empty() || !self.plan.wishes.is_empty()
    }

    pub(super) async fn subject(
        self,
        config: &Config,
        request: &Request,
        engine: &Look,
        marker: &Arc<Marker>,
        url: Option<&Url>,
    ) -> Subject {
        let began = Timestamp::of(SystemTime::now());
        let made = self.ask(config, request, marker, url).await;
        let (asked, shows_queries) = self.find(engine, marker, made, began).await;
        let (health, probes): (Vec<_>, Vec<_>) = asked
            .into_iter()
            .partition(|asked| asked.what == What::Health);
        let mut health = health.into_iter();
        let facts = &self.details.facts;
        let image = match facts.image_id.as_str() {
            "" => None,
            id => engine.image(id).await,
        };
        let tally = self.intake.as_ref().ok().map(Intake::tally);
        let counts = |counts: Vec<(&'static str, u64)>| -> BTreeMap<_, _> {
            counts.into_iter().filter(|(_, count)| *count > 0).collect()
        };
        let denials = counts(
            tally
                .map(|tally| tally.denials().collect())
                .unwrap_or_default(),
        );
        Subject {
            source: self.plan.identity.source.clone(),
            container: Some(self.container()),
            deployment: Some(Deployment {
                image: self.details.image.clone(),
                image_id: facts.image_id.clone(),
                revision: facts.revision.clone(),
                created: facts.created.map(|time| time.to_string()),
                is_current: image
                    .as_ref()
                    .and_then(|image| is_current(&self.details.image, &image.names)),
                image_created: image
                    .and_then(|image| image.created)
                    .map(|time| time.to_string()),
            }),
            configuration: Some(Configuration {
                auth_required: facts.demands_auth,
                auth_reported: tally.and_then(Tally::is_auth_required),
                hides_access_lines: hides_access_lines(&self.details.command),
            }),
            health: health.next(),
            probes: health.chain(probes).collect(),
            requests: self.requests(request.since),
            notices: counts(
                tally
                    .map(|tally| tally.notices().collect())
                    .unwrap_or_default(),
            ),
            log: Some(self.log(shows_queries, denials.get("service_error").copied())),
            denials,
            samples: self.seen.samples(),
            findings: Vec::new(),
        }
    }

    /// Makes all requests that fit.
    async fn ask(
        &self,
        config: &Config,
        request: &Request,
        marker: &Arc<Marker>,
        url: Option<&Url>,
    ) -> Vec<(Asked, Option<Nonce>)> {
        let source = &self.plan.identity.source;
        let place = &self.details.place;
        let own = self.plan.wishes.iter();
        let own = own.filter_map(|wish| wish.probe(source, self.id, place));
        let mut asks: Vec<Ask> = config
            .probes
            .iter()
            .filter(|probe| probe.source == *source)
            .cloned()
            .chain(own)
            .map(|probe| asks::configured(&probe))
            .collect();
        let token = request.token.as_ref();
        let has = |what| asks.iter().any(|ask| ask.what == what);
        let (has_health, has_pair) = (has(What::Health), has(What::Anonymous));
        if let Some(url) = url {
            asks.extend(asks::url(source, url, token));
        }
        let port = self
            .port()
            .filter(|_| self.details.is_running && !place.addresses.is_empty());
        if let Some(port) = port.filter(|_| !has_pair) {
            let path = self.seen.path.as_deref().unwrap_or(VALIDATE);
            asks.extend(asks::own(source, self.id, place, port, path, token));
        }
        let mut made = asks::make(asks, marker).await;
        // Nobody has said that it validates there.
        made.retain(|(asked, _)| !(asked.name.starts_with("direct") && asked.code == Some(404)));
        let is_silent = made
            .iter()
            .any(|(asked, _)| asked.is_direct && asked.code.is_none());
        if let Some(port) = port.filter(|_| !has_health && !is_silent) {
            made.extend(asks::health(source, self.id, place, port, marker).await);
        }
        made
    }

    /// Waits for the answers in the log. Also says whether it would show them.
    async fn find(
        &self,
        engine: &Look,
        marker: &Arc<Marker>,
        made: Vec<(Asked, Option<Nonce>)>,
        began: Option<Timestamp>,
    ) -> (Vec<Asked>, bool) {
        let shows = |intake: &Intake| {
            intake
                .sightings()
                .shows_queries(intake.format(), self.details.started)
        };
        let mut shows_queries = self.intake.as_ref().is_ok_and(shows);
        let (asked, nonces): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        let mut seen = vec![false; nonces.len()];
        let start = Instant::now();
        let is_open = |seen: &[bool]| {
            nonces
                .iter()
                .zip(seen)
                .any(|(nonce, seen)| nonce.is_some() && !seen)
        };
        while let (Some(began), true) = (began, is_open(&seen) && self.intake.is_ok()) {
            let newest = read(
                engine,
                self.id,
                self.details,
                &self.plan,
                NEWEST,
                began,
                marker,
                &mut Seen::default(),
            )
            .await;
            if let Ok(intake) = &newest {
                shows_queries |= shows(intake);
                for (nonce, seen) in nonces.iter().zip(&mut seen) {
                    *seen |= nonce.is_some_and(|nonce| intake.sightings().has(nonce));
                }
            }
            if start.elapsed() > PATIENCE {
                break;
            }
            sleep(PAUSE).await;
        }
        // Another replica may have answered.
        let is_alone = self.replicas <= 1;
        let with_sight =
            asked
                .into_iter()
                .zip(nonces)
                .zip(seen)
                .map(|((mut asked, nonce), seen)| {
                    let would_show = shows_queries && (asked.is_direct || is_alone);
                    asked.seen_in_log = nonce.and_then(|_| (seen || would_show).then_some(seen));
                    asked
                });
        (with_sight.collect(), shows_queries)
    }

    fn container(&self) -> Container {
        let (details, facts) = (self.details, &self.details.facts);
        Container {
            name: details.name.clone(),
            is_running: details.is_running,
            started: details.started.map(|time| time.to_string()),
            exit_code: details.exit_code.filter(|_| !details.is_running),
            is_out_of_memory: details.is_out_of_memory,
            restarts: facts.restarts,
            is_healthy: facts.health.is_good(),
        }
    }

    fn requests(&self, since: Duration) -> Option<Requests> {
        let tally = self.intake.as_ref().ok()?.tally();
        let routes: Vec<_> = tally
            .routes()
            .map(|route| {
                let codes: BTreeMap<_, _> = route.codes().filter(|(_, count)| *count > 0).collect();
                let refused = codes.get("401").copied().unwrap_or_default();
                let total = route.total();
                Route {
                    name: route.name.to_string(),
                    total,
                    refused,
                    band: Band::of(refused, total),
                    codes,
                }
            })
            .collect();
        Some(Requests {
            window_seconds: since.as_secs(),
            total: routes.iter().map(|route| route.total).sum(),
            refused: routes.iter().map(|route| route.refused).sum(),
            routes,
            is_complete: tally.lines < u64::from(RECORDS),
        })
    }

    fn log(&self, shows_queries: bool, service_errors: Option<u64>) -> LogSource {
        let intake = self.intake.as_ref().ok();
        LogSource {
            driver: self.details.driver.name.clone(),
            problem: self.intake.as_ref().err().cloned(),
            loses: self.details.driver.loses(),
            format: intake.and_then(Intake::format).map(str::to_owned),
            lines: intake
                .map(|intake| intake.tally().lines)
                .unwrap_or_default(),
            shows_queries,
            service_errors: service_errors.unwrap_or_default(),
        }
    }

    /// The port to ask at: that of a label, the only one, that of the command, the lowest one.
    fn port(&self) -> Option<u16> {
        let place = &self.details.place;
        let labelled = self.plan.wishes.iter().find_map(|wish| wish.port);
        let commanded = || port_of(&self.details.command);
        let lowest = || place.ports.first().copied();
        labelled
            .or_else(|| place.only_port())
            .or_else(commanded)
            .or_else(lowest)
    }
}

//! Finds the containers that are meant, and looks at each: engine, log, answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::candidate::Candidate;
use super::seen::Seen;
use super::{Report, Subject, asks};
use crate::config::{Config, Plan, Url};
use crate::docker::{Details, Intake, Kind, Look, Timestamp};
use crate::parse::Parser;
use crate::probe::{Marker, Origin};

/// How many containers are looked at.
const MAX_SUBJECTS: usize = 50;
/// How many of the newest records are read of a log.
pub(super) const RECORDS: u32 = 50_000;

/// What is to be looked at.
#[derive(Debug)]
pub(crate) struct Request {
    /// A name, the beginning of an id, or a source.
    pub(crate) container: Option<String>,
    pub(crate) url: Option<Url>,
    pub(crate) since: Duration,
    pub(crate) token: Option<Origin>,
}

/// Looks at everything that is meant. `engine` is `None` where none is needed.
pub(crate) async fn look(
    config: &Config,
    request: &Request,
    engine: Option<Result<Look, String>>,
    marker: Arc<Marker>,
) -> Report {
    let mut problems = Vec::new();
    let mut subjects = Vec::new();
    match engine {
        Some(Ok(engine)) => {
            let found = containers(config, request, &engine, &marker).await;
            match found {
                Ok(found) => subjects = found,
                Err(problem) => problems.push(problem),
            }
        }
        Some(Err(problem)) => problems.push(problem),
        None => {}
    }
    if let (true, Some(url)) = (subjects.is_empty(), &request.url) {
        let asks = asks::url(&url.host, url, request.token.as_ref());
        let made = asks::make(asks, &marker).await;
        subjects.push(Subject {
            source: url.host.clone(),
            probes: made.into_iter().map(|(asked, _)| asked).collect(),
            ..Subject::default()
        });
    }
    Report::new(subjects, problems)
}

async fn containers(
    config: &Config,
    request: &Request,
    engine: &Look,
    marker: &Arc<Marker>,
) -> Result<Vec<Subject>, String> {
    let now = SystemTime::now();
    let since = Timestamp::of(now).map(|now| now.earlier(request.since));
    let since = since.ok_or("the clock of this machine is wrong")?;
    let all = engine.containers().await?;
    let plans: Vec<_> = all
        .iter()
        .map(|(id, details)| (id, details, config.plan(&details.name, &details.labels)))
        .collect();
    let mut running: BTreeMap<String, usize> = BTreeMap::new();
    for (_, details, plan) in &plans {
        *running.entry(plan.identity.source.clone()).or_default() +=
            usize::from(details.is_running);
    }
    let mut subjects = Vec::new();
    for (id, details, plan) in plans {
        let is_named = |name: &String| {
            let is_id = name.len() >= 4 && id.starts_with(name.as_str());
            is_id
                || [
                    &details.name,
                    &plan.identity.container,
                    &plan.identity.source,
                ]
                .contains(&name)
        };
        let is_meant = request
            .container
            .as_ref()
            .map_or(plan.is_followed, is_named);
        if !is_meant || subjects.len() == MAX_SUBJECTS {
            continue;
        }
        let replicas = running
            .get(&plan.identity.source)
            .copied()
            .unwrap_or_default();
        let mut seen = Seen::default();
        let intake = read(
            engine, id, details, &plan, RECORDS, since, marker, &mut seen,
        )
        .await;
        let candidate = Candidate {
            id,
            details,
            plan,
            intake,
            seen,
            replicas,
        };
        if request.container.is_some() || candidate.is_recognised(config) {
            let url = request.url.as_ref().filter(|_| subjects.is_empty());
            subjects.push(
                candidate
                    .subject(config, request, engine, marker, url)
                    .await,
            );
        }
    }
    if let (true, Some(name)) = (subjects.is_empty(), &request.container) {
        let names: Vec<_> = all
            .iter()
            .take(10)
            .map(|(_, one)| one.name.as_str())
            .collect();
        let names = names.join(", ");
        return Err(format!(
            "no container or source is called `{name}`; there are {names}"
        ));
    }
    if subjects.is_empty() && request.url.is_none() {
        return Err(
            "no container has logged an auth request lately; name one with `--container`"
                .to_owned(),
        );
    }
    Ok(subjects)
}

/// Reads the newest records of a log, and notes what its lines show.
#[expect(
    clippy::too_many_arguments,
    reason = "each is needed, and none belongs to another"
)]
pub(super) async fn read(
    engine: &Look,
    id: &str,
    details: &Details,
    plan: &Plan,
    records: u32,
    since: Timestamp,
    marker: &Arc<Marker>,
    seen: &mut Seen,
) -> Result<Intake, String> {
    let mut parser = Parser::new(plan.format.clone()).with_patterns(Arc::clone(&plan.patterns));
    let see = |line: &[u8], is_counted| seen.take(&mut parser, plan, line, is_counted);
    let make = |kind: Kind<'_>| {
        let intake = Intake::new(plan.format.clone(), Arc::clone(&plan.routes), kind, None);
        let intake = intake.knowing(Some(Arc::clone(marker)));
        intake.reading(Arc::clone(&plan.patterns))
    };
    engine.read(id, details, records, since, make, see).await
}

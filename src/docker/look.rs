//! One look at an engine and its containers, for a command that does not stay.

use std::time::Duration;

use tokio::time::timeout;

use super::cursor::{Extent, Via};
use super::details::Details;
use super::endpoint::{Endpoint, choose};
use super::engine::{Engine, Image};
use super::frames::Item;
use super::intake::{Intake, Kind};
use super::logs::{Log, LogError, Query};
use super::own::Own;
use super::timestamp::Timestamp;
use super::watcher::greet;
use crate::chain::chain;

/// How long the reading of one log may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An engine that has answered.
#[derive(Debug)]
pub(crate) struct Look {
    endpoint: Endpoint,
    engine: Engine,
    own: Own,
    is_podman: bool,
}

impl Look {
    /// Connects to the first of these addresses that exists. Of the environments of containers only
    /// `variables` are read.
    pub(crate) async fn at(endpoints: &[Endpoint], variables: &[String]) -> Result<Self, String> {
        let endpoint = choose(endpoints).ok_or("there is no engine")?;
        let (engine, version) = greet(endpoint).await?;
        Ok(Self {
            endpoint: endpoint.clone(),
            engine: engine.reading(variables),
            own: Own::read(),
            is_podman: version.is_podman,
        })
    }

    /// All containers but our own, by their ids. Those that go meanwhile are left out.
    pub(crate) async fn containers(&self) -> Result<Vec<(String, Details)>, String> {
        let listed = self.engine.list().await;
        let listed = listed.map_err(|error| format!("cannot list the containers: {error}"))?;
        let mut containers = Vec::new();
        for one in listed {
            if let Ok(details) = self.engine.inspect(&one.id).await
                && !self.own.is(&one.id, &details.command)
            {
                containers.push((one.id, details));
            }
        }
        containers.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
        Ok(containers)
    }

    /// The image of this id; `None` if that cannot be said.
    pub(crate) async fn image(&self, id: &str) -> Option<Image> {
        self.engine.image(id).await.ok()
    }

    /// Reads the newest records of a log: those before `since` show the format, those after it are
    /// counted. Each of them is also shown to `see`, and whether it is counted.
    pub(crate) async fn read(
        &self,
        id: &str,
        details: &Details,
        records: u32,
        since: Timestamp,
        make: impl FnOnce(Kind<'_>) -> Intake,
        mut see: impl FnMut(&[u8], bool),
    ) -> Result<Intake, String> {
        let mut intake = make(Kind {
            driver: &details.driver.name,
            is_podman: self.is_podman,
            can_rotate: false,
        });
        intake.begin_follow();
        let query = Query::Read(Extent::Tail(records));
        let reading = async {
            let mut log = Log::open(&self.endpoint, id, query, details.has_tty).await?;
            loop {
                let is_open = log.fill().await?;
                while let Some(item) = log.next()? {
                    take(&mut intake, item, since, &mut see);
                }
                if !is_open {
                    if let Some(item) = log.end()? {
                        take(&mut intake, item, since, &mut see);
                    }
                    return Ok::<_, LogError>(());
                }
            }
        };
        let read = timeout(TIMEOUT, reading).await;
        let read = read.unwrap_or(Err(LogError::Timeout));
        read.map_err(|error| chain(&error))?;
        intake.flush();
        Ok(intake)
    }
}

fn take(intake: &mut Intake, item: Item<'_>, since: Timestamp, see: &mut impl FnMut(&[u8], bool)) {
    match item {
        Item::Record(record) if record.timestamp < since => {
            see(record.bytes, false);
            intake.learn(&record);
        }
        Item::Record(record) => {
            see(record.bytes, true);
            intake.take(Via::Follow, item);
        }
        Item::Undated => {}
    }
}

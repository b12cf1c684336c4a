//! Reads the log of one container to its present end, for those who ask once.

use std::time::Duration;

use tokio::time::timeout;

use super::cursor::{Extent, Via};
use super::details::Details;
use super::endpoint::{Endpoint, choose};
use super::engine::{Engine, EngineError};
use super::frames::Item;
use super::line::Line;
use super::logs::{Log, LogError, Query};
use super::pieces::{Joining, Piece, Pieces};
use super::timestamp::Timestamp;
use super::watcher::greet;

/// How long the engine may be silent in the middle of a log.
const PATIENCE: Duration = Duration::from_mins(1);

/// A container whose log can be read.
#[derive(Debug)]
pub(crate) struct Once {
    endpoint: Endpoint,
    name: String,
    pub(crate) details: Details,
    joining: Joining,
}

/// Why it cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OnceError {
    #[error("there is no engine to ask")]
    Nowhere,
    #[error("{0}")]
    Engine(String),
    #[error("`{0}` is no name of a container")]
    Name(String),
    #[error("no container is called `{0}`; `docker ps --all` lists them")]
    NotFound(String),
    #[error("cannot look at the container `{name}`")]
    Inspect { name: String, source: EngineError },
    #[error("cannot read the log of `{name}`")]
    Log { name: String, source: LogError },
}

impl Once {
    /// Looks for a container by its name or id, at the first of these engines that exists.
    pub(crate) async fn find(candidates: &[Endpoint], name: &str) -> Result<Self, OnceError> {
        if !is_name(name) {
            return Err(OnceError::Name(name.to_owned()));
        }
        let endpoint = choose(candidates).ok_or(OnceError::Nowhere)?;
        let (engine, version) = greet(endpoint).await.map_err(OnceError::Engine)?;
        let details = find(&engine, name).await?;
        Ok(Self {
            endpoint: endpoint.clone(),
            name: name.to_owned(),
            joining: Joining::of(&details.driver.name, version.is_podman),
            details,
        })
    }

    /// Hands out each line from a time on; all, if there is none.
    pub(crate) async fn read(
        &self,
        since: Option<Timestamp>,
        mut take: impl FnMut(Line<'_>),
    ) -> Result<(), OnceError> {
        let failed = |source| OnceError::Log {
            name: self.name.clone(),
            source,
        };
        let query = Query::Read(Extent::Whole(since));
        let tty = self.details.has_tty;
        let log = Log::open(&self.endpoint, &self.name, query, tty).await;
        let mut log = log.map_err(failed)?;
        let mut pieces = Pieces::default();
        pieces.joining = self.joining;
        let mut push = |item: Item<'_>, pieces: &mut Pieces| {
            // A record without a time has nothing that could be counted by it.
            if let Item::Record(record) = item {
                let piece = Piece {
                    via: Via::Audit,
                    record,
                    is_new: true,
                    is_contiguous: true,
                };
                pieces.push(piece, &mut take);
            }
        };
        loop {
            let filled = timeout(PATIENCE, log.fill()).await;
            let is_open = filled
                .map_err(|_| failed(LogError::Timeout))?
                .map_err(failed)?;
            while let Some(item) = log.next().map_err(|error| failed(error.into()))? {
                push(item, &mut pieces);
            }
            if !is_open {
                break;
            }
        }
        if let Some(item) = log.end().map_err(|error| failed(error.into()))? {
            push(item, &mut pieces);
        }
        pieces.flush(take);
        Ok(())
    }
}

async fn find(engine: &Engine, name: &str) -> Result<Details, OnceError> {
    engine.inspect(name).await.map_err(|error| match error {
        EngineError::NotFound => OnceError::NotFound(name.to_owned()),
        source => OnceError::Inspect {
            name: name.to_owned(),
            source,
        },
    })
}

/// Tells whether a text can be the name or id of a container; it becomes part of a path.
fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        for name in ["web", "shop-auth-1", "0123abcd", "a_b.c"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "-x", "../x", "a/b", "a?b", "a b", "é"] {
            assert!(!is_name(name), "{name}");
        }
    }
}

//! What a service said when it started, in a log that is followed from a later place on.

use std::time::Duration;

use tokio::time::timeout;
use tracing::debug;

use super::cursor::Extent;
use super::details::Details;
use super::endpoint::Endpoint;
use super::frames::Item;
use super::logs::{Log, LogError, Query};
use super::timestamp::Timestamp;
use crate::chain::chain;
use crate::parse::{Parser, Sign};

/// How much is looked at: services say it within their first lines.
const MAX_RECORDS: usize = 1000;
const MAX_BYTES: usize = 1 << 20;
/// It is not worth waiting for long.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The engine notes the start of a container a moment after its first line, on some systems.
const OVERLAP: Duration = Duration::from_secs(1);

/// The mode of authentication that a service has reported after its start, with the time of that; looked for where it can be
/// compared with a configured one.
pub(super) async fn reported(
    endpoint: &Endpoint,
    id: &str,
    details: &Details,
) -> Option<(Timestamp, bool)> {
    details.facts.demands_auth.filter(|_| details.is_running)?;
    let started = details.started?;
    let looking = look(endpoint, id, details.has_tty, started);
    match timeout(TIMEOUT, looking).await {
        Ok(Ok(mode)) => Some((started, mode?)),
        Ok(Err(error)) => {
            let problem = chain(&error);
            debug!(%id, %problem, "cannot look at the beginning of the log");
            None
        }
        Err(_) => None,
    }
}

async fn look(
    endpoint: &Endpoint,
    id: &str,
    tty: bool,
    started: Timestamp,
) -> Result<Option<bool>, LogError> {
    let extent = Extent::Whole(Some(started.earlier(OVERLAP)));
    let mut log = Log::open(endpoint, id, Query::Read(extent), tty).await?;
    let mut parser = Parser::new(None);
    let (mut records, mut bytes, mut reported) = (0, 0, None);
    while records < MAX_RECORDS && bytes < MAX_BYTES && log.fill().await? {
        while let Some(item) = log.next()? {
            if let Item::Record(record) = item {
                records += 1;
                bytes += record.bytes.len();
                if let Sign::AuthMode { is_required, .. } = parser.examine(record.bytes).1 {
                    reported = Some(is_required);
                }
            }
        }
    }
    Ok(reported)
}

//! What is done when a log has ended: for now, or with its container.

use tracing::warn;

use super::logs::LogError;
use super::reader::End;
use crate::fleet::Member;
use crate::tally::Reconnect;

/// Does what is left when the container and its log are gone.
pub(super) fn close(member: &Member) {
    let mut state = member.lock();
    let is_caught_up = state.is_caught_up;
    let intake = &mut state.intake;
    intake.finish();
    let is_much = audit_bytes(member).is_some_and(|bytes| intake.unaudited >= bytes);
    let is_unread = intake.is_resumed && !is_caught_up;
    if intake.cursor().is_in_doubt() || is_much || is_unread {
        intake.tally_mut().gaps += 1;
        let container = &member.identity.container;
        warn!(%container, "records are missing: the container was removed before its log could be audited");
    }
}

/// How many bytes of a follow may wait for an audit: half of what the log has room for at least.
pub(super) fn audit_bytes(member: &Member) -> Option<usize> {
    member.driver.rotates_at().map(|size| size / 2)
}

/// Why a log has to be opened again, if it has to be.
pub(super) fn reconnect_reason(result: &Result<End, LogError>) -> Option<Reconnect> {
    match result {
        Ok(End::Ended) => Some(Reconnect::Ended),
        Ok(End::Silent) => Some(Reconnect::Silent),
        Ok(End::Behind) => Some(Reconnect::Behind),
        Err(LogError::Broken(_) | LogError::Timeout) => Some(Reconnect::Broken),
        Err(LogError::Connect(_) | LogError::Status { .. }) => Some(Reconnect::Refused),
        Err(LogError::Frame(_)) => Some(Reconnect::Error),
        Err(LogError::NotFound | LogError::Unreadable(_)) => None,
    }
}

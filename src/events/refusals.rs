//! Refused requests: several lines about one are counted as one, with the most specific reason.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Said, is_near};
use crate::docker::Timestamp;
use crate::docker::frames::Stream;
use crate::parse::{Reason, Wording};

/// How many refusals may wait for further lines: requests that are answered at the same time.
const MAX_OPEN: usize = 32;
/// How many lines one may have.
const MAX_LINES: usize = 8;

/// Refusals that may get further lines, in the order of their first.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Refusals(VecDeque<Refusal>);

#[derive(Debug, Deserialize, Serialize)]
struct Refusal {
    stream: Stream,
    /// When its first line was written.
    began: Option<Timestamp>,
    reason: Reason,
    wordings: Vec<Wording>,
    is_unexplained: bool,
}

impl Refusals {
    /// Adds a line: to the oldest refusal of its stream that has no line of the same wording, else to a
    /// new one. So two requests that are refused at the same time, in two lines each, are two.
    pub(super) fn add(
        &mut self,
        said: Said,
        reason: Reason,
        wording: Wording,
        is_unexplained: bool,
        emit: &mut impl FnMut(Reason),
    ) {
        let takes = |refusal: &&mut Refusal| {
            refusal.stream == said.stream
                && refusal.wordings.len() < MAX_LINES
                && !refusal.wordings.contains(&wording)
        };
        if let Some(refusal) = self.0.iter_mut().find(takes) {
            refusal.reason = refusal.reason.max(reason);
            refusal.wordings.push(wording);
            refusal.is_unexplained |= is_unexplained;
            return;
        }
        if self.0.len() >= MAX_OPEN
            && let Some(oldest) = self.0.pop_front()
        {
            emit(oldest.reason);
        }
        self.0.push_back(Refusal {
            stream: said.stream,
            began: said.time,
            reason,
            wordings: vec![wording],
            is_unexplained,
        });
    }

    /// Says that the exception that is reported behind the newest refusal of a stream was trouble of the
    /// service itself.
    pub(super) fn blame_service(&mut self, stream: Stream) {
        let mut newest = self.0.iter_mut().rev();
        if let Some(refusal) =
            newest.find(|refusal| refusal.stream == stream && refusal.is_unexplained)
        {
            refusal.reason = Reason::ServiceError;
        }
    }

    /// Leaves out the newest: nobody but ourselves was refused.
    pub(super) fn forget(&mut self) {
        self.0.pop_back();
    }

    /// Counts those that are too old for a line of this time.
    pub(super) fn expire(&mut self, time: Option<Timestamp>, emit: &mut impl FnMut(Reason)) {
        self.0.retain(|refusal| {
            let is_kept = is_near(refusal.began, time);
            if !is_kept {
                emit(refusal.reason);
            }
            is_kept
        });
    }

    /// Counts all: they have been answered.
    pub(super) fn close(&mut self, emit: &mut impl FnMut(Reason)) {
        self.0.drain(..).for_each(|refusal| emit(refusal.reason));
    }

    pub(super) fn is_open(&self) -> bool {
        !self.0.is_empty()
    }
}

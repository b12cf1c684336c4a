//! What can go wrong with the fake engine and its logs.

use std::time::Duration;

use super::FakeEngine;
use super::container::{Living, Reply};
use crate::support::exporter::DEADLINE;
use crate::support::records::Times;

/// Streams.
impl FakeEngine {
    /// Answers the next requests for the log of a container with these.
    pub fn script(&self, id: &str, replies: impl IntoIterator<Item = Reply>) {
        self.change(id, |living| living.script.extend(replies));
    }

    /// Cuts the open streams of a container without a final chunk.
    pub fn cut(&self, id: &str) {
        self.change(id, Living::cut);
    }

    /// Ends the open streams of a container cleanly although it runs, as proxies do.
    pub fn end_streams(&self, id: &str) {
        self.change(id, |living| living.followers.clear());
    }

    /// New records no longer reach the streams that are open now, only new requests.
    pub fn deafen(&self, id: &str) {
        self.change(id, |living| {
            for follower in &mut living.followers {
                follower.is_deaf = true;
            }
        });
    }

    /// From now on new records do not reach open streams, until [`Self::resume`]: a hole.
    pub fn withhold(&self, id: &str) {
        self.change(id, |living| living.is_withholding = true);
    }

    /// New records reach open streams again; what was withheld does not.
    pub fn resume(&self, id: &str) {
        self.change(id, |living| living.is_withholding = false);
    }

    /// Logs requests that open streams never get: a hole.
    pub fn hide_requests(&self, id: &str, code: u16, count: u32) {
        self.withhold(id);
        self.print_requests(id, code, count);
        self.resume(id);
    }

    /// Sends so many of the newest records to the open streams again.
    pub fn deliver_again(&self, id: &str, records: usize) {
        self.change(id, |living| {
            let from = living.log.len() - records;
            living.deliver(from);
        });
    }

    /// Requests for the log of a container get no byte until [`Self::release`].
    pub fn hold(&self, id: &str) {
        self.change(id, |living| living.held = Some(Vec::new()));
    }

    /// Waits until a request for the log of a container is held.
    pub async fn until_held(&self, id: &str) {
        let start = tokio::time::Instant::now();
        let is_held = || {
            let state = self.state();
            let held = state.containers[id].held.as_ref();
            held.is_some_and(|held| !held.is_empty())
        };
        while !is_held() {
            assert!(start.elapsed() < DEADLINE, "nobody asks for the log");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Answers the requests that were held.
    pub fn release(&self, id: &str) {
        let kind = self.state().kind;
        self.change(id, |living| {
            for (sender, query) in living.held.take().unwrap() {
                living.answer(sender, &query, kind);
            }
        });
    }
}

/// Logs.
impl FakeEngine {
    /// The oldest records leave the log until only so many are left.
    pub fn rotate(&self, id: &str, kept: usize) {
        self.change(id, |living| {
            let gone = living.log.len().saturating_sub(kept);
            living.log.drain(..gone);
        });
    }

    /// Empties the log as `truncate` does: open streams are silent for ever.
    pub fn truncate(&self, id: &str) {
        self.deafen(id);
        self.rotate(id, 0);
    }

    /// Adds to the newest record, for those who ask for it again.
    pub fn extend_last_record(&self, id: &str, text: &str) {
        self.change(id, |living| {
            let last = living.log.last_mut().unwrap();
            last.record.bytes.extend(text.as_bytes());
        });
    }

    /// Prints the times of what is logged from now on in another way.
    pub fn print_times(&self, id: &str, times: Times) {
        self.change(id, |living| living.times = times);
    }
}

/// Engines.
impl FakeEngine {
    /// Lists fail from now on, or work again.
    pub fn break_lists(&self, is_broken: bool) {
        self.state().is_listing_broken = is_broken;
    }

    /// Calls itself Podman.
    pub fn be_podman(&self) {
        self.state().kind.is_podman = true;
    }

    /// Sends no Content-Type with logs, as engines before 23.0.
    pub fn hide_layout(&self) {
        self.state().kind.names_layout = false;
    }

    /// Applies `since` to every record, live ones too, as engines before 24.0.
    pub fn filter_every_record(&self) {
        self.state().kind.filters_every_record = true;
    }
}

//! The containers that are followed, and the sums of those that are gone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::docker::{Intake, Timestamp};
use crate::tally::Tally;

/// Whose numbers they are: the labels of a container's series.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Identity {
    pub(crate) source: String,
    pub(crate) container: String,
}

/// A container that is followed.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) identity: Identity,
    pub(crate) image: String,
    pub(crate) log_driver: String,
    state: Mutex<State>,
}

/// What changes about a container. One lock holds all of it, so that a page never shows a
/// position and numbers of different moments.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) intake: Intake,
    pub(crate) is_running: bool,
    pub(crate) started: Option<Timestamp>,
    /// Why the log cannot be read.
    pub(crate) unreadable: Option<String>,
}

impl Member {
    pub(crate) fn new(identity: Identity, image: String, log_driver: String, state: State) -> Self {
        Self {
            identity,
            image,
            log_driver,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All containers. Counters survive the recreation of a container under the same labels: the
/// numbers of the one that is gone stay in the sum until nothing of that name has been there for
/// the retention time.
#[derive(Debug)]
pub(crate) struct Fleet {
    retention: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    members: BTreeMap<String, Arc<Member>>,
    slots: BTreeMap<Identity, Slot>,
    created: u64,
}

/// The place of an identity.
#[derive(Debug)]
struct Slot {
    /// Slots are numbered in the order of their creation, so that a newcomer never takes the place
    /// of an older one where the number of series is capped.
    number: u64,
    gone: Tally,
    started: Option<Timestamp>,
    empty_since: Option<Instant>,
}

/// The numbers of one identity at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) identity: Identity,
    pub(crate) tally: Tally,
    pub(crate) is_running: bool,
    pub(crate) started: Option<Timestamp>,
    pub(crate) present: Vec<Presence>,
}

/// A container that exists.
#[derive(Clone, Debug)]
pub(crate) struct Presence {
    pub(crate) image: String,
    pub(crate) log_driver: String,
    pub(crate) format: Option<String>,
    pub(crate) unreadable: Option<String>,
}

impl Fleet {
    pub(crate) fn new(retention: Duration) -> Self {
        Self {
            retention,
            inner: Mutex::default(),
        }
    }

    /// Adds a container by its id.
    pub(crate) fn add(&self, id: &str, member: Member) -> Arc<Member> {
        let mut inner = self.lock();
        // Also here, because nobody may ever ask for a snapshot.
        inner.forget(self.retention);
        inner.created += 1;
        let number = inner.created;
        let slot = inner
            .slots
            .entry(member.identity.clone())
            .or_insert_with(|| Slot::new(number));
        slot.empty_since = None;
        let member = Arc::new(member);
        inner.members.insert(id.to_owned(), Arc::clone(&member));
        member
    }

    /// Removes a container; its numbers stay in the sum of its labels.
    pub(crate) fn retire(&self, id: &str) {
        let mut inner = self.lock();
        let Some(member) = inner.members.remove(id) else {
            return;
        };
        let is_last = inner
            .members
            .values()
            .all(|other| other.identity != member.identity);
        let state = member.lock();
        if let Some(slot) = inner.slots.get_mut(&member.identity) {
            slot.gone.add(&state.intake.tally);
            slot.started = slot.started.max(state.started);
            slot.empty_since = is_last.then(Instant::now);
        }
    }

    /// The numbers of all identities in the order of their appearance.
    pub(crate) fn snapshot(&self) -> Vec<Snapshot> {
        let mut inner = self.lock();
        inner.forget(self.retention);
        let Inner { members, slots, .. } = &mut *inner;
        let mut by_number: BTreeMap<u64, Snapshot> = slots
            .iter()
            .map(|(identity, slot)| (slot.number, Snapshot::of_gone(identity, slot)))
            .collect();
        for member in members.values() {
            let number = slots.get(&member.identity).map(|slot| slot.number);
            if let Some(snapshot) = number.and_then(|number| by_number.get_mut(&number)) {
                snapshot.add(member);
            }
        }
        by_number.into_values().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Drops identities that have been empty for the retention time.
    fn forget(&mut self, retention: Duration) {
        let is_fresh = |since: Instant| since.elapsed() < retention;
        self.slots
            .retain(|_, slot| slot.empty_since.is_none_or(is_fresh));
    }
}

impl Slot {
    fn new(number: u64) -> Self {
        Self {
            number,
            gone: Tally::default(),
            started: None,
            empty_since: None,
        }
    }
}

impl Snapshot {
    fn of_gone(identity: &Identity, slot: &Slot) -> Self {
        Self {
            identity: identity.clone(),
            tally: slot.gone.clone(),
            is_running: false,
            started: slot.started,
            present: Vec::new(),
        }
    }

    fn add(&mut self, member: &Member) {
        let state = member.lock();
        self.tally.add(&state.intake.tally);
        self.is_running |= state.is_running;
        self.started = self.started.max(state.started);
        self.present.push(Presence {
            image: member.image.clone(),
            log_driver: member.log_driver.clone(),
            format: state.intake.format().map(str::to_owned),
            unreadable: state.unreadable.clone(),
        });
    }
}

//! The containers that are followed, and the sums of those that are gone.

mod saved;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::docker::{Driver, Facts, Intake, Timestamp};
use crate::probe::{Place, Wish};
use crate::tally::Tally;
pub(crate) use saved::{Saved, SavedMember};

/// Whose numbers they are: the labels of a container's series.
#[derive(Clone, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) struct Identity {
    pub(crate) source: String,
    pub(crate) container: String,
}

/// A container that is followed.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) identity: Identity,
    pub(crate) image: String,
    pub(crate) driver: Driver,
    /// Probes that its labels ask for.
    pub(crate) wishes: Vec<Wish>,
    state: Mutex<State>,
}

/// What changes about a container. One lock holds all of it, so that a page never shows a
/// position and numbers of different moments.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) intake: Intake,
    pub(crate) is_running: bool,
    pub(crate) started: Option<Timestamp>,
    pub(crate) facts: Facts,
    /// Where it can be reached.
    pub(crate) place: Place,
    /// Why the log cannot be read.
    pub(crate) unreadable: Option<String>,
    /// False until what was logged before we came has been read.
    pub(crate) is_caught_up: bool,
}

impl Member {
    pub(crate) fn new(identity: Identity, image: String, driver: Driver, state: State) -> Self {
        Self {
            identity,
            image,
            driver,
            wishes: Vec::new(),
            state: Mutex::new(state),
        }
    }

    /// The same with probes.
    #[must_use]
    pub(crate) fn wishing(self, wishes: Vec<Wish>) -> Self {
        Self { wishes, ..self }
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
    /// Containers of an earlier process that have not been found yet.
    dormant: BTreeMap<String, SavedMember>,
    /// The positions in the logs of containers that the engine has denied, without their numbers:
    /// it, or a proxy, may list one again.
    ghosts: BTreeMap<String, SavedMember>,
    /// Containers that were there at the start and whose log has not been read up to then.
    awaited: BTreeSet<String>,
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
    number: u64,
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
    /// Why the log driver may drop lines, if it may.
    pub(crate) loses: Option<&'static str>,
    pub(crate) is_caught_up: bool,
    pub(crate) facts: Facts,
}

impl Fleet {
    pub(crate) fn new(retention: Duration) -> Self {
        Self {
            retention,
            inner: Mutex::default(),
        }
    }

    /// Adds a container by its id. `make` gets what an earlier process has left of it.
    pub(crate) fn add(
        &self,
        id: &str,
        identity: &Identity,
        make: impl FnOnce(Option<SavedMember>) -> Member,
    ) -> Arc<Member> {
        let mut inner = self.lock();
        // Also here, because nobody may ever ask for a snapshot.
        inner.forget(self.retention);
        // Under one lock, so that its numbers are never missing.
        let member = Arc::new(make(inner.wake(id, identity)));
        inner.slot(identity).empty_since = None;
        inner.members.insert(id.to_owned(), Arc::clone(&member));
        inner.empty_slots();
        member
    }

    /// Removes a container; its numbers stay in the sum of its labels.
    pub(crate) fn retire(&self, id: &str) {
        let mut inner = self.lock();
        let Some(member) = inner.members.remove(id) else {
            return;
        };
        let mut state = member.lock();
        let mut progress = std::mem::take(&mut state.intake.progress);
        let slot = inner.slot(&member.identity);
        slot.gone.add(&std::mem::take(&mut progress.tally));
        slot.started = slot.started.max(state.started);
        let ghost = SavedMember {
            identity: member.identity.clone(),
            started: state.started,
            progress,
        };
        inner.ghosts.insert(id.to_owned(), ghost);
        inner.empty_slots();
    }

    /// The containers that are followed, by their ids.
    pub(crate) fn members(&self) -> Vec<(String, Arc<Member>)> {
        let inner = self.lock();
        let members = inner.members.iter();
        members
            .map(|(id, member)| (id.clone(), Arc::clone(member)))
            .collect()
    }

    /// The numbers of all identities in the order of their appearance.
    pub(crate) fn snapshot(&self) -> Vec<Snapshot> {
        let mut inner = self.lock();
        inner.forget(self.retention);
        let states: Vec<_> = inner
            .members
            .values()
            .map(|member| (member, member.lock()))
            .collect();
        snapshots(
            &inner,
            states.iter().map(|(member, state)| (&***member, &**state)),
        )
    }

    /// Says that a container was there at the start.
    pub(crate) fn expect(&self, id: &str) {
        self.lock().awaited.insert(id.to_owned());
    }

    /// Says that there is nothing left to wait for: its log has been read, or never will be.
    pub(crate) fn arrived(&self, id: &str) {
        self.lock().awaited.remove(id);
    }

    /// How many containers still have to be read up to where their log was at the start.
    pub(crate) fn catching_up(&self) -> usize {
        self.lock().awaited.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds up the numbers of each identity.
fn snapshots<'a>(
    inner: &Inner,
    states: impl Iterator<Item = (&'a Member, &'a State)>,
) -> Vec<Snapshot> {
    let mut snapshots: BTreeMap<&Identity, Snapshot> = inner
        .slots
        .iter()
        .map(|(identity, slot)| (identity, Snapshot::of_gone(identity, slot)))
        .collect();
    for member in inner.dormant.values() {
        if let Some(snapshot) = snapshots.get_mut(&member.identity) {
            snapshot.tally.add(&member.progress.tally);
            snapshot.started = snapshot.started.max(member.started);
        }
    }
    for (member, state) in states {
        if let Some(snapshot) = snapshots.get_mut(&member.identity) {
            snapshot.add(member, state);
        }
    }
    let mut snapshots: Vec<_> = snapshots.into_values().collect();
    snapshots.sort_by_key(|snapshot| snapshot.number);
    snapshots
}

impl Inner {
    /// Drops identities that have been empty for the retention time.
    fn forget(&mut self, retention: Duration) {
        let is_fresh = |since: Instant| since.elapsed() < retention;
        self.slots
            .retain(|_, slot| slot.empty_since.is_none_or(is_fresh));
    }

    /// Notes which identities have no container any more.
    fn empty_slots(&mut self) {
        let present = self.members.values().map(|member| &member.identity);
        let dormant = self.dormant.values().map(|member| &member.identity);
        let full: BTreeSet<_> = present.chain(dormant).collect();
        let now = Instant::now();
        for (identity, slot) in &mut self.slots {
            if !full.contains(identity) {
                slot.empty_since.get_or_insert(now);
            }
        }
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
            number: slot.number,
            tally: slot.gone.clone(),
            is_running: false,
            started: slot.started,
            present: Vec::new(),
        }
    }

    fn add(&mut self, member: &Member, state: &State) {
        self.tally.add(state.intake.tally());
        self.is_running |= state.is_running;
        self.started = self.started.max(state.started);
        self.present.push(Presence {
            image: member.image.clone(),
            log_driver: member.driver.name.clone(),
            format: state.intake.format().map(str::to_owned),
            unreadable: state.unreadable.clone(),
            loses: member.driver.loses(),
            is_caught_up: state.is_caught_up,
            facts: state.facts.clone(),
        });
    }
}

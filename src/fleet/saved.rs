//! What of the fleet outlives the process: positions and numbers, in one piece.

use serde::{Deserialize, Serialize};

use super::{Fleet, Identity, Inner, Slot, Snapshot, snapshots};
use crate::docker::{Progress, Timestamp};
use crate::tally::Tally;

/// The fleet as an earlier process has left it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Saved {
    members: Vec<(String, SavedMember)>,
    slots: Vec<SavedSlot>,
}

/// A container that was followed.
#[derive(Debug, Deserialize)]
pub(crate) struct SavedMember {
    pub(crate) identity: Identity,
    pub(crate) started: Option<Timestamp>,
    pub(crate) progress: Progress,
}

/// The sum of containers that are gone.
#[derive(Debug, Deserialize, Serialize)]
struct SavedSlot {
    identity: Identity,
    gone: Tally,
    started: Option<Timestamp>,
}

/// The same as [`Saved`], not yet saved.
#[derive(Serialize)]
struct Saving<'a> {
    members: Vec<(&'a str, SavingMember<'a>)>,
    slots: Vec<SavedSlot>,
}

#[derive(Serialize)]
struct SavingMember<'a> {
    identity: &'a Identity,
    started: Option<Timestamp>,
    progress: &'a Progress,
}

impl Saved {
    /// Reads what [`Fleet::checkpoint`] has made.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(bytes)
    }

    pub(crate) fn containers(&self) -> usize {
        self.members.len()
    }
}

impl Fleet {
    /// Takes over what an earlier process has left. Nothing has been added before.
    pub(crate) fn restore(&self, saved: Saved) {
        let mut inner = self.lock();
        for SavedSlot {
            identity,
            gone,
            started,
        } in saved.slots
        {
            let slot = inner.slot(&identity);
            slot.gone = gone;
            slot.started = started;
        }
        for (_, member) in &saved.members {
            inner.slot(&member.identity);
        }
        inner.dormant = saved.members.into_iter().collect();
        inner.empty_slots();
    }

    /// Lets go of the containers of an earlier process that do not exist any more.
    pub(crate) fn bury(&self, exists: impl Fn(&str) -> bool) {
        let mut inner = self.lock();
        inner.ghosts.retain(|id, _| exists(id));
        let gone: Vec<_> = inner.dormant.extract_if(.., |id, _| !exists(id)).collect();
        for (_, mut member) in gone {
            member.progress.finish();
            inner
                .slot(&member.identity)
                .gone
                .add(&member.progress.tally);
        }
        inner.empty_slots();
    }

    /// Everything that has to be saved, and what a page shows of exactly this.
    pub(crate) fn checkpoint(&self) -> Result<(Vec<u8>, Vec<Snapshot>), postcard::Error> {
        let mut inner = self.lock();
        inner.forget(self.retention);
        let Inner {
            members,
            slots,
            dormant,
            ..
        } = &*inner;
        // All at once, so that a container that is removed and created again is never counted
        // in neither or in both.
        let states: Vec<_> = members
            .iter()
            .map(|(id, member)| (id, member, member.lock()))
            .collect();
        let dormant = dormant.iter().map(|(id, member)| {
            let SavedMember {
                identity,
                started,
                progress,
            } = member;
            let saving = SavingMember {
                identity,
                started: *started,
                progress,
            };
            (id.as_str(), saving)
        });
        let present = states.iter().map(|(id, member, state)| {
            let saving = SavingMember {
                identity: &member.identity,
                started: state.started,
                progress: &state.intake.progress,
            };
            (id.as_str(), saving)
        });
        // In the order of their creation, which decides what is shown where series are capped.
        let mut slots: Vec<_> = slots.iter().collect();
        slots.sort_by_key(|(_, slot)| slot.number);
        let slots = slots.into_iter().map(|(identity, slot)| SavedSlot {
            identity: identity.clone(),
            gone: slot.gone.clone(),
            started: slot.started,
        });
        let saving = Saving {
            members: dormant.chain(present).collect(),
            slots: slots.collect(),
        };
        let bytes = postcard::to_stdvec(&saving)?;
        let pairs = states
            .iter()
            .map(|(_, member, state)| (&***member, &**state));
        Ok((bytes, snapshots(&inner, pairs)))
    }
}

impl Inner {
    /// What an earlier process has left of a container. Its numbers go on under the same labels
    /// only; under others they begin again, and the old ones stay with the old labels.
    pub(super) fn wake(&mut self, id: &str, identity: &Identity) -> Option<SavedMember> {
        let found = self.dormant.remove(id);
        let mut member = found.or_else(|| self.ghosts.remove(id))?;
        if member.identity != *identity {
            let tally = std::mem::take(&mut member.progress.tally);
            self.slot(&member.identity).gone.add(&tally);
        }
        Some(member)
    }

    /// The place of an identity, made if there is none.
    pub(super) fn slot(&mut self, identity: &Identity) -> &mut Slot {
        self.created += 1;
        let number = self.created;
        self.slots
            .entry(identity.clone())
            .or_insert_with(|| Slot::new(number))
    }
}

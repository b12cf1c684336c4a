//! How the engine is doing, for `/metrics`, `/-/ready` and the page at `/`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A call to the engine, as a label.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Connect,
    Events,
    Inspect,
    List,
    Logs,
}

impl Operation {
    pub(crate) const ALL: [Self; 5] = [
        Self::Connect,
        Self::Events,
        Self::Inspect,
        Self::List,
        Self::Logs,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Events => "events",
            Self::Inspect => "inspect",
            Self::List => "list",
            Self::Logs => "logs",
        }
    }
}

/// What is known about the engine now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    /// True if the last list succeeded.
    pub(crate) is_up: bool,
    /// When the containers were last listed.
    pub(crate) listed: Option<SystemTime>,
    /// Name and version, once it has answered.
    pub(crate) version: Option<String>,
    /// What is wrong, while it is not up.
    pub(crate) problem: Option<String>,
}

/// The condition of the engine and the number of failed calls.
#[derive(Debug, Default)]
pub(crate) struct Status {
    condition: Mutex<Condition>,
    errors: [AtomicU64; Operation::ALL.len()],
}

impl Status {
    pub(crate) fn condition(&self) -> Condition {
        self.lock().clone()
    }

    pub(crate) fn answered(&self, version: String) {
        self.lock().version = Some(version);
    }

    /// When the containers were last listed.
    pub(crate) fn listed(&self) -> Option<SystemTime> {
        self.lock().listed
    }

    /// Notes a successful list; returns true if the engine was not up before.
    pub(crate) fn up(&self) -> bool {
        let mut condition = self.lock();
        condition.listed = Some(SystemTime::now());
        condition.problem = None;
        !std::mem::replace(&mut condition.is_up, true)
    }

    /// Notes a failure; returns true if it is not the one that is already known.
    pub(crate) fn down(&self, operation: Operation, problem: &str) -> bool {
        self.failed(operation);
        let mut condition = self.lock();
        condition.is_up = false;
        let is_known = condition.problem.as_deref() == Some(problem);
        condition.problem = Some(problem.to_owned());
        !is_known
    }

    /// Counts a failed call that does not mean that the engine is down.
    pub(crate) fn failed(&self, operation: Operation) {
        if let Some(count) = self.errors.get(operation as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn errors(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.errors.iter().map(|count| count.load(Relaxed));
        Operation::ALL
            .iter()
            .map(|operation| operation.as_str())
            .zip(counts)
    }

    fn lock(&self) -> MutexGuard<'_, Condition> {
        self.condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

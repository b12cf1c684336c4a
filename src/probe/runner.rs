//! Makes the probes again and again, each in a task of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tracing::{info, warn};

use super::client::exchange;
use super::mark::{Marker, Nonce};
use super::results::{Finding, Key, Results};
use super::sight::seen;
use super::spec::{Probe, Target};
use super::verdict::judge;
use crate::fleet::Fleet;

/// How soon the labels of a new container, or a new address of an old one, count.
const RECONCILE: Duration = Duration::from_secs(1);
/// How long a line may take from the service to us.
const LOG_DELAY: Duration = Duration::from_secs(5);
/// How often it is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// The most probes at all, so that containers cannot make any number of series.
const MAX_PROBES: usize = 200;

/// Makes all probes.
#[derive(Debug)]
pub(crate) struct Prober {
    /// Those of the configuration.
    pub(crate) probes: Vec<Probe>,
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) results: Arc<Results>,
    pub(crate) marker: Arc<Marker>,
}

/// A probe and where it goes: what tells tasks apart.
type Place = (Key, String);

/// Where a probe is made.
#[derive(Debug)]
struct Running {
    probe: Probe,
    task: AbortHandle,
}

impl Prober {
    /// Runs for ever.
    pub(crate) async fn run(self) {
        let mut running: BTreeMap<Place, Running> = BTreeMap::new();
        let mut tasks = JoinSet::new();
        let mut was_full = false;
        loop {
            let mut wanted = self.wanted();
            let is_full = wanted.len() > MAX_PROBES;
            if is_full && !std::mem::replace(&mut was_full, true) {
                let probes = wanted.len();
                warn!(
                    probes,
                    "too many probes, making the first {MAX_PROBES} only"
                );
            }
            while wanted.len() > MAX_PROBES {
                wanted.pop_last();
            }
            was_full = is_full;
            running.retain(|place, run| {
                let is_same = wanted.get(place) == Some(&run.probe);
                if !is_same {
                    run.task.abort();
                }
                if !wanted.contains_key(place) {
                    self.results.forget(&place.0, &place.1);
                }
                is_same
            });
            for (place, probe) in wanted {
                running.entry(place).or_insert_with_key(|(key, target)| {
                    self.results.expect(key, target);
                    let repeated = self.repeat(key.clone(), target.clone(), probe.clone());
                    let task = tasks.spawn(repeated);
                    Running { probe, task }
                });
            }
            while tasks.try_join_next().is_some() {}
            sleep(RECONCILE).await;
        }
    }

    /// The probes of the configuration, and those that the labels of the containers ask for.
    fn wanted(&self) -> BTreeMap<Place, Probe> {
        let own = self.fleet.members().into_iter().flat_map(|(id, member)| {
            let place = member.lock().place.clone();
            let wishes = member.wishes.iter();
            let source = &member.identity.source;
            let probes = wishes.filter_map(|wish| wish.probe(source, &id, &place));
            probes.collect::<Vec<_>>()
        });
        let all = self.probes.iter().cloned().chain(own);
        all.map(|probe| {
            let key = Key {
                source: probe.source.clone(),
                probe: probe.name.clone(),
            };
            let target = match &probe.target {
                Target::Host { .. } => String::new(),
                Target::Container { id, .. } => id.clone(),
            };
            ((key, target), probe)
        })
        .collect()
    }

    /// Makes one probe again and again, never twice at the same time.
    fn repeat(&self, key: Key, target: String, probe: Probe) -> impl Future<Output = ()> + use<> {
        let mut repeated = Repeated {
            key,
            target,
            probe,
            fleet: Arc::clone(&self.fleet),
            results: Arc::clone(&self.results),
            marker: Arc::clone(&self.marker),
            last_mark: None,
            reported: None,
        };
        async move {
            // Not all at once.
            let first = Instant::now() + Duration::from_millis(fastrand::u64(..500));
            let mut ticks = interval_at(first, repeated.probe.interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                repeated.once().await;
            }
        }
    }
}

/// One probe with its past.
struct Repeated {
    key: Key,
    target: String,
    probe: Probe,
    fleet: Arc<Fleet>,
    results: Arc<Results>,
    marker: Arc<Marker>,
    last_mark: Option<Nonce>,
    /// What was last said in the log.
    reported: Option<String>,
}

impl Repeated {
    async fn once(&mut self) {
        let mark = self
            .probe
            .is_marked
            .then(|| self.marker.mark(SystemTime::now()));
        let parameter = mark.as_ref().map(|(_, parameter)| parameter.as_str());
        let made = exchange(&self.probe, parameter).await;
        let code = made.result.as_ref().ok().map(|answer| answer.code);
        let fault = match &made.result {
            Ok(answer) => judge(&self.probe.expect, answer),
            Err(fault) => Some(fault.clone()),
        };
        let found = Finding {
            code,
            failure: fault.as_ref().map(|fault| fault.failure),
            phases: made.phases,
            is_seen: None,
        };
        self.results.note(&self.key, &self.target, found);
        self.report(fault.map(|fault| fault.message));
        let Some((nonce, _)) = mark else {
            return;
        };
        // The one before, too: a log may be written late.
        let marks: Vec<_> = self
            .last_mark
            .replace(nonce)
            .into_iter()
            .chain([nonce])
            .collect();
        let is_seen = match code {
            // What nobody has answered need not have arrived.
            None => None,
            Some(_) => self.look(&marks).await,
        };
        self.results.seen(&self.key, &self.target, is_seen);
    }

    /// Waits until the log shows one of these marks, as long as that may take.
    async fn look(&self, marks: &[Nonce]) -> Option<bool> {
        let patience = LOG_DELAY.min(self.probe.interval / 2);
        let start = Instant::now();
        loop {
            let is_seen = seen(&self.fleet, &self.key.source, marks);
            if is_seen == Some(true) || start.elapsed() >= patience {
                return is_seen;
            }
            sleep(LOOK).await;
        }
    }

    /// Says it in our own log when it changes.
    fn report(&mut self, problem: Option<String>) {
        if self.reported == problem {
            return;
        }
        let Key { source, probe } = &self.key;
        if let Some(problem) = &problem {
            warn!(%source, %probe, %problem, "the probe fails");
        } else {
            info!(%source, %probe, "the probe succeeds again");
        }
        self.reported = problem;
    }
}

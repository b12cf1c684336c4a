//! Exact counting on a real engine: what was printed is what is counted, through all that can
//! happen to a log, to the engine and to the exporter.
//!
//! `make test-exact` runs it in full and writes `target/exact.md`; `make test ENGINE=1` runs the same
//! with fewer lines.

mod backlog;
mod bursts;
mod cut;
#[path = "../../fixtures/dockerd.rs"]
mod dockerd;
mod engine;
mod fleet;
mod killed;
mod lifecycle;
#[path = "../../fixtures/numbered.rs"]
mod numbered;
mod proxy;
mod recreate;
mod report;
mod rotation;
mod stage;
mod truncated;
mod truth;
mod watch;

use std::time::Duration;

/// Whether everything runs in full.
fn is_full() -> bool {
    std::env::var("AUTHTAIL_EXACT").is_ok_and(|scale| scale == "full")
}

/// One value for a run in full, and one for a short one.
fn scaled<T>(full: T, short: T) -> T {
    if is_full() { full } else { short }
}

/// How long a number may stay as it is until we stop waiting for more: longer than it takes to
/// notice that a log is silent.
const PATIENCE: Duration = Duration::from_secs(45);

/// How long the work of a case may take.
const LIMIT: Duration = Duration::from_mins(5);

/// How old a page can be.
const SAVED: Duration = Duration::from_secs(1);

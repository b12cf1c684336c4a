//! Everything that talks to a Docker engine, and the pure parts beneath it.
//!
//! `watcher` decides which containers to follow, `follower` reads one log, `intake` turns its
//! records into numbers by way of `cursor`, `pieces` and the parser.

mod backoff;
mod cursor;
mod details;
mod driver;
mod ending;
mod endpoint;
mod engine;
mod facts;
mod follower;
pub(crate) mod frames;
mod intake;
mod interpreter;
mod line;
mod logs;
mod look;
mod memory;
mod once;
mod own;
mod pieces;
#[cfg(test)]
mod properties;
mod reader;
mod reply;
mod sightings;
mod startup;
mod status;
mod timestamp;
mod watcher;

pub(crate) use details::Details;
pub(crate) use driver::Driver;
pub(crate) use endpoint::{Endpoint, Surroundings};
pub(crate) use facts::Facts;
pub(crate) use frames::Stream;
pub(crate) use intake::{Intake, Kind, Progress};
pub(crate) use look::Look;
pub(crate) use once::Once;
pub(crate) use status::{Condition, Status};
pub(crate) use timestamp::Timestamp;
pub(crate) use watcher::watch;

//! Everything that talks to a Docker engine, and the pure parts beneath it.
//!
//! `watcher` decides which containers to follow, `follower` reads one log, `intake` turns its
//! records into numbers by way of `cursor`, `pieces` and the parser.

mod backoff;
mod cursor;
mod driver;
mod endpoint;
mod engine;
mod follower;
pub(crate) mod frames;
mod intake;
mod interpreter;
mod line;
mod logs;
mod memory;
mod own;
mod pieces;
#[cfg(test)]
mod properties;
mod reader;
mod reply;
mod status;
mod timestamp;
mod watcher;

pub(crate) use driver::Driver;
pub(crate) use endpoint::{Endpoint, Surroundings};
pub(crate) use intake::{Intake, Progress};
pub(crate) use status::{Condition, Status};
pub(crate) use timestamp::Timestamp;
pub(crate) use watcher::watch;

//! Everything that talks to a Docker engine, and the pure parts beneath it.
//!
//! `watcher` decides which containers to follow, `follower` reads one log, `intake` turns its
//! records into numbers by way of `cursor`, `pieces` and the parser.

mod backoff;
mod cursor;
mod endpoint;
mod engine;
mod follower;
mod frames;
mod intake;
mod logs;
mod own;
mod pieces;
mod reader;
mod status;
mod timestamp;
mod watcher;

pub(crate) use endpoint::{Endpoint, Surroundings};
pub(crate) use intake::Intake;
pub(crate) use status::{Condition, Status};
pub(crate) use timestamp::Timestamp;
pub(crate) use watcher::watch;

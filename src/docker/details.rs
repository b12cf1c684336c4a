//! A container as inspect shows it.

use std::collections::HashMap;

use super::driver::Driver;
use super::facts::Facts;
use super::timestamp::Timestamp;
use crate::probe::Place;

/// A container in detail.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    /// Without the leading slash.
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) labels: HashMap<String, String>,
    /// Where it can be reached while it runs.
    pub(crate) place: Place,
    pub(crate) has_tty: bool,
    pub(crate) driver: Driver,
    /// Not while the engine waits before it starts a container again.
    pub(crate) is_running: bool,
    pub(crate) started: Option<Timestamp>,
    /// Of its last end.
    pub(crate) exit_code: Option<i64>,
    /// The kernel ended it, because it used too much memory.
    pub(crate) is_out_of_memory: bool,
    pub(crate) facts: Facts,
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
}

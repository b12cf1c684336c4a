//! authtail counts the auth requests that containers log, for Prometheus.
//!
//! ```text
//!  Docker Engine API                                            Prometheus, people
//!    │ list, inspect, events      │ logs                                 ▲
//!    ▼                            ▼                                      │ GET /metrics, /
//!  docker::watcher ──starts──► docker::follower (one task a container)  web
//!                                │ frames → records                      ▲
//!                                ▼                                       │ collect
//!                              docker::intake: cursor → pieces          metrics
//!                                ▼                                       ▲
//!                       parse → route, events ──► tally ──► fleet ► state ┘
//! ```
//!
//! Data flows one way. Decisions are pure, I/O is at the edges. The library exists for the binary,
//! the tests and the fuzz targets; its names are not a stable interface.

mod chain;
mod check;
mod cli;
mod commands;
mod config;
mod docker;
mod events;
mod fleet;
#[cfg(fuzzing)]
pub mod fuzzing;
mod lines;
mod metrics;
pub mod parse;
mod probe;
mod report;
pub mod route;
mod state;
mod tally;
mod web;

/// Runs the command that the process's arguments name and says how to exit.
pub fn main() -> std::process::ExitCode {
    commands::main()
}

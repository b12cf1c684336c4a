//! The exporter among the real programs that it is made for, and the files that are shipped for them.
//!
//! `tests/tools` brings the programs; without them these tests fail.

mod calls;
mod compose;
#[cfg(feature = "test-engine")]
mod compose_command;
mod dashboard;
mod expressions;
#[cfg(feature = "test-engine")]
pub mod firing;
mod lint;
mod lists;
mod page;
pub mod prometheus;
mod promql;
mod proxy;
mod queries;
mod quiet_day;
#[cfg(feature = "test-engine")]
mod real_engine;
pub mod rule_tests;
mod scene;
pub mod shorten;
mod simulated;
mod through;
pub mod tools;

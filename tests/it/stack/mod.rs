//! The exporter among the real programs that it is made for, and the files that are shipped for them.
//!
//! `tests/tools` brings the programs; without them these tests fail.

mod calls;
mod compose;
#[cfg(feature = "test-engine")]
mod compose_command;
mod dashboard;
mod expressions;
mod lists;
mod page;
mod prometheus;
mod proxy;
mod queries;
mod scene;
mod through;
mod tools;

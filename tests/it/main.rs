//! Tests over the front door: the real binary and an engine that does what each test tells it.
//!
//! With the feature `test-tools` also real Prometheus, promtool and haproxy, with `test-engine` a
//! real Docker engine.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::indexing_slicing, reason = "a test may panic")]
#![expect(unreachable_pub, reason = "a test has no outside")]
#![expect(clippy::float_cmp, reason = "counts are exact")]

mod architecture;
mod catchup;
mod cli;
mod clock;
mod corpus;
#[cfg(feature = "test-engine")]
mod docker;
mod downtime;
mod drivers;
mod events;
#[cfg(feature = "test-engine")]
mod exact;
mod exposition;
mod framing;
mod gaps;
mod lifecycle;
mod pieces;
mod properties;
mod refusals;
mod rotation;
mod settings;
mod signs;
#[cfg(feature = "test-tools")]
mod stack;
mod state;
mod state_file;
mod state_places;
mod support;
mod web;
mod wire;

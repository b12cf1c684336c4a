//! Tests over the front door: the real binary and an engine that does what each test tells it.
//!
//! With the feature `test-tools` also real Prometheus, promtool and haproxy, with `test-engine` a
//! real Docker engine.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::indexing_slicing, reason = "a test may panic")]
#![expect(unreachable_pub, reason = "a test has no outside")]
#![expect(clippy::float_cmp, reason = "counts are exact")]

#[cfg(all(feature = "test-engine", feature = "test-tools"))]
mod alerts;
mod architecture;
mod catchup;
mod check;
mod cli;
mod clock;
mod corpus;
mod diagnose;
#[cfg(feature = "test-engine")]
mod docker;
mod downtime;
mod drivers;
mod events;
#[cfg(feature = "test-engine")]
mod exact;
mod exposition;
mod facts;
mod formats;
mod framing;
mod gaps;
mod lifecycle;
mod marks;
mod pieces;
mod probes;
mod properties;
mod proxies;
mod refusals;
mod rotation;
mod secrets;
mod settings;
mod signs;
#[cfg(feature = "test-tools")]
mod stack;
mod state;
mod state_file;
mod state_places;
mod support;
mod tls;
mod web;
mod wire;

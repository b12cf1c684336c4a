//! The alerts end to end: a fault in a real container, and what arrives at the receivers.
//!
//! Real engine, exporter, Prometheus and Alertmanager, with the files as they are shipped; only their times
//! are shortened, by `alerts/shorten`.

mod chain;
mod end_to_end;
mod exporters;
mod faults;
mod probed;
mod service;
mod sink;
mod told;

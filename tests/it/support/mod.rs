//! What the tests stand on: a fake engine, its records, and the real exporter.

pub mod engine;
pub mod exporter;
pub mod records;
pub mod service;

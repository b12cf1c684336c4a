//! What a log says: numbers, and what they mean. Pure.

pub(crate) mod band;
pub(crate) mod callers;
mod chart;
pub(crate) mod findings;
pub(crate) mod latency;
pub(crate) mod numbers;
pub(crate) mod paint;
pub(crate) mod reader;
mod redact;
pub(crate) mod remarks;
mod step;
pub(crate) mod summary;
pub(crate) mod text;
pub(crate) mod timeline;
pub(crate) mod words;

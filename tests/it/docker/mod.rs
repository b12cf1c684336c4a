//! A real Docker engine: containers that live and die, and what the exporter counts of them.
//!
//! All that these tests make carries the label `authtail.test=1` and is removed when a test ends.

mod demo;
mod drivers;
mod http;
mod image;
mod incidents;
mod inside;
pub mod lab;
mod lifecycle;
mod night;
mod piped;
pub mod printer;
mod probes;
mod speed;

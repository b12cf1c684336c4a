//! Active checks over HTTP: is the service well, does it let the right ones through, and is it the
//! service at all that answers?
//!
//! `spec` says what a probe is and `verdict` what its answer means; both are pure. `client` makes one
//! request, `runner` makes all of them again and again, `results` has their numbers. `mark` is how the
//! log of a service tells a probe from a request.

mod client;
pub(crate) mod key;
mod mark;
mod own;
mod results;
mod runner;
mod secret;
mod sight;
pub(crate) mod spec;
mod tls;
mod verdict;

pub(crate) use client::exchange;
pub(crate) use mark::{Marker, Nonce};
pub(crate) use own::{MAX_WISHES, Place, Wish, plain};
pub(crate) use results::{Key, Record, Results};
pub(crate) use runner::Prober;
pub(crate) use secret::Origin;
pub(crate) use verdict::{field, judge};

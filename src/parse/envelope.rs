//! What others put around a log line: `docker logs -t`, Compose, CRI and the like.

use crate::docker::Timestamp;

/// What was in an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened<'a> {
    /// The line as the application wrote it.
    pub(crate) line: &'a [u8],
    /// When, if the envelope says so.
    pub(crate) time: Option<Timestamp>,
    /// The container or service that wrote it, if the envelope says so.
    pub(crate) source: Option<&'a [u8]>,
}

/// Takes lines out of their envelopes, and joins those that were cut in parts.
#[derive(Debug, Default)]
pub(crate) struct Envelopes;

impl Envelopes {
    /// Opens one line of input; `None`: it is a part of a line that ends in a later one.
    pub(crate) fn open<'a>(&'a mut self, line: &'a [u8]) -> Option<Opened<'a>> {
        Some(Opened {
            line,
            time: None,
            source: None,
        })
    }
}

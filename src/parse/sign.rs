//! What one line means for the lines around it.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Reading;
use super::denial::{Denial, Reason};
use super::notice::Notice;

/// What is kept of a line until the lines before it are known too.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Sign {
    /// A request.
    #[default]
    Request,
    /// What looks like an access line, but could not be read as one or is read elsewhere.
    Access,
    /// A request of our own probes. What is said of a refusal just before it is said of that.
    Probe { is_refused: bool },
    /// A line that says why a request was refused.
    Denial {
        reason: Reason,
        /// Equal for lines with equal words.
        wording: Wording,
        /// True if it says no more than that a check has failed: the exception that is reported behind
        /// it may show that the service itself was in trouble.
        is_unexplained: bool,
    },
    /// A line that an operator would want counted.
    Notice(Notice),
    /// The service says whether it demands authentication.
    AuthMode {
        is_required: bool,
        /// As what it is counted: it may say so because of a request that it lets through.
        kind: Notice,
    },
    /// A line that says that an exception was caught, the report of which may follow.
    Announcement,
    /// The head of such a report.
    Head,
    /// The line of a report that names the exception.
    Exception {
        kind: Notice,
        /// True for one that led to the one before it, as Java writes it.
        is_cause: bool,
    },
    /// The line between two reports of which one led to the other.
    Chain,
    /// Any other line.
    Other,
    /// No line has ended here.
    Nothing,
}

/// A hash of the words by which a line was recognised.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Wording(u32);

impl Wording {
    /// Of a text without its case, its numbers, its signs and what is quoted in it.
    #[expect(clippy::cast_possible_truncation, reason = "half of a hash is one too")]
    pub(super) fn of(words: &[u8]) -> Self {
        let own = words.split(|&byte| byte == b'"').step_by(2).flatten();
        let letters = own.filter(|byte| byte.is_ascii_alphabetic());
        let letters: Vec<_> = letters.take(400).map(u8::to_ascii_lowercase).collect();
        Self(xxh3_64(&letters) as u32)
    }
}

impl Sign {
    /// A line that says why a request was refused, by words of the application.
    pub(super) fn denial(reason: Reason, words: &[u8]) -> Self {
        Self::Denial {
            reason,
            wording: Wording::of(words),
            is_unexplained: false,
        }
    }

    /// The same by the pattern of a number.
    pub(crate) const fn denial_by(reason: Reason, pattern: u32) -> Self {
        Self::Denial {
            reason,
            wording: Wording(pattern),
            is_unexplained: false,
        }
    }

    /// A line that says that a check has failed, and no more.
    pub(super) fn unexplained(reason: Reason, words: &[u8]) -> Self {
        Self::Denial {
            reason,
            wording: Wording::of(words),
            is_unexplained: true,
        }
    }

    /// What a line is that was read as something else.
    pub(super) fn of(reading: &Reading<'_>) -> Self {
        match reading {
            Reading::Request(_) => Self::Request,
            Reading::Unparsed(_) => Self::Access,
            // A format that has lines about refusals says each in one line.
            Reading::Denial(Denial { reason, .. }) => Self::denial(*reason, b""),
            Reading::Notice(kind) => Self::Notice(*kind),
            Reading::Other => Self::Other,
        }
    }

    /// What is said about the line alone.
    pub(super) fn reading(self) -> Reading<'static> {
        match self {
            Self::Denial { reason, .. } => Reading::Denial(Denial {
                reason,
                code: None,
                method: None,
                path: None,
                client: None,
            }),
            Self::Notice(kind) | Self::Exception { kind, .. } | Self::AuthMode { kind, .. } => {
                Reading::Notice(kind)
            }
            Self::Announcement | Self::Head => Reading::Notice(Notice::Traceback),
            Self::Request
            | Self::Access
            | Self::Probe { .. }
            | Self::Chain
            | Self::Other
            | Self::Nothing => Reading::Other,
        }
    }
}

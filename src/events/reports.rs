//! Reports of exceptions: one is counted once, however many lines and exceptions it has.

use serde::{Deserialize, Serialize};

use super::is_near;
use crate::docker::Timestamp;
use crate::parse::{Notice, Sign};

/// What is under way in one stream.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Report {
    stage: Stage,
    /// Of the last line that belonged to it.
    time: Option<Timestamp>,
    /// Kinds that it was counted as.
    counted: Vec<Notice>,
    /// True if the line before it says that a check has failed, and not why.
    is_of_refusal: bool,
    /// True if the last line of the stream said so.
    is_behind_refusal: bool,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
enum Stage {
    /// There is none.
    #[default]
    None,
    /// A line has said that one follows.
    Announced,
    /// Its head has come.
    Begun,
    /// Its exception has come.
    Ended,
    /// And a line that says that this has led to another one.
    Chained,
}

impl Report {
    /// Takes the next line of the stream, and says as what to count it.
    pub(super) fn take(&mut self, time: Option<Timestamp>, sign: Sign) -> Option<Notice> {
        if self.stage != Stage::None && !is_near(self.time, time) {
            self.stage = Stage::None;
        }
        let kind = match sign {
            Sign::Announcement => Some(self.begin(Stage::Announced)),
            Sign::Head => match self.stage {
                Stage::Announced | Stage::Chained => {
                    self.stage = Stage::Begun;
                    None
                }
                _ => Some(self.begin(Stage::Begun)),
            },
            Sign::Exception { kind, is_cause } => self.exception(kind, is_cause),
            Sign::Chain => {
                self.stage = Stage::Chained;
                None
            }
            // Frames, and more lines of an exception's text.
            Sign::Other => {
                self.is_behind_refusal = false;
                return None;
            }
            Sign::Nothing => return None,
            Sign::Notice(kind) => {
                self.stage = Stage::None;
                Some(kind)
            }
            Sign::Denial { .. }
            | Sign::Request
            | Sign::Access
            | Sign::Probe { .. }
            | Sign::AuthMode { .. } => {
                self.stage = Stage::None;
                None
            }
        };
        self.is_behind_refusal = matches!(
            sign,
            Sign::Denial {
                is_unexplained: true,
                ..
            }
        );
        self.time = time;
        kind
    }

    /// True if it is about a check that is said to have failed just before it.
    pub(super) const fn is_of_refusal(&self) -> bool {
        self.is_of_refusal
    }

    fn begin(&mut self, stage: Stage) -> Notice {
        self.is_of_refusal = self.is_behind_refusal;
        self.stage = stage;
        self.counted = vec![Notice::Traceback];
        Notice::Traceback
    }

    fn exception(&mut self, kind: Notice, is_cause: bool) -> Option<Notice> {
        let is_within = matches!(self.stage, Stage::Announced | Stage::Begun | Stage::Chained)
            || is_cause && self.stage == Stage::Ended;
        if !is_within {
            // Node and Java begin with it.
            self.is_of_refusal = self.is_behind_refusal;
            self.counted = vec![Notice::Traceback];
        }
        self.stage = Stage::Ended;
        if is_within && self.counted.contains(&kind) {
            return None;
        }
        if kind != Notice::Traceback {
            self.counted.push(kind);
        }
        Some(kind)
    }
}

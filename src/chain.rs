//! How errors are shown: the message and its causes in one line.

use std::error::Error;

/// Joins an error with the errors beneath it.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

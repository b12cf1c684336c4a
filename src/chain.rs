//! How errors are shown: the message and its causes in one line.

use std::error::Error;

/// Joins an error with the errors beneath it.
///
/// Of a cause with several lines only the last is shown: regex draws the expression before it says
/// what is wrong.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        let last = message.lines().last().unwrap_or_default();
        text = format!("{text}: {}", last.strip_prefix("error: ").unwrap_or(last));
        cause = error.source();
    }
    text
}

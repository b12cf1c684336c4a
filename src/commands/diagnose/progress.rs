//! A bar on the terminal for a log that takes its time.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tokio::time::Instant;

/// What is read faster needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often the bar is drawn.
const PERIOD: Duration = Duration::from_millis(100);
/// How many signs the bar has.
const WIDTH: u64 = 30;
const MEGABYTE: u64 = 1_000_000;

/// How far the reading is.
pub(super) struct Progress {
    is_shown: bool,
    drawn: bool,
    next: Instant,
    done: u64,
    /// What is known to come, 0 if nothing is.
    expected: u64,
}

impl Progress {
    /// Shows nothing yet, and never anything where nobody looks at a terminal.
    pub(super) fn new() -> Self {
        Self {
            is_shown: io::stderr().is_terminal(),
            drawn: false,
            next: Instant::now() + PATIENCE,
            done: 0,
            expected: 0,
        }
    }

    /// Says that so many bytes will come.
    pub(super) fn expect(&mut self, bytes: u64) {
        self.expected += bytes;
    }

    /// Says that so many bytes were read.
    pub(super) fn add(&mut self, bytes: usize) {
        self.done += u64::try_from(bytes).unwrap_or(u64::MAX);
        if self.is_shown && Instant::now() >= self.next {
            self.next = Instant::now() + PERIOD;
            self.drawn = true;
            draw(&bar(self.done, self.expected));
        }
    }
}

/// Takes the bar away.
impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn {
            draw("");
        }
    }
}

fn draw(text: &str) {
    // Nobody is told that the terminal has gone.
    drop(write!(io::stderr(), "\r\x1b[K{text}"));
}

fn bar(done: u64, expected: u64) -> String {
    let megabytes = done / MEGABYTE;
    if expected == 0 {
        return format!("{megabytes} MB read");
    }
    let full = (done.min(expected) * WIDTH / expected).min(WIDTH);
    let (full, empty) = (full, WIDTH - full);
    let percent = done.min(expected) * 100 / expected;
    let repeat = |sign: &str, times: u64| sign.repeat(usize::try_from(times).unwrap_or(0));
    format!(
        "[{}{}] {percent:>3} % of {} MB",
        repeat("#", full),
        repeat(".", empty),
        expected / MEGABYTE
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_how_far_it_is() {
        assert_eq!(bar(7 * MEGABYTE, 0), "7 MB read");
        let half = format!("[{}{}]  50 % of 8 MB", "#".repeat(15), ".".repeat(15));
        assert_eq!(bar(4 * MEGABYTE, 8 * MEGABYTE), half);
        let full = format!("[{}] 100 % of 8 MB", "#".repeat(30));
        assert_eq!(bar(9 * MEGABYTE, 8 * MEGABYTE), full, "the file has grown");
    }
}

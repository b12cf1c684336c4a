//! When to try again. Pure but for the jitter.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LAST: Duration = Duration::from_secs(30);

/// Waiting times that double from 200 ms to 30 s, each shortened by up to half at random so that
/// many followers of one engine do not come back at the same moment.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The time to wait before the next attempt.
    pub(crate) fn wait(&mut self) -> Duration {
        let full = self.next;
        self.next = (full * 2).min(LAST);
        full.mul_f64(fastrand::f64().mul_add(0.5, 0.5))
    }

    /// Starts over, because an attempt succeeded.
    pub(crate) fn reset(&mut self) {
        self.next = FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_a_limit_and_starts_over() {
        let mut backoff = Backoff::new();
        let mut full = FIRST;
        for _ in 0..20 {
            let wait = backoff.wait();
            assert!(full / 2 <= wait && wait <= full, "{wait:?} of {full:?}");
            full = (full * 2).min(LAST);
        }
        assert_eq!(full, LAST);
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
    }
}

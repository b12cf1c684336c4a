//! What applications say besides their access lines: why they refuse, what troubles them, when they
//! started, and whether they demand authentication at all.

use std::collections::VecDeque;

use super::redact;
use crate::docker::Timestamp;
use crate::parse::{Notice, Reason};

/// How many samples of each kind are kept.
const MAX_SAMPLES: usize = 3;
/// How many lines of each kind are looked at for samples that differ.
const MAX_TRIES: u64 = 200;
/// How many of the newest start-ups are kept.
const MAX_STARTUPS: usize = 50;

/// Everything that was said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remarks {
    notices: [Noted; Notice::ALL.len()],
    denials: [u64; Reason::ALL.len()],
    /// When the service was started, of the newest.
    pub(crate) startups: VecDeque<Timestamp>,
    /// What the service has said last about its own mode.
    pub(crate) mode: Option<Mode>,
}

/// The lines of one kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) count: u64,
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
    pub(crate) samples: Vec<String>,
    /// How many lines were looked at.
    tries: u64,
}

/// Whether a service demands authentication.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mode {
    pub(crate) is_required: bool,
    pub(crate) time: Option<Timestamp>,
}

impl Remarks {
    /// Takes a line of a kind.
    pub(crate) fn sample(&mut self, notice: Notice, line: &[u8]) {
        if let Some(noted) = self.notices.get_mut(notice as usize) {
            noted.look(line);
        }
    }

    /// Counts a notice, which may have several lines.
    pub(crate) fn notice(&mut self, notice: Notice, time: Option<Timestamp>) {
        if let Some(noted) = self.notices.get_mut(notice as usize) {
            noted.count += 1;
            noted.first = noted.first.or(time);
            noted.last = time.or(noted.last);
        }
        if notice == Notice::Startup {
            self.startups.extend(time);
            self.limit();
        }
    }

    /// Counts a refusal.
    pub(crate) fn denial(&mut self, reason: Reason) {
        if let Some(count) = self.denials.get_mut(reason as usize) {
            *count += 1;
        }
    }

    /// Adds what was said later.
    pub(crate) fn append(&mut self, later: Self) {
        for (ours, theirs) in self.notices.iter_mut().zip(later.notices) {
            ours.append(theirs);
        }
        for (ours, theirs) in self.denials.iter_mut().zip(later.denials) {
            *ours += theirs;
        }
        self.startups.extend(later.startups);
        self.mode = later.mode.or(self.mode);
        self.limit();
    }

    /// Returns the kinds that came, in the order of their names.
    pub(crate) fn notices(&self) -> impl Iterator<Item = (Notice, &Noted)> {
        let all = Notice::ALL.into_iter().zip(&self.notices);
        all.filter(|(_, noted)| noted.count > 0)
    }

    /// Returns how many notices of a kind there were.
    pub(crate) fn count(&self, notice: Notice) -> u64 {
        self.notices
            .get(notice as usize)
            .map_or(0, |noted| noted.count)
    }

    /// Returns the reasons that came, the most frequent first.
    pub(crate) fn denials(&self) -> Vec<(Reason, u64)> {
        let all = Reason::ALL.into_iter().zip(self.denials);
        let mut found: Vec<_> = all.filter(|(_, count)| *count > 0).collect();
        found.sort_by_key(|&(reason, count)| (std::cmp::Reverse(count), reason));
        found
    }

    fn limit(&mut self) {
        while self.startups.len() > MAX_STARTUPS {
            self.startups.pop_front();
        }
    }
}

impl Noted {
    /// Looks at a line for a sample.
    pub(crate) fn look(&mut self, line: &[u8]) {
        self.tries += 1;
        if self.samples.len() < MAX_SAMPLES && self.tries <= MAX_TRIES {
            self.sample(redact::redact(line));
        }
    }

    fn sample(&mut self, text: String) {
        let plain = redact::without_numbers(&text);
        let mut known = self.samples.iter();
        let is_known = known.any(|sample| redact::without_numbers(sample) == plain);
        if self.samples.len() < MAX_SAMPLES && !is_known {
            self.samples.push(text);
        }
    }

    fn append(&mut self, later: Self) {
        self.count += later.count;
        self.first = self.first.or(later.first);
        self.last = later.last.or(self.last);
        for sample in later.samples {
            self.sample(sample);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: i64) -> Timestamp {
        Timestamp::of_nanos(second * 1_000_000_000)
    }

    fn say(remarks: &mut Remarks, notice: Notice, line: &[u8], time: Option<Timestamp>) {
        remarks.sample(notice, line);
        remarks.notice(notice, time);
    }

    #[test]
    fn parts_add_up_in_their_order() {
        let (mut first, mut second) = (Remarks::default(), Remarks::default());
        say(&mut first, Notice::Error, b"timeout 1", Some(time(1)));
        let mode = |is_required, second| Mode {
            is_required,
            time: Some(time(second)),
        };
        first.mode = Some(mode(true, 2));
        say(&mut second, Notice::Error, b"timeout 2", None);
        say(
            &mut second,
            Notice::Error,
            b"connection refused",
            Some(time(4)),
        );
        second.mode = Some(mode(false, 5));
        say(&mut second, Notice::Startup, b"ready", Some(time(6)));
        first.denial(Reason::Expired);
        second.denial(Reason::MissingToken);
        second.denial(Reason::MissingToken);
        first.append(second);
        let (_, errors) = first
            .notices()
            .find(|(kind, _)| *kind == Notice::Error)
            .unwrap();
        assert_eq!(errors.samples, ["timeout 1", "connection refused"]);
        assert_eq!(
            (errors.count, errors.first, errors.last),
            (3, Some(time(1)), Some(time(4)))
        );
        assert_eq!(first.mode, Some(mode(false, 5)));
        assert_eq!(
            first.denials(),
            [(Reason::MissingToken, 2), (Reason::Expired, 1)]
        );
        assert_eq!(first.startups, [time(6)]);
    }

    #[test]
    fn memory_is_bounded() {
        let mut remarks = Remarks::default();
        let words = ["connection", "timeout", "error", "refused", "pool"];
        for number in 0..1_000 {
            let line = format!("{} {}", words[number % 5], words[number / 5 % 5]);
            say(
                &mut remarks,
                Notice::Startup,
                line.as_bytes(),
                Some(time(1)),
            );
        }
        let (_, noted) = remarks.notices().next().unwrap();
        assert_eq!((noted.count, noted.samples.len()), (1_000, MAX_SAMPLES));
        assert_eq!(remarks.startups.len(), MAX_STARTUPS);
    }
}

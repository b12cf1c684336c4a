//! How often which events have happened: plain numbers, additive. Pure.

use serde::{Deserialize, Serialize};

use super::Event;
use crate::docker::Timestamp;
use crate::parse::{Notice, Reason, Sign};
use crate::tally::add_each;

/// The events of one container, or of several added up.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Counts {
    denials: [u64; Reason::ALL.len()],
    notices: [u64; Notice::ALL.len()],
    /// When a container has said last whether it demands authentication, and what.
    auth_mode: Option<(Timestamp, bool)>,
    /// True if a request was refused, perhaps before counting began.
    has_refused: bool,
}

impl Counts {
    /// Counts an event; `time` is that of the line that made it complete.
    pub(crate) fn add(&mut self, event: Event, time: Option<Timestamp>) {
        match event {
            Event::Refused(reason) => {
                self.has_refused = true;
                increase(&mut self.denials, reason as usize);
            }
            Event::Noticed(kind) => increase(&mut self.notices, kind as usize),
            Event::AuthMode { is_required, kind } => {
                increase(&mut self.notices, kind as usize);
                self.auth_mode = time.map(|time| (time, is_required)).max(self.auth_mode);
            }
        }
    }

    /// Takes what a line from before the beginning shows, without counting it.
    pub(crate) fn learn(&mut self, sign: Sign, time: Timestamp) {
        match sign {
            Sign::Denial { .. } => self.has_refused = true,
            Sign::AuthMode { is_required, .. } => self.report_mode(is_required, time),
            _ => {}
        }
    }

    /// Notes that the container has said whether it demands authentication.
    pub(crate) fn report_mode(&mut self, is_required: bool, time: Timestamp) {
        self.auth_mode = self.auth_mode.max(Some((time, is_required)));
    }

    /// Adds the numbers of another container.
    pub(crate) fn join(&mut self, other: &Self) {
        add_each(&mut self.denials, &other.denials);
        add_each(&mut self.notices, &other.notices);
        self.auth_mode = self.auth_mode.max(other.auth_mode);
        self.has_refused |= other.has_refused;
    }

    /// Refused requests by reason. `answers`: the container has requests, so all reasons have series; so
    /// have they once it has refused one.
    pub(crate) fn denials(&self, answers: bool) -> impl Iterator<Item = (&'static str, u64)> {
        let reasons = Reason::ALL.into_iter().map(Reason::as_str);
        self.born(reasons.zip(self.denials), answers)
    }

    /// Notices by kind, in the same way.
    pub(crate) fn notices(&self, answers: bool) -> impl Iterator<Item = (&'static str, u64)> {
        let kinds = Notice::ALL.into_iter().map(Notice::as_str);
        self.born(kinds.zip(self.notices), answers)
    }

    /// True if the container has said last that it demands authentication.
    pub(crate) fn is_auth_required(&self) -> Option<bool> {
        self.auth_mode.map(|(_, is_required)| is_required)
    }

    fn born(
        &self,
        counts: impl Iterator<Item = (&'static str, u64)>,
        answers: bool,
    ) -> impl Iterator<Item = (&'static str, u64)> {
        let is_born = answers || self.has_refused;
        counts.filter(move |(_, count)| is_born || *count > 0)
    }
}

fn increase(counts: &mut [u64], at: usize) {
    if let Some(count) = counts.get_mut(at) {
        *count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: u8) -> Timestamp {
        Timestamp::parse(format!("2026-11-21T19:00:{second:02}Z").as_bytes()).unwrap()
    }

    #[test]
    fn labels_stand_at_the_place_of_their_count() {
        let mut counts = Counts::default();
        for (number, reason) in (1..).zip(Reason::ALL) {
            (0..number).for_each(|_| counts.add(Event::Refused(reason), None));
        }
        for (number, kind) in (1..).zip(Notice::ALL) {
            (0..number).for_each(|_| counts.add(Event::Noticed(kind), None));
        }
        let expected: Vec<_> = Reason::ALL
            .map(Reason::as_str)
            .into_iter()
            .zip(1..)
            .collect();
        assert_eq!(counts.denials(false).collect::<Vec<_>>(), expected);
        let expected: Vec<_> = Notice::ALL
            .map(Notice::as_str)
            .into_iter()
            .zip(1..)
            .collect();
        assert_eq!(counts.notices(false).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn series_exist_for_containers_that_answer_or_refuse() {
        let mut counts = Counts::default();
        assert_eq!(counts.denials(true).count(), Reason::ALL.len());
        assert_eq!(counts.notices(true).count(), Notice::ALL.len());
        counts.add(Event::Noticed(Notice::Error), None);
        assert_eq!(counts.denials(false).count(), 0);
        assert_eq!(counts.notices(false).collect::<Vec<_>>(), [("error", 1)]);
        counts.learn(Sign::denial_by(Reason::Other, 0), time(0));
        assert_eq!(counts.denials(false).count(), Reason::ALL.len());
        assert!(counts.denials(false).all(|(_, count)| count == 0));
    }

    fn mode(is_required: bool) -> Event {
        let kind = Notice::AuthMode;
        Event::AuthMode { is_required, kind }
    }

    #[test]
    fn the_newest_word_on_authentication_counts() {
        let mut counts = Counts::default();
        assert_eq!(counts.is_auth_required(), None);
        counts.add(mode(false), Some(time(5)));
        assert_eq!(counts.is_auth_required(), Some(false));
        counts.report_mode(true, time(4));
        assert_eq!(counts.is_auth_required(), Some(false));
        let mut other = Counts::default();
        other.add(mode(true), Some(time(6)));
        counts.join(&other);
        assert_eq!(counts.is_auth_required(), Some(true));
        let modes = counts.notices(false).find(|(kind, _)| *kind == "auth_mode");
        assert_eq!(modes, Some(("auth_mode", 2)));
    }
}

//! The numbers of one container: plain, born at zero, additive. Pure.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::docker::Timestamp;
use crate::events::{Counts, Event};
use crate::parse::{Sign, Unparsed};

/// Codes with a series of their own; others are counted by class.
const CODES: [u16; 22] = [
    200, 204, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 407, 408, 422, 429, 499, 500, 501,
    502, 503, 504,
];
const CODE_LABELS: [&str; CODES.len() + 6] = [
    "200", "204", "301", "302", "303", "307", "308", "400", "401", "403", "404", "405", "407",
    "408", "422", "429", "499", "500", "501", "502", "503", "504", "1xx", "2xx", "3xx", "4xx",
    "5xx", "other",
];
/// Codes whose series exist from the beginning, so that `rate()` sees their first increase.
const BORN_CODES: [u16; 10] = [200, 204, 302, 401, 403, 429, 500, 502, 503, 504];

/// The finite bounds of the duration histogram, in milliseconds.
///
/// 1 s is one of them, so that "p95 above 1 s" needs no interpolation, and there are bounds above
/// it, because a quantile is never larger than the highest finite bound.
pub(crate) const BOUNDS_MS: [u64; 11] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/// Why a log had to be opened again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reconnect {
    /// More had been delivered than could be compared with the log.
    Behind,
    /// The connection broke.
    Broken,
    /// The engine ended the log of a running container.
    Ended,
    /// The engine reported an error, or sent what is no log.
    Error,
    /// The engine could not be reached or refused.
    Refused,
    /// The log went on but the open connection stayed silent.
    Silent,
}

impl Reconnect {
    pub(crate) const ALL: [Self; 6] = [
        Self::Behind,
        Self::Broken,
        Self::Ended,
        Self::Error,
        Self::Refused,
        Self::Silent,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::Broken => "broken",
            Self::Ended => "ended",
            Self::Error => "error",
            Self::Refused => "refused",
            Self::Silent => "silent",
        }
    }
}

/// What was counted in the log of one container, or of several added up.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Tally {
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    /// Records that the engine sent again although they were not asked for.
    pub(crate) duplicates: u64,
    /// Holes in the log that could not be filled.
    pub(crate) gaps: u64,
    pub(crate) last_line: Option<Timestamp>,
    unparsed: [u64; Unparsed::ALL.len()],
    reconnects: [u64; Reconnect::ALL.len()],
    events: Counts,
    routes: Vec<RouteTally>,
}

/// The requests of one route.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct RouteTally {
    pub(crate) name: Arc<str>,
    pub(crate) last_request: Option<Timestamp>,
    pub(crate) durations: Option<Durations>,
    codes: [u64; CODE_LABELS.len()],
    is_born: bool,
}

/// A histogram of durations.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Durations {
    /// Observations at most as large as the bound of the same index, and larger than the one
    /// before; the last entry has those above all bounds.
    pub(crate) buckets: [u64; BOUNDS_MS.len() + 1],
    pub(crate) sum: Duration,
}

impl Tally {
    /// Prepares for requests on these routes, which are then called by their index.
    pub(crate) fn new<'a>(routes: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            routes: routes.into_iter().map(RouteTally::new).collect(),
            ..Self::default()
        }
    }

    /// Counts a line.
    pub(crate) fn line(&mut self, time: Timestamp) {
        self.lines += 1;
        self.last_line = self.last_line.max(Some(time));
    }

    pub(crate) fn unparsed(&mut self, reason: Unparsed) {
        if let Some(count) = self.unparsed.get_mut(reason as usize) {
            *count += 1;
        }
    }

    pub(crate) fn reconnect(&mut self, reason: Reconnect) {
        if let Some(count) = self.reconnects.get_mut(reason as usize) {
            *count += 1;
        }
    }

    /// Counts an event; `time` is that of the line that made it complete.
    pub(crate) fn event(&mut self, event: Event, time: Option<Timestamp>) {
        self.events.add(event, time);
    }

    /// Takes what a line from before the beginning shows, without counting it.
    pub(crate) fn learn(&mut self, sign: Sign, time: Timestamp) {
        self.events.learn(sign, time);
    }

    /// Notes that the container has said whether it demands authentication.
    pub(crate) fn report_mode(&mut self, is_required: bool, time: Timestamp) {
        self.events.report_mode(is_required, time);
    }

    /// Creates the series of a route at zero.
    pub(crate) fn expect(&mut self, route: usize) {
        if let Some(route) = self.routes.get_mut(route) {
            route.is_born = true;
        }
    }

    /// Tells whether a route has series.
    pub(crate) fn is_expected(&self, route: usize) -> bool {
        self.routes.get(route).is_some_and(|route| route.is_born)
    }

    /// Creates the histogram of a route at zero.
    pub(crate) fn expect_durations(&mut self, route: usize) {
        if let Some(route) = self.routes.get_mut(route) {
            route.durations.get_or_insert_default();
        }
    }

    /// Counts a request.
    pub(crate) fn request(
        &mut self,
        route: usize,
        code: u16,
        duration: Option<Duration>,
        time: Timestamp,
    ) {
        if let Some(route) = self.routes.get_mut(route) {
            route.request(code, duration, time);
        }
    }

    /// Adds the numbers of another container.
    pub(crate) fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.duplicates += other.duplicates;
        self.gaps += other.gaps;
        self.last_line = self.last_line.max(other.last_line);
        add_each(&mut self.unparsed, &other.unparsed);
        add_each(&mut self.reconnects, &other.reconnects);
        self.events.join(&other.events);
        for theirs in other.routes() {
            match self.routes.iter_mut().find(|ours| ours.name == theirs.name) {
                Some(ours) => ours.add(theirs),
                None => self.routes.push(theirs.clone()),
            }
        }
    }

    /// The routes that have series, in the order of their definition.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &RouteTally> {
        self.routes.iter().filter(|route| route.is_born)
    }

    /// Lines that could not be read, by reason, without those that never happened.
    pub(crate) fn unparsed_by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Unparsed::ALL
            .iter()
            .map(|reason| reason.as_str())
            .zip(self.unparsed)
    }

    /// Refused requests by reason: all reasons if the container answers requests.
    pub(crate) fn denials(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.events.denials(self.routes().next().is_some())
    }

    /// Notices by kind: all kinds if the container answers requests.
    pub(crate) fn notices(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.events.notices(self.routes().next().is_some())
    }

    /// True if the container has said last that it demands authentication.
    pub(crate) fn is_auth_required(&self) -> Option<bool> {
        self.events.is_auth_required()
    }

    pub(crate) fn reconnects_by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Reconnect::ALL
            .iter()
            .map(|reason| reason.as_str())
            .zip(self.reconnects)
    }
}

impl RouteTally {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            last_request: None,
            durations: None,
            codes: [0; CODE_LABELS.len()],
            is_born: false,
        }
    }

    fn request(&mut self, code: u16, duration: Option<Duration>, time: Timestamp) {
        self.is_born = true;
        self.last_request = self.last_request.max(Some(time));
        if let Some(count) = self.codes.get_mut(code_index(code)) {
            *count += 1;
        }
        if let Some(duration) = duration {
            self.durations.get_or_insert_default().observe(duration);
        }
    }

    fn add(&mut self, other: &Self) {
        self.is_born |= other.is_born;
        self.last_request = self.last_request.max(other.last_request);
        add_each(&mut self.codes, &other.codes);
        if let Some(theirs) = &other.durations {
            let ours = self.durations.get_or_insert_default();
            add_each(&mut ours.buckets, &theirs.buckets);
            ours.sum = ours.sum.saturating_add(theirs.sum);
        }
    }

    /// Requests by code label: those that exist from the beginning, and those that have happened.
    pub(crate) fn codes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        CODE_LABELS
            .into_iter()
            .zip(self.codes)
            .enumerate()
            .filter_map(|(index, (label, count))| {
                let is_born = CODES
                    .get(index)
                    .is_some_and(|code| BORN_CODES.contains(code));
                (is_born || count > 0).then_some((label, count))
            })
    }

    /// All requests.
    pub(crate) fn total(&self) -> u64 {
        self.codes.iter().sum()
    }
}

impl Durations {
    pub(crate) fn observe(&mut self, duration: Duration) {
        let bound = BOUNDS_MS
            .iter()
            .position(|&bound| duration <= Duration::from_millis(bound));
        if let Some(count) = self.buckets.get_mut(bound.unwrap_or(BOUNDS_MS.len())) {
            *count += 1;
        }
        self.sum = self.sum.saturating_add(duration);
    }
}

pub(crate) fn add_each<const N: usize>(ours: &mut [u64; N], theirs: &[u64; N]) {
    for (ours, theirs) in ours.iter_mut().zip(theirs) {
        *ours += theirs;
    }
}

/// The index of a code in [`CODE_LABELS`].
fn code_index(code: u16) -> usize {
    CODES
        .binary_search(&code)
        .unwrap_or_else(|_| match code / 100 {
            class @ 1..=5 => CODES.len() + usize::from(class) - 1,
            _ => CODE_LABELS.len() - 1,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(second: u8) -> Timestamp {
        Timestamp::parse(format!("2026-11-21T19:00:{second:02}Z").as_bytes()).unwrap()
    }

    #[test]
    fn every_code_has_its_label() {
        for code in 0..=999 {
            let label = CODE_LABELS[code_index(code)];
            let expected = match code {
                code if CODES.contains(&code) => code.to_string(),
                100..600 => format!("{}xx", code / 100),
                _ => "other".to_owned(),
            };
            assert_eq!(label, expected);
        }
    }

    #[test]
    fn a_route_has_no_series_until_it_is_expected_or_requested() {
        let mut tally = Tally::new(["validate", "chat", "voice"]);
        assert_eq!(tally.routes().count(), 0);
        tally.expect(0);
        tally.request(2, 418, None, time(1));
        let seen: Vec<_> = tally
            .routes()
            .map(|route| (&*route.name, route.total()))
            .collect();
        assert_eq!(seen, [("validate", 0), ("voice", 1)]);
        let codes: Vec<_> = tally.routes().next().unwrap().codes().collect();
        assert_eq!(
            codes,
            BORN_CODES.map(|code| (CODE_LABELS[code_index(code)], 0))
        );
        assert!(
            tally
                .routes()
                .nth(1)
                .unwrap()
                .codes()
                .any(|code| code == ("4xx", 1))
        );
    }

    #[test]
    fn adds_up_by_the_name_of_the_route() {
        let mut first = Tally::new(["validate"]);
        first.request(0, 200, Some(Duration::from_millis(5)), time(1));
        first.line(time(1));
        let mut second = Tally::new(["chat", "validate"]);
        second.request(1, 200, Some(Duration::from_millis(1_001)), time(9));
        second.request(0, 401, None, time(3));
        first.add(&second);

        let totals: Vec<_> = first
            .routes()
            .map(|route| (&*route.name, route.total()))
            .collect();
        assert_eq!(totals, [("validate", 2), ("chat", 1)]);
        let validate = first.routes().next().unwrap();
        assert_eq!(validate.last_request, Some(time(9)));
        let durations = validate.durations.as_ref().unwrap();
        assert_eq!(durations.buckets, [1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(durations.sum, Duration::from_millis(1_006));
    }
}

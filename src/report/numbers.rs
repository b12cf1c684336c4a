//! What was counted in some lines: plain numbers that add up in the order of the lines.

use std::sync::Arc;

use super::callers::Callers;
use super::latency::Latency;
use super::remarks::Remarks;
use super::timeline::Timeline;
use crate::docker::Timestamp;
use crate::parse::Unparsed;
use crate::route::Placed;

/// Status codes are 0 to 999.
const MAX_CODE: usize = 1_000;

/// Everything that was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) lines: u64,
    pub(crate) bytes: u64,
    /// Lines that are older than asked for, or have no time where one is asked for.
    pub(crate) left_out: u64,
    /// Lines that say nothing that is counted.
    pub(crate) other: u64,
    unparsed: [u64; Unparsed::ALL.len()],
    /// The earliest and the latest time of a line.
    pub(crate) span: Option<(Timestamp, Timestamp)>,
    /// Requests that are on no route.
    pub(crate) outside: Codes,
    /// Requests by source and route, in the order in which they came.
    pub(crate) routes: Vec<RouteNumbers>,
    pub(crate) callers: Callers,
    pub(crate) remarks: Remarks,
}

/// The requests of one route of one source.
#[derive(Clone, Debug)]
pub(crate) struct RouteNumbers {
    /// Who wrote the lines, if they come from several.
    pub(crate) source: Option<Arc<str>>,
    pub(crate) route: Arc<str>,
    pub(crate) codes: Codes,
    pub(crate) latency: Option<Latency>,
    pub(crate) timeline: Timeline,
}

/// Requests by status code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Codes(Vec<u64>);

/// Tells whether a status code means that a request was refused.
pub(crate) const fn is_refused(code: u16) -> bool {
    code == 401
}

impl Numbers {
    /// Counts a line that should have been read.
    pub(crate) fn unparsed(&mut self, reason: Unparsed) {
        if let Some(count) = self.unparsed.get_mut(reason as usize) {
            *count += 1;
        }
    }

    /// Notes the time of a line.
    pub(crate) fn seen(&mut self, time: Timestamp) {
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
    }

    /// Returns the place of a route's numbers in [`Self::routes`].
    pub(crate) fn place(&mut self, source: Option<&Arc<str>>, route: &str) -> usize {
        let is_it =
            |known: &RouteNumbers| *known.route == *route && known.source.as_ref() == source;
        let known = self.routes.iter().position(is_it);
        known.unwrap_or_else(|| {
            self.routes
                .push(RouteNumbers::new(source.cloned(), route.into()));
            self.routes.len() - 1
        })
    }

    /// Counts a request of the route at a place.
    pub(crate) fn request(
        &mut self,
        place: usize,
        placed: Placed,
        client: Option<&[u8]>,
        time: Option<Timestamp>,
    ) {
        let is_refused = is_refused(placed.code);
        self.callers.add(client, is_refused);
        let Some(route) = self.routes.get_mut(place) else {
            return;
        };
        route.codes.add(placed.code);
        if let Some(duration) = placed.duration {
            route.latency.get_or_insert_default().add(duration);
        }
        if let Some(time) = time {
            route.timeline.add(time, placed.code, is_refused);
        }
    }

    /// Adds what was counted in later lines.
    pub(crate) fn append(&mut self, later: Self) {
        self.lines += later.lines;
        self.bytes += later.bytes;
        self.left_out += later.left_out;
        self.other += later.other;
        for (ours, theirs) in self.unparsed.iter_mut().zip(later.unparsed) {
            *ours += theirs;
        }
        if let Some((first, last)) = later.span {
            self.seen(first);
            self.seen(last);
        }
        self.outside.append(&later.outside);
        for theirs in later.routes {
            let place = self.place(theirs.source.as_ref(), &theirs.route);
            if let Some(ours) = self.routes.get_mut(place) {
                ours.append(theirs);
            }
        }
        self.callers.append(&later.callers);
        self.remarks.append(later.remarks);
    }

    /// Lines that could not be read, by reason.
    pub(crate) fn unparsed_by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let reasons = Unparsed::ALL.iter().map(|reason| reason.as_str());
        reasons.zip(self.unparsed).filter(|(_, count)| *count > 0)
    }

    /// All requests, on routes and outside.
    pub(crate) fn requests(&self) -> u64 {
        self.on_routes() + self.outside.total()
    }

    /// All requests on routes.
    pub(crate) fn on_routes(&self) -> u64 {
        self.routes.iter().map(|route| route.codes.total()).sum()
    }

    /// All refused requests on routes.
    pub(crate) fn refused(&self) -> u64 {
        self.routes.iter().map(|route| route.codes.refused()).sum()
    }
}

impl RouteNumbers {
    fn new(source: Option<Arc<str>>, route: Arc<str>) -> Self {
        Self {
            source,
            route,
            codes: Codes::default(),
            latency: None,
            timeline: Timeline::default(),
        }
    }

    fn append(&mut self, mut later: Self) {
        self.codes.append(&later.codes);
        if let Some(latency) = &later.latency {
            self.latency.get_or_insert_default().append(latency);
        }
        self.timeline.append(&mut later.timeline);
    }

    /// The route with its source, where there are several.
    pub(crate) fn name(&self) -> String {
        match &self.source {
            Some(source) => format!("{source} {}", self.route),
            None => self.route.to_string(),
        }
    }
}

impl Codes {
    /// Counts a code.
    pub(crate) fn add(&mut self, code: u16) {
        if self.0.is_empty() {
            self.0.resize(MAX_CODE, 0);
        }
        if let Some(count) = self.0.get_mut(usize::from(code)) {
            *count += 1;
        }
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn append(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (ours, theirs) in self.0.iter_mut().zip(&other.0) {
            *ours += theirs;
        }
    }

    /// The codes that came, with how often.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, u64)> {
        (0..)
            .zip(&self.0)
            .filter(|(_, count)| **count > 0)
            .map(|(code, count)| (code, *count))
    }

    /// All requests.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// How many of these codes came.
    pub(crate) fn count(&self, is_wanted: impl Fn(u16) -> bool) -> u64 {
        self.iter()
            .filter(|(code, _)| is_wanted(*code))
            .map(|(_, count)| count)
            .sum()
    }

    /// Requests that were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.count(is_refused)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const CLIENT: Option<&[u8]> = Some(b"10.0.0.1");

    fn request(code: u16, millis: u64) -> Placed {
        Placed {
            route: 0,
            code,
            duration: Some(Duration::from_millis(millis)),
        }
    }

    #[test]
    fn parts_add_up_by_source_and_route() {
        let (mut first, mut second) = (Numbers::default(), Numbers::default());
        let source: Arc<str> = "auth-1".into();
        let time = |second: i64| Timestamp::of_nanos(second * 1_000_000_000);
        let place = first.place(None, "validate");
        first.request(place, request(200, 5), CLIENT, Some(time(60)));
        first.seen(time(60));
        for (route, code) in [("chat", 401), ("validate", 401), ("validate", 500)] {
            let place = second.place((route == "chat").then_some(&source), route);
            second.request(place, request(code, 10), CLIENT, Some(time(30)));
        }
        second.seen(time(30));
        second.outside.add(404);
        second.unparsed(Unparsed::Json);
        first.append(second);

        let codes = |route: &RouteNumbers| route.codes.iter().collect::<Vec<_>>();
        let seen: Vec<_> = first
            .routes
            .iter()
            .map(|route| (route.name(), codes(route)))
            .collect();
        let expected = [
            ("validate".to_owned(), vec![(200, 1), (401, 1), (500, 1)]),
            ("auth-1 chat".to_owned(), vec![(401, 1)]),
        ];
        assert_eq!(seen, expected);
        assert_eq!(
            (first.requests(), first.on_routes(), first.refused()),
            (5, 4, 2)
        );
        assert_eq!(first.span, Some((time(30), time(60))));
        assert_eq!(first.routes[0].latency.as_ref().unwrap().total(), 3);
        assert_eq!(first.routes[0].timeline.slots().len(), 2);
        assert_eq!(first.callers.top()[0].requests, 4);
        assert_eq!(
            first.unparsed_by_reason().collect::<Vec<_>>(),
            [("json", 1)]
        );
    }
}

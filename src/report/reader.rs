//! Lines to numbers: envelope, source, time, parser and route in their order. Pure.

use std::sync::Arc;

use super::numbers::Numbers;
use super::remarks::Mode;
use crate::docker::{Stream, Timestamp};
use crate::events::{Event, Events, Said};
use crate::parse::envelope::{Envelopes, Opened};
use crate::parse::patterns::Patterns;
use crate::parse::{Format, Parser, Reading, Request, Unparsed, clean, clock};
use crate::route::{Placed, Routes};

/// How many sources are told apart in one input; the lines of all others are read as one.
const MAX_SOURCES: usize = 64;

/// Longer paths are not remembered, in bytes.
const MAX_MEMO: usize = 256;
/// No path has a query.
const NO_PATH: &[u8] = b"?";

/// What to make of the lines.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) routes: Arc<Routes>,
    /// `None`: to be found out.
    pub(crate) format: Option<Format>,
    /// What denials and notices look like, besides those that are known.
    pub(crate) patterns: Arc<Patterns>,
    /// Lines before this time are left out, and so are those whose time is not known.
    pub(crate) since: Option<Timestamp>,
    /// The time of the reading.
    pub(crate) now: Option<Timestamp>,
}

/// Reads the lines of one input.
#[derive(Debug)]
pub(crate) struct Reader {
    envelopes: Envelopes,
    counter: Counter,
}

/// Counts lines that are out of their envelopes.
#[derive(Debug)]
struct Counter {
    settings: Settings,
    /// The first is nobody in particular.
    sources: Vec<Source>,
    /// Who has written the last line.
    last: usize,
    /// Whether the last line with a time was not left out.
    is_recent: bool,
    plain: Vec<u8>,
    memo: Memo,
    numbers: Numbers,
}

/// A container or service that writes lines.
#[derive(Debug)]
struct Source {
    name: Option<Arc<str>>,
    parser: Parser,
    events: Events,
    /// The stream of the last line, if that was a request.
    calm: Option<Stream>,
    /// Where the numbers of each route are.
    places: Vec<Option<usize>>,
}

/// The route of the last path: most lines have the same one.
#[derive(Debug)]
struct Memo {
    path: Vec<u8>,
    route: Option<usize>,
}

impl Reader {
    /// Begins with an input.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            envelopes: Envelopes::until(settings.now),
            counter: Counter::new(settings),
        }
    }

    /// Reads a line as it stands in the input, with or without its line end; `length` is how long
    /// it was before its end was cut off. Returns true for a request, with which everything that
    /// was said about it before is over.
    pub(crate) fn line(&mut self, line: &[u8], length: usize) -> bool {
        self.counter.begin(length);
        if length > line.len() {
            self.counter.numbers.unparsed(Unparsed::TooLong);
            return false;
        }
        let opened = self.envelopes.open(line);
        opened.is_some_and(|opened| self.counter.count(opened))
    }

    /// Reads a line that came without an envelope.
    pub(crate) fn opened(&mut self, opened: Opened<'_>, length: usize) {
        self.counter.begin(length);
        self.counter.count(opened);
    }

    /// Says that no further line comes.
    pub(crate) fn end(&mut self) {
        let numbers = &mut self.counter.numbers;
        for source in &mut self.counter.sources {
            source.events.close(|event| count(event, None, numbers));
        }
    }

    /// Returns what was counted since the last call.
    pub(crate) fn take(&mut self) -> Numbers {
        for source in &mut self.counter.sources {
            source.places.clear();
        }
        std::mem::take(&mut self.counter.numbers)
    }

    /// Returns another reader for a later part of the input, if that can be read without what is
    /// before it: the envelope and the format are known, no line has parts or belongs to another.
    pub(crate) fn fork(&self) -> Option<Self> {
        let [nobody] = self.counter.sources.as_slice() else {
            return None;
        };
        let parser = nobody.parser.fork()?;
        let mut counter = Counter::new(self.counter.settings.clone());
        counter.sources.first_mut()?.parser = parser;
        let is_free = self.envelopes.is_stateless() && counter.settings.since.is_none();
        is_free.then(|| Self {
            envelopes: self.envelopes.clone(),
            counter,
        })
    }

    /// Returns the formats that were found, with the source where there are several.
    pub(crate) fn formats(&self) -> impl Iterator<Item = (Option<Arc<str>>, &str)> {
        let sources = self.counter.sources.iter();
        sources.filter_map(|source| Some((source.name.clone(), source.parser.format()?.name())))
    }
}

impl Counter {
    fn new(settings: Settings) -> Self {
        Self {
            sources: vec![Source::new(None, &settings)],
            last: 0,
            is_recent: settings.since.is_none(),
            plain: Vec::new(),
            memo: Memo::new(),
            numbers: Numbers::default(),
            settings,
        }
    }

    fn begin(&mut self, length: usize) {
        self.numbers.lines += 1;
        self.numbers.bytes += u64::try_from(length).unwrap_or(u64::MAX);
    }

    fn count(&mut self, opened: Opened<'_>) -> bool {
        let at = opened.source.map_or(0, |name| self.source(name));
        let Self {
            settings,
            sources,
            is_recent,
            plain,
            memo,
            numbers,
            ..
        } = self;
        let line = opened.line;
        let time = opened.time.or_else(|| {
            // A colour behind the time does not matter.
            let is_coloured = line.first() == Some(&b'\x1b');
            clock::of_line(if is_coloured {
                clean(line, plain)
            } else {
                line
            })
        });
        if let Some(since) = settings.since {
            // The lines of a traceback belong to the one before them.
            *is_recent = time.map_or(*is_recent, |time| time >= since);
            if !*is_recent {
                numbers.left_out += 1;
                return false;
            }
        }
        if let Some(time) = time {
            numbers.seen(time);
        }
        let Some(source) = sources.get_mut(at) else {
            return false;
        };
        if opened.is_cut {
            numbers.unparsed(Unparsed::TooLong);
            return false;
        }
        let Source {
            name,
            parser,
            events,
            calm,
            places,
        } = source;
        let (reading, sign) = parser.examine(line);
        let stream = opened.stream;
        let is_request = matches!(reading, Reading::Request(_));
        // Nothing is open behind a request, and another one changes nothing.
        if !is_request || *calm != Some(stream) {
            let said = Said { stream, time, sign };
            events.take(said, |event| count(event, time, numbers));
        }
        *calm = is_request.then_some(stream);
        match reading {
            Reading::Request(request) => match memo.place(&settings.routes, &request) {
                Some(placed) => {
                    let place = Source::place(places, placed.route, || {
                        let route = settings.routes.names().get(placed.route);
                        numbers.place(name.as_ref(), route.map_or("", String::as_str))
                    });
                    numbers.request(place, placed, request.client, time);
                }
                None => numbers.outside.add(request.counted_code()),
            },
            Reading::Notice(notice) => {
                numbers.remarks.sample(notice, clean(line, plain));
            }
            Reading::Unparsed(reason) => numbers.unparsed(reason),
            Reading::Denial(_) => {}
            Reading::Other => numbers.other += 1,
        }
        is_request
    }

    /// Finds who wrote a line.
    fn source(&mut self, name: &[u8]) -> usize {
        let is_it = |source: &Source| {
            let known = source.name.as_ref();
            known.is_some_and(|known| known.as_bytes() == name)
        };
        if self.sources.get(self.last).is_some_and(is_it) {
            return self.last;
        }
        let known = self.sources.iter().position(is_it);
        self.last = known.unwrap_or_else(|| {
            if self.sources.len() > MAX_SOURCES {
                return 0;
            }
            let name = String::from_utf8_lossy(name);
            self.sources
                .push(Source::new(Some(name.into()), &self.settings));
            self.sources.len() - 1
        });
        self.last
    }
}

fn count(event: Event, time: Option<Timestamp>, numbers: &mut Numbers) {
    let remarks = &mut numbers.remarks;
    match event {
        Event::Refused(reason) => remarks.denial(reason),
        Event::Noticed(kind) => remarks.notice(kind, time),
        Event::AuthMode { is_required, kind } => {
            remarks.notice(kind, time);
            remarks.mode = Some(Mode { is_required, time });
        }
    }
}

impl Source {
    /// Returns the place of a route's numbers, and asks for it once.
    fn place(places: &mut Vec<Option<usize>>, route: usize, find: impl FnOnce() -> usize) -> usize {
        if let Some(Some(place)) = places.get(route) {
            return *place;
        }
        places.resize(places.len().max(route + 1), None);
        let place = find();
        if let Some(known) = places.get_mut(route) {
            *known = Some(place);
        }
        place
    }

    fn new(name: Option<Arc<str>>, settings: &Settings) -> Self {
        Self {
            name,
            parser: Parser::new(settings.format.clone())
                .with_patterns(Arc::clone(&settings.patterns)),
            events: Events::default(),
            calm: None,
            places: Vec::new(),
        }
    }
}

impl Memo {
    fn new() -> Self {
        Self {
            path: NO_PATH.to_vec(),
            route: None,
        }
    }

    /// Finds what to count for a request.
    fn place(&mut self, routes: &Routes, request: &Request<'_>) -> Option<Placed> {
        // What a proxy says about an auth call is not decided by the path alone.
        let Some(code) = request.code.filter(|_| !routes.has_forward_auth()) else {
            return routes.place(request);
        };
        if self.path != request.path {
            self.route = routes.find(request.path);
            let is_short = request.path.len() <= MAX_MEMO;
            self.path.clear();
            self.path
                .extend_from_slice(if is_short { request.path } else { NO_PATH });
        }
        self.route.map(|route| Placed {
            route,
            code,
            duration: request.duration,
        })
    }
}

//! What a log has shown of its requests besides their numbers: which of them were probes, and
//! whether it would show one. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use memchr::memmem;

use super::timestamp::Timestamp;
use crate::parse::Request;
use crate::probe::{Marker, Nonce};

/// How many marks are remembered: those of the last minutes of all probes of one source.
const MAX_NONCES: usize = 256;
/// Formats whose lines have the query of every request that has one, as they are without settings. In others
/// a query has to be seen before its absence says anything.
///
/// - The request line as the client sent it: `$request` of nginx and ingress-nginx, `%r` of Apache, Tomcat and
///   HAProxy, `%(r)s` of gunicorn, and what daphne, Django and gorilla write. werkzeug decodes it, which
///   changes nothing in a mark.
/// - Its target: `RequestPath` of Traefik, `uri` of Caddy and echo, `$request_uri` of Nginx Proxy Manager,
///   `:url` of morgan, the path of Envoy, `RequestURI` of chi and oauth2-proxy.
/// - Path and query put together again: uvicorn, gin.
///
/// Not among them are granian and hypercorn, which leave the query out, Fastify, which has it in another line,
/// and lines of which somebody has chosen the fields: JSON of nginx, Apache, gunicorn and Envoy, middlewares.
const WITH_QUERY: [&str; 25] = [
    "caddy-console",
    "caddy-json",
    "chi",
    "combined",
    "combined-ms",
    "combined-ns",
    "combined-s",
    "combined-us",
    "daphne",
    "django",
    "echo",
    "envoy",
    "gin",
    "haproxy",
    "ingress-nginx",
    "morgan-dev",
    "morgan-short",
    "morgan-tiny",
    "nginx-proxy-manager",
    "oauth2-proxy",
    "tomcat-json",
    "traefik-clf",
    "traefik-json",
    "uvicorn",
    "werkzeug",
];

/// What is known of the requests in one log.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    marker: Option<Arc<Marker>>,
    nonces: VecDeque<Nonce>,
    last_request: Option<Timestamp>,
    has_query: bool,
}

impl Sightings {
    pub(super) fn new(marker: Option<Arc<Marker>>) -> Self {
        Self {
            marker,
            ..Self::default()
        }
    }

    /// Looks at the line of a request, and returns true if a probe of authtail has made it.
    pub(super) fn take(&mut self, line: &[u8], request: &Request<'_>, time: Timestamp) -> bool {
        self.last_request = self.last_request.max(Some(time));
        self.has_query |= has_query(line, request.path);
        let marker = self.marker.as_ref();
        let found = marker.and_then(|marker| marker.find(line, time));
        let Some(nonce) = found else {
            return false;
        };
        self.nonces.push_back(nonce);
        if self.nonces.len() > MAX_NONCES {
            self.nonces.pop_front();
        }
        true
    }

    /// True if a mark has been seen.
    pub(crate) fn has(&self, nonce: Nonce) -> bool {
        self.nonces.contains(&nonce)
    }

    /// True if the log of a container that was started at a time shows each request with its query, as
    /// far as its format and its lines since then tell.
    pub(crate) fn shows_queries(&self, format: Option<&str>, started: Option<Timestamp>) -> bool {
        let is_known = format.is_some_and(|format| WITH_QUERY.contains(&format));
        // The level of the log may have been changed with the start.
        let is_written = self.last_request.is_some() && self.last_request >= started;
        is_written && (is_known || self.has_query)
    }
}

/// True if a query stands behind the path in the line.
fn has_query(line: &[u8], path: &[u8]) -> bool {
    let end = memmem::find(line, path).map(|at| at + path.len());
    end.is_some_and(|end| line.get(end) == Some(&b'?'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::parse::{Format, Parser, Reading};

    fn request(path: &[u8]) -> Request<'_> {
        Request {
            method: None,
            path,
            code: Some(401),
            duration: None,
            client: None,
            auth_call: None,
        }
    }

    /// The formats of which real servers have printed a line with a query.
    fn shown_by_the_corpus() -> HashSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        let index = fs::read_to_string(folder.join("index.tsv")).unwrap();
        let mut shown = HashSet::new();
        for entry in index.lines() {
            let mut columns = entry.split('\t');
            let (file, name) = (columns.next().unwrap(), columns.next().unwrap());
            let Some(format) = Format::built_in(name) else {
                continue;
            };
            let mut parser = Parser::new(Some(format));
            let log = fs::read(folder.join(format!("{file}.log"))).unwrap();
            for line in log.split(|byte| *byte == b'\n') {
                if let Reading::Request(request) = parser.read(line)
                    && has_query(line, request.path)
                {
                    shown.insert(name.to_owned());
                }
            }
        }
        shown
    }

    #[test]
    fn the_formats_with_queries_have_shown_one() {
        let shown = shown_by_the_corpus();
        for name in WITH_QUERY {
            assert!(Format::built_in(name).is_some(), "{name}");
            // They differ in the unit of a number behind the line.
            let name = if name.starts_with("combined-") {
                "combined"
            } else {
                name
            };
            assert!(shown.contains(name), "{name}");
        }
        for name in ["fastify", "granian", "gunicorn-json", "hypercorn"] {
            assert!(!shown.contains(name), "{name}");
        }
    }

    #[test]
    fn remembers_the_newest_marks() {
        let marker = Arc::new(Marker::new(&[1; 32]));
        let mut sightings = Sightings::new(Some(Arc::clone(&marker)));
        let now = SystemTime::now();
        let time = Timestamp::of(now).unwrap();
        let marks: Vec<_> = (0..=MAX_NONCES).map(|_| marker.mark(now)).collect();
        for (nonce, parameter) in &marks {
            let line = format!("GET /a?{parameter} 401");
            assert!(!sightings.has(*nonce));
            assert!(sightings.take(line.as_bytes(), &request(b"/a"), time));
            assert!(sightings.has(*nonce));
        }
        assert!(!sightings.has(marks[0].0) && sightings.has(marks[1].0));
        assert!(!sightings.take(b"GET /a?x=1 401", &request(b"/a"), time));
    }

    #[test]
    fn the_lack_of_a_line_says_something_only_where_the_log_would_have_it() {
        let at = |seconds| Timestamp::of(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let (before, after) = (at(10), at(20));
        let mut sightings = Sightings::default();
        assert!(
            !sightings.shows_queries(Some("uvicorn"), before),
            "no line yet"
        );
        sightings.take(b"GET /a 200", &request(b"/a"), at(15).unwrap());
        assert!(sightings.shows_queries(Some("uvicorn"), before));
        assert!(sightings.shows_queries(Some("uvicorn"), None));
        assert!(
            !sightings.shows_queries(Some("uvicorn"), after),
            "no line since"
        );
        assert!(
            !sightings.shows_queries(Some("timing"), before),
            "a format that is not known"
        );
        sightings.take(b"GET /ab?c /a 200", &request(b"/a"), at(15).unwrap());
        assert!(
            !sightings.shows_queries(Some("timing"), before),
            "the query of another"
        );
        sightings.take(b"GET /a?b 200", &request(b"/a"), at(15).unwrap());
        assert!(sightings.shows_queries(Some("timing"), before));
        assert!(sightings.shows_queries(None, before));
    }
}

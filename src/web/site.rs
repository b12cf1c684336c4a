//! The pages: which request gets which answer.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tracing::error;

use super::{page, runbooks};
use crate::docker::Status;
use crate::fleet::Fleet;
use crate::metrics::{CONTENT_TYPE, Exposition};

/// Scrapes at once; more are told to come back.
const MAX_SCRAPES: usize = 40;
/// Smaller pages are not worth compressing.
const MIN_GZIP: usize = 1024;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// What the pages are made from.
#[derive(Debug)]
pub(crate) struct Site {
    exposition: Arc<Exposition>,
    fleet: Arc<Fleet>,
    status: Arc<Status>,
    telemetry_path: String,
    scrapes: Semaphore,
}

type Answer = Response<Full<Bytes>>;

impl Site {
    pub(crate) fn new(
        exposition: Exposition,
        fleet: Arc<Fleet>,
        status: Arc<Status>,
        telemetry_path: String,
    ) -> Self {
        let exposition = Arc::new(exposition);
        let scrapes = Semaphore::new(MAX_SCRAPES);
        Self {
            exposition,
            fleet,
            status,
            telemetry_path,
            scrapes,
        }
    }

    /// Answers one request.
    pub(super) async fn answer<B: Body>(&self, request: Request<B>) -> Answer {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            answer
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        if !request.body().is_end_stream() {
            return text(
                StatusCode::PAYLOAD_TOO_LARGE,
                "request bodies are not accepted\n",
            );
        }
        let path = request.uri().path();
        if path == self.telemetry_path {
            return self.metrics(accepts_gzip(&request)).await;
        }
        match path {
            "/" => self.home(),
            "/-/healthy" => text(StatusCode::OK, "authtail is healthy\n"),
            "/-/ready" => self.ready(),
            _ => match path.strip_prefix("/runbooks/").and_then(runbooks::find) {
                Some(runbook) => text(StatusCode::OK, runbook),
                None => text(StatusCode::NOT_FOUND, "no such page\n"),
            },
        }
    }

    async fn metrics(&self, gzip: bool) -> Answer {
        let Ok(_permit) = self.scrapes.try_acquire() else {
            return text(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many scrapes at once\n",
            );
        };
        let exposition = Arc::clone(&self.exposition);
        // Off the thread that reads logs: a large page takes milliseconds.
        let page = tokio::task::spawn_blocking(move || render(&exposition, gzip)).await;
        match page.map_err(|error| error.to_string()).flatten() {
            Ok(page) => page,
            Err(error) => {
                error!(%error, "cannot make the page of metrics");
                text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "cannot make the page, see the log\n",
                )
            }
        }
    }

    fn home(&self) -> Answer {
        let html = page::home(
            &self.telemetry_path,
            &self.status.condition(),
            &self.fleet.snapshot(),
        );
        let mut answer = answer(StatusCode::OK, HTML, html);
        // The page shows names that others choose; it is escaped, and nothing in it can run.
        let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
        answer
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, policy);
        answer
    }

    fn ready(&self) -> Answer {
        let condition = self.status.condition();
        if condition.was_listed {
            return text(StatusCode::OK, "authtail is ready\n");
        }
        let problem = condition
            .problem
            .unwrap_or_else(|| "has not answered yet".to_owned());
        let body = format!("waiting for the engine: {problem}\n");
        answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, body)
    }
}

fn render(exposition: &Exposition, gzip: bool) -> Result<Answer, String> {
    let page = exposition.text().map_err(|error| error.to_string())?;
    if !gzip || page.len() < MIN_GZIP {
        return Ok(answer(StatusCode::OK, CONTENT_TYPE, page));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(&page)
        .map_err(|error| error.to_string())?;
    let page = encoder.finish().map_err(|error| error.to_string())?;
    let mut answer = answer(StatusCode::OK, CONTENT_TYPE, page);
    answer
        .headers_mut()
        .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(answer)
}

/// True if the client names gzip and does not rule it out with `q=0`.
fn accepts_gzip<B>(request: &Request<B>) -> bool {
    let header = request.headers().get(header::ACCEPT_ENCODING);
    let codings = header
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    codings.split(',').any(|coding| {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = parameters
            .trim()
            .strip_prefix("q=")
            .and_then(|q| q.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_none_or(|q| q > 0.0)
    })
}

fn text(status: StatusCode, body: &'static str) -> Answer {
    answer(status, TEXT, body)
}

fn answer(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    answer
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::Empty;

    use super::*;

    fn site() -> Site {
        let fleet = Arc::new(Fleet::new(Duration::from_mins(1)));
        let status = Arc::new(Status::default());
        let exposition = Exposition::new(Arc::clone(&fleet), Arc::clone(&status), 1000).unwrap();
        Site::new(exposition, fleet, status, "/metrics".to_owned())
    }

    #[tokio::test]
    async fn more_scrapes_than_the_limit_are_refused() {
        let site = site();
        let scrape = || {
            Request::get("/metrics")
                .body(Empty::<Bytes>::new())
                .unwrap()
        };
        let busy = site.scrapes.acquire_many(40).await.unwrap();
        assert_eq!(
            site.answer(scrape()).await.status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
        drop(busy);
        assert_eq!(site.answer(scrape()).await.status(), StatusCode::OK);
    }

    #[test]
    fn reads_accept_encoding() {
        for (header, expected) in [
            ("gzip", true),
            ("deflate, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("identity", false),
            ("", false),
        ] {
            let request = Request::get("/")
                .header(header::ACCEPT_ENCODING, header)
                .body(())
                .unwrap();
            assert_eq!(accepts_gzip(&request), expected, "{header}");
        }
    }
}

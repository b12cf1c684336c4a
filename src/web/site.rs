//! The pages: which request gets which answer.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tracing::error;

use super::renderer::Renderer;
use super::{page, runbooks};
use crate::docker::Status;
use crate::fleet::Fleet;
use crate::metrics::CONTENT_TYPE;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// What the pages are made from.
#[derive(Debug)]
pub(crate) struct Site {
    renderer: Renderer,
    fleet: Arc<Fleet>,
    status: Arc<Status>,
    telemetry_path: String,
}

type Answer = Response<Full<Bytes>>;

impl Site {
    pub(crate) fn new(
        renderer: Renderer,
        fleet: Arc<Fleet>,
        status: Arc<Status>,
        telemetry_path: String,
    ) -> Self {
        Self {
            renderer,
            fleet,
            status,
            telemetry_path,
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
        match self.renderer.render(gzip).await {
            Some(Ok(page)) => {
                let mut answer = answer(StatusCode::OK, CONTENT_TYPE, page.bytes);
                if page.is_gzip {
                    let gzip = HeaderValue::from_static("gzip");
                    answer.headers_mut().insert(header::CONTENT_ENCODING, gzip);
                }
                answer
            }
            Some(Err(error)) => {
                error!(%error, "cannot make the page of metrics");
                text(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "cannot make the page, see the log\n",
                )
            }
            None => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many scrapes at once\n",
            ),
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
        let behind = self.fleet.catching_up();
        if condition.listed.is_some() && behind == 0 {
            return text(StatusCode::OK, "authtail is ready\n");
        }
        if condition.listed.is_some() {
            let body = format!("still reading what was logged before, of {behind} containers\n");
            return answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, body);
        }
        let problem = condition
            .problem
            .unwrap_or_else(|| "has not answered yet".to_owned());
        let body = format!("waiting for the engine: {problem}\n");
        answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, body)
    }
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
    use super::*;

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

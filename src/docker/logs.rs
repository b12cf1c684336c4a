//! `GET /containers/{id}/logs` over our own HTTP client.
//!
//! bollard is not used here because its `since` is whole seconds, its decoder has no frame limit,
//! and it hands in-band errors out as if they were log lines. Requests carry no version, as
//! bollard's do not, so an engine answers in its newest version.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;

use super::endpoint::Endpoint;
use super::frames::{Decoder, FrameError, Item, Layout};
use super::timestamp::Timestamp;

/// How long the engine may take to answer a read. A follow has no such limit: Podman sends the
/// headers with the first line, which may come in days.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Enough for the engine's `{"message": …}`.
const MAX_ERROR_BODY: usize = 4096;
/// Bounds the read buffer of each connection; records are at most 16 KiB.
const MAX_BUFFER: usize = 64 * 1024;

/// What to read of a container's log, with timestamps and both streams always.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Query {
    /// Everything from a time on (`None`: all), and what follows.
    Follow { since: Option<Timestamp> },
    /// The newest records, and no more.
    Tail(u32),
}

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error("cannot connect to the engine")]
    Connect(#[source] io::Error),
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("no answer for {} s", READ_TIMEOUT.as_secs())]
    Timeout,
    #[error("no such container")]
    NotFound,
    /// The log driver cannot be read, now or ever.
    #[error("{0}")]
    Unreadable(String),
    #[error("the engine answers {status}: {message}")]
    Status { status: StatusCode, message: String },
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// An open log.
#[derive(Debug)]
pub(crate) struct Log {
    body: Incoming,
    decoder: Decoder,
}

impl Log {
    /// Sends the request. `tty` is what inspect says, for engines before 23.0 and Podman, which
    /// do not say in the answer how it is laid out.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        id: &str,
        query: Query,
        tty: bool,
    ) -> Result<Self, LogError> {
        let target = target(id, query);
        let request = Request::get(target)
            .header(header::HOST, "docker")
            .header(
                header::USER_AGENT,
                concat!("authtail/", env!("CARGO_PKG_VERSION")),
            )
            .body(Empty::<Bytes>::new());
        // The target is made of an id that the engine gave and of digits.
        let Ok(request) = request else {
            return Err(LogError::NotFound);
        };

        let answer = send(endpoint, request);
        let response = match query {
            Query::Follow { .. } => answer.await?,
            Query::Tail(_) => tokio::time::timeout(READ_TIMEOUT, answer)
                .await
                .map_err(|_| LogError::Timeout)??,
        };
        if response.status() != StatusCode::OK {
            return Err(refusal(response).await);
        }
        let decoder = Decoder::new(layout(&response, tty));
        Ok(Self {
            body: response.into_body(),
            decoder,
        })
    }

    /// Waits for more bytes. Returns false when the engine has ended the log.
    pub(crate) async fn fill(&mut self) -> Result<bool, LogError> {
        while let Some(frame) = self.body.frame().await {
            if let Some(data) = frame.map_err(LogError::Broken)?.data_ref() {
                self.decoder.push(data);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The next record among the bytes that have arrived.
    pub(crate) fn next(&mut self) -> Result<Option<Item<'_>>, FrameError> {
        self.decoder.next()
    }

    /// What is left after [`Self::fill`] has returned false.
    pub(crate) fn end(&mut self) -> Result<Option<Item<'_>>, FrameError> {
        self.decoder.end()
    }
}

fn target(id: &str, query: Query) -> String {
    let start = format!("/containers/{id}/logs?stdout=1&stderr=1&timestamps=1");
    match query {
        Query::Follow { since: None } => format!("{start}&follow=1"),
        Query::Follow { since: Some(time) } => format!("{start}&follow=1&since={}", time.since()),
        Query::Tail(records) => format!("{start}&follow=0&tail={records}"),
    }
}

async fn send(
    endpoint: &Endpoint,
    request: Request<Empty<Bytes>>,
) -> Result<Response<Incoming>, LogError> {
    let stream = endpoint.connect().await.map_err(LogError::Connect)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_BUFFER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(LogError::Broken)?;
    // Ends by itself when the body is dropped; its error also reaches whoever reads the body.
    drop(tokio::spawn(connection));
    sender.send_request(request).await.map_err(LogError::Broken)
}

/// Engines from 23.0 on name the layout; asked in an older version they would call frames raw.
fn layout(response: &Response<Incoming>, tty: bool) -> Layout {
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .map(header::HeaderValue::as_bytes);
    let is_multiplexed = kind == Some(b"application/vnd.docker.multiplexed-stream");
    if tty && !is_multiplexed {
        Layout::Raw
    } else {
        Layout::Multiplexed
    }
}

async fn refusal(response: Response<Incoming>) -> LogError {
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ERROR_BODY).collect();
    let text = match tokio::time::timeout(READ_TIMEOUT, body).await {
        Ok(Ok(body)) => message(&body.to_bytes()),
        _ => "no readable message".to_owned(),
    };
    match status {
        StatusCode::NOT_FOUND => LogError::NotFound,
        StatusCode::NOT_IMPLEMENTED => LogError::Unreadable(text),
        _ => LogError::Status {
            status,
            message: text,
        },
    }
}

/// The engine's message, or the beginning of whatever a proxy says.
fn message(body: &[u8]) -> String {
    let json = serde_json::from_slice::<serde_json::Value>(body).ok();
    let text = json.as_ref().and_then(|json| json.get("message")?.as_str());
    let text = text.map_or_else(|| String::from_utf8_lossy(body), Into::into);
    text.chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect::<String>()
        .trim()
        .to_owned()
}

//! `GET /containers/{id}/logs` over our own HTTP client.
//!
//! bollard is not used here because its `since` is whole seconds, its decoder has no frame limit,
//! and it hands in-band errors out as if they were log lines. Requests carry no version, as
//! bollard's do not, so an engine answers in its newest version.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;

use super::cursor::Extent;
use super::endpoint::Endpoint;
use super::frames::{Decoder, FrameError, Item, Layout};

/// How long the engine may take to answer a read. A follow has no such limit: Podman sends the
/// headers with the first line, which may come in days.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Enough for the engine's `{"message": …}`.
const MAX_ERROR_BODY: usize = 4096;
/// How many bytes to take at once, if they are there.
const BATCH: usize = 64 * 1024;
/// Bounds the read buffer of each connection; records are at most 16 KiB.
const MAX_BUFFER: usize = 64 * 1024;

/// What to read of a container's log, with timestamps and both streams always.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Query {
    /// This much, and what follows.
    Follow(Extent),
    /// This much, and no more.
    Read(Extent),
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
    wire: Wire,
    body: Incoming,
    decoder: Decoder,
    /// The end of the body, which came right after bytes.
    end: Option<Result<(), hyper::Error>>,
}

/// A connection. It is driven by whoever waits for something from it, and not by a task of its own:
/// an engine sends each record as a chunk, and two tasks would take turns for each of them.
struct Wire(Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>);

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

        let opening = async {
            let (mut wire, response) = send(endpoint, request).await?;
            if response.status() == StatusCode::OK {
                Ok((wire, response))
            } else {
                Err(wire.drive(refusal(response)).await)
            }
        };
        let (wire, response) = match query {
            Query::Follow(_) => opening.await?,
            Query::Read(_) => tokio::time::timeout(READ_TIMEOUT, opening)
                .await
                .map_err(|_| LogError::Timeout)??,
        };
        let decoder = Decoder::new(layout(&response, tty));
        Ok(Self {
            wire,
            body: response.into_body(),
            decoder,
            end: None,
        })
    }

    /// Waits for more bytes, and takes as many as have come. Returns false when the engine has
    /// ended the log.
    pub(crate) async fn fill(&mut self) -> Result<bool, LogError> {
        let mut taken = 0;
        while taken < BATCH && self.end.is_none() {
            let frame = self.wire.drive(self.body.frame());
            let frame = if taken == 0 {
                frame.await
            } else if let Some(frame) = frame.now_or_never() {
                frame
            } else {
                break;
            };
            match frame {
                Some(Ok(frame)) => {
                    let data = frame.data_ref().map(|data| &**data).unwrap_or_default();
                    self.decoder.push(data);
                    taken += data.len();
                }
                Some(Err(error)) => self.end = Some(Err(error)),
                None => self.end = Some(Ok(())),
            }
        }
        match self.end.take() {
            end if taken > 0 => {
                self.end = end;
                Ok(true)
            }
            Some(Err(error)) => Err(LogError::Broken(error)),
            _ => Ok(false),
        }
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
    let (follow, extent) = match query {
        Query::Follow(extent) => (1, extent),
        Query::Read(extent) => (0, extent),
    };
    let start = format!("/containers/{id}/logs?stdout=1&stderr=1&timestamps=1&follow={follow}");
    match extent {
        Extent::Whole(None) => start,
        Extent::Whole(Some(time)) => format!("{start}&since={}", time.since()),
        Extent::Tail(records) => format!("{start}&tail={records}"),
    }
}

async fn send(
    endpoint: &Endpoint,
    request: Request<Empty<Bytes>>,
) -> Result<(Wire, Response<Incoming>), LogError> {
    let stream = endpoint.connect().await.map_err(LogError::Connect)?;
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_BUFFER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(LogError::Broken)?;
    let mut wire = Wire(Some(Box::pin(connection)));
    let response = wire.drive(sender.send_request(request)).await;
    Ok((wire, response.map_err(LogError::Broken)?))
}

impl Wire {
    /// Waits for something that comes over this connection. Its errors come that way, too.
    async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            if let Some(connection) = &mut self.0
                && connection.as_mut().poll(context).is_ready()
            {
                self.0 = None;
            }
            work.as_mut().poll(context)
        })
        .await
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wire").field(&self.0.is_some()).finish()
    }
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

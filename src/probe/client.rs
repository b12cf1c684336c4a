//! Makes one request and measures it: one socket, no redirects, a bounded answer, a time limit.

use std::fmt;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::secret::{Secret, SecretError};
use super::spec::{Credential, Outgoing, Probe, Target, Value};
use super::tls;
use super::verdict::{Answer, Failure, Fault, Phases};
use crate::chain::chain;

/// How much of a body is read.
const MAX_BODY: usize = 64 * 1024;
/// Bounds the head of an answer.
const MAX_BUFFER: usize = 64 * 1024;
/// How many addresses of a host are tried.
const MAX_ADDRESSES: usize = 8;
/// Names that are looked up at once. A lookup cannot be given up, and those of the engine's name must not
/// have to wait for it.
static LOOKUPS: Semaphore = Semaphore::const_new(4);

/// A probe that has been made.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) phases: Phases,
    pub(crate) result: Result<Answer, Fault>,
}

/// Makes a probe. `mark` is the query parameter that tells its line in the log.
pub(crate) async fn exchange(probe: &Probe, mark: Option<&str>) -> Exchange {
    let mut phases = Phases::default();
    let start = Instant::now();
    let asked = timeout(probe.timeout, ask(probe, mark, start, &mut phases)).await;
    let result = asked.unwrap_or_else(|_| {
        let message = format!("no answer within {} s", probe.timeout.as_secs_f64());
        Err(fault(Failure::Timeout, message))
    });
    phases.total = start.elapsed();
    Exchange { phases, result }
}

fn fault(failure: Failure, message: impl fmt::Display) -> Fault {
    Fault {
        failure,
        message: format!("{message}"),
    }
}

async fn ask(
    probe: &Probe,
    mark: Option<&str>,
    start: Instant,
    phases: &mut Phases,
) -> Result<Answer, Fault> {
    let request = request(&probe.request, mark)?;
    let stream = connect(&probe.target, start + probe.timeout).await?;
    phases.connect = Some(start.elapsed());
    // Small requests, and times are taken.
    drop(stream.set_nodelay(true));
    match &probe.target {
        Target::Host {
            host,
            tls: Some(options),
            ..
        } => {
            let before = Instant::now();
            let encrypted = tls::handshake(options, host, stream).await;
            let encrypted = encrypted.map_err(|error| fault(Failure::Tls, chain(&error)))?;
            phases.tls = Some(before.elapsed());
            send(encrypted, request, phases).await
        }
        _ => send(stream, request, phases).await,
    }
}

fn request(outgoing: &Outgoing, mark: Option<&str>) -> Result<Request<Full<Bytes>>, Fault> {
    let agent = concat!("authtail/", env!("CARGO_PKG_VERSION"));
    let mut request = Request::builder()
        .method(outgoing.method.clone())
        .uri(marked(&outgoing.target, mark))
        .header(header::HOST, &outgoing.authority);
    if let Some(headers) = request.headers_mut() {
        headers.insert(header::USER_AGENT, header::HeaderValue::from_static(agent));
        headers.insert(
            header::CONNECTION,
            header::HeaderValue::from_static("close"),
        );
        for (name, value) in &outgoing.headers {
            headers.insert(name, value.clone());
        }
        for credential in &outgoing.credentials {
            let value = secret(credential)
                .and_then(|secret| secret.header(&credential.prefix))
                .map_err(|error| fault(Failure::Credentials, error))?;
            headers.insert(&credential.header, value);
        }
    }
    request
        .body(Full::new(outgoing.body.clone()))
        .map_err(|error| fault(Failure::Http, error))
}

fn secret(credential: &Credential) -> Result<Secret, SecretError> {
    Ok(match &credential.value {
        Value::Good(origin) => origin.read()?,
        Value::Forged(Some(origin)) => origin.read()?.forged(),
        Value::Forged(None) => Secret::forged_jwt(),
    })
}

/// Adds a parameter to the query of a target.
fn marked(target: &str, mark: Option<&str>) -> String {
    match mark {
        None => target.to_owned(),
        Some(mark) if target.contains('?') => format!("{target}&{mark}"),
        Some(mark) => format!("{target}?{mark}"),
    }
}

/// Connects to the first address that takes it, one after the other.
async fn connect(target: &Target, deadline: Instant) -> Result<TcpStream, Fault> {
    let addresses: Vec<SocketAddr> = match target {
        Target::Container {
            addresses, port, ..
        } => addresses
            .iter()
            .map(|address| SocketAddr::from((*address, *port)))
            .collect(),
        Target::Host { host, port, .. } => {
            let _permit = LOOKUPS.acquire().await;
            let found = lookup_host((host.as_str(), *port)).await;
            let found = found.map_err(|error| fault(Failure::Resolve, error))?;
            found.collect()
        }
    };
    let mut last = match target {
        Target::Host { .. } => fault(Failure::Resolve, "the name has no address"),
        Target::Container { .. } => fault(
            Failure::Connect,
            "the container has no address: it does not run, or shares the network of another one",
        ),
    };
    let count = u32::try_from(addresses.len().min(MAX_ADDRESSES)).unwrap_or(1);
    for (left, address) in (1..=count).rev().zip(addresses) {
        // An address in a network that we are not in swallows what is sent there.
        let share = deadline.saturating_duration_since(Instant::now()) / left;
        last = match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => fault(Failure::Connect, error),
            Err(_) => fault(Failure::Timeout, "no connection in time"),
        };
    }
    Err(last)
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
    phases: &mut Phases,
) -> Result<Answer, Fault> {
    let broken = |error: hyper::Error| fault(Failure::Http, chain(&error));
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(MAX_BUFFER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let answer = async {
        let before = Instant::now();
        let response = sender.send_request(request).await.map_err(broken)?;
        phases.first_byte = Some(before.elapsed());
        let code = response.status().as_u16();
        let (body, is_cut) = read(response.into_body()).await.map_err(broken)?;
        Ok(Answer { code, body, is_cut })
    };
    // Not by a task of its own, which would hold the socket a little longer than the probe lasts.
    let driving = async {
        // Its errors come to whoever waits for the answer.
        drop(connection.await);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = answer => answer,
        () = driving => Err(fault(Failure::Http, "the connection ended")),
    }
}

/// Reads the beginning of a body, and says whether there is more.
async fn read(mut body: Incoming) -> Result<(Bytes, bool), hyper::Error> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let room = MAX_BODY - bytes.len();
        bytes.extend(data.iter().take(room));
        if data.len() > room {
            return Ok((bytes.freeze(), true));
        }
    }
    Ok((bytes.freeze(), false))
}

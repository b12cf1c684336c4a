//! The HTTP server: listens, bounds what clients can use up, and stops in order.

mod page;
mod renderer;
mod runbooks;
mod site;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::config::ListenAddress;
pub(crate) use renderer::Renderer;
pub(crate) use site::Site;

/// Connections at once. Prometheus needs one, people a few.
const MAX_CONNECTIONS: usize = 256;
/// How long a client may take to send the head of a request, the wait for the next request of the
/// same connection included; above the usual scrape interval, so that Prometheus keeps its own.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a client may take no byte of its answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long requests under way may take at the end.
const GRACE: Duration = Duration::from_secs(4);
/// How long to wait when the process has too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}`: {error}; {hint}")]
pub(crate) struct ListenError {
    address: ListenAddress,
    hint: &'static str,
    error: io::Error,
}

/// Opens a listener for each address.
pub(crate) async fn listen(addresses: &[ListenAddress]) -> Result<Vec<TcpListener>, ListenError> {
    let mut listeners = Vec::new();
    for address in addresses {
        let listener = bind(address).await.map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "stop what listens there, or choose another with \
                                             `--web.listen-address`"
                }
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 need a privilege; choose \
                                                    another with `--web.listen-address`"
                }
                _ => "choose another with `--web.listen-address`",
            };
            ListenError {
                address: address.clone(),
                hint,
                error,
            }
        })?;
        if let Ok(local) = listener.local_addr() {
            info!(address = %local, "listening");
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

async fn bind(address: &ListenAddress) -> io::Result<TcpListener> {
    let port = address.port;
    match &address.host {
        Some(host) => TcpListener::bind((host.as_str(), port)).await,
        // `::` takes IPv4 too, unless the system has no IPv6.
        None => match TcpListener::bind(("::", port)).await {
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
                TcpListener::bind(("0.0.0.0", port)).await
            }
            bound => bound,
        },
    }
}

/// Serves the site until `stop`, then lets requests under way finish.
pub(crate) async fn serve(listeners: Vec<TcpListener>, site: Arc<Site>, stop: CancellationToken) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut servers = JoinSet::new();
    for listener in listeners {
        let (site, connections) = (Arc::clone(&site), Arc::clone(&connections));
        servers.spawn(accept(listener, site, connections, stop.clone()));
    }
    while servers.join_next().await.is_some() {}
}

async fn accept(
    listener: TcpListener,
    site: Arc<Site>,
    connections: Arc<Semaphore>,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    loop {
        let next = async {
            let permit = Arc::clone(&connections).acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = graceful.watch(connection(stream, Arc::clone(&site)));
                drop(tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        debug!(%error, "connection ended");
                    }
                    drop(permit);
                }));
            }
            // The client has given up before we came to it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        debug!("gave up on requests under way");
    }
}

fn connection(
    stream: TcpStream,
    site: Arc<Site>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        async move { Ok::<_, std::convert::Infallible>(site.answer(request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
}

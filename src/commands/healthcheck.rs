//! `authtail healthcheck`: asks the exporter of the same configuration, for `HEALTHCHECK` in an
//! image that has no shell.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::Builder;

use super::{Failure, load};
use crate::cli::Options;
use crate::config::ListenAddress;

const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) fn healthcheck(options: &Options) -> Result<(), Failure> {
    let config = load(options)?;
    let address = config
        .listen_addresses
        .first()
        .ok_or("nothing is listened on")?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async { tokio::time::timeout(TIMEOUT, ask(address)).await });
    match answer {
        Ok(Ok(StatusCode::OK)) => Ok(()),
        Ok(Ok(status)) => Err(format!("the exporter at `{address}` answers {status}").into()),
        Ok(Err(error)) => Err(format!("cannot ask the exporter at `{address}`: {error}").into()),
        Err(_) => Err(format!("the exporter at `{address}` does not answer").into()),
    }
}

async fn ask(address: &ListenAddress) -> Result<StatusCode, Failure> {
    let stream = connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    drop(tokio::spawn(connection));
    let request = Request::get("/-/healthy")
        .header(header::HOST, "localhost")
        .body(Empty::<Bytes>::new())?;
    Ok(sender.send_request(request).await?.status())
}

/// An exporter that listens everywhere is asked on loopback, by number: an image made from scratch
/// may have no `/etc/hosts`.
async fn connect(address: &ListenAddress) -> io::Result<TcpStream> {
    match address.host.as_deref() {
        Some("0.0.0.0") => TcpStream::connect((Ipv4Addr::LOCALHOST, address.port)).await,
        Some("::") | None => {
            let any = [
                SocketAddr::from((Ipv4Addr::LOCALHOST, address.port)),
                SocketAddr::from((Ipv6Addr::LOCALHOST, address.port)),
            ];
            TcpStream::connect(any.as_slice()).await
        }
        Some(host) => TcpStream::connect((host, address.port)).await,
    }
}

//! A client for the services in the containers.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::exporter::DEADLINE;

/// A service that answers at an address.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    pub address: SocketAddr,
}

impl Client {
    /// Sends JSON and returns the status and the body; status 0 if nobody listens yet.
    pub async fn post(self, path: &str, json: &serde_json::Value) -> (u16, Bytes) {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(CONTENT_TYPE, "application/json");
        let body = Full::from(json.to_string());
        self.send(request.header(HOST, "demo").body(body).unwrap())
            .await
    }

    /// Gets a path with a value of `Authorization`, if there is one, and returns the status.
    pub async fn get(self, path: &str, authorization: Option<&str>) -> u16 {
        let mut request = Request::get(path).header(HOST, "demo");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.send(request.body(Full::default()).unwrap()).await.0
    }

    async fn send(self, request: Request<Full<Bytes>>) -> (u16, Bytes) {
        let exchange = async {
            let stream = TcpStream::connect(self.address).await.ok()?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
            tokio::spawn(connection);
            let response = sender.send_request(request).await.ok()?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.ok()?;
            Some((status, body.to_bytes()))
        };
        timeout(DEADLINE, exchange)
            .await
            .expect("no answer in time")
            .unwrap_or_default()
    }
}

//! A receiver of notifications, as Alertmanager's webhooks post them.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// One alert in a post.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The role that the URL names: `pager`, `chat` or `deadman`.
    pub receiver: String,
    /// `firing` or `resolved`.
    pub status: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// When it began to fire, by Prometheus.
    pub fired: SystemTime,
}

impl Notification {
    /// A label, or nothing.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// Listens until it is dropped, and keeps everything.
pub struct Sink {
    pub address: SocketAddr,
    received: Arc<watch::Sender<Vec<Notification>>>,
    server: JoinHandle<()>,
}

impl Sink {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(watch::Sender::new(Vec::new()));
        let server = tokio::spawn(serve(listener, Arc::clone(&received)));
        Self {
            address,
            received,
            server,
        }
    }

    /// Everything so far.
    pub fn received(&self) -> Vec<Notification> {
        self.received.borrow().clone()
    }

    /// Waits for a notification, which may be there already.
    pub async fn until(
        &self,
        limit: Duration,
        what: &str,
        is_wanted: impl Fn(&Notification) -> bool,
    ) -> Notification {
        let mut received = self.received.subscribe();
        let found = timeout(limit, async {
            loop {
                let all = received.borrow_and_update().clone();
                if let Some(found) = all.into_iter().find(&is_wanted) {
                    return found;
                }
                received.changed().await.unwrap();
            }
        });
        found
            .await
            .unwrap_or_else(|_| panic!("no {what} in {:#?}", self.received()))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, received: Arc<watch::Sender<Vec<Notification>>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let received = Arc::clone(&received);
        connections.spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let received = Arc::clone(&received);
                async move {
                    let receiver = request.uri().path().trim_start_matches('/').to_owned();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    let alerts = notifications(&receiver, &body);
                    received.send_modify(|all| all.extend(alerts));
                    Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            drop(connection.await);
        });
    }
}

fn notifications(receiver: &str, body: &[u8]) -> Vec<Notification> {
    let post: Value = serde_json::from_slice(body).unwrap();
    let alerts = post["alerts"].as_array().unwrap().iter();
    let alerts = alerts.map(|alert| Notification {
        receiver: receiver.to_owned(),
        status: alert["status"].as_str().unwrap().to_owned(),
        labels: texts(&alert["labels"]),
        annotations: texts(&alert["annotations"]),
        fired: humantime::parse_rfc3339(alert["startsAt"].as_str().unwrap()).unwrap(),
    });
    alerts.collect()
}

fn texts(map: &Value) -> BTreeMap<String, String> {
    let texts = map.as_object().unwrap().iter();
    let texts = texts.map(|(key, value)| (key.clone(), value.as_str().unwrap().to_owned()));
    texts.collect()
}

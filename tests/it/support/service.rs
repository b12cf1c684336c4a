//! A service that answers as a test tells it, and remembers what it was asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;

use super::exporter::DEADLINE;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub fn token(&self) -> Option<&str> {
        self.header("authorization").strip_prefix("Bearer ")
    }
}

/// What to do with a request.
#[derive(Clone, Debug)]
pub enum Do {
    /// A status and a body.
    Answer(u16, String),
    /// 302 to there.
    Redirect(String),
    /// The same after a while.
    Later(Duration, u16),
    /// Nothing, for ever.
    Hang,
    /// 200 and a body that goes on for ever.
    Flood,
}

type Rule = Arc<dyn Fn(&Asked) -> Do + Send + Sync>;

#[derive(Default)]
struct Seen {
    asked: Vec<Asked>,
    /// Connections that are open, and the most that were at once.
    open: usize,
    most: usize,
}

/// A running service; it stops when it is dropped.
pub struct Service {
    pub address: SocketAddr,
    rule: Arc<Mutex<Rule>>,
    seen: Arc<Mutex<Seen>>,
    server: JoinHandle<()>,
}

impl Service {
    /// Starts one on this machine.
    pub async fn start(rule: impl Fn(&Asked) -> Do + Send + Sync + 'static) -> Self {
        Self::listen(None, rule).await
    }

    /// The same with TLS.
    pub async fn encrypted(
        acceptor: TlsAcceptor,
        rule: impl Fn(&Asked) -> Do + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(acceptor), rule).await
    }

    async fn listen(
        acceptor: Option<TlsAcceptor>,
        rule: impl Fn(&Asked) -> Do + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(Arc::new(rule)));
        let seen = Arc::<Mutex<Seen>>::default();
        let server = serve(listener, acceptor, Arc::clone(&rule), Arc::clone(&seen));
        Self {
            address,
            rule,
            seen,
            server: tokio::spawn(server),
        }
    }

    /// Answers in another way from now on.
    pub fn change(&self, rule: impl Fn(&Asked) -> Do + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Arc::new(rule);
    }

    /// `http://address` and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// All requests so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.seen().asked.clone()
    }

    /// Waits for so many requests in all.
    pub async fn until_asked(&self, times: usize) -> Vec<Asked> {
        let start = Instant::now();
        loop {
            let asked = self.asked();
            if asked.len() >= times {
                return asked;
            }
            assert!(start.elapsed() < DEADLINE, "only {asked:#?}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.seen().open
    }

    /// The most connections that were open at once.
    pub fn most_open(&self) -> usize {
        self.seen().most
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    rule: Arc<Mutex<Rule>>,
    seen: Arc<Mutex<Seen>>,
) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (rule, seen, acceptor) = (Arc::clone(&rule), Arc::clone(&seen), acceptor.clone());
        connections.spawn(async move {
            {
                let mut seen = seen.lock().unwrap();
                seen.open += 1;
                seen.most = seen.most.max(seen.open);
            }
            match acceptor {
                None => connection(stream, rule, Arc::clone(&seen)).await,
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        connection(stream, rule, Arc::clone(&seen)).await;
                    }
                }
            }
            seen.lock().unwrap().open -= 1;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    rule: Arc<Mutex<Rule>>,
    seen: Arc<Mutex<Seen>>,
) {
    let service = service_fn(move |request| {
        let (rule, seen) = (Arc::clone(&rule), Arc::clone(&seen));
        async move { Ok::<_, Infallible>(answer(request, &rule, &seen).await) }
    });
    // A client that goes away is nothing to fail about.
    drop(
        http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}

type Body = UnsyncBoxBody<Bytes, Infallible>;

async fn answer(
    request: Request<Incoming>,
    rule: &Mutex<Rule>,
    seen: &Mutex<Seen>,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let asked = Asked {
        method: head.method.to_string(),
        target: head.uri.path_and_query().unwrap().to_string(),
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    };
    seen.lock().unwrap().asked.push(asked.clone());
    let rule = Arc::clone(&rule.lock().unwrap());
    match rule(&asked) {
        Do::Answer(status, body) => with(status, &body),
        Do::Redirect(to) => {
            let mut response = with(302, "");
            response
                .headers_mut()
                .insert("location", to.parse().unwrap());
            response
        }
        Do::Later(time, status) => {
            sleep(time).await;
            with(status, "")
        }
        Do::Hang => std::future::pending().await,
        Do::Flood => Response::new(flood()),
    }
}

fn with(status: u16, body: &str) -> Response<Body> {
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status.try_into().unwrap();
    response
}

fn flood() -> Body {
    let chunk = Bytes::from(vec![b' '; 16 * 1024]);
    let stream = futures_util::stream::repeat_with(move || Ok(Frame::data(chunk.clone())));
    http_body_util::StreamBody::new(stream).boxed_unsync()
}

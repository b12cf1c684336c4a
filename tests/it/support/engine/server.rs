//! The HTTP side of the fake engine.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use super::State;
use super::container::Query;

/// A body that a test can break: an error ends the connection without a final chunk.
pub(super) type Body = UnsyncBoxBody<Bytes, Broken>;
pub(super) type Sender = mpsc::UnboundedSender<Result<Frame<Bytes>, Broken>>;

/// The connection is cut.
#[derive(Debug, thiserror::Error)]
#[error("cut")]
pub struct Broken;

pub(super) async fn serve(listener: UnixListener, state: Arc<Mutex<State>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(&state, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            // A client that goes away is nothing to fail about.
            drop(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
        while connections.try_join_next().is_some() {}
    }
}

fn answer(state: &Mutex<State>, request: &Request<Incoming>) -> Response<Body> {
    let mut state = state.lock().unwrap();
    let target = request.uri().path_and_query().unwrap().as_str();
    state
        .requests
        .push(format!("{} {target}", request.method()));
    let path = request.uri().path().trim_start_matches('/');
    let segments: Vec<_> = path.split('/').collect();
    let kind = state.kind;
    match segments.as_slice() {
        ["version"] => {
            let name = if kind.is_podman {
                "Podman Engine"
            } else {
                "Engine"
            };
            let parts = json!([{"Name": name, "Version": "99.0"}]);
            found(&json!({"Version": "99.0", "ApiVersion": "1.99", "Components": parts}))
        }
        ["events"] => {
            let (sender, body) = channel();
            state.subscribers.push(sender);
            Response::new(body)
        }
        ["containers", "json"] if state.is_listing_broken => {
            plain(500, r#"{"message":"the list is broken"}"#)
        }
        ["containers", "json"] => {
            let list: Vec<_> = state
                .containers
                .iter()
                .map(|(id, one)| one.listed(id))
                .collect();
            found(&json!(list))
        }
        ["containers", name, what @ ("json" | "logs")] => {
            let id = &*state.id(name);
            match (state.containers.get_mut(id), *what) {
                (None, _) => plain(404, r#"{"message":"No such container"}"#),
                (Some(container), "json") => found(&container.inspected(id)),
                (Some(container), _) => {
                    let query = parameters(request.uri().query().unwrap_or_default());
                    container.logs(query, kind)
                }
            }
        }
        ["images", id, "json"] => {
            let created = "2026-11-20T10:00:00Z";
            found(&json!({"Id": id, "Created": created, "RepoTags": state.image_names}))
        }
        _ => plain(403, "forbidden"),
    }
}

#[expect(clippy::disallowed_methods, reason = "holds what one test has written")]
pub(super) fn channel() -> (Sender, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|frame| (frame, receiver))
    });
    (sender, StreamBody::new(stream).boxed_unsync())
}

fn found(value: &Value) -> Response<Body> {
    let mut response = plain(200, &value.to_string());
    response
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    response
}

pub(super) fn plain(status: u16, text: &str) -> Response<Body> {
    let body = Full::new(Bytes::copy_from_slice(text.as_bytes()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn parameters(query: &str) -> Query {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

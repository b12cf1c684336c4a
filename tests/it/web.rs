//! The pages and the limits of the server.

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Empty, Full};
use hyper::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::engine::{Container, End, FakeEngine, Reply};
use crate::support::exporter::{DEADLINE, Exporter};
use crate::support::records::{access, frame, validate};

#[tokio::test]
async fn every_page_has_its_status_and_type() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    exporter.until_engine_is(1.0).await;
    let text = "text/plain; charset=utf-8";
    for (path, status, kind) in [
        ("/metrics", 200, "text/plain; version=0.0.4; charset=utf-8"),
        (
            "/metrics?x=1",
            200,
            "text/plain; version=0.0.4; charset=utf-8",
        ),
        ("/", 200, "text/html; charset=utf-8"),
        ("/-/healthy", 200, text),
        ("/-/ready", 200, text),
        ("/runbooks/AuthRefusedShareHigh", 200, text),
        ("/runbooks/Nothing", 404, text),
        ("/metrics/", 404, text),
        ("/favicon.ico", 404, text),
    ] {
        let answer = exporter.get(path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (status, kind),
            "{path}"
        );
        assert!(!answer.body.is_empty(), "{path}");
        let head = Request::head(path).body(Empty::<Bytes>::new()).unwrap();
        let head = exporter.send(head).await;
        assert_eq!(
            (head.status, head.header("content-type")),
            (status, kind),
            "{path}"
        );
        assert!(head.body.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn only_reads_without_a_body_are_served() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let request = Request::builder().method(method).uri("/metrics");
        let answer = exporter
            .send(request.body(Empty::<Bytes>::new()).unwrap())
            .await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, "GET, HEAD"),
            "{method}"
        );
    }
    let body = Full::new(Bytes::from_static(b"hello"));
    let answer = exporter
        .send(Request::get("/metrics").body(body).unwrap())
        .await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn pages_are_compressed_on_request() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let request = Request::get("/metrics").header("accept-encoding", "gzip");
    let answer = exporter
        .send(request.body(Empty::<Bytes>::new()).unwrap())
        .await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(
        answer.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let mut text = String::new();
    flate2::read::GzDecoder::new(&answer.body[..])
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.contains("authtail_docker_up"), "{text}");
    assert_eq!(
        exporter.get("/metrics").await.header("content-encoding"),
        ""
    );
}

#[tokio::test]
async fn the_home_page_shows_what_is_followed_and_nothing_in_it_can_run() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let labels = [("authtail.source", "<script>alert(1)</script>")];
    let id = engine.create(Container::running("web").labelled(&labels));
    engine.log(&id, &validate(401));
    exporter.until_lines("web", 1).await;
    let answer = exporter.get("/").await;
    assert!(
        answer
            .header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    let html = answer.text();
    assert!(!html.contains("<script>"), "{html}");
    for part in [
        "&lt;script&gt;",
        "<td>web<td>running<td>uvicorn",
        "validate: 1 (401 × 1)",
        "Docker 99.0",
    ] {
        assert!(html.contains(part), "no {part} in {html}");
    }
}

#[tokio::test]
async fn a_client_that_never_ends_its_request_is_dropped() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let mut stream = TcpStream::connect(exporter.address).await.unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(2 * DEADLINE, stream.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert!(
        !rest.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&rest)
    );
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20));
    for request in ["hello\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", &long] {
        let mut stream = TcpStream::connect(exporter.address).await.unwrap();
        // The server may close before it has taken everything.
        drop(stream.write_all(request.as_bytes()).await);
        let mut rest = Vec::new();
        let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut rest))
            .await
            .unwrap();
        assert!(
            read.is_err() || !rest.starts_with(b"HTTP/1.1 200"),
            "{request:.20}"
        );
    }
    assert_eq!(exporter.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn stops_in_order_on_either_signal() {
    for signal in ["-TERM", "-INT"] {
        let engine = FakeEngine::start();
        let exporter = Exporter::of(&engine).await;
        let id = engine.run("web");
        engine.log(&id, &validate(401));
        exporter.until_lines("web", 1).await;
        // A connection that is kept open, and one in the middle of a request.
        let _idle = TcpStream::connect(exporter.address).await.unwrap();
        let mut slow = TcpStream::connect(exporter.address).await.unwrap();
        slow.write_all(b"GET /metrics HT").await.unwrap();
        let start = Instant::now();
        let status = exporter.terminate(signal).await;
        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn listens_on_every_address() {
    let engine = FakeEngine::start();
    let arguments = [
        "--web.listen-address",
        "[::1]:0",
        "--web.telemetry-path",
        "/numbers",
    ];
    let exporter = Exporter::with(&engine, &arguments).await;
    exporter.until_log("address=[::1]:").await;
    assert_eq!(exporter.get("/numbers").await.status, 200);
    assert_eq!(exporter.get("/metrics").await.status, 404);
    assert!(exporter.get("/").await.text().contains("href=\"/numbers\""));
}

#[tokio::test]
async fn nothing_that_a_client_sends_appears_anywhere() {
    let engine = FakeEngine::start();
    let exporter = Exporter::with(&engine, &["--log.level", "debug"]).await;
    let id = engine.run("web");
    for line in [
        access("GET", "/api/v1/auth/validate?token=hunter2", 401),
        access("GET", "/hunter2", 404),
        format!(
            "INFO:     hunter2:1 - \"GET /api/v1/auth/validate HTTP/1.1\" 401 {}",
            "hunter2;"
        ),
        "{\"message\": \"hunter2 \\\"GET / HTTP/1.1\\\" 200\", \"message\": 1}".to_owned(),
        "Authorization: Bearer hunter2".to_owned(),
        "hunter2 ".repeat(50_000),
    ] {
        engine.log(&id, &line);
    }
    exporter.until_lines("web", 6).await;
    let undated = frame(1, b"hunter2 without a time\n");
    let no_frame = b"hunter2 is no frame".to_vec();
    engine.run_scripted("bad", [Reply::Body(vec![undated, no_frame], End::Clean)]);
    exporter.until_log("something that is no frame").await;
    for path in ["/metrics", "/"] {
        let text = exporter.get(path).await.text();
        assert!(!text.contains("hunter2"), "{text}");
    }
    let log = exporter.log().concat();
    assert!(!log.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let stream = TcpStream::connect(exporter.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    for path in ["/metrics", "/", "/nothing", "/metrics"] {
        sender.ready().await.unwrap();
        let request = Request::get(path)
            .header("host", "x")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status().as_u16();
        http_body_util::BodyExt::collect(answer.into_body())
            .await
            .unwrap();
        assert_eq!(status == 404, path == "/nothing", "{path}");
    }
}

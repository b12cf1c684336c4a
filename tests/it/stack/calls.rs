//! The socket proxy's list of calls: what is on it passes, and nothing else reaches the engine.

use super::lists::{ALLOWED, GETS, ID, POSTS, TRICKS};
use super::proxy::{Proxy, Reached, Upstream};

fn request(method: &str, target: &str, headers: &str) -> String {
    let target = target.replace("ID", ID);
    format!("{method} {target} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n{headers}\r\n")
}

struct Guarded {
    upstream: Upstream,
    proxy: Proxy,
}

impl Guarded {
    fn start() -> Self {
        let upstream = Upstream::start();
        let proxy = Proxy::before(&upstream.socket());
        Self { upstream, proxy }
    }

    async fn allows(&self, method: &str, target: &str, headers: &str) {
        let answer = self.proxy.exchange(&request(method, target, headers)).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 "),
            "{method} {target}: {answer}"
        );
        let expected = Reached {
            connections: 1,
            requests: vec![format!("{method} {}", target.replace("ID", ID))],
        };
        assert_eq!(self.upstream.take(), expected);
    }

    async fn refuses(&self, request: &str) {
        let answer = self.proxy.exchange(request).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        // 400 is for what is no HTTP.
        assert!(
            status == "403" || status == "400",
            "{request:?}: {answer:?}"
        );
        assert_eq!(self.upstream.take(), Reached::default(), "{request:?}");
    }
}

#[tokio::test]
async fn allowed_calls_pass_in_every_version() {
    let guarded = Guarded::start();
    for version in ["", "/v1.41", "/v1.24"] {
        for target in ALLOWED {
            let target = format!("{version}{target}");
            guarded.allows("GET", &target, "").await;
            guarded
                .allows("GET", &target, "Content-Length: 0\r\n")
                .await;
        }
        let ping = format!("{version}/_ping");
        guarded.allows("HEAD", &ping, "").await;
    }
    assert_eq!(guarded.proxy.log(), [""; 0], "allowed calls are not logged");
}

#[tokio::test]
async fn other_methods_never_reach_the_engine() {
    let guarded = Guarded::start();
    for version in ["", "/v1.41"] {
        for target in ALLOWED {
            let target = format!("{version}{target}");
            for method in [
                "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "X",
            ] {
                guarded.refuses(&request(method, &target, "")).await;
            }
            if !target.ends_with("/_ping") {
                guarded.refuses(&request("HEAD", &target, "")).await;
            }
        }
        for target in POSTS {
            let target = format!("{version}{target}");
            for method in ["POST", "GET"] {
                guarded.refuses(&request(method, &target, "")).await;
            }
        }
        for (method, target) in [
            ("DELETE", "/containers/ID?force=1"),
            ("PUT", "/containers/ID/archive?path=/"),
            ("HEAD", "/containers/ID/archive?path=/"),
            ("DELETE", "/images/ID"),
        ] {
            let target = format!("{version}{target}");
            guarded.refuses(&request(method, &target, "")).await;
        }
    }
    guarded.refuses(&request("CONNECT", "docker:80", "")).await;
}

#[tokio::test]
async fn other_paths_never_reach_the_engine() {
    let guarded = Guarded::start();
    for target in GETS {
        // Nothing at all is no target.
        if !target.is_empty() {
            guarded.refuses(&request("GET", target, "")).await;
        }
        let target = format!("/v1.41{target}");
        guarded.refuses(&request("GET", &target, "")).await;
    }
    for target in TRICKS {
        guarded.refuses(&request("GET", target, "")).await;
    }
    for target in ["http://docker/containers/ID/export", "*", "containers/json"] {
        guarded.refuses(&request("GET", target, "")).await;
    }
}

#[tokio::test]
async fn bodies_and_upgrades_never_reach_the_engine() {
    let guarded = Guarded::start();
    for target in ALLOWED {
        for (headers, body) in [
            ("Content-Length: 1\r\n", "x"),
            ("Transfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            (
                "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\n",
            ),
            ("Content-Length: 0\r\nContent-Length: 1\r\n", "x"),
            ("Upgrade: tcp\r\n", ""),
            ("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", ""),
        ] {
            let request = request("GET", target, headers);
            guarded.refuses(&format!("{request}{body}")).await;
        }
    }
    // One that stays open and asks for more: the second request is judged by itself.
    let first = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";
    let second = request("POST", "/containers/create", "");
    let answer = guarded.proxy.exchange(&format!("{first}{second}")).await;
    assert!(answer.contains("HTTP/1.1 403 "), "{answer}");
    assert_eq!(guarded.upstream.take().requests, ["GET /_ping"]);
    // HTTP/2 without asking first.
    guarded.refuses("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
}

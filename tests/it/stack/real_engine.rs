//! The socket proxy before a real engine: what authtail asks passes, and nothing else is answered by it.

use std::path::Path;

use super::lists::{POSTS, TRICKS};
use super::proxy::Proxy;
use crate::docker::lab::{Lab, SOCKET, docker};
use crate::support::exporter::{Exporter, authtail};

/// Asks the proxy, and returns the status and all of the answer.
async fn ask(proxy: &Proxy, method: &str, target: &str) -> (u16, String) {
    let request =
        format!("{method} {target} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n");
    let answer = proxy.exchange(&request).await;
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.unwrap_or_default(), answer)
}

#[tokio::test]
async fn our_calls_pass_and_all_others_are_refused() {
    let lab = Lab::new().await;
    let mut web = lab.run("web", &[], &["print 3 200", "listen"]).await;
    web.done().await;
    let id = docker(&["inspect", "--format", "{{.Id}}", &web.name]).await;
    let proxy = Proxy::before(Path::new(SOCKET));

    for (target, holds) in [
        ("/_ping", "OK"),
        ("/version", "\"ApiVersion\""),
        ("/v1.41/info", "\"Containers\""),
        ("/v1.41/containers/json", &*id),
        (&format!("/v1.41/containers/{id}/json"), &*web.name),
        (
            &format!("/v1.41/containers/{id}/logs?stdout=1"),
            "auth/validate",
        ),
        ("/v1.41/events?since=1&until=2", ""),
    ] {
        let (status, answer) = ask(&proxy, "GET", target).await;
        assert!(
            status == 200 && answer.contains(holds),
            "{target}: {answer}"
        );
    }
    assert_eq!(ask(&proxy, "HEAD", "/_ping").await.0, 200);

    let of_it = |target: &str| format!("/v1.41{}", target.replace("ID", &id));
    for method in ["POST", "PUT", "DELETE"] {
        for target in POSTS
            .into_iter()
            .chain(["/containers/ID", "/containers/ID/archive?path=/"])
        {
            let (status, answer) = ask(&proxy, method, &of_it(target)).await;
            assert_eq!(status, 403, "{method} {target}: {answer}");
        }
    }
    // What the engine would tell: the files of a container, its processes, secrets.
    for target in [
        "/containers/ID/export",
        "/containers/ID/archive?path=/printer",
        "/containers/ID/attach/ws?logs=1",
        "/containers/ID/top",
        "/containers/ID/stats?stream=0",
        "/containers/ID/changes",
        "/images/json",
        "/exec/ID/json",
        "/secrets",
        "/system/df",
    ] {
        let (status, answer) = ask(&proxy, "GET", &of_it(target)).await;
        assert_eq!(status, 403, "{target}: {answer}");
    }
    for target in TRICKS {
        let status = ask(&proxy, "GET", &target.replace("ID", &id)).await.0;
        assert!(status == 403 || status == 400, "{target}: {status}");
    }
    let running = [
        "inspect",
        "--format",
        "{{.State.Running}} {{.RestartCount}}",
        &web.name,
    ];
    assert_eq!(docker(&running).await, "true 0");
}

#[tokio::test]
async fn an_exporter_behind_the_proxy_counts_on_a_real_engine() {
    let lab = Lab::new().await;
    let proxy = Proxy::before(Path::new(SOCKET));
    let host = format!("tcp://{}", proxy.address);
    let mut command = authtail(&["--docker.host", &host, "--state.file", ""]);
    command.args(["--web.listen-address", "127.0.0.1:0"]);
    let exporter = Exporter::start(command).await;
    exporter.until_log("the engine is up").await;
    let mut web = lab.run("web", &[], &["listen"]).await;
    web.tell("print 10 200,401").await;
    let page = exporter.until_lines(&web.name, 10).await;
    assert_eq!(
        ["200", "401"].map(|code| page.validate(&web.name, code)),
        [5.0, 5.0]
    );
    let refused = |line: &String| line.contains(" 403 ");
    assert!(!proxy.log().iter().any(refused), "{:#?}", proxy.log());
}

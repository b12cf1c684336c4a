//! `docker logs -t NAME 2>&1 | authtail diagnose -`, as the README has it, on a night when the service itself
//! is broken: the cause is said first.

use std::env;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use super::lab::Lab;

/// What a service says when it cannot reach its database, and refuses a good token for it.
const SCENE: [&str; 2] = [
    "2026-11-21 19:46:36,796 - services.token_service - ERROR - Token verification error: \
     [Errno 111] Connect call failed ('127.0.0.1', 5432)",
    "2026-11-21 19:46:36,797 - api.auth - WARNING - [VALIDATE] REJECTED - Token validation failed",
];

/// Runs a line of the README in a shell: what it printed, and its exit code.
async fn shell(lab: &Lab, line: &str) -> (String, Option<i32>) {
    let program = Path::new(env!("CARGO_BIN_EXE_authtail")).parent().unwrap();
    let path = env::var_os("PATH").unwrap();
    let mut path: Vec<_> = env::split_paths(&path).collect();
    path.insert(0, program.to_owned());
    let output = tokio::process::Command::new("sh")
        .args(["-c", line])
        .env("PATH", env::join_paths(path).unwrap())
        .env("DOCKER_HOST", lab.host())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.code(),
    )
}

#[tokio::test]
async fn the_log_of_a_broken_service_is_piped_and_its_cause_comes_first() {
    let lab = Lab::new().await;
    let mut web = lab.run("web", &[], &["print 40 200", "listen"]).await;
    web.done().await;
    for _ in 0..10 {
        for line in SCENE {
            web.tell(&format!("say {line}")).await;
        }
        web.tell("print 1 401").await;
    }
    let line = format!("docker logs -t {} 2>&1 | authtail diagnose -", web.name);

    let (text, code) = shell(&lab, &line).await;
    assert_eq!(code, Some(2), "{text}");
    let cause = text.find("the service answers 401 because it is broken itself");
    let share = text.find("of the requests");
    assert!(
        cause.is_some_and(|at| share.is_none_or(|share| at < share)),
        "{text}"
    );
    assert!(!text.contains("5432"), "{text}");

    let (json, code) = shell(&lab, &format!("{line} --format json")).await;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(code, Some(2), "{report:#}");
    assert_eq!(report["findings"][0]["id"], "service-error", "{report:#}");
    let route = &report["routes"][0];
    assert_eq!(
        (&route["route"], &route["requests"], &route["refused"]),
        (&"validate".into(), &50.into(), &10.into()),
        "{report:#}"
    );
    let slots = route["timeline"]["slots"].as_array().unwrap();
    let counted: u64 = slots
        .iter()
        .map(|slot| slot["refused"].as_u64().unwrap())
        .sum();
    assert_eq!(counted, 10, "{report:#}");
}

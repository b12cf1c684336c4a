//! `authtail check`: the cause of each of an operator's nights is its first finding.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::authtail;
use crate::support::records::access;
use crate::support::service::{Asked, Do, Service};

const VALIDATE: &str = "/api/v1/auth/validate";
const TOKEN: &str = "head.claims.signature-secret";

/// A service in a container that logs what it answers, as uvicorn does.
struct Scene {
    engine: Arc<FakeEngine>,
    service: Service,
    id: String,
}

/// How the service answers.
type Rule = fn(&Asked) -> Do;

impl Scene {
    /// Starts one; `logs` says whether it prints access lines.
    async fn start(container: Container, logs: bool, rule: Rule) -> Self {
        let engine = Arc::new(FakeEngine::start());
        engine.name_images(&["auth:1"]);
        let service = Service::start(|_| Do::Hang).await;
        let image_id = "sha256:0123456789abcdef";
        let container = Container {
            image_id,
            ..container.at(service.address)
        };
        let id = engine.create(container);
        engine.log_now(&id, "INFO:     Application startup complete.");
        let (log, to) = (Arc::clone(&engine), id.clone());
        service.change(move |asked| {
            let answer = rule(asked);
            if let (true, Do::Answer(code, _) | Do::Later(_, code)) = (logs, &answer) {
                log.log_now(&to, &access(&asked.method, &asked.target, *code));
            }
            answer
        });
        Self {
            engine,
            service,
            id,
        }
    }

    async fn sound() -> Self {
        Self::start(Container::running("auth"), true, sound).await
    }

    /// Requests that have been logged.
    fn logged(&self, code: u16, times: usize) {
        // Equal lines of one moment would be one line.
        self.engine
            .log_lately(&self.id, &access("GET", VALIDATE, code), times);
    }

    /// What check says with a good token, as JSON.
    async fn check(&self, arguments: &[&str]) -> (i32, Value) {
        let (code, said) = self.said(&[&["--json"], arguments].concat()).await;
        let json = serde_json::from_str(&said);
        (code, json.unwrap_or_else(|error| panic!("{error}: {said}")))
    }

    /// The same for people.
    async fn text(&self) -> String {
        self.said(&[]).await.1
    }

    async fn said(&self, arguments: &[&str]) -> (i32, String) {
        let token = self.engine.directory().join("token");
        fs::write(&token, TOKEN).unwrap();
        let socket = self.engine.socket();
        let mut all = vec!["check", "--container", "auth", "--state.file", ""];
        all.extend(["--docker.host", socket.to_str().unwrap()]);
        all.extend(["--token-file", token.to_str().unwrap()]);
        all.extend(arguments);
        let output = authtail(&all).output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(!said.contains("signature-secret"), "{said}");
        (output.status.code().unwrap(), said)
    }

    /// Fails if the cause is another one.
    async fn finds(&self, expected: &str, code: i32) -> Value {
        self.finds_with(&[], expected, code).await
    }

    async fn finds_with(&self, arguments: &[&str], expected: &str, code: i32) -> Value {
        let (exit, json) = self.check(arguments).await;
        let first = &json["sources"][0]["findings"][0];
        assert_eq!(
            (first["id"].as_str().unwrap(), exit),
            (expected, code),
            "{json:#}"
        );
        assert_eq!(json["version"], 1);
        assert_eq!(json["exit_code"], code);
        json
    }
}

fn sound(asked: &Asked) -> Do {
    let healthy = r#"{"status": "healthy"}"#.to_owned();
    match (asked.path(), asked.token()) {
        ("/health", _) => Do::Answer(200, healthy),
        (_, Some(TOKEN)) => Do::Answer(200, String::new()),
        _ => Do::Answer(401, String::new()),
    }
}

fn refusing(asked: &Asked) -> Do {
    match asked.path() {
        "/health" => Do::Answer(200, r#"{"status": "healthy"}"#.to_owned()),
        _ => Do::Answer(401, String::new()),
    }
}

fn without_database(asked: &Asked) -> Do {
    match asked.path() {
        "/health" => Do::Answer(200, r#"{"status": "unhealthy", "db": "down"}"#.to_owned()),
        _ => Do::Answer(401, String::new()),
    }
}

#[tokio::test]
async fn a_sound_service_is_well() {
    let scene = Scene::sound().await;
    scene.logged(200, 30);
    scene.logged(401, 10);
    let json = scene.finds("well", 0).await;
    let source = &json["sources"][0];
    assert_eq!(
        source["requests"]["total"], 40,
        "its own requests are not counted"
    );
    assert_eq!(source["health"]["says_healthy"], true);
    let probes = source["probes"].as_array().unwrap();
    assert_eq!(probes.len(), 3);
    assert!(
        probes.iter().all(|probe| probe["seen_in_log"] == true),
        "{json:#}"
    );
}

#[tokio::test]
async fn refusals_for_lack_of_tokens_are_the_clients() {
    let scene = Scene::sound().await;
    scene.logged(401, 50);
    let json = scene.finds("refused_share", 2).await;
    let finding = json["sources"][0]["findings"][0].to_string();
    assert!(finding.contains("a good token is let through"), "{finding}");
}

#[tokio::test]
async fn a_secret_that_differs_is_told_from_a_database_that_is_down() {
    let scene = Scene::start(Container::running("auth"), true, refusing).await;
    scene.logged(401, 50);
    scene.finds("good_token_refused", 2).await;
    let scene = Scene::start(Container::running("auth"), true, without_database).await;
    scene.logged(401, 50);
    scene.finds("unhealthy", 2).await;
}

#[tokio::test]
async fn a_service_that_cannot_check_says_so_itself() {
    let scene = Scene::start(Container::running("auth"), true, refusing).await;
    for port in [5432, 5433] {
        let line = format!(
            "ERROR:token_service:Token verification error: [Errno 111] Connect call failed \
             ('127.0.0.1', {port})"
        );
        scene.engine.log_now(&scene.id, &line);
        let request = access("GET", &format!("{VALIDATE}?n={port}"), 401);
        scene.engine.log_now(&scene.id, &request);
    }
    scene
        .engine
        .log_now(&scene.id, &format!("ERROR:pool:timeout for {TOKEN}"));
    let json = scene.finds("service_error", 2).await;
    let source = &json["sources"][0];
    assert_eq!(source["denials"]["service_error"], 2);
    let samples = source["samples"].to_string();
    // Once, for all numbers.
    assert_eq!(
        samples.matches("Connect call failed").count(),
        1,
        "{samples}"
    );
    let said = scene.text().await;
    let line =
        "service_error: ERROR:token_service:Token verification error: [Errno 111] Connect call";
    assert!(said.contains(line), "{said}");
}

#[tokio::test]
async fn words_of_the_configuration_count() {
    let scene = Scene::start(Container::running("auth"), true, refusing).await;
    let config = scene.engine.directory().join("authtail.yml");
    let text =
        "denials: {service_error: the vault is sealed}\nnotices: {database: the shelf is empty}\n";
    fs::write(&config, text).unwrap();
    scene
        .engine
        .log_now(&scene.id, "WARNING the vault is sealed");
    scene
        .engine
        .log_now(&scene.id, &access("GET", VALIDATE, 401));
    scene.engine.log_now(&scene.id, "the shelf is empty");
    let arguments = ["--config.file", config.to_str().unwrap()];
    let json = scene.finds_with(&arguments, "service_error", 2).await;
    let source = &json["sources"][0];
    assert_eq!(source["notices"]["database"], 1, "{json:#}");
    let kinds: Vec<_> = source["samples"].as_object().unwrap().keys().collect();
    assert_eq!(kinds, ["database", "service_error"]);
}

#[tokio::test]
async fn slow_hung_and_stopped_are_told_apart() {
    let slow: Rule = |asked| match asked.token() {
        Some(TOKEN) => Do::Later(Duration::from_millis(1_500), 200),
        _ => Do::Later(Duration::from_millis(1_500), 401),
    };
    let scene = Scene::start(Container::running("auth"), true, slow).await;
    scene.finds("slow", 1).await;
    scene.service.change(|_| Do::Hang);
    scene.finds("no_answer", 2).await;
    scene.engine.stop(&scene.id);
    scene.finds("container_stopped", 2).await;
}

#[tokio::test]
async fn a_log_that_hides_access_lines_is_found_by_its_silence() {
    let scene = Scene::start(Container::running("auth"), false, sound).await;
    scene.finds("access_lines_hidden", 1).await;
}

#[tokio::test]
async fn a_service_that_refuses_although_it_should_not_is_told_from_a_gateway() {
    let off = || Container {
        environment: vec!["AUTH_REQUIRED=false"],
        ..Container::running("auth")
    };
    let scene = Scene::start(off(), true, refusing).await;
    scene.logged(401, 50);
    scene.finds("off_but_refusing", 2).await;

    let open: Rule = |_| Do::Answer(200, r#"{"status": "ok"}"#.to_owned());
    let scene = Scene::start(off(), true, open).await;
    let gateway = Service::start(|_| Do::Answer(401, String::new())).await;
    let url = gateway.url("/api/v1/chat");
    let json = scene
        .finds_with(&["--url", &url], "answered_in_front", 2)
        .await;
    assert!(json.to_string().contains("auth_off"), "{json:#}");
    // Through the gateway to the service: it is the service's answer.
    let url = scene.service.url("/api/v1/chat");
    scene.finds_with(&["--url", &url], "well", 0).await;
}

#[tokio::test]
async fn what_differs_from_what_was_deployed_is_said() {
    let scene = Scene::sound().await;
    scene.engine.name_images(&["auth:2"]);
    scene.finds("older_image", 1).await;
    let other = Container {
        environment: vec!["AUTH_REQUIRED=true"],
        ..Container::running("auth")
    };
    let scene = Scene::start(other, true, sound).await;
    let line = "INFO:auth:Auth module loaded: AUTH_REQUIRED=False";
    scene.engine.log_now(&scene.id, line);
    scene.finds("mode_differs", 1).await;
}

#[tokio::test]
async fn a_bad_token_that_is_accepted_is_critical() {
    let open: Rule = |asked| match asked.token() {
        None => Do::Answer(401, String::new()),
        Some(_) => Do::Answer(200, String::new()),
    };
    let scene = Scene::start(Container::running("auth"), true, open).await;
    scene.finds("bad_token_accepted", 2).await;
}

#[tokio::test]
async fn a_url_alone_needs_no_engine() {
    let service = Service::start(sound).await;
    let url = service.url(VALIDATE);
    let missing = ["--docker.host", "/no/such/socket", "--state.file", ""];
    let run = async |arguments: &[&str]| {
        let all = [&["check"], arguments, &missing].concat();
        let output = authtail(&all).output().await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code().unwrap(),
            String::from_utf8(said).unwrap(),
        )
    };
    let (code, said) = run(&["--url", &url]).await;
    assert_eq!(code, 0, "{said}");
    assert!(
        said.starts_with("OK - 127.0.0.1: all that could be looked at is well\n"),
        "{said}"
    );
    drop(service);
    let (code, said) = run(&["--url", &url]).await;
    assert_eq!(code, 2, "{said}");
    assert!(
        said.starts_with("CRITICAL - 127.0.0.1: the service cannot be reached\n"),
        "{said}"
    );
    // Nobody can say.
    for arguments in [
        &["--container", "auth"][..],
        &[],
        &["--nonsense"],
        &["--url", "nonsense"],
    ] {
        let (code, said) = run(arguments).await;
        assert_eq!(code, 3, "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn it_finds_the_services_itself_and_says_so_when_there_are_none() {
    let scene = Scene::sound().await;
    scene.logged(200, 5);
    let other = scene.engine.run("other");
    scene.engine.log_now(&other, "nothing about requests");
    let socket = scene.engine.socket();
    let arguments = [
        "check",
        "--docker.host",
        socket.to_str().unwrap(),
        "--state.file",
        "",
    ];
    let output = authtail(&arguments).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("\nauth\n") && !said.contains("\nother\n"),
        "{said}"
    );

    let output = authtail(&[&arguments[..], &["--container", "nobody"]].concat());
    let output = { output }.output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("is called `nobody`; there are auth, other"),
        "{said}"
    );
}

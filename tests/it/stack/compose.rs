//! The stack as it is shipped: it can be read, and no service has more rights than it needs.

use std::ffi::OsStr;
use std::os::unix::fs::symlink;

use regex::Regex;
use serde_yaml::{Mapping, Value};

use super::tools::{finish, read, root, tool};

#[tokio::test]
async fn prometheus_takes_its_configuration_where_the_stack_puts_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("prometheus.yml");
    std::fs::copy(root().join("compose/prometheus.yml"), &config).unwrap();
    symlink(root().join("alerts"), folder.path().join("alerts")).unwrap();
    let mut command = tool("promtool");
    command.args([
        OsStr::new("check"),
        OsStr::new("config"),
        config.as_os_str(),
    ]);
    let (is_well, said) = finish(command).await;
    assert!(is_well && said.contains("3 rule files found"), "{said}");
    assert!(!said.contains("FAILED"), "{said}");
}

fn compose() -> Value {
    let mut compose: Value = serde_yaml::from_str(&read("docker-compose.yml")).unwrap();
    compose.apply_merge().unwrap();
    compose
}

fn services(compose: &Value) -> Vec<(&str, &Mapping)> {
    let services = compose["services"].as_mapping().unwrap().iter();
    let services = services.map(|(name, one)| (name.as_str().unwrap(), one.as_mapping().unwrap()));
    services.collect()
}

/// The texts of a list that may be missing.
fn list<'a>(service: &'a Mapping, key: &str) -> Vec<&'a str> {
    let items = service.get(key).and_then(Value::as_sequence);
    let items = items.into_iter().flatten();
    items.map(|item| item.as_str().unwrap()).collect()
}

#[test]
fn no_service_has_more_rights_than_it_needs() {
    for (name, service) in services(&compose()) {
        assert_eq!(service.get("read_only"), Some(&Value::Bool(true)), "{name}");
        assert_eq!(list(service, "cap_drop"), ["ALL"], "{name}");
        assert_eq!(
            list(service, "security_opt"),
            ["no-new-privileges:true"],
            "{name}"
        );
        for key in [
            "cap_add",
            "devices",
            "ipc",
            "network_mode",
            "pid",
            "privileged",
        ] {
            assert!(service.get(key).is_none(), "{name}: {key}");
        }
        let user = service.get("user").and_then(Value::as_str);
        let user = user.and_then(|user| user.split(':').next()?.parse::<u32>().ok());
        assert!(user.is_some_and(|user| user > 0), "{name}: {user:?}");
    }
}

#[test]
fn no_service_takes_more_than_its_share() {
    for (name, service) in services(&compose()) {
        assert_eq!(service["restart"], "unless-stopped", "{name}");
        let memory = service["mem_limit"].as_str().unwrap();
        assert!(memory.ends_with(['m', 'g']), "{name}: {memory}");
        assert!(service["pids_limit"].as_u64().unwrap() <= 200, "{name}");
        for key in ["max-size", "max-file"] {
            let limit = service["logging"]["options"][key].as_str();
            assert!(
                limit.is_some_and(|limit| !limit.is_empty()),
                "{name}: {key}"
            );
        }
    }
}

#[test]
fn every_service_says_how_it_is_or_why_it_cannot() {
    let text = read("docker-compose.yml");
    for (name, service) in services(&compose()) {
        let Some(check) = service.get("healthcheck") else {
            let excuse = format!(r"(?m)^  # .*no health check\.\n  {name}:$");
            assert!(Regex::new(&excuse).unwrap().is_match(&text), "{name}");
            continue;
        };
        assert_eq!(check["test"][0], "CMD", "{name}");
        for key in ["interval", "timeout", "retries", "start_period"] {
            assert!(check.get(key).is_some(), "{name}: {key}");
        }
    }
}

#[test]
fn images_are_exact_and_ports_are_for_this_machine_only() {
    let tag = Regex::new(r"^[a-z0-9./_-]+:v?\d+\.\d+\.\d+[a-z0-9.-]*$").unwrap();
    for (name, service) in services(&compose()) {
        let image = service["image"].as_str().unwrap();
        assert!(tag.is_match(image), "{name}: {image}");
        for port in list(service, "ports") {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
        }
    }
}

#[test]
fn only_the_proxy_sees_the_socket_and_only_the_exporter_sees_the_proxy() {
    let compose = compose();
    for (name, service) in services(&compose) {
        let is_proxy = name == "socket-proxy";
        let volumes = list(service, "volumes");
        let socket = |volume: &&str| volume.contains("docker.sock") || volume.contains("/run");
        let sockets: Vec<_> = volumes.into_iter().filter(socket).collect();
        assert_eq!(sockets.len(), usize::from(is_proxy), "{name}: {sockets:?}");
        assert!(
            sockets.iter().all(|one| one.ends_with(":ro")),
            "{sockets:?}"
        );
        let is_near = list(service, "networks").contains(&"socket");
        assert_eq!(is_near, is_proxy || name == "authtail", "{name}");
        if is_proxy {
            assert_eq!(list(service, "networks"), ["socket"]);
            assert!(service.get("ports").is_none());
        }
    }
    assert_eq!(compose["networks"]["socket"]["internal"], true);
}

#[test]
fn no_secret_has_a_default() {
    let secret = Regex::new("(?i)password|secret|token|api_?key").unwrap();
    let asked = Regex::new(r"^\$\{\w+:(\?[^}]+|-)\}$").unwrap();
    let mut found = 0;
    for (name, service) in services(&compose()) {
        let environment = service.get("environment").and_then(Value::as_mapping);
        for (key, value) in environment.into_iter().flatten() {
            let (key, value) = (key.as_str().unwrap(), value.as_str().unwrap());
            if secret.is_match(key) {
                assert!(asked.is_match(value), "{name}: {key}={value}");
                found += 1;
            }
        }
    }
    assert!(found >= 4, "{found}");
    for line in read(".env.example").lines() {
        let line = line.trim_start_matches('#');
        if let Some((key, value)) = line.split_once('=').filter(|pair| secret.is_match(pair.0)) {
            assert_eq!(value, "", "{key}");
        }
    }
}

//! The stack as Compose reads it. A machine with an engine has Compose too; others need not.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::tools::{finish, read, root};

/// The two values that have no default.
const REQUIRED: [(&str, &str); 2] = [("DOCKER_GID", "999"), ("GRAFANA_ADMIN_PASSWORD", "x")];

/// Whether `docker-compose config` succeeds, and what it says, with these variables and no others, whatever an `.env` here may say.
async fn config(program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String) {
    let no_env = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(["PATH", "HOME"].map(|name| (name, std::env::var_os(name).unwrap_or_default())))
        .envs(variables.iter().copied())
        .arg("--env-file")
        .arg(no_env.path())
        .arg("-f")
        .arg(root().join("docker-compose.yml"))
        .args(arguments)
        .arg("config");
    finish(command).await
}

/// Debian's `docker-compose`, where it is on PATH.
fn first() -> PathBuf {
    let found = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&found);
    let is_there = folders.any(|folder| folder.join("docker-compose").exists());
    assert!(is_there, "docker-compose is not on PATH");
    "docker-compose".into()
}

/// Compose v2, as `tests/tools-of` brings it.
fn second() -> Vec<PathBuf> {
    let paths = ["trixie", "forky"].map(|suite| format!("target/tools-{suite}/bin/docker-compose"));
    let paths = paths.iter().map(|path| root().join(path));
    let found: Vec<_> = paths.filter(|path| path.exists()).collect();
    assert!(
        !found.is_empty(),
        "no Compose v2: run tests/tools-of trixie first"
    );
    found
}

#[tokio::test]
async fn compose_takes_both_profiles() {
    takes_both_profiles(&first()).await;
}

#[tokio::test]
async fn compose_v2_takes_both_profiles() {
    for program in second() {
        takes_both_profiles(&program).await;
    }
}

#[tokio::test]
async fn compose_asks_for_what_has_no_default() {
    asks_for_what_has_no_default(&first()).await;
}

#[tokio::test]
async fn compose_v2_asks_for_what_has_no_default() {
    for program in second() {
        asks_for_what_has_no_default(&program).await;
    }
}

async fn takes_both_profiles(program: &Path) {
    let image = concat!("authtail:", env!("CARGO_PKG_VERSION"));
    for (profile, expected) in [(&[][..], image), (&["--profile", "demo"], "whoami")] {
        let (is_well, said) = config(program, profile, &REQUIRED).await;
        assert!(is_well && said.contains(expected), "{said}");
    }
}

async fn asks_for_what_has_no_default(program: &Path) {
    for (name, _) in REQUIRED {
        let others: Vec<_> = REQUIRED.into_iter().filter(|one| one.0 != name).collect();
        let empty: Vec<_> = others.iter().copied().chain([(name, "")]).collect();
        for variables in [others, empty] {
            let (is_well, said) = config(program, &[], &variables).await;
            assert!(!is_well, "{said}");
            assert!(
                said.contains(name) && said.contains(".env.example"),
                "{said}"
            );
        }
        let line = format!("\n{name}=\n");
        assert!(read(".env.example").contains(&line), "{name}");
    }
}

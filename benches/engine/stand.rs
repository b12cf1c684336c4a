//! The containers, and the image that they are made of.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::engine::Engine;

const IMAGE: &str = "flood";
/// How long anything may take.
pub(crate) const LIMIT: Duration = Duration::from_mins(5);
/// How often to look whether something has happened.
pub(crate) const TICK: Duration = Duration::from_millis(200);

/// An engine with the image of the containers.
pub(crate) struct Stand {
    // Before the folder: it must have ended when that is removed.
    pub(crate) engine: Engine,
    folder: TempDir,
}

/// A container that floods; removed when it is dropped.
pub(crate) struct Container<'a> {
    engine: &'a Engine,
    pub(crate) name: String,
}

impl Stand {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let engine = Engine::start(folder.path());
        import(&engine, folder.path());
        Self { engine, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a container with a json-file log that prints that many lines, and one more.
    pub(crate) fn flood(
        &self,
        name: &str,
        options: &[&str],
        count: u32,
        rate: u32,
    ) -> Container<'_> {
        let start = ["run", "--detach", "--network", "none", "--name", name];
        let mut command = self.engine.docker(&start);
        command
            .args(options)
            .arg(IMAGE)
            .args([count.to_string(), rate.to_string()]);
        run(command);
        Container {
            engine: &self.engine,
            name: name.to_owned(),
        }
    }
}

impl Container<'_> {
    /// Waits until all lines are in the log, with looks that cost next to nothing.
    pub(crate) fn until_printed(&self) {
        until("printed", || {
            let mut look = self.engine.docker(&["logs", "--tail", "1", &self.name]);
            let output = look.output().unwrap();
            String::from_utf8_lossy(&output.stdout).contains(" 403 ")
        });
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        run(self.engine.docker(&["rm", "--force", &self.name]));
    }
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LIMIT, "not {what} after {LIMIT:?}");
        sleep(TICK);
    }
}

/// Makes an image with the static program `flood` alone.
fn import(engine: &Engine, folder: &Path) {
    let content = folder.join("image");
    std::fs::create_dir(&content).unwrap();
    let mut rustc = Command::new("rustc");
    rustc
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["--edition", "2024", "-O", "-C", "strip=symbols"])
        .args(["-C", "target-feature=+crt-static", "-o"])
        .arg(content.join("flood"))
        .arg("tests/fixtures/flood.rs");
    run(rustc);
    let archive = folder.join("image.tar");
    let mut tar = Command::new("tar");
    tar.arg("-C")
        .arg(&content)
        .arg("-cf")
        .arg(&archive)
        .arg(".");
    run(tar);
    let mut import = engine.docker(&["import", "--change", "ENTRYPOINT [\"/flood\"]"]);
    import.arg(&archive).arg(IMAGE);
    run(import);
}

/// Runs a command, which must succeed.
fn run(mut command: Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

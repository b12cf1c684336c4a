//! What every case has: an engine, an exporter with a state file, and a watch over its pages.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::report::{self, Outcome};
use super::truth::{Difference, Truth};
use super::watch::{PERIOD, Watch};
use super::{LIMIT, PATIENCE, SAVED, numbered};
use crate::docker::lab::{Lab, SOCKET};
use crate::docker::printer::Printer;
use crate::support::exporter::{Exporter, Page, authtail};

/// One case.
pub struct Stage {
    pub exporter: Exporter,
    pub watch: Watch,
    pub lab: Lab,
    socket: PathBuf,
    /// What was found to differ.
    remarks: Vec<String>,
}

impl Stage {
    /// Starts an exporter of a lab.
    pub async fn new(lab: Lab) -> Self {
        Self::with(lab, Path::new(SOCKET)).await
    }

    /// Starts an exporter that reaches the engine by this socket.
    pub async fn with(lab: Lab, socket: &Path) -> Self {
        let exporter = start(&lab, socket).await;
        // From now on a new container is one that was created while we watched.
        exporter.until_log("the engine is up").await;
        Self {
            exporter,
            watch: Watch::default(),
            lab,
            socket: socket.to_owned(),
            remarks: Vec::new(),
        }
    }

    /// Ends the exporter by a signal and starts another one with the same state.
    pub async fn again(self, signal: &str) -> Self {
        self.down(signal).await.up().await
    }

    /// Ends the exporter by a signal.
    pub async fn down(self, signal: &str) -> Down {
        self.exporter.terminate(signal).await;
        Down {
            watch: self.watch,
            lab: self.lab,
            socket: self.socket,
        }
    }

    /// Runs a printer that listens, and waits until it is followed.
    pub async fn run(&self, what: &str, options: &[&str]) -> Printer {
        self.run_with(what, options, &["listen"]).await
    }

    /// Runs a printer with commands of its own, and waits until it is followed.
    pub async fn run_with(&self, what: &str, options: &[&str], commands: &[&str]) -> Printer {
        self.run_labelled(what, &labels(), options, commands).await
    }

    /// The same with other labels.
    pub async fn run_labelled(
        &self,
        what: &str,
        labels: &[String],
        options: &[&str],
        commands: &[&str],
    ) -> Printer {
        let labels: Vec<_> = labels
            .iter()
            .map(|label| format!("--label={label}"))
            .collect();
        let labels: Vec<_> = labels.iter().map(String::as_str).collect();
        let options = [&ROOMY, options, &labels].concat();
        let printer = self.lab.run(what, &options, commands).await;
        let following = format!("message=following container={} ", printer.name);
        self.exporter.until_log(&following).await;
        printer
    }

    /// Scrapes until the lines of a container are as many, or until there are no more.
    pub async fn until_lines(&mut self, container: &str, lines: f64) -> Page {
        let reached = |page: &Page| page.lines(container) >= lines;
        self.watch
            .until(&self.exporter, PATIENCE, container, reached)
            .await
    }

    /// Waits for what a printer that listens has printed, and compares at its end.
    pub async fn settle(&mut self, printer: &mut Printer, truth: &mut Truth) -> Outcome {
        self.until_lines(&printer.name, truth.lines).await;
        self.end(printer, truth).await
    }

    /// Ends a container, has it begin again and say one more thing, and removes it: what is read
    /// again meanwhile must not be counted again. Then compares.
    pub async fn end(&mut self, printer: &mut Printer, truth: &mut Truth) -> Outcome {
        printer.send("exit 0").await;
        printer.docker(&["wait"]).await;
        printer.docker(&["start"]).await;
        self.mark(printer, truth).await;
        self.remove(printer, truth).await
    }

    /// Has a printer print a mark, and waits until that is counted.
    pub async fn mark(&mut self, printer: &mut Printer, truth: &mut Truth) {
        printer.tell("print 1 200").await;
        truth.mark();
        let (name, marks) = (&printer.name, truth.marks());
        let is_marked = |page: &Page| page.validate(name, "200") >= marks;
        self.watch
            .until(&self.exporter, PATIENCE, name, is_marked)
            .await;
    }

    /// Waits for what a container that has ended has printed, and compares when it is removed.
    pub async fn finish(&mut self, printer: &Printer, truth: &Truth) -> Outcome {
        self.until_lines(&printer.name, truth.lines).await;
        self.remove(printer, truth).await
    }

    /// Removes a container, waits until its log has been read, and compares.
    async fn remove(&mut self, printer: &Printer, truth: &Truth) -> Outcome {
        printer.docker(&["rm", "-f"]).await;
        self.until_gone(&printer.name).await;
        self.compare(&printer.name, truth).await
    }

    /// Waits until the log of a container that is removed has been read.
    pub async fn until_gone(&self, container: &str) {
        let gone = format!("message=\"container is gone\" container={container}");
        self.exporter.until_log_within(LIMIT, &gone).await;
    }

    /// Compares what was printed with what is counted now.
    pub async fn compare(&mut self, container: &str, truth: &Truth) -> Outcome {
        let is_new = |page: &Page| Truth::of_page(page, container) == *truth;
        let page = self
            .watch
            .until(&self.exporter, 2 * SAVED, container, is_new)
            .await;
        let counted = Truth::of_page(&page, container);
        let difference = truth.difference(&counted);
        if difference == Difference::default() {
            // Nothing has hidden anything else.
            assert_eq!(counted, *truth);
        } else {
            let (printed, counted) = (truth.beyond(&counted), counted.beyond(truth));
            self.remarks.push(format!(
                "{container}: printed only {printed:?}, counted only {counted:?}"
            ));
        }
        Outcome {
            lines: truth.lines,
            lost: difference.lost,
            duplicated: difference.duplicated,
            gaps: page.gaps(container).unwrap_or_default(),
        }
    }

    /// Notes an outcome, and fails if it is not exact.
    pub fn assert_exact(&self, case: &str, outcome: Outcome) {
        report::row(case, outcome);
        assert!(
            outcome.lost == 0.0 && outcome.duplicated == 0.0,
            "{case}: {outcome:?}\n{:#?}\n{:#?}",
            self.remarks,
            self.exporter.log()
        );
    }

    /// What the engine still holds of a container's log.
    pub async fn held(&self, container: &str) -> Truth {
        let mut logs = self.lab.command();
        logs.args(["logs", container]).stdin(Stdio::null());
        let output = logs.kill_on_drop(true).output().await.unwrap();
        assert!(output.status.success());
        let mut held = Truth::default();
        for text in [output.stdout, output.stderr] {
            held.add(&Truth::of_text(std::str::from_utf8(&text).unwrap()));
        }
        held
    }

    /// Waits until all that was printed is in the engine's log, so that all of it can be counted. A
    /// part of it is on its way in the engine for a while.
    pub async fn until_held(&self, container: &str, truth: &Truth) {
        let start = Instant::now();
        loop {
            let difference = truth.difference(&self.held(container).await);
            if difference == Difference::default() {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "the engine: {difference:?}");
            sleep(PERIOD).await;
        }
    }
}

/// A stage without its exporter.
pub struct Down {
    watch: Watch,
    pub lab: Lab,
    socket: PathBuf,
}

impl Down {
    /// Starts another exporter with the same state.
    pub async fn up(self) -> Stage {
        Stage {
            exporter: start(&self.lab, &self.socket).await,
            watch: self.watch,
            lab: self.lab,
            socket: self.socket,
            remarks: Vec::new(),
        }
    }
}

async fn start(lab: &Lab, socket: &Path) -> Exporter {
    let arguments = [
        "--web.listen-address",
        "127.0.0.1:0",
        "--docker.select",
        "labelled",
    ];
    let mut command: Command = authtail(&arguments);
    command.arg("--docker.host").arg(socket);
    command.arg("--state.file").arg(lab.folder().join("state"));
    // To be told more when something is wrong.
    if let Ok(level) = std::env::var("AUTHTAIL_LOG_LEVEL") {
        command.args(["--log.level", &level]);
    }
    Exporter::start(command).await
}

/// A log with room for everything, whatever is set for the engine. What is said later wins.
const ROOMY: [&str; 3] = [
    "--log-driver=json-file",
    "--log-opt=max-size=1g",
    "--log-opt=max-file=2",
];

/// Labels that have a container followed.
pub const FOLLOWED: [&str; 2] = ["authtail.enable=true", "authtail.format=uvicorn"];

/// The same, and its lines told apart.
pub fn labels() -> Vec<String> {
    let routes = (0..numbered::BLOCKS)
        .map(|block| format!("authtail.routes.block{block:x}=/block/{block:x}"));
    FOLLOWED
        .map(str::to_owned)
        .into_iter()
        .chain(routes)
        .collect()
}

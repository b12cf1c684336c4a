//! `authtail diagnose`: what a log says about the requests, and whether that is normal.

mod container;
mod files;
mod progress;
mod since;

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustix::termios::tcgetwinsize;

use self::progress::Progress;
pub(crate) use self::since::Since;
use super::{Failure, load};
use crate::cli::{DiagnoseOptions, Options, ReportFormat};
use crate::config::Protected;
use crate::docker::Timestamp;
use crate::report::numbers::Numbers;
use crate::report::paint::Style;
use crate::report::reader::{Reader, Settings};
use crate::report::summary::{FormatReport, Report, Verdict};
use crate::report::text;

/// What was read.
struct Found {
    numbers: Numbers,
    inputs: Vec<String>,
    formats: Vec<FormatReport>,
}

/// Reads everything that is asked for, prints the report, and returns the exit code.
pub(super) fn diagnose(options: &Options, diagnose: DiagnoseOptions) -> Result<u8, Failure> {
    let DiagnoseOptions {
        files,
        container,
        since,
        format,
        input_format,
        reading,
    } = diagnose;
    let config = load(options)?;
    let now = Timestamp::of(SystemTime::now());
    let since = since.and_then(|since| now.map(|now| since.before(now)));
    let named = input_format.map(|name| config.format(&name)).transpose()?;
    let routes = config.routes(reading.routes.clone())?;
    let protected = || Protected::all(reading.forward_auth.clone());
    let settings = Settings {
        routes: Arc::new(routes.protecting(protected())?),
        format: named.flatten(),
        patterns: Arc::clone(&config.patterns),
        since,
        now,
    };
    let mut found = Found {
        numbers: Numbers::default(),
        inputs: Vec::new(),
        formats: Vec::new(),
    };
    let mut progress = Progress::new();
    if let Some(name) = container {
        container::read(&config, &name, reading, settings, &mut found, &mut progress)?;
    } else {
        for file in inputs(files)? {
            let mut reader = Reader::new(settings.clone());
            read(&file, &mut reader, &mut found, &mut progress)?;
            found.note(&reader);
        }
    }
    drop(progress);
    let report = Report::new(&found.numbers, found.inputs, found.formats);
    print(&report, format)?;
    Ok(report.verdict.code())
}

/// What could not be looked at is as good as unknown.
pub(super) const FAILED: u8 = Verdict::Unknown.code();

/// The files that are named, else standard input.
fn inputs(files: Vec<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    if !files.is_empty() {
        return Ok(files);
    }
    if io::stdin().is_terminal() {
        let usage = "name a file or `--container NAME`, or let something come in: \
                     `docker logs -t NAME 2>&1 | authtail diagnose -`";
        return Err(usage.into());
    }
    Ok(vec![PathBuf::from("-")])
}

fn read(
    path: &Path,
    reader: &mut Reader,
    found: &mut Found,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let numbers = &mut found.numbers;
    if path == Path::new("-") {
        found.inputs.push("standard input".to_owned());
        return Ok(files::stream(&mut io::stdin(), reader, numbers, progress)?);
    }
    let name = path.display().to_string();
    let read = File::open(path).and_then(|file| files::file(&file, reader, numbers, progress));
    read.map_err(|error| format!("cannot read `{name}`: {error}"))?;
    // A name may hold anything but a zero.
    found
        .inputs
        .push(name.chars().filter(|c| !c.is_control()).collect());
    Ok(())
}

impl Found {
    /// Notes the formats that a reader has found.
    fn note(&mut self, reader: &Reader) {
        for (source, format) in reader.formats() {
            let format = FormatReport {
                source: source.map(|source| source.to_string()),
                format: format.to_owned(),
            };
            if !self.formats.contains(&format) {
                self.formats.push(format);
            }
        }
    }
}

fn print(report: &Report, format: ReportFormat) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let printed = match format {
        ReportFormat::Text => stdout.write_all(text::text(report, style()).as_bytes()),
        ReportFormat::Json => {
            let json = serde_json::to_string_pretty(report)?;
            writeln!(stdout, "{json}")
        }
    };
    match printed.and_then(|()| stdout.flush()) {
        // `| head` has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => Ok(printed?),
    }
}

/// How standard output is to be written to.
fn style() -> Style {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return Style::new(false, None);
    }
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let is_dumb = variable("TERM").is_none_or(|term| term == "dumb");
    let columns = tcgetwinsize(&stdout).map(|size| usize::from(size.ws_col));
    let columns = columns.ok().filter(|columns| *columns > 0);
    Style::new(!is_dumb && variable("NO_COLOR").is_none(), columns)
}

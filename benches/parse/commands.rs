//! Whole commands on one file.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use procfs::process::Process;

use crate::input;
use crate::table::{Bound, Table};
use crate::ticks;

const LINES: u32 = 5_000_000;
/// What a script would do.
const SCRIPT: &str = r#"
import re, sys, collections
line = re.compile(r'"([A-Z]+) (\S+) HTTP/[\d.]+" (\d{3})')
codes = collections.Counter()
for text in open(sys.argv[1]):
    found = line.search(text)
    if found and found[2].endswith('/auth/validate'):
        codes[found[3]] += 1
print(codes)
"#;

/// What a command has taken.
#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    cpu: f64,
    /// In MiB.
    memory: f64,
}

/// A report of the whole file, beside a count of its lines.
pub(crate) fn diagnose() -> Table {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.log");
    fs::write(&file, input::uvicorn(LINES)).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let runs = (0..3).map(|_| cost(program, arguments, &file));
        // The others were disturbed.
        runs.min_by(|one, other| one.seconds.total_cmp(&other.seconds))
            .unwrap()
    };
    let grep = run("grep", &["-c", "auth/validate.*401"]);
    let python = cost("python3", &["-c", SCRIPT], &file);
    let authtail = run(env!("CARGO_BIN_EXE_authtail"), &["diagnose"]);
    let costs = [grep, python, authtail];
    let title = format!("{LINES} lines of uvicorn in a file");
    let mut table = Table::new(title, &["grep -c", "python", "diagnose"]);
    let seconds = costs.map(|cost| Some(cost.seconds));
    table.row("seconds", 2, &seconds, Bound::Below(grep.seconds));
    table.row(
        "seconds of CPU",
        2,
        &costs.map(|cost| Some(cost.cpu)),
        Bound::None,
    );
    let memory = costs.map(|cost| Some(cost.memory));
    table.row("MiB of memory", 1, &memory, Bound::AtMost(50.0));
    table
}

/// Runs a command to its end. Its memory is looked at until then.
fn cost(program: &str, arguments: &[&str], file: &Path) -> Cost {
    let children = || {
        let stat = Process::myself().unwrap().stat().unwrap();
        ticks(u64::try_from(stat.cutime + stat.cstime).unwrap())
    };
    let (before, began) = (children(), Instant::now());
    let mut child = Command::new(program)
        .args(arguments)
        .arg(file)
        // Into nothing, grep would stop at the first line that it finds.
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let process = Process::new(child.id().cast_signed()).unwrap();
    let mut memory = 0;
    while child.try_wait().unwrap().is_none() {
        let status = process.status().ok();
        memory = status.and_then(|status| status.vmhwm).unwrap_or(memory);
        // Not so often that it takes a core away.
        std::thread::sleep(Duration::from_millis(2));
    }
    let seconds = began.elapsed().as_secs_f64();
    Cost {
        seconds,
        cpu: children() - before,
        memory: f64::from(u32::try_from(memory).unwrap()) / 1024.0,
    }
}

//! How fast lines are read: by the parsers alone, and by `authtail diagnose` beside `grep -c` and a
//! script in Python on the same file, in one run. Prints tables, and fails if a bound is missed.
//!
//! ```text
//! cargo bench --bench parse [-- text|json|diagnose …]
//! ```

#![expect(clippy::print_stdout, reason = "its output is its purpose")]
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]
#![expect(clippy::indexing_slicing, reason = "a benchmark may panic")]
#![expect(clippy::disallowed_types, reason = "real time, and no runtime")]
#![expect(clippy::disallowed_methods, reason = "real time, and no runtime")]

#[path = "../engine/table.rs"]
mod table;

mod commands;
mod input;

use std::process::ExitCode;
use std::sync::Arc;

use authtail::parse::custom::Custom;
use authtail::parse::{Format, Parser, Reading};
use authtail::route::Routes;
use procfs::process::Process;
use table::{Bound, Table};

type Case = fn() -> Table;

fn main() -> ExitCode {
    // Cargo adds options of its own.
    let chosen: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let cases: [(&str, Case); 3] = [
        ("text", text),
        ("json", json),
        ("diagnose", commands::diagnose),
    ];
    let mut is_well = true;
    for (name, case) in cases {
        if chosen.is_empty() || chosen.iter().any(|word| word == name) {
            let table = case();
            println!("{table}");
            is_well &= table.is_well();
        }
    }
    if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Parsing and finding the route, of lines of text in memory.
fn text() -> Table {
    let columns = &["lines", "MB/CPU s", "M lines/CPU s"];
    let mut table = Table::new("lines of text to routes".to_owned(), columns);
    let uvicorn = input::uvicorn(1_000_000);
    let regex = r#"- "(?<method>[A-Z]+) (?<path>\S+) HTTP/[\d.]+" (?<status>\d{3})"#;
    let custom = Arc::new(Custom::new("own", regex, None).unwrap());
    for (label, format, limit) in [
        ("uvicorn", None, 10.0),
        ("a regex of one's own", Some(Format::Custom(custom)), 2.0),
    ] {
        let figures = speed(&uvicorn, format).map(Some);
        table.row(label, 1, &figures, Bound::AtLeast(limit));
    }
    table
}

/// The same of JSON. Its lines are of all lengths, so the bound is on their bytes.
fn json() -> Table {
    let columns = &["lines", "M lines/CPU s", "MB/CPU s"];
    let mut table = Table::new("lines of JSON to routes".to_owned(), columns);
    for name in ["traefik-json", "caddy26-json", "nginx-json"] {
        let [lines, megabytes, rate] = speed(&input::corpus(name, 200_000_000), None);
        let figures = [lines, rate, megabytes].map(Some);
        table.row(name, 1, &figures, Bound::AtLeast(400.0));
    }
    table
}

/// Lines, and megabytes and millions of lines in a second of CPU.
fn speed(text: &[u8], format: Option<Format>) -> [f64; 3] {
    let (mut parser, routes) = (Parser::new(format), Routes::default());
    let (mut lines, mut found) = (0_u32, 0_u32);
    let began = cpu();
    let mut start = 0;
    // As the program does it: a plain `split` would take about as long as the reading.
    for end in memchr::memchr_iter(b'\n', text) {
        let line = &text[start..end];
        start = end + 1;
        lines += 1;
        if let Reading::Request(request) = parser.read(line) {
            found += u32::from(routes.find(request.path).is_some());
        }
    }
    let seconds = cpu() - began;
    assert!(found > 0, "nothing was read");
    let megabytes = f64::from(u32::try_from(text.len()).unwrap()) / 1e6;
    [
        f64::from(lines),
        megabytes / seconds,
        f64::from(lines) / 1e6 / seconds,
    ]
}

/// Seconds of CPU that this process has used.
fn cpu() -> f64 {
    let stat = Process::myself().unwrap().stat().unwrap();
    ticks(stat.utime + stat.stime)
}

fn ticks(ticks: u64) -> f64 {
    let second = u32::try_from(procfs::ticks_per_second()).unwrap();
    f64::from(u32::try_from(ticks).unwrap()) / f64::from(second)
}

//! Reads what real servers printed, line by line, and compares with what was really requested.
//!
//! `corpus/<name>.log` holds the lines as printed, `corpus/<name>.expected.tsv` one row per line:
//! line number, kind, method, path, status, latency in seconds, client; `-` is absent or not
//! asserted. Kinds: `validate` and `other-request` are access lines, `error` and `noise` are not.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use authtail::parse::custom::Custom;
use authtail::parse::{Format, Parser, Reading, Unit};
use authtail::route::Routes;

/// What one file holds: lines, lines on the route `validate`, other access lines.
type Count = (usize, usize, usize);

#[test]
fn uvicorn_with_nothing_configured() {
    for (name, expected) in [
        ("uvicorn-basicconfig", (75, 12, 0)),
        ("uvicorn-color", (127, 35, 18)),
        ("uvicorn-default", (127, 35, 18)),
        ("uvicorn-json", (75, 35, 18)),
        ("uvicorn-level-trace", (158, 12, 0)),
        ("uvicorn-level-warning", (66, 0, 0)),
        ("uvicorn-long20k", (11, 3, 0)),
        ("uvicorn-no-access-log", (74, 0, 0)),
        ("uvicorn-root-path", (126, 34, 18)),
    ] {
        let mut parser = Parser::new(None);
        assert_eq!(check(name, &mut parser), expected, "{name}");
        let detected = (expected != (expected.0, 0, 0)).then_some("uvicorn");
        assert_eq!(parser.format().map(Format::name), detected, "{name}");
    }
}

#[test]
fn fastapi_middleware_lines_by_a_regex_for_text() {
    let regex = r"- INFO - (?<method>[A-Z]+) (?<path>.*) - Status: (?<status>\d{3}) - Time: (?<duration>[\d.]+)s$";
    let custom = Custom::new("timing", regex, Some(Unit::Seconds)).unwrap();
    let mut parser = Parser::new(Some(Format::Custom(Arc::new(custom))));
    assert_eq!(check("fastapi-timing-a", &mut parser), (192, 36, 18));
}

#[test]
fn fastapi_middleware_lines_by_a_regex_for_logfmt() {
    let regex = r"- INFO - request method=(?<method>[A-Z]+) path=(?<path>.*) status=(?<status>\d{3}) duration_ms=(?<duration>[\d.]+) client=(?<client>\S*)$";
    let custom = Custom::new("logfmt", regex, Some(Unit::Milliseconds)).unwrap();
    let mut parser = Parser::new(Some(Format::Custom(Arc::new(custom))));
    assert_eq!(check("fastapi-timing-logfmt", &mut parser), (139, 36, 18));
}

/// Reads a file row by row, and panics at the first row that differs.
fn check(name: &str, parser: &mut Parser) -> Count {
    let log = fs::read(corpus(&format!("{name}.log"))).unwrap();
    let log = log.strip_suffix(b"\n").unwrap_or(&log);
    let rows = fs::read_to_string(corpus(&format!("{name}.expected.tsv"))).unwrap();
    let routes = Routes::default();

    let (mut lines, mut validate, mut other) = (0, 0, 0);
    let mut rows = rows.lines();
    for line in log.split(|&byte| byte == b'\n') {
        let row = rows.next().unwrap();
        let fields: Vec<_> = row.split('\t').collect();
        let [_, kind, method, path, status, latency, client] = fields[..] else {
            panic!("{name}: {row}")
        };
        let context = format!("{name}: {row}\n{}", String::from_utf8_lossy(line));
        lines += 1;
        let request = match parser.read(line) {
            Reading::Request(request) => request,
            Reading::Other => {
                assert!(matches!(kind, "error" | "noise"), "{context}");
                continue;
            }
            Reading::Unparsed(reason) => panic!("{reason:?} {context}"),
        };
        match kind {
            "validate" => validate += 1,
            "other-request" => other += 1,
            _ => panic!("{context}"),
        }
        let route = routes
            .find(request.path)
            .map(|id| routes.names()[id].as_str());
        assert_eq!(
            route,
            (kind == "validate").then_some("validate"),
            "{context}"
        );
        assert_eq!(request.method, Some(method.as_bytes()), "{context}");
        assert_eq!(request.path, path.as_bytes(), "{context}");
        assert_eq!(request.code.to_string(), status, "{context}");
        assert_eq!(request.duration, seconds(latency), "{context}");
        if client != "-" {
            assert_eq!(
                request.client_address().unwrap().to_string(),
                client,
                "{context}"
            );
        }
    }
    assert_eq!(rows.next(), None, "{name} has more rows than lines");
    (lines, validate, other)
}

fn seconds(text: &str) -> Option<Duration> {
    (text != "-").then(|| Duration::from_secs_f64(text.parse().unwrap()))
}

fn corpus(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(file)
}

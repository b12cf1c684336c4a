//! Where logs come from: files, large and strange ones, standard input, containers.

use std::fmt::Write;

use serde_json::Value;

use super::{Logs, access, report, run};
use crate::support::engine::{Container, FakeEngine};
use crate::support::records::Record;

#[tokio::test]
async fn rubbish_and_nothing_are_no_reason_to_fail() {
    let logs = Logs::new();
    let rubbish: Vec<u8> = (0..100_000_u32)
        .flat_map(|word| word.wrapping_mul(0x9e37_79b1).to_le_bytes())
        .collect();
    let long = [
        vec![b'x'; 3_000_000],
        b"\n".to_vec(),
        access(0, 30, 0).into_bytes(),
    ]
    .concat();
    for (name, bytes, code, lines) in [
        ("empty", vec![], 3, 0),
        ("blank", b"\n\n\n".to_vec(), 3, 3),
        ("zeros", vec![0; 1_000_000], 3, 1),
        ("long", long, 0, 31),
        (
            "no end",
            access(0, 30, 0).trim_end().as_bytes().to_vec(),
            0,
            30,
        ),
    ] {
        let file = logs.write(name, &bytes);
        let (exit, stdout, stderr) = run(&[&file, "--format=json"], None).await;
        assert_eq!((exit, stderr.as_str()), (code, ""), "{name}");
        let report: Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(report["lines"]["total"], lines, "{name}");
    }
    let file = logs.write("rubbish", &rubbish);
    let (exit, stdout, _) = run(&[&file], None).await;
    assert_eq!(exit, 3);
    assert!(
        stdout.chars().all(|c| c == '\n' || !c.is_control()),
        "{stdout:?}"
    );
}

#[tokio::test]
async fn a_large_file_is_counted_as_exactly_as_a_stream() {
    let logs = Logs::new();
    // Lines of many lengths, so that chunks are cut at every place of a line.
    let mut text = String::new();
    for number in 0..160_000_u32 {
        let (path, code) = match number % 7 {
            0 => ("/api/v1/auth/validate", 401),
            1 => ("/health", 200),
            _ => ("/api/v1/auth/validate", 200),
        };
        let query = "q".repeat((number % 97) as usize);
        writeln!(
            text,
            "INFO:     198.51.{}.9:5 - \"GET {path}?{query} HTTP/1.1\" {code}",
            number % 100
        )
        .unwrap();
    }
    text += &("x".repeat(9_000_000) + "\n" + &access(0, 60, 30));
    let file = logs.write("large.log", &text);
    let (exit, of_file, _) = run(&[&file, "--format=json"], None).await;
    let (_, of_stream, _) = run(&["-", "--format=json"], Some(text.as_bytes())).await;
    let [mut of_file, mut of_stream] =
        [of_file, of_stream].map(|text| serde_json::from_str::<Value>(&text).unwrap());
    assert_eq!(of_file["lines"]["total"], 160_061);
    assert_eq!(of_file["lines"]["bytes"], text.len());
    assert_eq!(of_file["routes"][0]["refused"], 160_000 / 7 + 1 + 30);
    of_file["inputs"].take();
    of_stream["inputs"].take();
    assert_eq!(of_file, of_stream);
    assert_eq!(exit, 0);
}

#[tokio::test]
async fn several_files_are_one_log() {
    let logs = Logs::new();
    let (old, new) = (
        logs.write("auth.log.1", access(0, 30, 0)),
        logs.write("auth.log", access(1, 30, 30)),
    );
    let (exit, stdout, _) = run(&[&old, &new], None).await;
    assert_eq!(exit, 2, "{stdout}");
    assert!(
        stdout.contains(": 60 lines, 60 requests, format uvicorn"),
        "{stdout}"
    );
    assert!(stdout.contains("since 2026-11-21 18:01"), "{stdout}");
}

#[tokio::test]
async fn since_leaves_out_what_is_older_or_has_no_time() {
    let text = access(0, 30, 30) + &access(1, 30, 0) + "a line that belongs to the one before it\n";
    let since = ["--since", "2026-11-21T18:01:00Z"];
    let (exit, report) = report(&text, &since).await;
    assert_eq!((exit, &report["routes"][0]["refused"]), (0, &0.into()));
    assert_eq!(report["lines"]["left_out"], 30);
    let (exit, report) = super::report(&text, &["--since", "1h"]).await;
    assert_eq!((exit, &report["lines"]["left_out"]), (3, &61.into()));
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_unknown() {
    for (arguments, expected) in [
        (
            &["/nonexistent/auth.log"][..],
            "error: cannot read `/nonexistent/auth.log`: No such",
        ),
        (&["/"], "error: cannot read `/`: Is a directory"),
        (
            &["--since", "yesterday", "-"],
            "is no time; give something like `1h`",
        ),
        (&["--format", "xml", "-"], "error: invalid value 'xml'"),
        (
            &["--input-format", "apache", "-"],
            "error: `apache` is no format",
        ),
        (&["--container", "x", "file"], "cannot be used with"),
        (&["--no-such-option"], "error: unexpected argument"),
        (
            &["--container", "../x", "--docker.host", "/nonexistent.sock"],
            "is no name of a container",
        ),
        (
            &["--container", "x", "--docker.host", "/nonexistent.sock"],
            "cannot reach the engine at",
        ),
    ] {
        let (code, stdout, stderr) = run(arguments, Some(b"")).await;
        assert_eq!((code, stdout.as_str()), (3, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    }
    let (code, stdout, _) = run(&["--help"], None).await;
    assert_eq!(code, 0);
    assert!(stdout.contains("--container <NAME>"), "{stdout}");
}

#[tokio::test]
async fn a_container_is_read_by_name_with_what_its_labels_say() {
    let engine = FakeEngine::start();
    let labels = [("authtail.routes.login", "/login")];
    let id = engine.create(Container::running("web").labelled(&labels));
    let line = |code| format!("INFO: 10.0.0.7:80 - \"GET /login HTTP/1.1\" {code} X");
    for second in 0..60 {
        let code = if second < 30 { 200 } else { 401 };
        engine.record(&id, Record::line(second * 1_000, &line(code)));
    }
    let socket = engine.socket();
    let host = [
        "--docker.host",
        socket.to_str().unwrap(),
        "--format",
        "json",
    ];
    for name in ["web", &id] {
        let (exit, stdout, stderr) = run(&[&["--container", name], &host[..]].concat(), None).await;
        assert_eq!((exit, stderr.as_str()), (0, ""));
        let report: Value = serde_json::from_str(&stdout).unwrap();
        let route = &report["routes"][0];
        assert_eq!(
            (&route["route"], &route["requests"], &route["refused"]),
            (&"login".into(), &60.into(), &30.into())
        );
        assert_eq!(report["inputs"][0], "container web");
        assert_ne!(report["first"], Value::Null);
    }
    let (exit, _, stderr) = run(&[&["--container", "nobody"], &host[..]].concat(), None).await;
    assert_eq!(exit, 3);
    assert!(
        stderr.contains("no container is called `nobody`"),
        "{stderr}"
    );
}

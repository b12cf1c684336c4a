//! Answers that are odd as HTTP, as frames or as the text of a terminal: each record is counted once.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::engine::{Close, Container, End, FakeEngine, Gate, Reply};
use crate::support::exporter::Exporter;
use crate::support::records::{Record, Stream, Times, frame, mux, raw_as, validate};

/// The head of an answer, and bytes of its body.
fn answer(status_line: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{status_line}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// A chunk of a chunked body.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", bytes.len());
    [size.as_bytes(), bytes, b"\r\n"].concat()
}

#[tokio::test]
async fn an_answer_may_end_in_every_way_that_http_knows_and_in_some_more() {
    let engine = FakeEngine::start();
    let gate = Gate::before(&engine).await;
    let exporter = Exporter::behind(&gate).await;
    let records = [
        Record::line(1, &validate(200)),
        Record::line(2, &validate(401)),
    ];
    let first = mux(&records[0]);
    let sized = format!("Content-Length: {}\r\n", first.len());
    let too_long = format!("Content-Length: {}\r\n", first.len() + 1);
    let (ok, chunked) = ("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n");
    let plain = answer(ok, &sized, &first);
    let hints = answer("HTTP/1.1 103 Early Hints", "Link: </x>\r\n", &plain);
    let no_length = answer(ok, "Connection: close\r\n", &first);
    let old = answer("HTTP/1.0 200 OK", "", &first);
    let begun = answer(ok, chunked, &chunk(&first));
    let cut_chunk = answer(ok, chunked, &chunk(&first)[..40]);
    let ended = answer(ok, chunked, &[&chunk(&first)[..], b"0\r\n\r\n"].concat());
    let half_a_head = b"HTTP/1.1 200 OK\r\nConte".to_vec();
    for (name, bytes, close, reason) in [
        ("length", plain, Close::Orderly, "ended"),
        ("hints", hints, Close::Orderly, "ended"),
        ("no-length", no_length, Close::Orderly, "ended"),
        ("http-1.0", old, Close::Orderly, "ended"),
        ("chunked", ended, Close::Orderly, "ended"),
        (
            "short",
            answer(ok, &too_long, &first),
            Close::Orderly,
            "broken",
        ),
        ("no-last-chunk", begun.clone(), Close::Orderly, "broken"),
        ("cut-chunk", cut_chunk, Close::Orderly, "broken"),
        ("reset", begun, Close::Reset, "broken"),
        ("half-a-head", half_a_head, Close::Reset, "broken"),
        ("no-http", b"hello\r\n".to_vec(), Close::Orderly, "broken"),
        ("nothing", Vec::new(), Close::Orderly, "broken"),
    ] {
        let id = engine.create_silently(Container::running(name));
        engine.records(&id, records.clone());
        gate.answer_log(bytes, close);
        engine.event("start", &id);
        let page = exporter.until_lines(name, 2).await;
        assert!(!gate.has_answers(), "{name}");
        let codes = (page.validate(name, "200"), page.validate(name, "401"));
        assert_eq!(codes, (1.0, 1.0), "{name}");
        let page = exporter.until_reconnects(name, reason, 1).await;
        assert_eq!(
            (page.lines(name), page.duplicates(name)),
            (2.0, Some(0.0)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_answer_whose_head_never_comes_is_given_up_when_the_log_goes_on() {
    let engine = FakeEngine::start();
    let gate = Gate::before(&engine).await;
    let exporter = Exporter::behind(&gate).await;
    gate.answer_log("", Close::Never);
    let id = engine.run("web");
    engine.log(&id, &validate(401));
    let start = Instant::now();
    while engine.follows(&id) < 1 {
        assert!(start.elapsed() < Duration::from_mins(1), "never given up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    exporter.until_lines("web", 1).await;
    exporter.until_reconnects("web", "silent", 1).await;
}

#[tokio::test]
async fn every_refusal_is_tried_again() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let page = "<html><body><h1>No.</h1></body></html>";
    let refusals = [
        (
            400,
            r#"{"message":"client version 1.99 is too new. Maximum supported API version is 1.41"}"#,
        ),
        (
            400,
            r#"{"message":"client version 1.39 is too old. Minimum supported API version is 1.40"}"#,
        ),
        (401, page),
        (403, page),
        (
            409,
            r#"{"message":"can not get logs from container which is dead"}"#,
        ),
        (429, "slow down"),
        (500, r#"{"message":"error getting container logs"}"#),
        (502, page),
        (503, page),
        (504, page),
        (302, ""),
        (204, ""),
    ];
    let names: Vec<_> = (0..refusals.len()).map(|at| format!("web-{at}")).collect();
    for (name, (status, text)) in names.iter().zip(refusals) {
        let id = engine.run_scripted(name, [Reply::Status(status, text)]);
        engine.log(&id, &validate(401));
    }
    for name in &names {
        exporter.until_lines(name, 1).await;
        let page = exporter.until_reconnects(name, "refused", 1).await;
        assert_eq!(page.validate(name, "401"), 1.0, "{name}");
    }
}

#[tokio::test]
async fn what_was_typed_in_is_read_as_output() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    // The engine's own client prints frames of type 0, too.
    let typed = frame(
        0,
        &raw_as(&Record::line(1, &validate(401)), Times::default()),
    );
    engine.run_scripted("web", [Reply::Body(vec![typed], End::Never)]);
    let page = exporter.until_lines("web", 1).await;
    assert_eq!(page.validate("web", "401"), 1.0);
}

#[tokio::test]
async fn a_head_of_a_frame_with_anything_in_its_reserved_bytes_is_none() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for at in 1..=3 {
        let name = format!("byte-{at}");
        let record = Record::line(1, &validate(401));
        let mut bytes = mux(&record);
        bytes[at] = 1;
        let id = engine.create_silently(Container::running(&name));
        engine.record(&id, record);
        engine.script(&id, [Reply::Body(vec![bytes], End::Never)]);
        engine.event("start", &id);
        exporter.until_lines(&name, 1).await;
        exporter.until_reconnects(&name, "error", 1).await;
    }
}

#[tokio::test]
async fn a_terminal_may_print_what_looks_like_frames() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for (name, is_silent) in [("new", false), ("old", true)] {
        if is_silent {
            engine.hide_layout();
        }
        let id = engine.create(Container {
            tty: true,
            ..Container::running(name)
        });
        let access = validate(401) + "\r\n";
        let lines = [
            "\u{1}\0\0\0\0\0\0\u{5}hello\r\n",
            "\u{3}\0\0\0\0\0\0\u{a}no error!\r\n",
            "\u{2}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\r\n",
            &access,
        ];
        for (time, line) in (1..).zip(lines) {
            engine.record(&id, Record::piece(time, Stream::Stdout, line));
        }
        let page = exporter.until_lines(name, 4).await;
        assert_eq!(page.validate(name, "401"), 1.0, "{name}");
        assert_eq!(page.reconnects(name), Some(0.0), "{name}");
    }
}

#[tokio::test]
async fn the_text_of_a_terminal_may_be_cut_at_every_byte() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let records = [(1, 200), (2, 401)]
        .map(|(time, code)| Record::piece(time, Stream::Stdout, &(validate(code) + "\r\n")));
    let bytes = records
        .iter()
        .flat_map(|record| raw_as(record, Times::default()))
        .collect::<Vec<_>>();
    let mut names = Vec::new();
    for at in 1..bytes.len() {
        let name = format!("cut-{at}");
        let id = engine.create_silently(Container {
            tty: true,
            ..Container::running(&name)
        });
        engine.records(&id, records.clone());
        let (first, second) = bytes.split_at(at);
        let chunks = vec![first.to_vec(), second.to_vec()];
        engine.script(&id, [Reply::Body(chunks, End::Never)]);
        engine.event("start", &id);
        names.push(name);
    }
    for name in names {
        let page = exporter.until_lines(&name, 2).await;
        let codes = (page.validate(&name, "200"), page.validate(&name, "401"));
        assert_eq!(codes, (1.0, 1.0), "{name}");
    }
}

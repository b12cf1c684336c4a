//! The log as bytes: whatever way they come, each record is counted once.

use crate::support::engine::{Container, End, FakeEngine, Reply};
use crate::support::exporter::Exporter;
use crate::support::records::{Record, Stream, frame, mux, validate};

fn body(chunks: &[&[u8]], end: End) -> Reply {
    Reply::Body(chunks.iter().map(|chunk| chunk.to_vec()).collect(), end)
}

#[tokio::test]
async fn frames_cut_at_every_byte() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let records = [
        Record::line(1, &validate(200)),
        Record::line(2, &validate(401)),
    ];
    let bytes = records.iter().flat_map(mux).collect::<Vec<_>>();
    for at in 1..bytes.len() {
        let (first, second) = bytes.split_at(at);
        engine.run_scripted(&format!("cut-{at}"), [body(&[first, second], End::Never)]);
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    engine.run_scripted("single-bytes", [body(&single, End::Never)]);
    engine.run_scripted("one-chunk", [body(&[&bytes], End::Never)]);
    for at in 1..bytes.len() {
        exporter.until_lines(&format!("cut-{at}"), 2).await;
    }
    for name in ["single-bytes", "one-chunk"] {
        let page = exporter.until_lines(name, 2).await;
        assert_eq!(
            (page.validate(name, "200"), page.validate(name, "401")),
            (1.0, 1.0)
        );
    }
}

#[tokio::test]
async fn a_stream_that_ends_inside_a_frame_loses_nothing() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let records = [
        Record::line(1, &validate(200)),
        Record::line(2, &validate(401)),
    ];
    let bytes = records.iter().flat_map(mux).collect::<Vec<_>>();
    let first = mux(&records[0]).len();
    for (name, length, end, reason) in [
        ("header-clean", first + 3, End::Clean, "error"),
        ("header-broken", first + 3, End::Broken, "broken"),
        ("payload-clean", first + 60, End::Clean, "error"),
        ("payload-broken", first + 60, End::Broken, "broken"),
        ("border-clean", first, End::Clean, "ended"),
        ("border-broken", first, End::Broken, "broken"),
    ] {
        let id = engine.create_silently(Container::running(name));
        for record in &records {
            engine.record(&id, record.clone());
        }
        engine.script(&id, [body(&[&bytes[..length]], end)]);
        engine.event("start", &id);
        let page = exporter.until_lines(name, 2).await;
        assert_eq!(
            (page.validate(name, "200"), page.validate(name, "401")),
            (1.0, 1.0)
        );
        let page = exporter.until_reconnects(name, reason, 1).await;
        assert_eq!(page.lines(name), 2.0, "{name}");
        assert_eq!(page.duplicates(name), Some(0.0), "{name}");
    }
}

#[tokio::test]
async fn an_error_of_the_engine_is_no_line() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let record = Record::line(1, &validate(200));
    // A length with the byte of a newline in it.
    let text = "Error grabbing logs: unexpected EOF (oh)\n";
    for (name, bad) in [
        ("type-3", frame(3, text.as_bytes())),
        ("type-3-newline", frame(3, b"ten bytes\n")),
        ("type-7", frame(7, b"what?")),
        ("reserved", vec![1, 0, 1, 0, 0, 0, 0, 0]),
        ("four-gigabytes", vec![1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
        ("seventeen-megabytes", vec![2, 0, 0, 0, 1, 16, 0, 0]),
        ("no-frames", b"<html>Bad gateway</html>".to_vec()),
    ] {
        let id = engine.create_silently(Container::running(name));
        engine.record(&id, record.clone());
        engine.script(&id, [body(&[&mux(&record), &bad], End::Never)]);
        engine.event("start", &id);
        let labels = [("container", name), ("reason", "error")];
        let is_wanted = |page: &crate::support::exporter::Page| {
            page.sum("authtail_log_reconnects_total", &labels) == Some(1.0)
        };
        exporter.until(name, is_wanted).await;
        engine.record(&id, Record::line(2, &validate(401)));
        let page = exporter.until_lines(name, 2).await;
        assert_eq!(
            (page.validate(name, "200"), page.validate(name, "401")),
            (1.0, 1.0)
        );
    }
    exporter
        .until_log("the engine reports: Error grabbing logs: unexpected EOF (oh)")
        .await;
}

#[tokio::test]
async fn frames_without_a_time_are_counted_as_such() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let record = mux(&Record::line(1, &validate(200)));
    let undated = [
        frame(1, b"hello\n"),
        frame(1, b"2026-11-21 19:00:00 hello\n"),
        frame(2, b""),
    ];
    let chunks: Vec<&[u8]> = undated
        .iter()
        .map(Vec::as_slice)
        .chain([&record[..]])
        .collect();
    engine.run_scripted("web", [body(&chunks, End::Never)]);
    let page = exporter.until_lines("web", 1).await;
    let labels = [("container", "web"), ("reason", "timestamp")];
    assert_eq!(
        page.sum("authtail_log_lines_unparsed_total", &labels),
        Some(3.0)
    );
}

#[tokio::test]
async fn long_lines_are_joined_before_they_are_read() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let path = format!("/api/v1/auth/validate?next={}", "x".repeat(40_000));
    let line = format!(r#"INFO:     172.26.0.3:1 - "GET {path} HTTP/1.1" 401 Unauthorized"#);
    for (name, tty, is_silent) in [
        ("frames", false, false),
        ("tty", true, false),
        ("old-tty", true, true),
    ] {
        if is_silent {
            engine.hide_layout();
        }
        let id = engine.create(Container {
            tty,
            ..Container::running(name)
        });
        engine.log(&id, &line);
        engine.log(&id, &format!("{}\r", validate(200)));
        // Exactly one piece, so that the newline is a piece of its own.
        engine.log(&id, &"y".repeat(16 * 1024));
        let page = exporter.until_lines(name, 3).await;
        assert_eq!(
            (page.validate(name, "200"), page.validate(name, "401")),
            (1.0, 1.0),
            "{name}"
        );
    }
}

#[tokio::test]
async fn pieces_of_two_streams_may_come_mixed() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    let line = validate(401) + "\n";
    let (head, tail) = line.split_at(20);
    for (stream, text) in [
        (Stream::Stdout, head),
        (Stream::Stderr, head),
        (Stream::Stdout, tail),
        (Stream::Stderr, tail),
    ] {
        engine.record(
            &id,
            Record {
                time: 1,
                stream,
                bytes: text.into(),
            },
        );
    }
    let page = exporter.until_lines("web", 2).await;
    assert_eq!(page.validate("web", "401"), 2.0);
}

#[tokio::test]
async fn a_last_piece_without_newline_does_not_swallow_the_next_line() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container {
        driver: Some("local"),
        ..Container::running("web")
    });
    let full = "x".repeat(16 * 1024);
    let piece = |time, text: &str| Record {
        time,
        stream: Stream::Stdout,
        bytes: text.into(),
    };
    engine.record(&id, piece(1, &full));
    engine.record(&id, piece(1, "y"));
    exporter.until_lines("web", 1).await;
    engine.record(&id, piece(2, &(validate(401) + "\n")));
    // A process that dies in the middle of a line.
    engine.record(&id, piece(3, "Traceb"));
    engine.stop(&id);
    exporter.until_lines("web", 3).await;
    engine.record(&id, piece(4, &(validate(200) + "\n")));
    engine.restart(&id);
    let page = exporter.until_lines("web", 4).await;
    assert_eq!(
        (page.validate("web", "401"), page.validate("web", "200")),
        (1.0, 1.0)
    );
}

#[tokio::test]
async fn a_line_above_the_limit_is_counted_once_and_costs_no_memory() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for tty in [false, true] {
        let name = if tty { "tty" } else { "frames" };
        let id = engine.create(Container {
            tty,
            ..Container::running(name)
        });
        engine.log(&id, &"z".repeat(5 << 20));
        engine.log(&id, &validate(200));
        let page = exporter.until_lines(name, 2).await;
        assert_eq!(page.validate(name, "200"), 1.0);
        let labels = [("container", name), ("reason", "too_long")];
        assert_eq!(
            page.sum("authtail_log_lines_unparsed_total", &labels),
            Some(1.0)
        );
    }
    let memory = exporter
        .page()
        .await
        .get("process_resident_memory_bytes")
        .unwrap();
    assert!(memory < 40e6, "{memory} bytes");
}

#[tokio::test]
async fn a_file_that_is_delivered_twice_is_counted_once() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let records: Vec<_> = (1..=5)
        .map(|time| mux(&Record::line(time, &validate(200))))
        .collect();
    let twice = [
        records[..4].concat(),
        records[..4].concat(),
        records[4].clone(),
    ]
    .concat();
    engine.run_scripted("web", [body(&[&twice], End::Never)]);
    let page = exporter.until_lines("web", 5).await;
    assert_eq!(page.validate("web", "200"), 5.0);
    assert_eq!(page.duplicates("web"), Some(4.0));
}

#[tokio::test]
async fn a_late_record_of_the_other_stream_is_counted() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    let bytes = (validate(200) + "\n").into_bytes();
    for (time, stream) in [
        (1_000, Stream::Stdout),
        (832, Stream::Stderr),
        (833, Stream::Stderr),
        (1_001, Stream::Stdout),
    ] {
        engine.record(
            &id,
            Record {
                time,
                stream,
                bytes: bytes.clone(),
            },
        );
    }
    exporter.until_lines("web", 4).await;
    engine.cut(&id);
    // It was written while nobody read.
    engine.record(
        &id,
        Record {
            time: 834,
            stream: Stream::Stderr,
            bytes,
        },
    );
    let page = exporter.until_lines("web", 5).await;
    assert_eq!(page.duplicates("web"), Some(0.0));
}

#[tokio::test]
async fn the_last_words_of_a_terminal_need_no_newline_and_swallow_nothing() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container {
        tty: true,
        ..Container::running("web")
    });
    let without_newline = |time, text: &str| Record {
        time,
        stream: Stream::Stdout,
        bytes: text.as_bytes().to_vec(),
    };
    engine.record(&id, without_newline(7, &validate(401)));
    engine.stop(&id);
    exporter.until_lines("web", 1).await;
    // The engine sends the last words again and nothing between them and what follows.
    engine.record(&id, without_newline(8, &(validate(403) + "\r\n")));
    engine.restart(&id);
    let page = exporter.until_lines("web", 2).await;
    assert_eq!(
        (page.validate("web", "401"), page.validate("web", "403")),
        (1.0, 1.0)
    );

    // A proxy ends the stream in the middle of a line, and nobody has stopped.
    let line = validate(500) + "\r\n";
    let (head, tail) = line.split_at(40);
    engine.record(&id, without_newline(9, head));
    engine.end_streams(&id);
    engine.extend_last_record(&id, tail);
    let page = exporter.until_lines("web", 3).await;
    assert_eq!(page.validate("web", "500"), 1.0);
    assert_eq!(page.duplicates("web"), Some(0.0));
}

#[tokio::test]
async fn a_line_that_is_cut_by_a_restart_of_connection_and_container_is_still_one() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create_silently(Container::running("web"));
    let line = validate(401) + "\n";
    let (head, tail) = line.split_at(30);
    let pieces = [head, tail].map(|text| Record {
        time: 1,
        stream: Stream::Stdout,
        bytes: text.into(),
    });
    for piece in &pieces {
        engine.record(&id, piece.clone());
    }
    engine.script(&id, [body(&[&mux(&pieces[0])], End::Broken)]);
    engine.event("start", &id);
    while engine.follows(&id) < 1 {
        tokio::task::yield_now().await;
    }
    engine.start_silently(&id);
    engine.log(&id, &validate(200));
    let page = exporter.until_lines("web", 2).await;
    assert_eq!(
        (page.validate("web", "401"), page.validate("web", "200")),
        (1.0, 1.0)
    );
}

#[tokio::test]
async fn equal_times_and_equal_lines_are_all_counted_where_the_clock_is_coarse() {
    let engine = FakeEngine::start();
    engine.be_podman();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    for round in 1..=5 {
        for _ in 0..10 {
            engine.record(&id, Record::line(7, &validate(401)));
        }
        exporter.until_lines("web", 10 * round).await;
        engine.cut(&id);
    }
    let page = exporter.page().await;
    assert_eq!(page.validate("web", "401"), 50.0);
    assert_eq!(page.duplicates("web"), Some(0.0));
}

#[tokio::test]
async fn any_bytes_may_be_in_a_line() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for tty in [false, true] {
        let name = if tty { "tty" } else { "frames" };
        let id = engine.create(Container {
            tty,
            ..Container::running(name)
        });
        let lines: [&[u8]; 7] = [
            b"\n",
            b"\xff\xfe\x80\n",
            b"\0\0\0\n",
            b"\x1b[2J\x1b[31mred\x1b[0m\n",
            b"progress 1%\rprogress 2%\r\n",
            b"\r\n",
            b"\x1b[32mINFO\x1b[0m:     \xff:1 - \"GET /api/v1/auth/validate?\xff HTTP/1.1\" 401\r\n",
        ];
        for (time, bytes) in (1..).zip(lines) {
            engine.record(
                &id,
                Record {
                    time,
                    stream: Stream::Stdout,
                    bytes: bytes.to_vec(),
                },
            );
        }
        let page = exporter.until_lines(name, 7).await;
        assert_eq!(page.validate(name, "401"), 1.0, "{name}");
    }
}

#[tokio::test]
async fn podman_cuts_lines_anywhere_and_gives_each_piece_its_own_time() {
    let engine = FakeEngine::start();
    engine.be_podman();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    let line = validate(401) + "\n";
    let (head, tail) = line.split_at(25);
    let mut lines = 0;
    for second in 1..=4 {
        for text in [head, tail, &line, &line] {
            let bytes = text.as_bytes().to_vec();
            engine.record(
                &id,
                Record {
                    time: second * 1000,
                    stream: Stream::Stdout,
                    bytes,
                },
            );
        }
        let bytes = head.as_bytes().to_vec();
        engine.record(
            &id,
            Record {
                time: second * 1000,
                stream: Stream::Stdout,
                bytes,
            },
        );
        let bytes = tail.as_bytes().to_vec();
        engine.record(
            &id,
            Record {
                time: second * 1000 + 1000,
                stream: Stream::Stdout,
                bytes,
            },
        );
        lines += 4;
        exporter.until_lines("web", lines).await;
        engine.cut(&id);
    }
    let page = exporter.page().await;
    assert_eq!(page.validate("web", "401"), f64::from(lines));
}

#[tokio::test]
async fn the_newest_line_that_is_sent_again_is_counted_once() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let records: Vec<_> = (1..=3)
        .map(|time| mux(&Record::line(time, &validate(401))))
        .collect();
    // Docker 20.10 does so when a log rotates.
    let bytes = [&records[0], &records[1], &records[1], &records[2]]
        .map(Vec::as_slice)
        .concat();
    engine.run_scripted("web", [body(&[&bytes], End::Never)]);
    let page = exporter.until_lines("web", 3).await;
    assert_eq!(page.duplicates("web"), Some(1.0));
}

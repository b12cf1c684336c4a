//! Long lines come in pieces: however these come, one line is counted once, with its whole text.

use crate::support::engine::{Container, End, FakeEngine, Reply};
use crate::support::exporter::{Exporter, Page};
use crate::support::records::{Record, Stream, mux, pieces, validate};

/// An access line that long; its ends are in different pieces.
fn long(code: u16, length: usize) -> String {
    let (before, after) = (
        r#"INFO:     172.26.0.3:1 - "GET /api/v1/auth/validate?next="#,
        format!(r#" HTTP/1.1" {code} Whatever"#),
    );
    let filling = "x".repeat(length - before.len() - after.len());
    format!("{before}{filling}{after}")
}

const PIECE: usize = 16 * 1024;

/// Three pieces of a line that is told by its ends.
fn three(time: i64) -> Vec<Record> {
    pieces(time, Stream::Stdout, &long(401, 40_000))
}

/// Waits until a container has logged these lines, each of them whole, and nothing else.
async fn until_whole(exporter: &Exporter, name: &str, lines: &[&str]) -> Page {
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    let bytes = Some(f64::from(u32::try_from(bytes).unwrap()));
    let is_whole = |page: &Page| page.bytes(name) >= bytes;
    let page = exporter.until(&format!("{bytes:?} bytes"), is_whole).await;
    assert_eq!(page.bytes(name), bytes, "{name}");
    assert_eq!(page.gaps(name), Some(0.0), "{name}");
    exporter
        .until_lines(name, u32::try_from(lines.len()).unwrap())
        .await
}

#[tokio::test]
async fn a_line_that_is_spread_over_replies_is_one() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for (name, seen, end) in [
        ("one-clean", 1, End::Clean),
        ("one-broken", 1, End::Broken),
        ("two-clean", 2, End::Clean),
        ("two-broken", 2, End::Broken),
    ] {
        let all = three(1);
        let id = engine.create_silently(Container::running(name));
        let first: Vec<_> = all[..seen].iter().map(mux).collect();
        engine.records(&id, all);
        engine.script(&id, [Reply::Body(first, end)]);
        engine.event("start", &id);
        exporter.until_lines(name, 1).await;
        engine.record(&id, Record::line(2, &validate(200)));
        let page = exporter.until_lines(name, 2).await;
        let codes = (page.validate(name, "401"), page.validate(name, "200"));
        assert_eq!(codes, (1.0, 1.0), "{name}");
        until_whole(&exporter, name, &[&long(401, 40_000), &validate(200)]).await;
    }
}

#[tokio::test]
async fn a_line_that_is_written_while_streams_come_and_go_is_one() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for container in [
        Container::running("plain"),
        Container::rotating("rotating", "10m"),
        Container {
            tty: true,
            ..Container::running("tty")
        },
    ] {
        let name = container.name.clone();
        let id = engine.create(container);
        engine.until_followed(&id).await;
        for (time, broken) in [(1, false), (2, true)] {
            for piece in three(time) {
                engine.record(&id, piece);
                let follows = engine.follows(&id);
                if broken {
                    engine.cut(&id);
                } else {
                    engine.end_streams(&id);
                }
                engine.until_follows(&id, follows + 1).await;
            }
        }
        engine.record(&id, Record::line(3, &validate(200)));
        let page = exporter.until_lines(&name, 3).await;
        assert_eq!(page.validate(&name, "401"), 2.0, "{name}");
        let line = long(401, 40_000);
        until_whole(&exporter, &name, &[&line, &line, &validate(200)]).await;
    }
}

/// Leaves these pieces of a line of three out of its stream, and wants it whole all the same.
async fn assert_put_together(shapes: &[(&str, &[usize])]) {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for &(name, hidden) in shapes {
        put_together(&engine, &exporter, name, hidden).await;
    }
}

async fn put_together(engine: &FakeEngine, exporter: &Exporter, name: &str, hidden: &[usize]) {
    let id = engine.create(Container::rotating(name, "10m"));
    engine.record(&id, Record::line(1, &validate(200)));
    exporter.until_lines(name, 1).await;
    for (at, piece) in three(2).into_iter().enumerate() {
        if hidden.contains(&at) {
            engine.withhold(&id);
        }
        engine.record(&id, piece);
        engine.resume(&id);
    }
    engine.record(&id, Record::line(3, &validate(200)));
    engine.end_streams(&id);
    let is_wanted = |page: &Page| page.validate(name, "401") == 1.0;
    exporter.until(name, is_wanted).await;
    engine.record(&id, Record::line(4, &validate(403)));
    let is_wanted = |page: &Page| page.validate(name, "403") == 1.0;
    let page = exporter.until(name, is_wanted).await;
    assert_eq!(page.lines(name), 4.0, "{name}");
    assert_eq!(page.validate(name, "401"), 1.0, "{name}");
    assert_eq!(page.validate(name, "200"), 2.0, "{name}");
    let ends = validate(200);
    let lines = [&*ends, &long(401, 40_000), &ends, &validate(403)];
    until_whole(exporter, name, &lines).await;
}

#[tokio::test]
async fn a_line_whose_head_is_left_out_of_a_stream_is_counted_whole() {
    assert_put_together(&[("head", &[0]), ("head-and-middle", &[0, 1])]).await;
}

#[tokio::test]
async fn a_line_whose_middle_is_left_out_of_a_stream_is_counted_whole() {
    assert_put_together(&[("middle", &[1])]).await;
}

#[tokio::test]
async fn a_line_whose_end_is_left_out_of_a_stream_is_counted_whole() {
    assert_put_together(&[("end", &[2]), ("middle-and-end", &[1, 2])]).await;
}

#[tokio::test]
async fn a_line_whose_ends_are_left_out_of_a_stream_is_counted_whole() {
    assert_put_together(&[("head-and-end", &[0, 2]), ("all", &[0, 1, 2])]).await;
}

#[tokio::test]
async fn a_line_may_have_any_number_of_pieces() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for count in [1, 2, 3, 15, 16, 17, 100] {
        // The newline fills the last piece, and is a piece of its own.
        for length in [count * PIECE - 1, count * PIECE] {
            let name = format!("length-{length}");
            let id = engine.run(&name);
            let line = long(401, length);
            let all = pieces(1, Stream::Stdout, &line);
            let (first, second) = all.split_at(all.len() / 2);
            engine.records(&id, first.to_vec());
            engine.until_followed(&id).await;
            engine.cut(&id);
            engine.records(&id, second.to_vec());
            engine.record(&id, Record::line(2, &validate(200)));
            let page = exporter.until_lines(&name, 2).await;
            until_whole(&exporter, &name, &[&line, &validate(200)]).await;
            let is_kept = length < 16 * PIECE;
            let labels = [("container", &*name), ("reason", "too_long")];
            let too_long = page.sum("authtail_log_lines_unparsed_total", &labels);
            let counts = (page.validate(&name, "401"), too_long);
            let expected = if is_kept {
                (1.0, Some(0.0))
            } else {
                (0.0, Some(1.0))
            };
            assert_eq!(counts, expected, "{name}");
        }
    }
}

#[tokio::test]
async fn equal_pieces_are_as_many_as_there_are() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let line = "x".repeat(5 * PIECE);
    for (name, is_hidden) in [("seen", false), ("hidden", true)] {
        let id = engine.create(Container::rotating(name, "10m"));
        engine.record(&id, Record::line(1, &validate(200)));
        exporter.until_lines(name, 1).await;
        for (at, piece) in pieces(2, Stream::Stdout, &line).into_iter().enumerate() {
            if is_hidden && at % 2 == 0 {
                engine.withhold(&id);
            }
            engine.record(&id, piece);
            engine.resume(&id);
            if at == 3 {
                engine.cut(&id);
            }
        }
        engine.record(&id, Record::line(3, &validate(403)));
        engine.end_streams(&id);
        engine.record(&id, Record::line(4, &validate(403)));
        until_whole(
            &exporter,
            name,
            &[&validate(200), &line, &validate(403), &validate(403)],
        )
        .await;
    }
}

#[tokio::test]
async fn a_tail_that_begins_inside_a_line_takes_nothing_from_it() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    // A reply of 1000 records begins before, in, and behind the line of ten pieces.
    for short in [985, 991, 995, 999, 1_000] {
        let name = format!("short-{short}");
        let id = engine.run(&name);
        engine.record(&id, Record::line(1, &validate(200)));
        exporter.until_lines(&name, 1).await;
        engine.cut(&id);
        let line = long(401, 10 * PIECE - 1);
        engine.records(&id, pieces(2, Stream::Stdout, &line));
        engine.records(&id, (0..short).map(|at| Record::line(3 + at, "short")));
        let lines = u32::try_from(short).unwrap() + 2;
        let page = exporter.until_lines(&name, lines).await;
        assert_eq!(page.validate(&name, "401"), 1.0, "{name}");
        let mut all = vec!["short"; usize::try_from(short).unwrap()];
        let first = validate(200);
        all.extend([&*first, &line]);
        until_whole(&exporter, &name, &all).await;
    }
}

#[tokio::test]
async fn pieces_of_two_streams_that_are_mixed_survive_a_cut() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    engine.until_followed(&id).await;
    let (out, err) = (long(401, 60_000), long(403, 60_000));
    let both = pieces(1, Stream::Stdout, &out)
        .into_iter()
        .zip(pieces(1, Stream::Stderr, &err));
    for (one, other) in both {
        engine.records(&id, [one, other]);
        engine.cut(&id);
        engine.until_followed(&id).await;
    }
    let page = exporter.until_lines("web", 2).await;
    let codes = (page.validate("web", "401"), page.validate("web", "403"));
    assert_eq!(codes, (1.0, 1.0));
    until_whole(&exporter, "web", &[&out, &err]).await;
}

#[tokio::test]
async fn last_words_without_an_end_are_a_line_and_swallow_nothing() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for driver in ["json-file", "local"] {
        let id = engine.create(Container {
            driver: Some(driver),
            ..Container::running(driver)
        });
        let mut lines = 0;
        for round in 0..5 {
            let words = Record::piece(10 * round, Stream::Stdout, "Segmentation fau");
            engine.record(&id, words);
            engine.stop(&id);
            lines += 1;
            exporter.until_lines(driver, lines).await;
            engine.record(&id, Record::line(10 * round + 1, &validate(401)));
            engine.restart(&id);
            lines += 1;
            let page = exporter.until_lines(driver, lines).await;
            assert_eq!(page.validate(driver, "401"), f64::from(lines / 2));
            engine.until_followed(&id).await;
        }
    }
}

#[tokio::test]
async fn drivers_that_stamp_each_piece_are_joined_by_the_newline() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container {
        driver: Some("journald"),
        ..Container::running("web")
    });
    let line = long(401, 40_000);
    let all = pieces(1, Stream::Stdout, &line);
    for time in 0..4 {
        for (at, piece) in (0..).zip(all.clone()) {
            let time = 10 * time + at;
            engine.record(&id, Record { time, ..piece });
            engine.until_followed(&id).await;
            engine.cut(&id);
        }
    }
    let page = exporter.until_lines("web", 4).await;
    assert_eq!(page.validate("web", "401"), 4.0);
    until_whole(&exporter, "web", &[&*line; 4]).await;
}

#[tokio::test]
async fn short_last_pieces_of_the_old_local_driver_end_their_lines() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container {
        driver: Some("local"),
        ..Container::running("web")
    });
    let line = long(401, 40_000);
    for time in 1..=4 {
        engine.until_followed(&id).await;
        let mut all = pieces(time, Stream::Stdout, &line);
        // Up to Docker 22 the last piece has no newline.
        all.last_mut().unwrap().bytes.pop();
        for (at, piece) in all.into_iter().enumerate() {
            if at == 1 && time % 2 == 0 {
                engine.withhold(&id);
            }
            engine.record(&id, piece);
            engine.resume(&id);
        }
        engine.end_streams(&id);
        let lines = u32::try_from(time).unwrap();
        exporter
            .until("joined", |page| {
                page.validate("web", "401") == f64::from(lines)
            })
            .await;
    }
    // An equal piece is counted when an audit has shown that it is not the same one.
    let page = exporter
        .until("all bytes", |page| page.bytes("web") >= Some(160_000.0))
        .await;
    assert_eq!(
        (page.lines("web"), page.bytes("web")),
        (4.0, Some(160_000.0))
    );
}

//! The engine's clock: whatever it does, and however it is printed, each record is counted once.

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{Exporter, Page};
use crate::support::records::{EPOCH, Record, Stream, Times, validate};

const HOUR: i64 = 3_600_000;
const YEAR: i64 = 365 * 24 * HOUR;

fn at(time: i64, code: u16) -> Record {
    Record::line(time, &validate(code))
}

fn assert_whole(page: &Page, name: &str) {
    assert_eq!(page.duplicates(name), Some(0.0), "{name}");
    assert_eq!(page.gaps(name), Some(0.0), "{name}");
}

/// Steps of the clock, and its names.
const STEPS: [(&str, &[i64]); 6] = [
    ("back", &[HOUR, 0]),
    ("forward", &[0, HOUR]),
    (
        "back-and-forth",
        &[HOUR, 0, HOUR + 60_000, 60_000, 2 * HOUR],
    ),
    ("to-1970", &[0, -EPOCH, HOUR]),
    ("from-1970", &[-EPOCH, 0]),
    ("far-ahead", &[0, 20 * YEAR, 10_000]),
];

/// One engine that filters every record by `since`, as Docker does up to 23, and one that does not.
fn engines() -> [FakeEngine; 2] {
    let engines = [FakeEngine::start(), FakeEngine::start()];
    engines[1].filter_every_record();
    engines
}

fn assert_all_whole(page: &Page) {
    for (name, _) in STEPS {
        assert_whole(page, name);
    }
}

/// What is logged after each step, so that a failure says which one was lost.
const CODES: [u16; 5] = [401, 403, 500, 502, 503];

#[tokio::test]
async fn a_clock_that_is_set_while_a_stream_is_open_loses_and_repeats_nothing() {
    for engine in engines() {
        let exporter = Exporter::of(&engine).await;
        for (name, steps) in STEPS {
            let id = engine.run(name);
            engine.until_followed(&id).await;
            let mut lines = 0;
            for (step, code) in steps.iter().zip(CODES) {
                engine.records(&id, (0..10).map(|time| at(step + time, code)));
                lines += 10;
            }
            exporter.until_lines(name, lines).await;
            // A new reply shows some of it again.
            engine.end_streams(&id);
            let last = steps.last().unwrap();
            engine.record(&id, at(last + 100, 200));
            exporter.until_lines(name, lines + 1).await;
        }
        assert_all_whole(&exporter.page().await);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_while_nobody_reads_loses_and_repeats_nothing() {
    for engine in engines() {
        let exporter = Exporter::of(&engine).await;
        for (name, steps) in STEPS {
            let id = engine.run(name);
            let mut lines = 0;
            for (step, code) in steps.iter().zip(CODES) {
                engine.records(&id, (0..10).map(|time| at(step + time, code)));
                lines += 10;
                exporter.until_lines(name, lines).await;
                engine.cut(&id);
            }
        }
        assert_all_whole(&exporter.page().await);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_before_a_hole_loses_and_repeats_nothing() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for (name, steps) in STEPS {
        let id = engine.create(Container::rotating(name, "10m"));
        engine.until_followed(&id).await;
        let mut lines = 0;
        for (step, code) in steps.iter().zip(CODES) {
            engine.withhold(&id);
            engine.records(&id, (0..10).map(|time| at(step + time, code)));
            engine.resume(&id);
            engine.record(&id, at(step + 20, 200));
            lines += 11;
            engine.end_streams(&id);
            exporter.until_lines(name, lines).await;
            engine.until_followed(&id).await;
        }
    }
    assert_all_whole(&exporter.page().await);
}

#[tokio::test]
async fn a_clock_that_jumps_to_and_fro_with_every_line_loses_none() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for container in [
        Container::running("plain"),
        Container::rotating("rotating", "10m"),
    ] {
        let name = container.name.clone();
        let id = engine.create(container);
        engine.until_followed(&id).await;
        for minute in 0..40 {
            let early = 60_000 * minute;
            engine.record(&id, at(24 * HOUR + early, 401));
            engine.record(&id, at(early, 403));
        }
        engine.end_streams(&id);
        let page = exporter.until_lines(&name, 80).await;
        let codes = (page.validate(&name, "401"), page.validate(&name, "403"));
        assert_eq!(codes, (40.0, 40.0), "{name}");
        assert_eq!(page.gaps(&name), Some(0.0), "{name}");
    }
}

#[tokio::test]
async fn the_same_time_of_day_that_comes_twice_is_two_times() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    engine.records(&id, (0..10).map(|time| at(time, 401)));
    exporter.until_lines("web", 10).await;
    // The clock is set back, and each time is there again, with something else.
    engine.records(&id, (0..10).map(|time| at(time, 200)));
    engine.end_streams(&id);
    engine.record(&id, at(10, 403));
    let page = exporter.until_lines("web", 21).await;
    let codes = ["401", "200", "403"].map(|code| page.validate("web", code));
    assert_eq!(codes, [10.0, 10.0, 1.0]);
    assert_eq!(page.gaps("web"), Some(0.0));
}

#[tokio::test]
async fn equal_lines_of_one_second_are_counted_by_their_number_whatever_is_left_out() {
    for (is_podman, driver) in [(true, "json-file"), (false, "journald")] {
        let engine = FakeEngine::start();
        if is_podman {
            engine.be_podman();
        }
        let exporter = Exporter::of(&engine).await;
        let id = engine.create(Container {
            driver: Some(driver),
            ..Container::rotating("web", "10m")
        });
        for second in 1..=3 {
            engine.until_followed(&id).await;
            let line = at(1_000 * second, 401);
            engine.records(&id, vec![line.clone(); 700]);
            engine.withhold(&id);
            engine.records(&id, vec![line.clone(); 700]);
            engine.resume(&id);
            engine.records(&id, vec![line; 100]);
            engine.end_streams(&id);
            let lines = 1_500 * u32::try_from(second).unwrap();
            exporter.until_lines("web", lines).await;
        }
        assert_whole(&exporter.page().await, "web");
    }
}

#[tokio::test]
async fn both_streams_may_have_clocks_of_their_own() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    let text = validate(401) + "\n";
    let mut lines = 0;
    for round in 0..5 {
        for time in 0..10 {
            let time = 100 * round + time;
            engine.record(&id, Record::piece(time + HOUR, Stream::Stdout, &text));
            engine.record(&id, Record::piece(time, Stream::Stderr, &text));
            lines += 2;
        }
        exporter.until_lines("web", lines).await;
        engine.cut(&id);
    }
    assert_whole(&exporter.page().await, "web");
}

#[tokio::test]
async fn times_may_have_an_offset_and_need_no_fraction() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for (name, forms) in [
        ("utc", [Times::Nanos, Times::Nanos]),
        ("seconds", [Times::Seconds, Times::Seconds]),
        ("east", [Times::East(330), Times::East(330)]),
        ("west", [Times::East(-210), Times::East(-210)]),
        // The end of summer time, and an engine that is replaced by another one.
        ("autumn", [Times::East(120), Times::East(60)]),
        ("other-engine", [Times::Seconds, Times::Nanos]),
    ] {
        let id = engine.run(name);
        let (mut time, mut lines) = (0, 0);
        for times in forms {
            engine.print_times(&id, times);
            for _ in 0..2 {
                for code in [200, 401] {
                    time += 1_000;
                    engine.record(&id, at(time, code));
                }
                lines += 2;
                exporter.until_lines(name, lines).await;
                engine.cut(&id);
            }
        }
        let page = exporter.page().await;
        let codes = (page.validate(name, "200"), page.validate(name, "401"));
        assert_eq!(codes, (4.0, 4.0), "{name}");
        assert_whole(&page, name);
        let newest = page.sum(
            "authtail_log_last_line_timestamp_seconds",
            &[("container", name)],
        );
        assert_eq!(newest, Some(1_795_287_608.0), "{name}");
    }
}

#[tokio::test]
async fn lines_without_a_time_harm_none_that_have_one() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "10m"));
    for round in 1..=3 {
        for times in [Times::Nanos, Times::Garbage, Times::Nanos] {
            engine.print_times(&id, times);
            engine.log(&id, &validate(401));
        }
        exporter.until_lines("web", 2 * round).await;
        engine.cut(&id);
    }
    let page = exporter.page().await;
    assert_eq!(page.validate("web", "401"), 6.0);
    assert_whole(&page, "web");
    let labels = [("container", "web"), ("reason", "timestamp")];
    assert!(page.sum("authtail_log_lines_unparsed_total", &labels) >= Some(3.0));
}

#[tokio::test]
async fn streams_are_stamped_apart_and_nothing_late_is_lost() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "10m"));
    let text = validate(401) + "\n";
    let (mut lines, mut time) = (0, 0);
    for round in 0..10 {
        engine.until_followed(&id).await;
        for _ in 0..20 {
            time += 10;
            engine.record(&id, Record::piece(time, Stream::Stdout, &text));
            // Written later than one that is newer by 168 ms.
            let late = Record::piece(time - 168, Stream::Stderr, &text);
            if round % 4 == 1 {
                engine.withhold(&id);
            }
            engine.record(&id, late);
            engine.resume(&id);
            lines += 2;
        }
        if round % 2 == 0 {
            engine.deliver_again(&id, 1);
        } else {
            engine.cut(&id);
        }
        exporter.until_lines("web", lines).await;
    }
    let page = exporter.page().await;
    assert_eq!(page.validate("web", "401"), 400.0);
    assert_eq!(page.gaps("web"), Some(0.0));
    assert_eq!(page.duplicates("web"), Some(5.0));
}

#[tokio::test]
async fn a_late_record_that_was_left_out_is_counted_behind_newer_ones() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "10m"));
    let late = |time, stream| Record::piece(time, stream, &(validate(401) + "\n"));
    engine.record(&id, late(1_000, Stream::Stdout));
    engine.record(&id, late(1_001, Stream::Stderr));
    exporter.until_lines("web", 2).await;
    engine.withhold(&id);
    engine.record(&id, late(900, Stream::Stderr));
    engine.resume(&id);
    engine.record(&id, late(1_002, Stream::Stdout));
    engine.record(&id, late(1_003, Stream::Stderr));
    engine.end_streams(&id);
    let page = exporter.until_lines("web", 5).await;
    assert_whole(&page, "web");
}

#[tokio::test]
async fn an_old_engine_hides_what_seems_to_be_older_and_it_is_found() {
    let engine = FakeEngine::start();
    engine.filter_every_record();
    let exporter = Exporter::of(&engine).await;
    let id = engine.run("web");
    engine.record(&id, at(HOUR, 401));
    exporter.until_lines("web", 1).await;
    // Opened with a time, a stream of such an engine never shows what is older.
    engine.end_streams(&id);
    engine.record(&id, at(HOUR + 1, 401));
    exporter.until_lines("web", 2).await;
    engine.until_followed(&id).await;
    engine.records(&id, (1..=100).map(|time| at(time, 401)));
    engine.end_streams(&id);
    let page = exporter.until_lines("web", 102).await;
    assert_whole(&page, "web");
}

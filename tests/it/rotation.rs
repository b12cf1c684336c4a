//! Logs that rotate while they are followed: what the engine leaves out or sends twice is counted
//! once.

use crate::support::engine::{Container, FakeEngine};
use crate::support::exporter::{Exporter, Page};
use crate::support::records::{Record, validate};

fn is_whole(page: &Page) {
    assert_eq!(page.duplicates("web"), Some(0.0));
    assert_eq!(page.gaps("web"), Some(0.0));
}

/// A log that goes on after three requests behind a hole of fifty.
async fn with_a_hole(engine: &FakeEngine, exporter: &Exporter) -> String {
    let id = engine.create(Container::rotating("web", "10m"));
    engine.print_requests(&id, 200, 3);
    exporter.until_lines("web", 3).await;
    engine.hide_requests(&id, 401, 50);
    id
}

#[tokio::test]
async fn a_hole_is_filled_as_soon_as_half_a_file_has_been_delivered() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "4k"));
    let mut lines = 0;
    for _ in 0..5 {
        engine.print_requests(&id, 200, 3);
        engine.hide_requests(&id, 401, 20);
        // More than 2 KiB.
        engine.print_requests(&id, 403, 30);
        lines += 53;
        exporter.until_lines("web", lines).await;
    }
    let page = exporter.page().await;
    assert_eq!(page.codes(), [15.0, 100.0, 150.0]);
    assert_eq!(page.reconnects("web"), Some(0.0));
    is_whole(&page);
}

#[tokio::test]
async fn a_hole_before_the_end_of_a_stream_is_filled_whether_the_log_can_rotate_or_not() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for container in [
        Container::rotating("rotating", "10m"),
        Container::running("plain"),
    ] {
        let name = container.name.clone();
        let id = engine.create(container);
        engine.print_requests(&id, 200, 3);
        exporter.until_lines(&name, 3).await;
        engine.hide_requests(&id, 401, 50);
        engine.end_streams(&id);
        exporter.until_lines(&name, 53).await;
        engine.hide_requests(&id, 401, 50);
        engine.cut(&id);
        let page = exporter.until_lines(&name, 103).await;
        assert_eq!(page.validate(&name, "401"), 100.0);
        assert_eq!(page.gaps(&name), Some(0.0));
    }
}

#[tokio::test]
async fn a_hole_with_more_before_the_end_of_the_stream_is_filled() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = with_a_hole(&engine, &exporter).await;
    // The stream goes on behind the hole, so that its last position says nothing about it.
    engine.print_requests(&id, 403, 5);
    engine.end_streams(&id);
    let page = exporter.until_lines("web", 58).await;
    assert_eq!(page.codes(), [3.0, 50.0, 5.0]);
    is_whole(&page);
}

#[tokio::test]
async fn a_repetition_in_a_stream_shows_the_hole_before_it() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = with_a_hole(&engine, &exporter).await;
    engine.print_requests(&id, 403, 5);
    engine.deliver_again(&id, 4);
    let page = exporter.until_lines("web", 58).await;
    assert_eq!(page.codes(), [3.0, 50.0, 5.0]);
    assert_eq!(page.duplicates("web"), Some(4.0));
    assert_eq!(page.gaps("web"), Some(0.0));
    assert_eq!(engine.follows(&id), 1);
}

#[tokio::test]
async fn a_record_that_goes_back_in_time_shows_the_hole_before_it() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "10m"));
    engine.record(&id, Record::line(1_000, &validate(200)));
    exporter.until_lines("web", 1).await;
    engine.withhold(&id);
    engine.records(
        &id,
        (0..50).map(|at| Record::line(1_100 + at, &validate(401))),
    );
    engine.resume(&id);
    engine.record(&id, Record::line(1_200, &validate(403)));
    engine.record(&id, Record::line(1_050, &validate(403)));
    let page = exporter.until_lines("web", 53).await;
    assert_eq!(page.codes(), [1.0, 50.0, 2.0]);
    assert_eq!(engine.follows(&id), 1);
    is_whole(&page);
}

#[tokio::test]
async fn a_file_that_is_sent_again_and_again_in_one_stream_is_counted_once() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "4k"));
    let mut repeated = 0.0;
    engine.until_followed(&id).await;
    for round in 1..=20 {
        engine.print_requests(&id, 200, 10);
        engine.deliver_again(&id, 10);
        engine.deliver_again(&id, 1);
        repeated += 11.0;
        exporter.until_lines("web", 10 * round).await;
    }
    let is_wanted = |page: &Page| page.duplicates("web") == Some(repeated);
    let page = exporter.until("all repetitions", is_wanted).await;
    assert_eq!(page.codes(), [200.0, 0.0, 0.0]);
    assert_eq!(page.gaps("web"), Some(0.0));
}

#[tokio::test]
async fn what_was_filled_in_and_comes_late_is_not_counted_again() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "10m"));
    engine.print_requests(&id, 200, 3);
    engine.until_followed(&id).await;
    exporter.until_lines("web", 3).await;
    engine.hide_requests(&id, 401, 20);
    engine.print_requests(&id, 403, 2);
    engine.deliver_again(&id, 1);
    exporter.until_lines("web", 25).await;
    // Now the stream brings what it had left out.
    engine.deliver_again(&id, 22);
    engine.print_requests(&id, 200, 1);
    let page = exporter.until_lines("web", 26).await;
    assert_eq!(page.codes(), [4.0, 20.0, 2.0]);
    assert_eq!(page.gaps("web"), Some(0.0));
}

#[tokio::test]
async fn a_hole_that_is_longer_than_the_first_look_at_it_is_filled() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "10m"));
    engine.print_requests(&id, 200, 3);
    exporter.until_lines("web", 3).await;
    engine.end_streams(&id);
    exporter.until_reconnects("web", "ended", 1).await;
    engine.until_followed(&id).await;
    engine.hide_requests(&id, 401, 30_000);
    engine.print_requests(&id, 403, 5);
    engine.deliver_again(&id, 1);
    let page = exporter.until_lines("web", 30_008).await;
    assert_eq!(page.codes(), [3.0, 30_000.0, 5.0]);
    assert_eq!(page.gaps("web"), Some(0.0));
    let reads = engine.log_requests(&id);
    let reads = reads.iter().filter(|query| query.contains("follow=0"));
    // One after the end of the stream, and more than one for the hole.
    assert!(reads.count() >= 3, "{:#?}", engine.log_requests(&id));
}

#[tokio::test]
async fn a_stream_that_is_opened_too_late_for_its_tail_is_completed() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    for (name, max_size) in [("plain", None), ("rotating", Some("10m"))] {
        let mut container = Container::running(name);
        container
            .log_options
            .extend(max_size.map(|size| ("max-size", size)));
        let id = engine.create(container);
        engine.print_requests(&id, 200, 3);
        exporter.until_lines(name, 3).await;
        engine.cut(&id);
        // More than one reply of a follow begins with.
        engine.print_requests(&id, 401, 5_000);
        let page = exporter.until_lines(name, 5_003).await;
        assert_eq!(page.validate(name, "401"), 5_000.0);
        assert_eq!(page.gaps(name), Some(0.0));
        assert_eq!(page.duplicates(name), Some(0.0));
    }
}

#[tokio::test]
async fn a_hole_of_any_shape_is_filled_under_a_flood() {
    let engine = FakeEngine::start();
    let exporter = Exporter::of(&engine).await;
    let id = engine.create(Container::rotating("web", "10k"));
    let mut lines = 0;
    for round in 0..40_u32 {
        let (seen, hidden) = (round * 7 % 31, round * 13 % 400);
        engine.print_requests(&id, 200, seen);
        engine.hide_requests(&id, 401, hidden);
        lines += seen + hidden;
        if round % 5 == 4 {
            engine.cut(&id);
        }
        if round % 8 == 7 {
            engine.deliver_again(&id, seen.min(hidden) as usize);
        }
        if round % 5 == 0 {
            engine.until_followed(&id).await;
        }
    }
    engine.end_streams(&id);
    engine.print_requests(&id, 403, 1);
    let page = exporter.until_lines("web", lines + 1).await;
    assert_eq!(page.codes().iter().sum::<f64>(), f64::from(lines + 1));
    assert_eq!(page.gaps("web"), Some(0.0));
}

//! Whatever a follow leaves out, repeats or mixes, however audits are cut, and wherever the process
//! dies: every record of the log is counted once.

mod bytes;
mod scene;
mod truth;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use scene::{Print, Scene, Step, World, written};
use truth::{events, truth};

/// `is_plain`: the clock is never set, and each line has its newline.
fn print(is_plain: bool) -> impl Strategy<Value = Print> {
    let pause = prop_oneof![Just(0), 0..50_u32, 0..900_u32, Just(5_000)];
    let pieces = prop_oneof![4 => Just(0_u8), 1 => 1..4_u8];
    let newline = prop_oneof![9 => Just(true), 1 => Just(false)];
    let set = prop_oneof![60 => Just(0), 1 => -90..0_i64, 1 => 0..90_i64];
    let text = prop_oneof![2 => Just(0_u8), 1 => 1..7_u8];
    let line = (pieces, newline, text);
    (any::<bool>(), pause, 0..168_u32, set, line).prop_map(
        move |(is_stderr, pause, late, set, (pieces, has_newline, text))| Print {
            is_stderr,
            pause,
            late,
            set: if is_plain { 0 } else { set },
            pieces,
            has_newline: has_newline || is_plain,
            text,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..20_u8).prop_map(Step::Write),
        6 => (1..20_u8).prop_map(Step::Deliver),
        1 => (1..10_u8).prop_map(Step::Skip),
        1 => (1..10_u8).prop_map(Step::Repeat),
        1 => Just(Step::Reconnect),
        3 => (1..40_u8).prop_map(Step::Audit),
        1 => Just(Step::Save),
        1 => Just(Step::Kill),
    ]
}

fn world() -> impl Strategy<Value = World> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(can_rotate, is_coarse, filters_each)| {
            World {
                // A follow of Podman or journald leaves nothing out.
                can_rotate: can_rotate && !is_coarse,
                is_coarse,
                filters_each,
            }
        },
    )
}

proptest! {
    // The same cases in each run; `PROPTEST_CASES` asks for more.
    #![proptest_config(ProptestConfig {
        cases: 4 * ProptestConfig::default().cases,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_record_is_counted_once(
        world in world(),
        prints in prop_oneof![vec(print(false), 1..150), vec(print(true), 1..150)],
        steps in vec(step(), 1..60),
    ) {
        let records = written(&prints, world);
        let truth = truth(&records, world);
        let mut scene = Scene::new(world, records);
        let mut lines = 0;
        for step in &steps {
            scene.step(step);
            let (now, ..) = scene.counted();
            prop_assert!(now >= lines || matches!(step, Step::Kill), "goes back");
            lines = now;
        }
        scene.step(&Step::Write(u8::MAX));
        scene.step(&Step::Write(u8::MAX));
        scene.end();
        let counted = scene.counted();
        prop_assert_eq!((counted.0, counted.2), (truth.0, truth.2), "lines and bytes");
        prop_assert_eq!(scene.intake.tally().gaps, 0);
        // A line whose pieces could not be placed because the clock was set back may be read by its
        // end only.
        if prints.iter().all(|print| print.set == 0) {
            prop_assert_eq!(counted.1, truth.1, "requests");
        }
        // Without a newline a line is complete when something else shows that it is; and where the clock is
        // coarse, pieces of two lines of one second can be taken for each other.
        let is_clear = |print: &Print| {
            print.set == 0 && print.has_newline && (print.pieces == 0 || !world.is_coarse)
        };
        if prints.iter().all(is_clear) {
            prop_assert_eq!(scene.events(), events(&scene.log), "events");
        }
    }
}

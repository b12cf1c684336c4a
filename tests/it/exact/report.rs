//! The table of results, `target/exact.md`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::ops::AddAssign;
use std::path::Path;
use std::sync::Mutex;

use super::is_full;

/// What may stand in the table, in this order.
const CASES: [&str; 20] = [
    "flat out into `max-size=1m,max-file=50`",
    "the same, two streams at once",
    "the same, our reading slowed to 1 MB/s",
    "`local` driver, compressed rotation",
    "lines of 40 and 60 KB (pieces, some equal) among short ones, rotation",
    "bursts into `max-size=10k,max-file=3`",
    "`kill -9` of authtail at random moments, 5,000 lines/s, scraped every 200 ms",
    "stop, start, kill, restart",
    "crash loop",
    "`rm -f` at work",
    "a burst, then `--rm`",
    "recreated by Compose",
    "renamed at work",
    "socket proxy that cuts every stream after 2 s",
    "the same, the log rotates",
    "engine restarted",
    "engine restarted, live-restore",
    "`truncate -s0` on the live log",
    "authtail down under load, then a backlog",
    "many containers, 100 lines/s each",
];

/// The result of a case.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Lines printed.
    pub lines: f64,
    pub lost: f64,
    pub duplicated: f64,
    pub gaps: f64,
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.gaps += other.gaps;
    }
}

/// Adds a row.
pub fn row(case: &str, outcome: Outcome) {
    static ROWS: Mutex<BTreeMap<usize, Outcome>> = Mutex::new(BTreeMap::new());
    let place = CASES.iter().position(|known| *known == case);
    let mut rows = ROWS.lock().unwrap();
    rows.insert(place.unwrap_or_else(|| panic!("{case}")), outcome);
    let mut table = "| case | lines | lost | duplicated | gaps |\n".to_owned();
    table.push_str("| --- | ---: | ---: | ---: | ---: |\n");
    for (place, outcome) in rows.iter() {
        let Outcome {
            lines,
            lost,
            duplicated,
            gaps,
        } = outcome;
        let case = CASES[*place];
        writeln!(
            table,
            "| {case} | {lines} | {lost} | {duplicated} | {gaps} |"
        )
        .unwrap();
    }
    if is_full() {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        fs::write(target.join("exact.md"), table).unwrap();
    }
}

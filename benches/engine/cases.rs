//! What is measured.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::exporter::Exporter;
use crate::plain::follow;
use crate::stand::{Container, Stand};
use crate::table::{Bound, Table};

pub(crate) type Case = fn(&Stand) -> Table;

pub(crate) const ALL: [(&str, Case); 4] = [
    ("live", live),
    ("backlog", backlog),
    ("rotation", rotation),
    ("idle", idle),
];

/// Lines of a flood, with the last one.
const LINES: u32 = 1_000_001;
const READERS: &[&str] = &["nobody", "plain follow", "authtail"];

/// A flood has one kind of reader, or none.
#[derive(Clone, Copy)]
enum Reader<'a> {
    Nobody,
    Plain,
    Authtail(&'a Exporter),
}

/// What a flood has taken, in seconds.
#[derive(Clone, Copy, Default)]
struct Cost {
    lines: u32,
    time: f64,
    engine: f64,
    reader: f64,
}

/// Reads a log while it is printed. The engine may still be at work with it when the last line has come:
/// so long its CPU goes on to be counted.
fn read<'a>(
    stand: &Stand,
    flood: impl FnOnce() -> Container<'a>,
    reader: Reader<'_>,
    after: u64,
) -> Cost {
    let own = |reader: Reader<'_>| match reader {
        Reader::Authtail(exporter) => exporter.process.cpu(),
        Reader::Nobody | Reader::Plain => 0.0,
    };
    let (began, engine, used) = (Instant::now(), stand.engine.process.cpu(), own(reader));
    let container = flood();
    let (read, end) = match reader {
        Reader::Nobody => {
            container.until_printed();
            (0, Instant::now())
        }
        Reader::Plain => follow(&stand.engine, &container),
        Reader::Authtail(exporter) => {
            exporter.until_last(&container);
            (0, Instant::now())
        }
    };
    sleep(Duration::from_secs(after));
    let lines = match reader {
        Reader::Nobody | Reader::Plain => read,
        Reader::Authtail(exporter) => exporter.lines(&container),
    };
    Cost {
        lines,
        time: end.duration_since(began).as_secs_f64(),
        engine: stand.engine.process.cpu() - engine,
        reader: own(reader) - used,
    }
}

/// Microseconds of CPU a line.
fn each(seconds: f64, lines: u32) -> f64 {
    1e6 * seconds / f64::from(lines)
}

fn rate(cost: Cost) -> Option<f64> {
    (cost.lines > 0).then(|| f64::from(cost.lines) / cost.time)
}

/// The rows that are the same for every flood. The reading is what the engine uses more than without a
/// reader.
fn rows(table: &mut Table, lines: u32, [nobody, plain, authtail]: [Cost; 3]) {
    let count = |cost: Cost| Some(f64::from(cost.lines));
    let exact = Bound::AtLeast(f64::from(lines));
    table.row(
        "lines read",
        0,
        &[None, count(plain), count(authtail)],
        exact,
    );
    let too_many = authtail.lines.saturating_sub(lines);
    let too_many = [None, None, Some(f64::from(too_many))];
    table.row("lines too many", 0, &too_many, Bound::AtMost(0.0));
    let times = [nobody, plain, authtail].map(|cost| Some(cost.time));
    table.row("seconds", 1, &times, Bound::None);
    let rates = [None, rate(plain), rate(authtail)];
    table.row("lines a second", 0, &rates, Bound::None);
    let engine = [nobody, plain, authtail].map(|cost| Some(each(cost.engine, lines)));
    table.row("engine, µs of CPU a line", 2, &engine, Bound::None);
    let reading = [plain, authtail].map(|cost| cost.engine - nobody.engine);
    let cells = [
        None,
        Some(each(reading[0], lines)),
        Some(each(reading[1], lines)),
    ];
    table.row("… of it for the reading", 2, &cells, Bound::None);
    let ratio = [None, None, Some(reading[1] / reading[0])];
    table.row("… in plain follows", 2, &ratio, Bound::AtMost(2.5));
    let own = [None, None, Some(each(authtail.reader, lines))];
    table.row("authtail, µs of CPU a line", 2, &own, Bound::None);
    let share = |engine: f64| [None, None, Some(authtail.reader / engine)];
    let third = Bound::Below(1.0 / 3.0);
    table.row("… in CPU of the engine", 2, &share(authtail.engine), third);
    let of_reading = share(reading[1]);
    table.row("… in CPU of its reading", 2, &of_reading, Bound::None);
}

fn live(stand: &Stand) -> Table {
    let title = format!(
        "{} lines flat out, no rotation, read while they are printed",
        LINES - 1
    );
    let mut table = Table::new(title, READERS);
    let flood = |what| move || stand.flood(what, &[], LINES - 1, 0);
    let nobody = read(stand, flood("nobody"), Reader::Nobody, 1);
    let plain = read(stand, flood("plain"), Reader::Plain, 1);
    let exporter = Exporter::start(stand, "live");
    let authtail = read(stand, flood("live"), Reader::Authtail(&exporter), 1);
    rows(&mut table, LINES, [nobody, plain, authtail]);
    memory(&mut table, &exporter);
    table
}

fn memory(table: &mut Table, exporter: &Exporter) {
    let peak = [None, None, Some(exporter.process.peak_memory())];
    table.row("authtail, MiB at most", 1, &peak, Bound::Below(40.0));
}

/// The whole log is there before anybody reads it: authtail was down.
fn backlog(stand: &Stand) -> Table {
    let title = format!("{} lines printed while authtail was down", LINES - 1);
    let mut table = Table::new(title, READERS);
    Exporter::start(stand, "backlog.state").stop();
    let container = stand.flood("backlog", &[], LINES - 1, 0);
    container.until_printed();
    sleep(Duration::from_secs(1));

    let (began, engine) = (Instant::now(), stand.engine.process.cpu());
    let (lines, end) = follow(&stand.engine, &container);
    let plain = Cost {
        lines,
        time: end.duration_since(began).as_secs_f64(),
        engine: stand.engine.process.cpu() - engine,
        reader: 0.0,
    };

    let (began, engine) = (Instant::now(), stand.engine.process.cpu());
    let exporter = Exporter::start(stand, "backlog.state");
    exporter.until_ready();
    let end = Instant::now();
    let used = (stand.engine.process.cpu() - engine, exporter.process.cpu());
    exporter.until_last(&container);
    let authtail = Cost {
        lines: exporter.lines(&container),
        time: end.duration_since(began).as_secs_f64(),
        engine: used.0,
        reader: used.1,
    };
    rows(&mut table, LINES, [Cost::default(), plain, authtail]);
    let pace = [None, None, Some(plain.time / authtail.time)];
    table.row(
        "… in the plain reader's speed",
        2,
        &pace,
        Bound::AtLeast(0.9),
    );
    memory(&mut table, &exporter);
    table
}

/// Long enough for several audits of a log that can rotate; one may come after the last line.
fn rotation(stand: &Stand) -> Table {
    const RATE: u32 = 20_000;
    const COUNT: u32 = 30 * RATE;
    const AUDIT: u64 = 11;
    let title = format!("{COUNT} lines, {RATE} a second, max-size=10m, max-file=50");
    let mut table = Table::new(title, READERS);
    let options = ["--log-opt", "max-size=10m", "--log-opt", "max-file=50"];
    let flood = |what| move || stand.flood(what, &options, COUNT, RATE);
    let nobody = read(stand, flood("rotation-nobody"), Reader::Nobody, AUDIT);
    let plain = read(stand, flood("rotation-plain"), Reader::Plain, AUDIT);
    let exporter = Exporter::start(stand, "rotation");
    let authtail = read(stand, flood("rotation"), Reader::Authtail(&exporter), AUDIT);
    rows(&mut table, COUNT + 1, [nobody, plain, authtail]);
    table
}

/// A minute of a hundred containers that are silent, with a page every 15 s.
fn idle(stand: &Stand) -> Table {
    const CONTAINERS: u32 = 100;
    const PAGES: u32 = 4;
    const PAGE: Duration = Duration::from_secs(15);
    let mut table = Table::new(
        format!("{CONTAINERS} silent containers for a minute"),
        &["without", "with authtail"],
    );
    let name = |index| format!("idle-{index}");
    let containers = (0..CONTAINERS).map(|index| stand.flood(&name(index), &[], 1, 0));
    let _containers: Vec<_> = containers.collect();
    let percent = |used: f64| Some(100.0 * used / (PAGE * PAGES).as_secs_f64());

    sleep(PAGE);
    let before = stand.engine.process.cpu();
    sleep(PAGE * PAGES);
    let without = stand.engine.process.cpu() - before;

    let exporter = Exporter::start(stand, "idle");
    exporter.until_ready();
    sleep(PAGE);
    let (before, own) = (stand.engine.process.cpu(), exporter.process.cpu());
    for _ in 0..PAGES {
        sleep(PAGE);
        exporter.get("/metrics");
    }
    let with = stand.engine.process.cpu() - before;
    let own = exporter.process.cpu() - own;
    table.row(
        "engine, % of a core",
        2,
        &[percent(without), percent(with)],
        Bound::None,
    );
    let more = [None, percent(with - without)];
    table.row("… more than without", 2, &more, Bound::Below(2.0));
    table.row(
        "authtail, % of a core",
        2,
        &[None, percent(own)],
        Bound::Below(1.0),
    );
    table
}

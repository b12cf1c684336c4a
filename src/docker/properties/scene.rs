//! A log, an engine that shows it badly, and an intake that reads it.

use std::sync::Arc;
use std::time::Duration;

use crate::docker::Progress;
use crate::docker::cursor::{Audited, Extent, Via};
use crate::docker::frames::{Item, Record, Stream};
use crate::docker::intake::{Intake, Kind};
use crate::docker::timestamp::Timestamp;
use crate::route::Routes;
use crate::tally::RouteTally;

const LINE: &str = r#"INFO:     172.26.0.3:37290 - "GET /api/v1/auth/validate?page=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx HTTP/1.1" "#;

/// Lines that are no requests: refusals of two lines, an exception, and what means nothing.
const TEXTS: [&str; 6] = [
    "ERROR: Token verification error: timed out",
    "WARNING: REJECTED - Token validation failed",
    "ERROR: Error during token validation",
    "Traceback (most recent call last):",
    "asyncpg.exceptions.TooManyConnectionsError: x",
    "xxxxxxxxxxxx",
];

/// One record of the true log.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) stream: Stream,
    pub(super) time: Timestamp,
    pub(super) bytes: Vec<u8>,
}

/// A line to be written.
#[derive(Clone, Debug)]
pub(super) struct Print {
    pub(super) is_stderr: bool,
    /// Milliseconds after the line before it; its stamp may be older than that of the other stream.
    pub(super) pause: u32,
    pub(super) late: u32,
    /// Seconds by which the clock is set before.
    pub(super) set: i64,
    /// Where it is cut into pieces.
    pub(super) pieces: u8,
    pub(super) has_newline: bool,
    /// Which of [`TEXTS`] it is, or a request.
    pub(super) text: u8,
}

/// What happens next.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Write(u8),
    Deliver(u8),
    Skip(u8),
    Repeat(u8),
    Reconnect,
    Audit(u8),
    Save,
    Kill,
}

/// What a log is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct World {
    pub(super) can_rotate: bool,
    /// Podman or journald: whole seconds, and equal lines are different lines.
    pub(super) is_coarse: bool,
    /// Docker up to 23: `since` leaves out every older record, not only those before the first.
    pub(super) filters_each: bool,
}

/// An audit under way, with the part of the log that it has asked for.
struct Auditing {
    records: Vec<Written>,
    next: usize,
    size: Option<u32>,
}

pub(super) struct Scene {
    world: World,
    pub(super) intake: Intake,
    pub(super) log: Vec<Written>,
    /// Records that are still to be written.
    future: Vec<Written>,
    /// What the follow will deliver next; `None` if there is none.
    follow: Option<usize>,
    audit: Option<Auditing>,
    saved: Vec<u8>,
}

fn time(nanos: i64) -> Timestamp {
    let seconds = 1_795_287_600 + nanos / 1_000_000_000;
    let rest = nanos % 1_000_000_000;
    let base = Timestamp::parse(b"1970-01-01T00:00:00Z").unwrap();
    base.later(Duration::new(
        seconds.unsigned_abs(),
        u32::try_from(rest).unwrap(),
    ))
}

/// The records of these lines, in the order of the file.
pub(super) fn written(prints: &[Print], world: World) -> Vec<Written> {
    let mut clock = 1_000_000_000_000_i64;
    let mut records = Vec::new();
    let mut newest = [0_i64; 2];
    for (number, print) in prints.iter().enumerate() {
        clock += i64::from(print.pause) * 1_000_000 + 1;
        if print.set != 0 && world.can_set() {
            clock += print.set * 1_000_000_000;
            newest = [0; 2];
        }
        let stream = usize::from(print.is_stderr);
        let mut at = (clock - i64::from(print.late) * 1_000_000).max(newest[stream] + 1);
        newest[stream] = at;
        if world.is_coarse {
            at = clock / 1_000_000_000 * 1_000_000_000;
        }
        let code = [200, 401, 403, 500][number % 4];
        let text = match TEXTS.get(usize::from(print.text).wrapping_sub(1)) {
            Some(text) => (*text).to_owned(),
            None => format!("{LINE}{code} X"),
        };
        let ending = if print.has_newline || world.is_coarse {
            "\n"
        } else {
            ""
        };
        let text = text + ending;
        let length = text.len().div_ceil(usize::from(print.pieces) + 1);
        records.extend(text.as_bytes().chunks(length).map(|bytes| Written {
            stream: [Stream::Stdout, Stream::Stderr][stream],
            time: time(at),
            bytes: bytes.to_vec(),
        }));
    }
    records
}

impl World {
    /// Where the clock is coarse, equal lines of a second that comes twice cannot be told apart, and
    /// a filter for each record hides what is below the time of a long audit.
    fn can_set(self) -> bool {
        !self.is_coarse && !self.filters_each
    }
}

impl Scene {
    pub(super) fn new(world: World, future: Vec<Written>) -> Self {
        let intake = Self::begin(world, None);
        let mut scene = Self {
            world,
            saved: postcard::to_stdvec(&intake.progress).unwrap(),
            intake,
            log: Vec::new(),
            future,
            follow: None,
            audit: None,
        };
        scene.reconnect();
        scene
    }

    fn begin(world: World, saved: Option<&[u8]>) -> Intake {
        let kind = Kind {
            driver: "json-file",
            is_podman: world.is_coarse,
            can_rotate: world.can_rotate,
        };
        let progress = saved.map(|bytes| postcard::from_bytes(bytes).unwrap());
        Intake::new(None, Arc::new(Routes::default()), kind, progress)
    }

    pub(super) fn counted(&self) -> (u64, u64, u64) {
        let tally = self.intake.tally();
        let requests = tally.routes().map(RouteTally::total).sum();
        (tally.lines, requests, tally.bytes)
    }

    /// What is counted of refusals and notices.
    pub(super) fn events(&self) -> Vec<(&'static str, u64)> {
        let tally = self.intake.tally();
        tally
            .denials()
            .chain(tally.notices())
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    pub(super) fn step(&mut self, step: &Step) {
        match *step {
            Step::Write(count) => {
                let count = usize::from(count).min(self.future.len());
                self.log.extend(self.future.drain(..count));
            }
            Step::Deliver(count) => self.deliver(usize::from(count)),
            Step::Skip(count) if self.world.can_rotate => {
                if let Some(next) = &mut self.follow {
                    *next = (*next + usize::from(count)).min(self.log.len());
                }
            }
            Step::Repeat(count) if self.world.can_rotate => {
                if let Some(next) = &mut self.follow {
                    *next = next.saturating_sub(usize::from(count));
                }
            }
            Step::Skip(_) | Step::Repeat(_) => {}
            Step::Reconnect => self.reconnect(),
            Step::Audit(count) => self.audit(usize::from(count)),
            Step::Save => self.saved = postcard::to_stdvec(&self.intake.progress).unwrap(),
            Step::Kill => {
                let served = postcard::from_bytes::<Progress>(&self.saved).unwrap();
                self.intake = Self::begin(self.world, Some(&self.saved));
                assert_eq!(self.intake.tally().lines, served.tally.lines);
                self.audit = None;
                self.audit_whole();
                self.reconnect();
            }
        }
    }

    /// Opens a new follow; the engine begins where it is asked to.
    fn reconnect(&mut self) {
        let extent = self.intake.begin_follow();
        self.follow = Some(self.log.len() - self.select(extent).len());
        // With a filter for each record the begin is the same, as nothing is out of order by more
        // than the overlap.
    }

    fn deliver(&mut self, count: usize) {
        let Some(next) = self.follow else { return };
        let end = (next + count).min(self.log.len());
        for at in next..end {
            self.intake.take(Via::Follow, self.log[at].item());
            if self.intake.progress.is_crowded() {
                self.audit_whole();
            }
        }
        self.follow = Some(end);
    }

    fn select(&self, extent: Extent) -> &[Written] {
        let begin = match extent {
            Extent::Whole(None) => 0,
            Extent::Tail(count) => self.log.len().saturating_sub(count as usize),
            Extent::Whole(Some(since)) => self
                .log
                .iter()
                .position(|written| written.time >= since)
                .unwrap_or(self.log.len()),
        };
        &self.log[begin..]
    }

    /// Takes so many records of an audit, as the reader does.
    fn audit(&mut self, count: usize) {
        if self.audit.is_none() {
            let size = self.intake.audit_size();
            self.begin_audit(size);
        }
        for _ in 0..count {
            let Some(auditing) = &mut self.audit else {
                return;
            };
            if let Some(written) = auditing.records.get(auditing.next) {
                auditing.next += 1;
                self.intake.take(Via::Audit, written.item());
                if !self.intake.cursor().is_audit_short() {
                    continue;
                }
            }
            let size = auditing.size;
            self.audit = None;
            if self.intake.end_audit() == Audited::Short {
                self.begin_audit(size.map(|size| size.saturating_mul(8)));
            }
        }
    }

    fn begin_audit(&mut self, size: Option<u32>) {
        let extent = match size {
            Some(size) if size <= 100 => Extent::Tail(size),
            _ => self.intake.cursor().whole(),
        };
        self.intake.begin_audit(extent);
        let mut records = self.select(extent).to_vec();
        if let (Extent::Whole(Some(since)), true) = (extent, self.world.filters_each) {
            records.retain(|written| written.time >= since);
        }
        self.audit = Some(Auditing {
            records,
            next: 0,
            size,
        });
    }

    fn audit_whole(&mut self) {
        self.audit(1);
        while self.audit.is_some() {
            self.audit(1000);
        }
    }

    /// Everything is written and delivered, and what is in doubt is looked at.
    pub(super) fn end(&mut self) {
        self.step(&Step::Write(u8::MAX));
        self.deliver(usize::MAX / 2);
        if self.audit.is_some() {
            self.audit_whole();
        }
        if self.world.can_rotate || self.intake.cursor().is_in_doubt() {
            self.audit_whole();
        }
        self.intake.flush();
    }
}

impl Written {
    fn item(&self) -> Item<'_> {
        Item::Record(Record {
            stream: self.stream,
            timestamp: self.time,
            bytes: &self.bytes,
        })
    }
}

//! What an intake that has seen all of a log, once and in its order, would count.

use super::scene::{World, Written};
use crate::docker::frames::{PerStream, Stream};
use crate::events::{Events, Said};
use crate::parse::Parser;
use crate::tally::Tally;

/// How many lines, requests and bytes there are.
pub(super) fn truth(records: &[Written], world: World) -> (u64, u64, u64) {
    let mut lines = 0;
    let mut requests = 0;
    for stream in [Stream::Stdout, Stream::Stderr] {
        let mut text = Vec::new();
        let mut at = None;
        let mut end = |text: &mut Vec<u8>| {
            lines += u64::from(!text.is_empty());
            requests += u64::from(text.starts_with(b"INFO"));
            text.clear();
        };
        for record in records.iter().filter(|record| record.stream == stream) {
            if at != Some(record.time) && !world.is_coarse {
                end(&mut text);
            }
            at = Some(record.time);
            text.extend(&record.bytes);
            if text.ends_with(b"\n") {
                end(&mut text);
            }
        }
        end(&mut text);
    }
    let bytes = records.iter().map(|record| record.bytes.len() as u64).sum();
    (lines, requests, bytes)
}

/// The refusals and notices in a log whose lines all end with a newline.
pub(super) fn events(records: &[Written]) -> Vec<(&'static str, u64)> {
    let (mut events, mut parser) = (Events::default(), Parser::new(None));
    let mut tally = Tally::new(["validate"]);
    let mut texts: PerStream<Vec<u8>> = PerStream::default();
    for record in records {
        let (stream, time) = (record.stream, Some(record.time));
        let text = texts.of_mut(stream);
        text.extend(&record.bytes);
        if text.ends_with(b"\n") {
            let (_, sign) = parser.examine(text);
            let said = Said { stream, time, sign };
            events.take(said, |event| tally.event(event, time));
            text.clear();
        }
    }
    events.close(|event| tally.event(event, None));
    let denials = tally.denials().chain(tally.notices());
    denials.filter(|(_, count)| *count > 0).collect()
}

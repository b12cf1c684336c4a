//! What the fuzz targets call: the readers of bytes that come from outside.

use crate::docker::frames::Stream;
use crate::docker::frames::{Decoder, FrameError, Item, Layout};
use crate::events::{Event, Events, Said};
use crate::fleet::Saved;
use crate::parse::{Parser, Reading};
use crate::state;

/// Reads the body of a log, in both layouts: however its bytes arrive, the records are the same.
pub fn frames(data: &[u8]) {
    let (cut, body) = data
        .split_first()
        .map_or((1, data), |(&cut, body)| (cut, body));
    for layout in [Layout::Multiplexed, Layout::Raw] {
        let whole = decode(layout, body, body.len());
        let in_pieces = decode(layout, body, usize::from(cut));
        assert_eq!(whole, in_pieces, "{layout:?}");
    }
}

/// Reads the lines of a service, each alone and then for what they say together: never more refusals than
/// lines that say so.
pub fn signs(data: &[u8]) {
    let (mut parser, mut events) = (Parser::new(None), Events::default());
    let (mut denials, mut refusals) = (0, 0);
    let mut count = |event| refusals += u64::from(matches!(event, Event::Refused(_)));
    for line in data.split(|&byte| byte == b'\n') {
        let (reading, sign) = parser.examine(line);
        denials += u64::from(matches!(reading, Reading::Denial(_)));
        let said = Said {
            stream: Stream::Stdout,
            time: None,
            sign,
        };
        events.take(said, &mut count);
    }
    events.close(&mut count);
    assert!(refusals <= denials, "{refusals} of {denials}");
    assert!((denials == 0) == (refusals == 0), "{refusals} of {denials}");
}

/// Reads a state file and what would be inside of it.
pub fn state(data: &[u8]) {
    if let Ok((_, contents)) = state::parse(data) {
        drop(Saved::read(contents));
    }
    drop(Saved::read(data));
}

/// The text of each record of a body that arrives in chunks of this size, and how it ended.
fn decode(layout: Layout, body: &[u8], chunk: usize) -> (Vec<String>, Result<(), FrameError>) {
    let mut decoder = Decoder::new(layout);
    let mut items = Vec::new();
    let mut read = || {
        for bytes in body.chunks(chunk.max(1)) {
            decoder.push(bytes);
            while let Some(item) = decoder.next()? {
                items.push(text(item));
            }
        }
        items.extend(decoder.end()?.map(text));
        Ok(())
    };
    let result = read();
    (items, result)
}

fn text(item: Item<'_>) -> String {
    format!("{item:?}")
}

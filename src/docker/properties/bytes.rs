//! However the bytes of a log arrive, the records are the same.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::docker::frames::{Decoder, FrameError, Layout};

/// What a decoder makes of a body that arrives in these parts.
fn decode<'a>(
    layout: Layout,
    parts: impl Iterator<Item = &'a [u8]>,
) -> (Vec<String>, Result<(), FrameError>) {
    let mut decoder = Decoder::new(layout);
    let mut items = Vec::new();
    let read = || {
        for part in parts {
            decoder.push(part);
            while let Some(item) = decoder.next()? {
                items.push(format!("{item:?}"));
            }
        }
        items.extend(decoder.end()?.map(|item| format!("{item:?}")));
        Ok(())
    };
    let result = read();
    (items, result)
}

fn framed(records: &[(bool, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (is_stderr, text) in records {
        let payload = [b"2026-11-21T19:14:53.991859727Z ", &text[..]].concat();
        body.extend([1 + u8::from(*is_stderr), 0, 0, 0]);
        body.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        body.extend(payload);
    }
    body
}

/// The text of a terminal, some lines of it longer than a piece.
fn raw(records: &[(bool, Vec<u8>)]) -> Vec<u8> {
    let lines = records.iter().map(|(is_long, text)| {
        let fill = if *is_long { 40_000 } else { 0 };
        let time = b"2026-11-21T19:14:53.991859727Z ";
        let text = [&vec![b'x'; fill][..], text].concat();
        let pieces = text
            .chunks(16 * 1024)
            .map(|piece| [&time[..], piece].concat());
        [pieces.collect::<Vec<_>>().concat(), b"\r\n".to_vec()].concat()
    });
    lines.collect::<Vec<_>>().concat()
}

proptest! {
    #[test]
    fn however_a_body_is_cut_its_records_are_the_same(
        records in vec((any::<bool>(), vec(any::<u8>(), 0..60)), 0..12),
        rest in vec(any::<u8>(), 0..12),
        sizes in vec(prop_oneof![1..9_usize, 1..9_000_usize], 1..9),
    ) {
        for (layout, body) in [(Layout::Multiplexed, framed(&records)), (Layout::Raw, raw(&records))] {
            let body = [body, rest.clone()].concat();
            let mut left = &body[..];
            let parts = sizes.iter().cycle().map_while(|size| {
                let (part, after) = left.split_at((*size).min(left.len()));
                left = after;
                (!part.is_empty()).then_some(part)
            });
            let in_parts = decode(layout, parts);
            prop_assert_eq!(in_parts, decode(layout, std::iter::once(&body[..])));
        }
    }
}

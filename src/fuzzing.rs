//! What the fuzz targets call: the readers of bytes that come from outside.

use crate::docker::frames::{Decoder, FrameError, Item, Layout, Stream};
use crate::events::{Event, Events, Said};
use crate::fleet::Saved;
use crate::parse::envelope::Envelopes;
use crate::parse::{Format, Parser, Reading};
use crate::route::{ForwardAuth, Routes};
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

/// Opens lines that come in any envelope or in none: nothing comes out that did not go in, and where each line
/// can be opened without those before it, it is the same. In Docker's own file a line comes out as it went in.
pub fn envelopes(data: &[u8]) {
    let (mut any, mut file) = (Envelopes::default(), Envelopes::default());
    let mut stateless: Option<Envelopes> = None;
    for line in data.split(|&byte| byte == b'\n') {
        let alone = stateless.clone();
        let opened = any.open(line);
        if let Some(mut alone) = alone {
            assert_eq!(alone.open(line), opened);
        }
        assert!(opened.is_none_or(|opened| opened.line.len() <= 4 * data.len()));
        if stateless.is_none() && any.is_stateless() {
            stateless = Some(any.clone());
        }

        let text = String::from_utf8_lossy(line);
        let time = "2026-11-22T10:00:00.000000001Z";
        let record =
            serde_json::json!({ "log": format!("{text}\n"), "stream": "stdout", "time": time });
        let record = record.to_string();
        let opened = file.open(record.as_bytes()).expect("it is whole");
        assert_eq!(opened.line, text.as_bytes());
    }
}

/// Reads a state file and what would be inside of it.
pub fn state(data: &[u8]) {
    if let Ok((_, contents)) = state::parse(data) {
        drop(Saved::read(contents));
    }
    drop(Saved::read(data));
}

/// Reads lines in the formats of the combined family and of servers that write flat JSON: each line
/// is read the same whatever came before it, and has a path without a query.
pub fn clf(data: &[u8]) {
    const FORMATS: [&str; 8] = [
        "combined",
        "combined-us",
        "ingress-nginx",
        "nginx-proxy-manager",
        "nginx-json",
        "gunicorn-json",
        "tomcat-json",
        "apache-json",
    ];
    for name in FORMATS {
        let mut parser = Parser::new(Format::built_in(name));
        for line in data.split(|&byte| byte == b'\n') {
            let reading = parser.read(line);
            assert_eq!(reading, Parser::new(Format::built_in(name)).read(line));
            if let Reading::Request(request) = reading {
                assert!(!request.path.contains(&b'?'), "{request:?}");
                assert!(request.code.is_none_or(|code| code < 1000), "{request:?}");
            }
        }
    }
}

/// Reads lines in the formats of proxies: each is read the same whatever came before it, has a path
/// without a query, and counts once.
pub fn proxies(data: &[u8]) {
    const FORMATS: [&str; 10] = [
        "traefik-json",
        "traefik-clf",
        "caddy-json",
        "caddy-console",
        "envoy",
        "istio",
        "envoy-json",
        "haproxy",
        "haproxy-clf",
        "haproxy-json",
    ];
    let all = || "*".parse().expect("a wildcard is a name");
    let protected = ForwardAuth {
        routers: vec![all()],
        ..ForwardAuth::default()
    };
    let routes = Routes::default().protecting(protected);
    let routes = routes.expect("one name is not too many");
    for name in FORMATS {
        let mut parser = Parser::new(Format::built_in(name));
        for line in data.split(|&byte| byte == b'\n') {
            let reading = parser.read(line);
            assert_eq!(reading, Parser::new(Format::built_in(name)).read(line));
            if let Reading::Request(request) = reading {
                assert!(!request.path.contains(&b'?'), "{request:?}");
                assert!(request.code.is_some_and(|code| code < 1000), "{request:?}");
                let placed = routes.place(&request);
                assert!(
                    placed.is_none_or(|placed| placed.code < 1000),
                    "{request:?}"
                );
            }
        }
    }
}

/// Reads lines in a format that the first byte chooses, or in the one that is found: a parser that
/// is saved and restored before every line reads them the same.
pub fn formats(data: &[u8]) {
    let (choice, body) = data
        .split_first()
        .map_or((0, data), |(&choice, body)| (usize::from(choice), body));
    let format = choice
        .checked_sub(1)
        .and_then(|choice| Format::built_in(Format::names().nth(choice)?));
    let mut parser = Parser::new(format.clone());
    let mut saved = postcard::to_stdvec(&parser).expect("a parser can be saved");
    for line in body.split(|&byte| byte == b'\n') {
        let restored: Parser = postcard::from_bytes(&saved).expect("what was saved can be read");
        let mut restored = restored.given(format.clone());
        let (one, other) = (parser.read(line), restored.read(line));
        assert_eq!(format!("{one:?}"), format!("{other:?}"));
        saved = postcard::to_stdvec(&restored).expect("a parser can be saved");
    }
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
